"""Which enrollments and terms hold on which day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

import pytest

from passback.store import roster
from passback.store.staging.calendar import Calendar
from support.imports import Importer
from support.rosters import ONEROSTER_11, ONEROSTER_12, Table, changed

TODAY = "2026-08-10"
KEEP = Calendar(keep_until_next=True)


@pytest.fixture(autouse=True)
def on_a_day(bring: Importer) -> None:
    at_noon(bring, TODAY)


def at_noon(bring: Importer, day: str) -> None:
    noon = datetime.combine(datetime.fromisoformat(day), time(12), UTC).astimezone()
    bring.now = round(noon.timestamp() * 1000)


def enrolled(*dates: tuple[str, str], files: dict[str, Table] = ONEROSTER_11) -> dict[str, Table]:
    """A district whose first student's enrollments begin and end on these days."""
    header, first, _, teacher, other = files["enrollments.csv"]
    rows = [(f"x{number}", *first[1:-2], *them) for number, them in enumerate(dates)]
    return {**files, "enrollments.csv": [header, *rows, teacher, other]}


def students(bring: Importer) -> list[str]:
    return bring.members().get("student", [])


@pytest.mark.parametrize(
    ("begin", "end", "holds"),
    [
        ("", "", True),
        ("2026-08-10", "", True),
        ("2026-08-11", "", False),
        ("", "2026-08-11", True),
        ("", "2026-08-10", False),  # the first day after
        ("2026-08-10", "2026-08-10", False),  # never held
        ("2026-01-01", "2026-12-31", True),
    ],
)
def test_an_enrollment_holds_from_its_first_day_to_the_day_before_its_end(
    bring: Importer, begin: str, end: str, *, holds: bool
) -> None:
    bring(enrolled((begin, end)))
    assert students(bring) == (["p1"] if holds else [])


@pytest.mark.parametrize(
    ("end", "holds"), [("2026-08-10", True), ("2026-08-09", False), ("9999-12-31", True)]
)
def test_the_end_is_the_last_day_if_so_chosen(bring: Importer, end: str, *, holds: bool) -> None:
    bring(enrolled(("", end)), end_is_last_day=True)
    assert students(bring) == (["p1"] if holds else [])


@pytest.mark.parametrize(
    ("start", "end", "inclusive", "last"),
    [
        ("2026-08-20", "2027-06-11", False, "2027-06-10"),
        ("2026-08-20", "2027-06-10", True, "2027-06-10"),
        ("2026-08-20", "2026-08-20", False, "2026-08-20"),  # never before it begins
        ("", "2027-01-01", False, "2026-12-31"),
        ("", "0001-01-01", False, "0001-01-01"),
        ("", "", False, None),
    ],
)
def test_a_term_shows_its_last_day(
    bring: Importer, start: str, end: str, *, inclusive: bool, last: str | None
) -> None:
    files = changed(ONEROSTER_11, "academicSessions.csv", 2, "startDate", start)
    bring(changed(files, "academicSessions.csv", 2, "endDate", end), end_is_last_day=inclusive)
    assert [term.end_date for term in bring.all(roster.TERMS)] == [last]


@pytest.mark.parametrize(
    ("early", "begin", "holds"),
    [
        (0, "2026-08-20", False),
        (9, "2026-08-20", False),
        (10, "2026-08-20", True),
        (36_500, "2099-08-20", True),
    ],
)
def test_enrollments_are_brought_in_early_if_so_chosen(
    bring: Importer, early: int, begin: str, *, holds: bool
) -> None:
    bring(enrolled((begin, "2126-01-01")), calendar=Calendar(early=early))
    assert students(bring) == (["p1"] if holds else [])


def test_roles_are_brought_in_early_with_the_enrollments(bring: Importer) -> None:
    header, *rows = ONEROSTER_12["roles.csv"]
    roles = [(*header, "beginDate"), *((*row, "2026-08-20" if row[0] == "r1" else "") for row in rows)]
    files = {**enrolled(("2026-08-20", ""), files=ONEROSTER_12), "roles.csv": roles}
    bring(files)
    assert (students(bring), "p1" in bring.ids(roster.USERS)) == ([], False)
    bring(files, calendar=Calendar(early=10))
    assert students(bring) == ["p1"]


