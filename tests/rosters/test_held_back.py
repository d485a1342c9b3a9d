"""Removals that are too many to be sure wait for a person; everything else is applied."""

from __future__ import annotations

import pytest

from passback.domain.clock import DAY
from passback.store import districts, held_back, roster
from passback.store.held_back import HeldBack
from support.imports import DISTRICT, OTHER, Importer, counts
from support.rosters import CLEVER, ONEROSTER_11, Table
from support.sandbox import NOW
from support.syncs import Synced


def of(*students: str, last_name: str = "Ash", section: str = "Algebra 1") -> dict[str, Table]:
    """A district with these students, all in one section."""
    teachers = CLEVER["teachers.csv"]
    header, row = CLEVER["sections.csv"]
    return {
        **CLEVER,
        "teachers.csv": teachers,
        "sections.csv": [header, [section if it == "Algebra 1" else it for it in row]],
        "students.csv": [
            CLEVER["students.csv"][0],
            *(("s1", it, "Ann", last_name, "9", "") for it in students),
        ],
        "enrollments.csv": [CLEVER["enrollments.csv"][0], *(("s1", "c1", it) for it in students)],
    }


def waiting(bring: Importer) -> HeldBack | None:
    return bring.database.read_now(lambda conn: held_back.find(conn, DISTRICT))


TEN = [f"p{number}" for number in range(10)]


def test_additions_and_changes_are_applied_and_removals_wait(bring: Importer) -> None:
    bring(of(*TEN))
    before = bring.ids(roster.USERS)
    checked = bring(of("p0", "new", last_name="Aspen", section="Algebra 2"), allow_removals=False)
    assert counts(checked) == {"sections": (0, 1, 0), "students": (1, 1, 0), "enrollments": (1, 0, 0)}
    assert checked.plan is not None
    assert (checked.plan.held_back, checked.plan.too_many) == (
        {"students": 9, "enrollments": 9}, {"students": 9, "enrollments": 9},
    )  # fmt: skip
    assert waiting(bring) == HeldBack(NOW, {"students": 9, "enrollments": 9}, {})
    after = bring.ids(roster.USERS)
    assert (after.keys() - before.keys(), {**after, **before} == after) == ({"new"}, True)
    assert bring.members()["student"] == sorted([*TEN, "new"])
    assert [it.name for it in bring.all(roster.SECTIONS)] == ["Algebra 2"]
    assert {it.last_name for it in bring.all(roster.USERS) if it.sis_id in ("p0", "p1")} == {"Aspen", "Ash"}


def test_nothing_else_is_removed_while_too_many_of_a_kind_are(bring: Importer) -> None:
    bring(of(*TEN))
    files = of("p0")
    [header, row] = files["sections.csv"]
    moved = [
        {"2026-27": "2027-28", "c1": "c2"}.get(it, it) for it in row
    ]  # one term and one section less, and with it the teacher's place
    checked = bring({**files, "sections.csv": [header, moved], "enrollments.csv": [files["enrollments.csv"][0]]},
                    allow_removals=False)  # fmt: skip
    assert checked.plan is not None
    assert checked.plan.held_back == {"terms": 1, "sections": 1, "students": 9, "enrollments": 11}
    assert sorted(it.sis_id for it in bring.all(roster.SECTIONS)) == ["c1", "c2"]
    [old] = [it for it in bring.all(roster.SECTIONS) if it.sis_id == "c1"]
    assert old.term_id in {it.id for it in bring.all(roster.TERMS)}


def test_a_few_are_never_too_many(bring: Importer) -> None:
    bring(of("p1", "p2", "p3", "p4", "p5"))
    checked = bring(of("p9"), allow_removals=False)
    assert (counts(checked)["students"], waiting(bring)) == ((1, 0, 5), None)


def test_what_waits_has_waited_since_the_first_time(bring: Importer) -> None:
    bring(of(*TEN))
    bring(of("p0"), allow_removals=False)
    bring.now = NOW + DAY
    again = bring(of("p0", "p1"), allow_removals=False)
    assert again.plan is not None
    assert (again.plan.nothing, waiting(bring)) == (
        True, HeldBack(NOW, {"students": 8, "enrollments": 8}, {}),
    )  # fmt: skip


