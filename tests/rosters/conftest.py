"""A district that syncs with an LMS, and one that imports its roster from files: on both databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.app import open_database
from passback.domain.clock import DAY
from passback.domain.roster import District
from passback.settings import Settings
from passback.store import roster, syncs
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.testing.served import serving
from passback.testing.slate.simulator import SlateSimulator
from support.imports import OTHER, Importer
from support.postgres import DATABASES, database_of
from support.sandbox import NOW, SetClock
from support.slate import installed
from support.syncs import DISTRICT, Synced


@pytest.fixture(params=DATABASES)
def synced(request: pytest.FixtureRequest) -> Iterator[Synced]:
    simulator = SlateSimulator(SetClock())
    simulator.start()
    clock = SetClock()
    with installed(), serving(simulator) as slate, database_of(request.param, "production") as url:
        settings = Settings(data=":memory:", database_url=url)
        with contextlib.closing(open_database(settings, "production")) as database:
            found = Synced(slate, database, clock)
            found.write(_connect)
            yield found


def _connect(conn: Connection) -> None:
    district = District(DISTRICT, "Slate Unified", "slate", "initial_sync_processing", None, 0, 0, {})
    roster.insert(conn, roster.DISTRICTS, [district])
    syncs.begin(conn, DISTRICT, DAY, NOW)


@pytest.fixture
def known(synced: Synced) -> Synced:
    """The district's roster has Slate's two sections and two of its people."""
    synced.section("a1", "s1")
    synced.section("a2", "s2")
    synced.user("u1", "student-1", "a1")
    synced.user("u6", "student-6", "a2")
    return synced


@pytest.fixture(params=DATABASES)
def bring(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Importer]:
    with database_of(request.param, "production") as url, contextlib.closing(connect(url, None)) as database:
        migrate.prepare(database, "production")
        made = [District(id_, "D", "builtin", "", None, 0, 0, {}) for id_ in (DISTRICT, OTHER)]
        database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, made))
        yield Importer(database, tmp_path)
