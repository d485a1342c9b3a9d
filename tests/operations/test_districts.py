"""Renaming and deleting districts, on either database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from passback.domain.clock import HOUR
from passback.operations import districts
from passback.operations.errors import NotFound, OperationError
from passback.sandbox.seed import seed
from passback.store import assignments, deliveries, looks
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Opened
from passback.store.engine.open import connect
from support.delivery import delivery
from support.postgres import database_of
from support.sandbox import DISTRICT, NOW, SECTION


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with database_of(request.param, "sandbox") as url, contextlib.closing(connect(url, None)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        yield database


def rows(conn: Connection, district_id: str) -> dict[str, int]:
    """How many rows of each table are a district's."""
    found = {}
    for table in sorted(conn.tables()):
        if "district_id" in conn.columns(table):
            row = conn.execute(f"SELECT COUNT(*) FROM {table} WHERE district_id = :id", {"id": district_id})
            found[table] = int(row.fetchone()[0])
    return found


def all_rows(conn: Connection) -> dict[str, int]:
    return {
        table: int(conn.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
        for table in sorted(conn.tables())
    }


def fill(conn: Connection) -> None:
    """Something of the district in tables that the seed leaves empty."""
    assignments.add(conn, assignment_id="a1", section_id=SECTION, lms_id="1")
    looks.schedule(conn, SECTION, NOW)
    deliveries.add(conn, [delivery("d1"), delivery("d2", state="delivered", finished=NOW, due=None)])
    conn.execute("INSERT INTO notes (district_id, key, note) VALUES (:id, 'k', '{}')", {"id": DISTRICT})
    conn.execute(
        "INSERT INTO parties (id, failures, rests_until, allowed) VALUES (:id, 1, 0, 1)", {"id": DISTRICT}
    )


def test_a_district_goes_with_all_that_is_its_own(database: Opened) -> None:
    other = next(
        it.district.id for it in asyncio.run(districts.list_all(database)) if it.district.id != DISTRICT
    )
    database.write_now(fill)
    before, others = database.read_now(all_rows), database.read_now(lambda conn: rows(conn, other))
    with pytest.raises(OperationError, match="1 deliveries of district"):
        asyncio.run(districts.delete(database, DISTRICT))
    assert database.read_now(all_rows) == before
    went = asyncio.run(districts.delete(database, DISTRICT, even_open=True))
    assert (went.sections, went.people, went.tokens, went.assignments, went.open_deliveries) == (
        2,
        42,
        1,
        1,
        1,
    )
    assert set(database.read_now(lambda conn: rows(conn, DISTRICT)).values()) == {0}
    assert database.read_now(lambda conn: rows(conn, other)) == others
    for table in ("assignments", "assignment_looks", "gradebook_assignments", "parties"):
        assert database.read_now(lambda conn, table=table: all_rows(conn)[table]) == 0  # type: ignore[misc]
    with pytest.raises(NotFound):
        asyncio.run(districts.find(database, DISTRICT))


def test_a_district_is_renamed(database: Opened) -> None:
    asyncio.run(districts.rename(database, DISTRICT, "  Elm Schools ", NOW + HOUR))
    found = asyncio.run(districts.find(database, DISTRICT))
    assert (found.name, found.last_modified) == ("Elm Schools", NOW + HOUR)
    with pytest.raises(OperationError, match="empty"):
        asyncio.run(districts.rename(database, DISTRICT, " ", NOW))
    with pytest.raises(NotFound):
        asyncio.run(districts.rename(database, "x", "Y", NOW))
