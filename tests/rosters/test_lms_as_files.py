"""A roster that follows the LMS, and how people are identified in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.rosters import import_files, queries, sync
from passback.rosters.lease import SyncLease
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.progress import Quiet
from passback.store import districts, lms_roster, roster
from passback.store.engine.database import Connection
from passback.store.staging.compare import RosterChanged
from passback.wire.encode import encode
from support.syncs import DISTRICT, Synced


def test_a_file_imported_during_a_sync_wins(known: Synced) -> None:
    known.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    before = known.all()

    class Importing(Quiet):
        def step(self, what: str) -> None:
            if what == "checking":
                known.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=False))

    known.ask(removals=True)
    with pytest.raises(RosterChanged):
        known.sync(progress=Importing())
    assert (known.all(), known.database.read_now(lambda conn: districts.follows_lms(conn, DISTRICT))) == (
        before,
        False,
    )


def test_a_roster_from_the_lms_follows_it(synced: Synced) -> None:
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    assert {(it.kind, it.name.strip(), it.lms_id) for it in synced.all()} == {
        ("section", name, name) for name in ("s1", "s2")
    } | {("teacher", f"teacher-{it}", f"teacher-{it}") for it in (1, 2)} | {
        ("student", f"student-{it}", f"student-{it}") for it in range(1, 7)
    }  # fmt: skip
    assert synced.district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 100.0}
    before = {it.lms_id: it.id for it in synced.all()}
    synced.at_slate("s2", "teacher-2", "student-6", "student-7", "student-5")
    synced.ask()
    synced.sync()
    after = {it.lms_id: it.id for it in synced.all()}
    assert after.keys() - before.keys() == {"student-7"}
    assert {key: after[key] for key in before} == before


def test_sections_belong_to_the_lmss_courses(synced: Synced) -> None:
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    rows = synced.execute(
        "SELECT sections.name, courses.name FROM sections JOIN courses ON courses.id = sections.course_id"
        " ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("s1", "s1"), ("s2", "s2")]


def test_a_roster_from_the_lms_is_not_emptied_unless_allowed(synced: Synced) -> None:
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    synced.hide("s1", "s2")
    synced.ask()
    synced.sync()
    told = "this would remove 2 courses, 2 sections, 6 students, 2 teachers, 8 enrollments"
    assert (len(synced.all()), told in (synced.state.error or "")) == (10, True)
    synced.ask(removals=True)
    synced.sync()
    assert synced.all() == []


# How people are identified in a roster that follows the LMS

Read = dict[str, tuple[str | None, list[tuple[str, str | None]]]]
"""What was read of an LMS: each section's SIS id, and the id and SIS id of each student."""


def follow(synced: Synced, read: Read) -> None:
    """Import what was read."""

    def fill(conn: Connection) -> None:
        while lms_roster.clear(conn, DISTRICT, 100):
            pass
        course = LmsCourse("c", "Algebra")
        lms_roster.add_courses(conn, DISTRICT, [course])
        lms_roster.add_sections(
            conn, DISTRICT, course, [SectionRef(id_, id_, sis_id) for id_, (sis_id, _) in read.items()]
        )
        for id_, (_, people) in read.items():
            students = [Person(it, "student", f"Student {it}", None, sis_id) for it, sis_id in people]
            lms_roster.add_members(conn, DISTRICT, id_, students)

    synced.write(fill)
    with synced.database.session() as session:
        checked = import_files.check(
            session,
            LmsRoster(session, DISTRICT, "Slate"),
            DISTRICT,
            synced.clock,
            Quiet(),
            import_files.Options(allow_removals=True),
        )
        assert checked.plan is not None, checked.problems
        import_files.apply(session, checked.plan, synced.clock, Quiet(), lambda _: None)


