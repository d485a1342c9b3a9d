from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.sandbox.seed import seed
from passback.store.engine import migrate
from passback.store.engine.database import Opened
from passback.store.engine.open import connect
from passback.store.engine.vault import KEY_BYTES, Vault
from support.sandbox import NOW


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Opened]:
    """The sandbox's database as it is at first."""
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        yield database


@pytest.fixture
def vault() -> Vault:
    return Vault(lambda: [b"k" * KEY_BYTES])
