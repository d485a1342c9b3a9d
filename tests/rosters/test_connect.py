"""Reconnecting a district: to the same LMS or to another, on both databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from passback.domain.roster import District
from passback.rosters import connect as connecting
from passback.rosters.connect import RosterFromOtherLms
from passback.store import connections, districts, matching, roster, roster_events, syncs
from passback.store.engine import migrate
from passback.store.engine.database import Opened
from passback.store.engine.open import connect as open_database
from support.postgres import DATABASES, database_of
from support.sandbox import NOW

DISTRICT = "d" * 24
SECTION, STUDENT, REMOVED = ("0" * 23 + it for it in "123")
HERE, THERE = "https://slate.example/", "https://other.example/"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A district that was matched to Slate."""
    with (
        database_of(request.param, "production") as url,
        contextlib.closing(open_database(url, None)) as opened,
    ):
        migrate.prepare(opened, "production")
        new = District(DISTRICT, "D", "", "", None, 0, 0, {})
        opened.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, [new]))
        connect(opened, HERE)
        for sql in (
            "INSERT INTO sections (id, district_id, name, lms_id, matched_by, created, last_modified)"
            f" VALUES ('{SECTION}', '{DISTRICT}', 's', 's1', 'sis_id', 0, 0)",
            "INSERT INTO users (id, district_id, role, first_name, last_name, lms_id, matched_by, created,"
            f" last_modified) VALUES ('{STUDENT}', '{DISTRICT}', 'student', 'A', 'B', 'u1', 'hand', 0, 0)",
            "INSERT INTO users (id, district_id, role, first_name, last_name, lms_id, matched_by, created,"
            f" last_modified, removed) VALUES ('{REMOVED}', '{DISTRICT}', 'student', 'C', 'D', 'u2', 'hand', 0, 0, 1)",
            "UPDATE districts SET last_lms_sync = 1",
        ):
            opened.write_now(lambda conn, sql=sql: conn.execute(sql))  # type: ignore[misc]
        yield opened


def connect(database: Opened, address: str, kind: str = "slate", *, same_lms: bool = False) -> bool:
    return database.write_now(
        lambda conn: connecting.connect(
            conn, known(database), kind, address=address, options={}, credentials="x", now=NOW, same_lms=same_lms
        )
    )  # fmt: skip


def known(database: Opened) -> District:
    found = database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, DISTRICT, DISTRICT))
    assert found is not None
    return found


def matched(database: Opened) -> dict[str, str | None]:
    return {it.id: it.lms_id for it in database.read_now(lambda conn: matching.all_of(conn, DISTRICT))}


def test_reconnecting_to_the_same_lms_keeps_the_matches(database: Opened) -> None:
    assert connect(database, HERE)
    assert matched(database) == {SECTION: "s1", STUDENT: "u1"}
    assert known(database).lms_state == "success"


@pytest.mark.parametrize(("kind", "address"), [("slate", THERE), ("canvas", HERE)])
def test_connecting_to_another_lms_deletes_the_matches(database: Opened, kind: str, address: str) -> None:
    """The same ids may mean other people there, who would get the grades."""
    assert not connect(database, address, kind)
    assert matched(database) == {SECTION: None, STUDENT: None}
    left = database.read_now(lambda conn: conn.execute("SELECT COUNT(lms_id) FROM users").fetchone())
    assert left[0] == 0  # not even those of removed people, who may return
    now = known(database)
    assert (now.lms_state, now.last_lms_sync) == ("initial_sync_processing", None)
    assert now.lms_matched_percentage == {"sections": 0.0, "students": 0.0, "teachers": 0.0}


def test_deleted_matches_become_events(database: Opened) -> None:
    connect(database, THERE)
    found = database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=10)).items
    assert [(it.kind, it.what, it.object_id, it.previous) for it in found] == [
        ("users", "updated", STUDENT, {"synced_in_lms": True}),
        ("sections", "updated", SECTION, {"synced_in_lms": True}),
    ]


def test_a_removed_connection_does_not_hide_that_it_is_another_lms(database: Opened) -> None:
    database.write_now(lambda conn: connections.remove(conn, DISTRICT))
    assert not connect(database, THERE)


def test_an_lms_may_have_another_address(database: Opened) -> None:
    assert connect(database, THERE, same_lms=True)
    assert matched(database) == {SECTION: "s1", STUDENT: "u1"}


def test_a_roster_from_one_lms_is_not_connected_to_another(database: Opened) -> None:
    """The same ids may mean other people there."""
    database.write_now(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    with pytest.raises(RosterFromOtherLms, match=HERE):
        connect(database, THERE)
    stored = database.read_now(lambda conn: connections.find(conn, DISTRICT))
    assert stored is not None
    assert stored.address == HERE


def test_it_keeps_its_schedule_and_is_read_at_once(database: Opened) -> None:
    database.write_now(lambda conn: syncs.begin(conn, DISTRICT, 7, 0))
    connect(database, HERE)
    sync = database.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert sync is not None
    assert (sync.every, sync.due) == (7, NOW)
