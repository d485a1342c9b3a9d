"""Which connector serves a district, and what stands for one that cannot be had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from passback.lms import registry
from passback.lms.interface import NotAllowed
from passback.lms.registry import Connectors, UnknownKind
from passback.sandbox.seed import seed
from passback.store import connections
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database
from passback.store.engine.sqlite import SqliteDatabase
from passback.store.engine.vault import Vault, new_key, parse_keys
from support.sandbox import NOW

DISTRICT = "4fee004cca2e43cf28000000"


def vault() -> Vault:
    keys = parse_keys(new_key(), "KEY")
    return Vault(lambda: keys)


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(SqliteDatabase(None)) as opened:
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        yield opened


def connected(database: Database, sealing: Vault, lms_type: str, opening: Vault) -> Any:
    """What `Connectors` finds for a district whose credentials were sealed with one key and are opened with another."""

    def save(conn: Connection) -> None:
        sealed = connections.seal(sealing, DISTRICT, {"access_token": "x"})
        connections.save(
            conn, DISTRICT, address="http://127.0.0.1:1/", options={}, credentials=sealed, now=NOW
        )

    database.write_now(save)
    found: Callable[[Connection], Any] = lambda conn: Connectors(database, lambda: NOW, opening).find(  # noqa: E731
        conn, DISTRICT, lms_type
    )
    return database.read_now(found)


@pytest.mark.parametrize(("lms_type", "same_key"), [("canvas", False), ("moodlet", True)])
def test_what_cannot_be_opened_says_why_whatever_it_is_asked(
    database: Database, lms_type: str, same_key: bool
) -> None:
    key = vault()
    connector = connected(database, key, lms_type, key if same_key else vault())
    (finding,) = asyncio.run(connector.check())
    with pytest.raises(NotAllowed):
        asyncio.run(connector.read_assignment("section", "assignment"))
    assert (finding.good, connector.capabilities.kind) == (False, lms_type)


def test_a_package_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [EntryPoint("broken", "no.such.module:KIND", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda **_: broken)
    with pytest.raises(
        UnknownKind, match=r"the connector for 'broken' cannot be loaded \(no.such.module:KIND\)"
    ):
        registry.kind("broken")


def test_ours_counts_where_another_package_brings_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = EntryPoint("canvas", "passback.lms.canvas:KIND", registry.GROUP)
    theirs = EntryPoint("canvas", "no.such.module:KIND", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [theirs, ours])
    assert registry.kind("canvas").capabilities.name == "Canvas"
