"""What an import changes, keeps and removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from passback.domain.clock import HOUR
from passback.rosters import removals
from passback.store import districts, enrollments, matching, roster, syncs
from passback.store.staging import compare
from support.imports import DISTRICT, OTHER, Importer, counts
from support.rosters import CLEVER, changed, without
from support.sandbox import NOW


def test_what_changes_keeps_its_id_and_says_when(bring: Importer) -> None:
    bring(CLEVER)
    ids = bring.ids(roster.USERS)
    bring.now += HOUR
    assert counts(bring(changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"))) == {"students": (0, 1, 0)}
    changed_ones = {user.sis_id: user.last_modified for user in bring.all(roster.USERS)}
    assert bring.ids(roster.USERS) == ids
    assert (changed_ones["p1"], changed_ones["p2"]) == (NOW + HOUR, NOW)


def test_a_student_who_leaves_and_returns_is_the_same(bring: Importer) -> None:
    bring(CLEVER)
    ids = bring.ids(roster.USERS)
    left = without(without(CLEVER, "students.csv", 3), "enrollments.csv", 3)
    assert counts(bring(left)) == {"students": (0, 0, 1), "sections": (0, 1, 0), "enrollments": (0, 0, 1)}
    assert (bring.members()["student"], "p2" in bring.ids(roster.USERS)) == (["p1"], False)
    bring(CLEVER)
    assert (bring.members()["student"], bring.ids(roster.USERS)) == (["p1", "p2"], ids)


def test_a_person_who_returns_is_not_matched_to_what_another_now_is(bring: Importer) -> None:
    bring(CLEVER)
    ids = bring.ids(roster.USERS)
    bring.database.write_now(lambda conn: matching.decide(conn, ids["p1"], "L1", NOW))
    bring(without(without(CLEVER, "students.csv", 2), "enrollments.csv", 2))
    bring.database.write_now(lambda conn: matching.decide(conn, ids["p2"], "L1", NOW))
    bring(CLEVER)
    found = {user.sis_id: (user.lms_id, user.matched_by) for user in bring.all(roster.USERS)}
    assert (found["p1"], found["p2"]) == ((None, None), ("L1", "hand"))


def test_a_roster_from_a_file_no_longer_follows_the_lms(bring: Importer) -> None:
    bring.database.write_now(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    bring(CLEVER)
    assert not bring.database.read_now(lambda conn: districts.follows_lms(conn, DISTRICT))


def test_the_size_of_a_roster_is_noted_until_it_changes(bring: Importer) -> None:
    for files in (CLEVER, CLEVER, without(without(CLEVER, "students.csv", 3), "enrollments.csv", 3)):
        bring(files)
        noted = bring.database.read_now(lambda conn: districts.noted_sizes(conn, DISTRICT))
        assert noted == bring.database.read_now(lambda conn: compare.sizes(conn, DISTRICT))
    bring.database.write_now(lambda conn: districts.count_version(conn, DISTRICT))
    assert bring.database.read_now(lambda conn: districts.noted_sizes(conn, DISTRICT)) is None


def test_an_import_requests_a_sync_to_match_what_is_new(bring: Importer) -> None:
    bring.database.write_now(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    bring(CLEVER)
    found = bring.database.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert found is not None
    assert (found.requested, found.due) == (NOW, NOW)


def test_another_districts_roster_is_another(bring: Importer) -> None:
    bring(CLEVER)
    before = bring.ids(roster.USERS)
    bring(CLEVER, district=OTHER)
    assert bring.ids(roster.USERS) == before
    assert set(bring.ids(roster.USERS, OTHER).values()).isdisjoint(before.values())


def test_the_built_in_gradebook_has_the_rosters_sections_and_people(bring: Importer) -> None:
    bring(CLEVER)
    [section] = bring.all(roster.SECTIONS)
    [district] = bring.all(roster.DISTRICTS)
    matched = bring.database.read_now(lambda conn: enrollments.matched_members(conn, section.id, "student"))
    assert (section.lms_id, len(matched)) == (section.id, 2)
    assert district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 100.0}


def test_a_removed_section_is_not_found(bring: Importer) -> None:
    bring(CLEVER)
    [section] = bring.all(roster.SECTIONS)
    files = {
        **CLEVER,
        "sections.csv": CLEVER["sections.csv"][:1],
        "enrollments.csv": CLEVER["enrollments.csv"][:1],
    }
    bring(files)
    found = bring.database.read_now(lambda conn: roster.section_in_lms(conn, DISTRICT, section.id))
    assert (bring.all(roster.SECTIONS), found) == ([], None)


@pytest.mark.parametrize("step", ["comparing schools", "comparing users", "comparing enrollments"])
def test_a_plan_made_before_another_import_is_not_applied(bring: Importer, tmp_path: Path, step: str) -> None:
    bring(CLEVER)
    other = Importer(bring.database, tmp_path / "other")
    (tmp_path / "other").mkdir()
    with pytest.raises(compare.RosterChanged):
        bring(
            changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"),
            at={step: lambda: other(changed(CLEVER, "students.csv", 2, "Last_name", "Alder"))},
        )
    assert "Alder" in {user.last_name for user in bring.all(roster.USERS)}


@pytest.mark.parametrize(
    ("before", "most"), [(0, 5), (1, 5), (50, 5), (59, 5), (60, 6), (100, 10), (109, 10), (12_345, 1_234)]
)
def test_a_tenth_may_be_removed_and_five_always(before: int, most: int) -> None:
    assert removals.most_removed(before) == most