def ids(synced: Synced) -> dict[str, tuple[str, str]]:
    """Our id and the SIS id, by the LMS's id."""
    rows = synced.execute(
        "SELECT lms_id, id, sis_id FROM users WHERE removed IS NULL UNION ALL"
        " SELECT lms_id, id, sis_id FROM sections WHERE removed IS NULL"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


START: Read = {"x": ("S1", [("a", "1"), ("b", "2"), ("c", None)])}
LATER: dict[str, tuple[Read, dict[str, str]]] = {
    "one gets a SIS id": (
        {"x": ("S1", [("a", "1"), ("b", "2"), ("c", "3")])}, {"x": "S1", "a": "1", "b": "2", "c": "3"},
    ),
    "one loses it": (
        {"x": (None, [("a", None), ("b", "2"), ("c", None)])}, {"x": "lms:x", "a": "lms:a", "b": "2", "c": "lms:c"},
    ),
    "two change theirs": (
        {"x": ("S1", [("a", "2"), ("b", "1"), ("c", None)])}, {"x": "S1", "a": "2", "b": "1", "c": "lms:c"},
    ),
    "one gets another's, who leaves": (
        {"x": ("S1", [("a", "2"), ("c", None)])}, {"x": "S1", "a": "2", "c": "lms:c"},
    ),
    "two share one": (
        {"x": ("S1", [("a", "2"), ("b", "2"), ("c", None)])},
        {"x": "S1", "a": "lms:a", "b": "lms:b", "c": "lms:c"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("read", "sis_ids"), LATER.values(), ids=LATER)
def test_people_are_identified_by_the_lmss_id(synced: Synced, read: Read, sis_ids: dict[str, str]) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, read)
    assert ids(synced) == {lms_id: (before[lms_id][0], sis_id) for lms_id, sis_id in sis_ids.items()}


def test_a_recreated_account_is_identified_by_its_sis_id(synced: Synced) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, {"x": ("S1", [("new", "1"), ("b", "2"), ("c", None)])})
    rows = synced.execute("SELECT id, sis_id FROM users WHERE removed IS NULL ORDER BY sis_id")
    assert [tuple(row) for row in rows] == [(before[it][0], before[it][1]) for it in ("a", "b", "c")]


def test_a_person_who_returns_to_the_lms_is_the_same(synced: Synced) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, {"x": ("S1", [("a", "2")])})
    assert "c" not in ids(synced)
    follow(synced, START)
    assert ids(synced) == before


def test_a_person_who_returns_is_not_taken_for_another_who_had_their_sis_id(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1"), ("z", None)])})
    before = ids(synced)
    follow(synced, {"x": ("S1", [("z", "1")])})
    follow(synced, {"x": ("S1", [("a", "1")])})
    assert ids(synced)["a"] == before["a"]


def test_a_recreated_account_and_the_old_one_are_two_people(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1")])})
    before = ids(synced)
    follow(synced, {"x": ("S1", [("n", "1")])})
    follow(synced, {"x": ("S1", [("n", "1"), ("a", None)])})
    assert ids(synced)["n"][0] == before["a"][0]
    assert ids(synced)["a"][0] != before["a"][0]


def test_two_accounts_with_one_sis_id_are_two_people_with_their_own_names(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1"), ("b", "1")])})
    rows = synced.execute("SELECT lms_id, last_name FROM users ORDER BY lms_id")
    assert [tuple(row) for row in rows] == [("a", "a"), ("b", "b")]


def test_a_roster_from_the_lms_is_matched_at_once(synced: Synced) -> None:
    follow(synced, START)
    assert synced.district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 0.0}
    synced.change("UPDATE lms_syncs SET worker = 'me'")
    held = SyncLease(synced.state, "me", synced.run(lambda gateway: asyncio.sleep(0, gateway)))
    seen = len(synced.events())
    with synced.database.session() as session:
        sync.match(held, session, Quiet(), allow_losses=False)
    assert (synced.events()[seen:], {it.matched_by for it in synced.all()}) == ([], {"sis_id", "lms_id"})


def test_a_made_up_sis_id_is_shown_to_nobody(synced: Synced) -> None:
    follow(synced, START)
    follow(synced, {"x": (None, [("a", "1"), ("b", None), ("c", "3")])})

    def read(conn: Connection) -> tuple[list[Any], list[Any], list[Any]]:
        people = roster.page(conn, roster.USERS, DISTRICT, limit=100).items
        places = roster.page(conn, roster.SECTIONS, DISTRICT, limit=100).items
        hidden = roster.page(
            conn, roster.USERS, DISTRICT, limit=9, filters=[roster.user_with_sis_id("lms:b")]
        )
        return queries.present_all(conn, people), queries.present_all(conn, places), hidden.items

    people, places, hidden = synced.database.read_now(read)
    assert sorted(str(it.roles.student.sis_id) for it in people if it.roles.student) == [
        "1",
        "3",
        "None",
    ]
    assert ([it.sis_id for it in places], hidden) == ([None], [])
    assert b"lms:" not in encode([*people, *places])