@pytest.mark.parametrize(
    ("dates", "stays"),
    [
        ([("2026-01-01", "2026-06-12")], True),
        ([("", "2026-06-12")], True),
        ([("2026-06-12", "2026-06-12")], False),  # it never held
        ([("2026-01-01", "2026-06-12"), ("2026-08-20", "")], True),  # the next one begins later
        (
            [("2026-01-01", "2026-06-12"), ("2026-06-12", "2026-08-01")],
            True,
        ),  # the second is the one that stays
    ],
)
def test_what_has_ended_stays_until_the_next_begins_if_so_chosen(
    bring: Importer, dates: Sequence[tuple[str, str]], *, stays: bool
) -> None:
    bring(enrolled(*dates))
    assert students(bring) == []
    bring(enrolled(*dates), calendar=KEEP)
    assert students(bring) == (["p1"] if stays else [])


def two_classes(*rows: Sequence[str]) -> dict[str, Table]:
    """Enrollments of students in two classes: class, student, first day and end."""
    header, first, *_ = ONEROSTER_11["enrollments.csv"]
    titles, algebra = ONEROSTER_11["classes.csv"]
    made = [
        (f"x{number}", "", "", class_, "s1", student, "student", "", begin, end)
        for number, (class_, student, begin, end) in enumerate(rows)
    ]
    assert len(made[0]) == len(header) == len(first)
    return {
        **ONEROSTER_11,
        "classes.csv": [titles, algebra, ("c2", *algebra[1:])],
        "enrollments.csv": [header, *made],
    }


def of_class(bring: Importer, class_: str) -> list[str]:
    names = {user.id: user.sis_id for user in bring.all(roster.USERS)}
    section = bring.ids(roster.SECTIONS)[class_]
    rows = bring.database.read_now(
        lambda conn: conn.execute(
            "SELECT user_id FROM enrollments WHERE section_id = :id", {"id": section}
        ).fetchall()
    )
    return sorted(names[row[0]] for row in rows)


def test_who_moves_to_another_class_leaves_the_first_that_day(bring: Importer) -> None:
    moved = two_classes(("c1", "p1", "2026-01-01", TODAY), ("c2", "p1", TODAY, ""))
    bring(moved, calendar=KEEP)
    assert (of_class(bring, "c1"), of_class(bring, "c2")) == ([], ["p1"])


def test_between_terms_the_last_term_stays_and_goes_when_the_next_begins(bring: Importer) -> None:
    files = two_classes(
        ("c1", "p1", "2026-01-01", "2026-06-12"), ("c1", "p2", "2026-01-01", "2026-06-12"),
        ("c2", "p1", "2026-08-20", ""),
    )  # fmt: skip
    both = Calendar(early=14, keep_until_next=True)
    bring(files, calendar=both)
    assert (of_class(bring, "c1"), of_class(bring, "c2")) == (["p1", "p2"], ["p1"])
    at_noon(bring, "2026-08-20")
    bring(files, calendar=both)
    assert (of_class(bring, "c1"), of_class(bring, "c2")) == ([], ["p1"])


def test_who_left_the_school_goes_when_anyones_next_begins_there(bring: Importer) -> None:
    files = two_classes(("c1", "p1", "2026-01-01", "2026-06-12"), ("c1", "p2", "2026-06-12", ""))
    bring(files, calendar=KEEP)
    assert of_class(bring, "c1") == ["p2"]


def test_what_stays_may_name_what_no_longer_exists(bring: Importer) -> None:
    files = two_classes(
        ("c1", "gone", "2026-01-01", "2026-06-12"), ("gone", "p1", "2026-01-01", "2026-06-12")
    )
    assert bring(files, calendar=KEEP).count == 0
