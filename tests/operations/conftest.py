from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.app import open_database
from passback.sandbox.seed import seed
from passback.settings import Settings
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


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a gateway in production, whose data are those of the sandbox at first."""
    settings = Settings(data=str(tmp_path / "data"))
    with contextlib.closing(open_database(settings, "production")) as database:
        database.write_now(lambda conn: seed(conn, NOW))
    return settings
