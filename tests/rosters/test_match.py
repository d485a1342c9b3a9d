"""Matching the roster's sections and people to the LMS's."""

from __future__ import annotations

import contextlib

import pytest

from passback.domain.clock import DAY
from passback.rosters.failures import Broken
from passback.rosters.progress import Quiet
from passback.store import held_back, match_candidates, matching
from passback.store.held_back import HeldBack
from passback.store.match_candidates import Known
from passback.store.staging.compare import RosterChanged
from support.sandbox import NOW
from support.syncs import DISTRICT, Synced


def test_everything_is_matched_and_recorded(known: Synced) -> None:
    known.sync()
    assert known.matched() == {"a1": "s1", "a2": "s2", "u1": "student-1", "u6": "student-6"}
    assert known.events() == [
        (kind, "updated", id_, {"synced_in_lms": False})
        for kind, id_ in (("users", "u1"), ("users", "u6"), ("sections", "a1"), ("sections", "a2"))
    ]
    district = known.district
    assert (district.lms_state, district.last_lms_sync) == ("success", NOW)
    assert district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 0.0}


def test_a_second_sync_changes_nothing(known: Synced) -> None:
    known.sync()
    before = known.execute("SELECT * FROM users"), known.execute("SELECT * FROM sections"), known.events()
    known.clock.now += DAY
    known.sync()
    assert (
        known.execute("SELECT * FROM users"), known.execute("SELECT * FROM sections"), known.events()
    ) == before  # fmt: skip
    assert known.district.last_lms_sync == NOW + DAY


def test_a_person_in_no_section_gives_way_to_another(known: Synced) -> None:
    known.sync()
    known.change("DELETE FROM enrollments WHERE user_id = 'u1'")
    known.user("u9", "student-1", "a1", sis_id="lms:student-1")
    known.ask()
    with contextlib.suppress(Broken):
        known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_a_decision_during_a_sync_never_gives_two_the_same_match(known: Synced) -> None:
    """u1 now matches student-2, which a person gives to u2 in the meantime, while u3 takes u1's old match."""
    known.sync()
    known.user("u2", "somebody else", "a1")
    known.user("u3", "student-1", "a1")
    known.change("UPDATE users SET first_name = 'student-2', last_name = '' WHERE id = 'u1'")
    known.ask(removals=True)

    class Deciding(Quiet):
        def read(self, done: int, total: int) -> None:
            if known.state.phase == "matching" and done == total:
                known.write(lambda conn: matching.decide(conn, "u2", "student-2", NOW))

    known.sync(progress=Deciding())
    found = known.matched()
    assert (found["u1"], found["u2"], found["u3"]) == (None, "student-2", "student-1")


def test_a_person_who_leaves_a_section_of_the_lms_is_unmatched(known: Synced) -> None:
    for number in range(30):
        known.user(f"v{number}", f"student-{100 + number}", "a1")
    known.at_slate("s1", "student-1", *(f"student-{100 + number}" for number in range(30)))
    known.sync()
    known.at_slate("s1", *(f"student-{100 + number}" for number in range(30)))
    known.ask()
    known.sync()
    assert (known.matched()["u1"], known.events()[-1]) == (
        None, ("users", "updated", "u1", {"synced_in_lms": True}),
    )  # fmt: skip


def test_what_the_lms_suddenly_hides_stays_matched_unless_allowed(known: Synced) -> None:
    hidden = known.more_sections(6)
    known.sync()
    before = known.matched()
    known.hide(*hidden)
    known.user("u2", "student-2", "a1")
    known.ask()
    known.sync()
    assert (known.matched(), known.district.lms_state) == ({**before, "u2": "student-2"}, "success")
    assert "would unmatch 6 sections, 6 users" in (known.state.error or "")
    waiting = known.database.read_now(lambda conn: held_back.find(conn, DISTRICT))
    assert waiting == HeldBack(NOW, {}, {"sections": 6, "users": 6})
    assert (known.state.due, known.claim()) == (NOW + DAY, None)
    assert "passback sync run --allow-removals" in (known.state.error or "")
    known.ask(removals=True)
    known.sync()
    assert (known.matched()["n0"], known.state.removals, known.state.error) == (None, 0, None)
    assert known.database.read_now(lambda conn: held_back.find(conn, DISTRICT)) is None


def test_a_few_are_unmatched_without_asking(known: Synced) -> None:
    known.sync()
    known.hide("s2")
    known.ask()
    known.sync()
    assert (known.matched()["u6"], known.matched()["a2"], known.state.error) == (None, None, None)


def test_what_a_person_decides_stands(known: Synced) -> None:
    known.write(lambda conn: matching.decide(conn, "u1", "student-5", NOW))
    known.user("u5", "student-5", "a1")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u5"]) == ("student-5", None)


def test_a_decision_is_no_obstacle_for_another_kind_of_the_same_id(known: Synced) -> None:
    known.at_slate("student-6", "student-1")
    known.section("a3", "student-6")
    known.write(lambda conn: matching.decide(conn, "u6", "student-6", NOW))
    known.sync()
    assert known.matched()["a3"] == "student-6"


def test_two_people_are_never_matched_to_the_same_one(known: Synced) -> None:
    known.at_slate("s2", "student-1", "student-6")
    known.user("u9", "student-1", "a2")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, None)
    assert known.candidates() == {"u1": ["student-1"], "u9": ["student-1"]}


def test_the_more_certain_of_two_wins(known: Synced) -> None:
    known.at_slate("s2", "student-1", "student-6")
    known.user("u9", "Ann Lee", "a2", sis_id="lms:student-1")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_a_person_decides_between_two_candidates(known: Synced) -> None:
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    assert (known.matched()["u1"], known.candidates()["u1"]) == (None, ["student-1", "student-1 "])


def test_what_distinguishes_sections_of_the_same_name_is_kept(known: Synced) -> None:
    known.at_slate("s1", *(f"teacher-{it}" for it in (4, 2, 3, 1, 5)), "student-1", "student-2")
    known.slate.simulator.records.put("sections", "s3", {"id": "s3", "name": "s1", "people": []})
    known.change("UPDATE sections SET sis_id = NULL WHERE id = 'a1'")
    several = "several sections have this name"
    known.sync()
    found = known.database.read_now(lambda conn: match_candidates.find_all(conn, DISTRICT))
    assert found == {
        "a1": [
            Known(
                "s1", "s1", None, None, "s1", "teacher-1, teacher-2, teacher-3 and 2 more", 2, reason=several
            ),
            Known("s3", "s1", None, None, "s1", None, 0, reason=several),
        ]
    }


def test_a_roster_change_during_a_sync_is_noticed(known: Synced) -> None:
    class Changing(Quiet):
        def read(self, done: int, total: int) -> None:
            if known.state.phase == "matching":
                known.change("UPDATE districts SET roster_version = roster_version + 1")

    with pytest.raises(RosterChanged):
        known.sync(progress=Changing())
    assert (known.matched()["u1"], known.state.due) == (None, NOW)
    known.sync()
    assert known.matched()["u1"] == "student-1"


def test_a_person_replaced_by_another_is_unmatched(known: Synced) -> None:
    known.sync()
    known.change("UPDATE users SET first_name = 'Somebody', last_name = 'Else' WHERE id = 'u1'")
    known.user("u9", "student-1", "a1")
    known.ask()
    with contextlib.suppress(Broken):
        known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_a_person_in_no_section_stays_matched(known: Synced) -> None:
    known.sync()
    known.change("DELETE FROM enrollments WHERE user_id = 'u1'")
    known.ask()
    known.sync()
    assert known.matched()["u1"] == "student-1"