def test_nothing_waits_once_a_roster_has_everyone_again(bring: Importer) -> None:
    bring(of(*TEN))
    bring(of("p0"), allow_removals=False)
    again = bring(of(*TEN), allow_removals=False)
    assert (counts(again), waiting(bring)) == ({}, None)


def test_what_waits_is_removed_when_it_is_allowed(bring: Importer) -> None:
    bring(of(*TEN))
    bring(of("p0", "new"), allow_removals=False)
    done = bring(of("p0", "new"))
    assert waiting(bring) is None
    assert counts(done) == {"sections": (0, 1, 0), "students": (0, 0, 9), "enrollments": (0, 0, 9)}
    assert bring.members()["student"] == ["new", "p0"]


def test_what_waits_is_the_districts_own(bring: Importer) -> None:
    bring(of(*TEN), district=OTHER)
    bring(of(*TEN))
    bring(of("p0"), allow_removals=False)
    assert bring.database.read_now(lambda conn: held_back.find(conn, OTHER)) is None


def test_a_section_is_updated_only_if_its_members_are(bring: Importer) -> None:
    bring(of(*TEN))
    before = bring.events()
    bring(of("p0"), allow_removals=False)
    assert bring.events() == before


def ending(day: str, *students: str) -> dict[str, Table]:
    """A district of OneRoster with these students, whose enrollments end on a day."""
    header, row, *_ = ONEROSTER_11["users.csv"]
    enrollments = ONEROSTER_11["enrollments.csv"]
    return {
        **ONEROSTER_11,
        "users.csv": [header, *((it, *row[1:]) for it in students), ONEROSTER_11["users.csv"][3]],
        "enrollments.csv": [
            enrollments[0], enrollments[3],
            *((it, "", "", "c1", "s1", it, "student", "", "", day) for it in students),
        ],
    }  # fmt: skip


def test_enrollments_that_end_by_their_dates_do_not_wait(bring: Importer) -> None:
    bring(ending("", *TEN))
    checked = bring(ending("2020-06-30", *TEN), allow_removals=False)
    assert (counts(checked)["enrollments"], waiting(bring)) == ((0, 0, 10), None)
    assert bring.members() == {"teacher": ["t1"]}


def test_they_end_while_other_removals_wait(bring: Importer) -> None:
    bring(ending("", *TEN))
    checked = bring(ending("2020-06-30", "p0", "p1"), allow_removals=False)
    assert counts(checked)["enrollments"] == (0, 0, 2)
    assert waiting(bring) == HeldBack(NOW, {"students": 8, "enrollments": 8}, {})
    assert bring.members()["student"] == TEN[2:]


@pytest.fixture
def large(synced: Synced) -> Synced:
    """A roster that follows an LMS with eight sections."""
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    for number in range(8):
        synced.at_slate(f"s{number}", "teacher-1", f"student-{number}")
    synced.sync()
    return synced


def test_a_sync_applies_what_is_new_and_holds_removals_back(large: Synced) -> None:
    for number in range(2, 8):
        large.slate.simulator.records.remove("sections", f"s{number}")
    large.at_slate("s8", "teacher-1", "student-8")
    before = large.matched()
    large.ask()
    large.sync()
    after = large.matched()
    assert ({**after, **before} == after, set(after.values()) - set(before.values())) == (
        True, {"s8", "student-8"},
    )  # fmt: skip
    held = large.database.read_now(lambda conn: held_back.find(conn, DISTRICT))
    assert held is not None
    assert held.removals["sections"] == 6
    assert large.state.error is not None
    assert "so they were left as they were" in large.state.error
    assert (large.state.failures, large.state.due, large.state.phase) == (0, NOW + DAY, "idle")
    assert large.district.lms_state == "success"
    large.ask(removals=True)
    large.sync()
    assert {it for it in large.matched().values() if it and it.startswith("s") and len(it) == 2} == {
        "s0", "s1", "s8",
    }  # fmt: skip
    assert large.database.read_now(lambda conn: held_back.find(conn, DISTRICT)) is None
    assert large.state.error is None
