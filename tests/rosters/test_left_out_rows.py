"""A row that has a problem is left out; the rest is imported, and what exists of the row stays as it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest

from passback.rosters.import_files import STRICT, Tolerance
from passback.store import enrollments, roster
from passback.store.staging.calendar import Calendar
from support.imports import FORMATS, Importer, counts
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Files, Table, changed, text, without


def added(files: Files, name: str, *rows: tuple[str, ...]) -> dict[str, Table]:
    return {**files, name: [*files[name], *rows]}


def told(bring: Importer, files: Mapping[str, Table | str | bytes]) -> tuple[list[str], list[str]]:
    checked = bring(files)
    assert checked.plan is not None, checked
    return [str(it) for it in checked.problems], [str(it) for it in checked.warnings]


def state(bring: Importer) -> tuple[object, ...]:
    """Everything in the roster."""
    tables = (roster.SCHOOLS, roster.TERMS, roster.COURSES, roster.SECTIONS, roster.USERS)
    found = tuple(bring.all(it) for it in tables)
    sections = [it.id for it in found[3]]
    return (*found, bring.database.read_now(lambda conn: enrollments.section_members(conn, sections)))


# One careless row of each file and kind of fault. Nothing that exists may change by it.
CARELESS: dict[str, tuple[Files, Files]] = {
    name: (files, make(files))
    for name, files, make in (
        ("no school name", CLEVER, lambda it: changed(it, "schools.csv", 2, "School_name", "")),
        ("no first name", CLEVER, lambda it: changed(it, "students.csv", 2, "First_name", " ")),
        ("no student id", CLEVER, lambda it: changed(it, "students.csv", 2, "Student_id", "")),
        ("a null for an id", CLEVER, lambda it: changed(it, "students.csv", 2, "Student_id", "NULL")),
        ("a long student id", CLEVER, lambda it: changed(it, "students.csv", 2, "Student_id", "p" * 256)),
        ("no teacher's name", CLEVER, lambda it: changed(it, "teachers.csv", 2, "Last_name", "")),
        ("a long name", CLEVER, lambda it: changed(it, "teachers.csv", 2, "Last_name", "x" * 1001)),
        ("a student's school", CLEVER, lambda it: changed(it, "students.csv", 2, "School_id", "s9")),
        ("a section's school", CLEVER, lambda it: changed(it, "sections.csv", 2, "School_id", "s9")),
        ("no school of a section", CLEVER, lambda it: changed(it, "sections.csv", 2, "School_id", "")),
        ("no section id", CLEVER, lambda it: changed(it, "sections.csv", 2, "Section_id", "")),
        ("a section's day", CLEVER, lambda it: changed(it, "sections.csv", 2, "Term_start", "soon")),
        ("no enrolled student", CLEVER, lambda it: changed(it, "enrollments.csv", 2, "Student_id", "")),
        ("no enrolled section", CLEVER, lambda it: changed(it, "enrollments.csv", 2, "Section_id", "")),
        ("an empty enrollment", CLEVER, lambda it: {**it, "enrollments.csv": [*it["enrollments.csv"][:2], ("s1", "", "")]}),
        ("a short row", CLEVER, lambda it: {**it, "students.csv": [*it["students.csv"][:2], ("s1", "p2")]}),
        ("a short section", CLEVER, lambda it: {**it, "sections.csv": [it["sections.csv"][0], ("s1", "c1")]}),
        ("a short enrollment", CLEVER, lambda it: {**it, "enrollments.csv": [*it["enrollments.csv"][:2], ("s1",)]}),
        ("a long row", CLEVER, lambda it: {**it, "teachers.csv": [it["teachers.csv"][0], (*it["teachers.csv"][1], "x")]}),
        ("a stray quote", CLEVER, lambda it: {**it, "teachers.csv": 'School_id,Teacher_id,First_name,Last_name\ns1,t1,"To"m,Teak\n'}),
        ("a quote that is never closed", CLEVER, lambda it: {**it, "students.csv": text(it["students.csv"]).replace("Ben", '"Ben')}),
        ("an open quote", CLEVER, lambda it: {**it, "students.csv": text(it["students.csv"]).replace("Ann", '"Ann').replace("Ben", '"Ben"')}),
        ("a name in Windows-1252", CLEVER, lambda it: {**it, "students.csv": text(it["students.csv"]).replace("Ben", "Bén").encode("cp1252")}),
        ("an id in Windows-1252", CLEVER, lambda it: {**it, "students.csv": text(it["students.csv"]).replace("p2", "pé").encode("cp1252")}),
        ("an unheard-of student", CLEVER, lambda it: changed(it, "enrollments.csv", 2, "Student_id", "x9")),
        ("an unheard-of section", CLEVER, lambda it: changed(it, "enrollments.csv", 2, "Section_id", "x9")),
        ("an unheard-of teacher", CLEVER, lambda it: changed(it, "sections.csv", 2, "Teacher_id", "x9")),
        ("1.1: an unheard-of user", ONEROSTER_11, lambda it: changed(it, "enrollments.csv", 2, "userSourcedId", "x9")),
        ("1.1: an unheard-of class", ONEROSTER_11, lambda it: changed(it, "enrollments.csv", 4, "classSourcedId", "x9")),
        ("1.1: a name in Windows-1252", ONEROSTER_11, lambda it: {**it, "users.csv": text(it["users.csv"]).replace("Ann", "Änn").encode("cp1252")}),
        ("1.2: an unheard-of user of a role", ONEROSTER_12, lambda it: changed(it, "roles.csv", 2, "userSourcedId", "x9")),
        ("an id with two names", CLEVER, lambda it: added(it, "students.csv", ("s1", "p1", "Amy", "Ash", "9", ""))),
        ("two with two names", CLEVER, lambda it: added(it, "teachers.csv", ("s1", "t1", "Tim", "Teak", ""), ("s1", "t1", "Tod", "Teak", ""))),
        ("a section with two names", CLEVER, lambda it: added(it, "sections.csv", ("s1", "c1", "t1", "Algebra 2", "Algebra", "MA1", "2026-27", "08/20/2026"))),
        ("a section with two teachers and names", CLEVER, lambda it: added(added(it, "sections.csv", (
            "s1", "c1", "t2", "Algebra 2", "Algebra", "MA1", "2026-27", "08/20/2026",
        )), "teachers.csv", ("s1", "t1", "Tom", "Teak", "tom@d.example"))),
        ("1.1: no given name", ONEROSTER_11, lambda it: changed(it, "users.csv", 2, "givenName", "")),
        ("1.1: a role", ONEROSTER_11, lambda it: changed(it, "users.csv", 2, "role", "studnet")),
        ("1.1: an enrolled role", ONEROSTER_11, lambda it: changed(it, "enrollments.csv", 2, "role", "studnet")),
        ("1.1: a day", ONEROSTER_11, lambda it: changed(it, "enrollments.csv", 2, "endDate", "2026-13-01")),
        ("1.1: a status", ONEROSTER_11, lambda it: changed(it, "users.csv", 2, "status", "erased")),
        ("1.1: a kind of organisation", ONEROSTER_11, lambda it: changed(it, "orgs.csv", 3, "type", "planet")),
        ("1.1: a kind of session", ONEROSTER_11, lambda it: changed(it, "academicSessions.csv", 2, "type", "year")),
        ("1.1: a session's day", ONEROSTER_11, lambda it: changed(it, "academicSessions.csv", 2, "endDate", "?")),
        ("1.1: no course title", ONEROSTER_11, lambda it: changed(it, "courses.csv", 2, "title", "")),
        ("1.1: no class title", ONEROSTER_11, lambda it: changed(it, "classes.csv", 2, "title", "")),
        ("1.1: an organisation of a user", ONEROSTER_11, lambda it: changed(it, "users.csv", 2, "orgSourcedIds", "s9")),
        ("1.1: a course with two titles", ONEROSTER_11, lambda it: added(it, "courses.csv", ("MA1", "", "", "", "Geometry", "MA1"))),
        ("1.1: in two roles", ONEROSTER_11, lambda it: added(it, "users.csv", (
            "p1", "", "", "true", "s1", "teacher", "pat", "Pat", "Pine", "", "", "",
        ))),
        ("1.2: no family name", ONEROSTER_12, lambda it: changed(it, "users.csv", 4, "familyName", "")),
        ("1.2: a role", ONEROSTER_12, lambda it: changed(it, "roles.csv", 5, "role", "master")),
        ("1.2: a role's school", ONEROSTER_12, lambda it: changed(it, "roles.csv", 5, "orgSourcedId", "s9")),
        ("1.2: no user of a role", ONEROSTER_12, lambda it: changed(it, "roles.csv", 5, "userSourcedId", "")),
        ("1.2: another user of a role", ONEROSTER_12, lambda it: changed(
            changed(it, "roles.csv", 2, "userSourcedId", ""), "users.csv", 2, "givenName", "")),
        ("1.2: a day of a role", ONEROSTER_12, lambda it: {**it, "roles.csv": [
            (*row, "endDate" if row[0] == "sourcedId" else "never") for row in it["roles.csv"]
        ]}),
    )
}  # fmt: skip


@pytest.mark.parametrize(("files", "careless"), CARELESS.values(), ids=CARELESS)
def test_a_careless_row_removes_and_changes_nothing(bring: Importer, files: Files, careless: Files) -> None:
    bring(files)
    before = state(bring)
    checked = bring(careless)
    assert checked.plan is not None, checked
    assert (checked.rows_left_out >= 1, checked.count >= 1) == (True, True)
    assert (counts(checked), state(bring)) == ({}, before)


@pytest.mark.parametrize(("files", "careless"), CARELESS.values(), ids=CARELESS)
def test_strictly_a_careless_row_stops_the_import(bring: Importer, files: Files, careless: Files) -> None:
    checked = bring(careless, tolerance=STRICT)
    assert (checked.plan, checked.count >= 1, bring.all(roster.USERS)) == (None, True, [])


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_the_rest_is_imported(bring: Importer, files: Files) -> None:
    name, column = ("students.csv", "First_name") if "students.csv" in files else ("users.csv", "givenName")
    problems, warnings = told(bring, changed(files, name, 3, column, ""))
    assert problems == [f"{name}, line 3, {column}: the value is empty: every row needs one"]
    assert len(warnings) == (1 if files is not ONEROSTER_12 else 2)  # the enrollment; in 1.2, also the role
    assert all(f"were skipped because of the problems in {name}" in it for it in warnings)
    assert bring.members() == {"student": ["p1"], "teacher": ["t1"]}


def test_changes_beside_a_careless_row_are_applied(bring: Importer) -> None:
    bring(CLEVER)
    files = changed(CLEVER, "students.csv", 2, "Last_name", "")
    files = changed(files, "students.csv", 3, "Last_name", "Beech")
    files = added(files, "students.csv", ("s1", "p3", "Cy", "Cedar", "9", ""))
    bring(added(files, "enrollments.csv", ("s1", "c1", "p3")))
    assert {it.sis_id: it.last_name for it in bring.all(roster.USERS)} == {
        "p1": "Ash", "p2": "Beech", "p3": "Cedar", "t1": "Teak",
    }  # fmt: skip
    assert bring.members()["student"] == ["p1", "p2", "p3"]


def test_whoever_is_missing_is_still_removed_beside_a_row_that_names_another(bring: Importer) -> None:
    bring(CLEVER)
    files = changed(
        without(without(CLEVER, "students.csv", 3), "enrollments.csv", 3), "students.csv", 2, "Last_name", ""
    )
    assert counts(bring(files)) == {"sections": (0, 1, 0), "students": (0, 0, 1), "enrollments": (0, 0, 1)}


def test_nobody_is_removed_while_a_row_does_not_show_whom_it_is_about(bring: Importer) -> None:
    bring(CLEVER)
    files = changed(without(CLEVER, "students.csv", 3), "students.csv", 2, "Student_id", "")
    assert counts(bring(files)) == {}


def test_what_the_file_calls_gone_is_removed_all_the_same(bring: Importer) -> None:
    bring(ONEROSTER_11)
    files = changed(ONEROSTER_11, "users.csv", 2, "sourcedId", "")
    bring(changed(files, "users.csv", 3, "status", "tobedeleted"))
    assert bring.members()["student"] == ["p1"]


def test_an_enrollment_that_the_file_calls_gone_ends_beside_one_of_nobody(bring: Importer) -> None:
    bring(ONEROSTER_11)
    files = changed(ONEROSTER_11, "enrollments.csv", 2, "userSourcedId", "x9")
    bring(changed(files, "enrollments.csv", 3, "status", "tobedeleted"))
    assert bring.members()["student"] == ["p1"]


def test_a_right_row_beside_a_wrong_one_of_the_same_id_counts(bring: Importer) -> None:
    problems, _ = told(bring, added(CLEVER, "students.csv", ("s1", "p1", "", "Ash", "9", "")))
    assert (len(problems), bring.members()["student"]) == (1, ["p1", "p2"])


def test_ids_with_different_contents_are_left_out_together(bring: Importer) -> None:
    files = added(CLEVER, "students.csv", ("s1", "p1", "Amy", "Alder", "9", ""))
    problems, warnings = told(bring, files)
    assert problems == [
        "students.csv, line 4, Student_id: 'p1' appears more than once, first in line 2: give each user an id of its own"
    ]
    assert len(warnings) == 1
    assert bring.members()["student"] == ["p2"]


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_an_identical_row_twice_is_one(bring: Importer, files: Files) -> None:
    twice = {
        name: table if name == "manifest.csv" else [*table, *table[1:], table[-1]]
        for name, table in files.items()
    }
    assert told(bring, twice) == ([], [])
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}
    assert counts(bring(files)) == {}


@pytest.mark.parametrize("status", ["tobedeleted", "inactive", "ToBeDeleted"])
@pytest.mark.parametrize("files", [ONEROSTER_11, ONEROSTER_12], ids=["1.1", "1.2"])
def test_references_to_what_is_gone_go_silently(bring: Importer, files: Files, status: str) -> None:
    for name, line in (
        ("users.csv", 3), ("academicSessions.csv", 2), ("courses.csv", 2), ("orgs.csv", 3),
    ):  # fmt: skip
        files = changed(files, name, line, "status", status)
    assert told(bring, files) == ([], [])
    [section] = bring.all(roster.SECTIONS)
    assert (section.school_id, section.course_id, section.term_id) == (None, None, None)
    assert bring.members() == {"student": ["p1"], "teacher": ["t1"]}
    assert told(bring, changed(files, "classes.csv", 2, "status", status)) == ([], [])
    assert bring.all(roster.SECTIONS) == []


def test_of_several_terms_and_schools_the_first_that_is_there_counts(bring: Importer) -> None:
    files = changed(ONEROSTER_11, "classes.csv", 2, "termSourcedIds", "old,2026-27")
    files = changed(files, "users.csv", 2, "orgSourcedIds", "closed,s1")
    files = added(files, "academicSessions.csv", ("old", "tobedeleted", "", "", "", "", "", ""))
    assert told(bring, added(files, "orgs.csv", ("closed", "tobedeleted", "", "", "", "", ""))) == ([], [])
    [section], [term], [school] = (bring.all(it) for it in (roster.SECTIONS, roster.TERMS, roster.SCHOOLS))
    ann = next(it for it in bring.all(roster.USERS) if it.sis_id == "p1")
    assert (section.term_id, ann.school_id) == (term.id, school.id)


@pytest.mark.parametrize(("column", "what"), [("termSourcedIds", "term"), ("courseSourcedId", "course")])
def test_an_unknown_term_or_course_is_empty_with_a_warning(bring: Importer, column: str, what: str) -> None:
    checked = bring(changed(ONEROSTER_11, "classes.csv", 2, column, "x9"))
    assert (checked.count, checked.rows_left_out) == (0, 0)
    assert [str(it) for it in checked.warnings] == [
        f"classes.csv, line 2, {column}: there is no {what} 'x9': add it, or correct the id"
    ]
    [section] = bring.all(roster.SECTIONS)
    assert (section.term_id, section.course_id).count(None) == 1


def test_a_section_of_a_new_term_that_is_left_out_is_shown_without_it(bring: Importer) -> None:
    problems, warnings = told(bring, changed(ONEROSTER_11, "academicSessions.csv", 2, "title", ""))
    assert (len(problems), len(warnings)) == (1, 1)
    [section] = bring.all(roster.SECTIONS)
    assert (section.term_id, bring.members()["student"]) == (None, ["p1", "p2"])


def test_the_people_of_a_new_school_that_is_left_out_are_there_without_it(bring: Importer) -> None:
    problems, warnings = told(bring, changed(CLEVER, "schools.csv", 2, "School_name", ""))
    assert (len(problems), len(warnings)) == (1, 3)
    assert {it.school_id for it in (*bring.all(roster.USERS), *bring.all(roster.SECTIONS))} == {None}
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}


def test_the_enrollments_of_a_new_section_that_is_left_out_go_with_it(bring: Importer) -> None:
    row = ("s9", "c2", "t1", "Algebra 2", "Algebra", "MA1", "2026-27", "08/20/2026")
    files = added(
        added(CLEVER, "sections.csv", row), "enrollments.csv", ("s1", "c2", "p1"), ("s1", "c2", "p2")
    )
    checked = bring(files)
    assert (checked.count, checked.rows_left_out) == (1, 1)
    assert [str(it) for it in checked.warnings] == [
        "enrollments.csv, line 4, Section_id: 2 rows, starting with this one, refer to sections that are missing, or"
        " were skipped because of the problems in sections.csv"
    ]
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}


def test_who_is_known_and_no_longer_there_does_not_keep_others(bring: Importer) -> None:
    bring(added(CLEVER, "students.csv", ("s1", "p3", "Cy", "Cedar", "9", "")))
    bring(CLEVER)
    files = changed(CLEVER, "enrollments.csv", 2, "Student_id", "p3")
    assert counts(bring(files)) == {"sections": (0, 1, 0), "enrollments": (0, 0, 1)}


def test_an_enrollment_of_somebody_unknown_is_left_out(bring: Importer) -> None:
    problems, warnings = told(bring, added(CLEVER, "enrollments.csv", ("s1", "c1", "p9")))
    assert (problems, warnings) == (
        ["enrollments.csv, line 4, Student_id: there is no user 'p9': add it, or correct the id"],
        [],
    )


@pytest.mark.parametrize(
    "word", ["Principal", "ext:tutor", "site administrator", "district_administrator", "STAFF"]
)
def test_other_roles_of_the_field_are_no_problem(bring: Importer, word: str) -> None:
    assert told(bring, changed(ONEROSTER_11, "users.csv", 5, "role", word)) == ([], [])
    assert told(bring, changed(ONEROSTER_12, "roles.csv", 6, "role", word)) == ([], [])


def test_a_person_keeps_both_roles_beside_a_careless_row(bring: Importer) -> None:
    files = added(ONEROSTER_11, "enrollments.csv", ("e5", "", "", "c1", "s1", "t1", "student", "", "", ""))
    bring(files)
    before = state(bring)
    for name, line, column in (
        ("users.csv", 4, "givenName"),
        ("enrollments.csv", 6, "role"),
        ("enrollments.csv", 4, "role"),
    ):
        assert counts(bring(changed(files, name, line, column, ""))) == {}
        assert state(bring) == before


@pytest.mark.parametrize("school", ["s1", "s9"])
def test_the_teachers_of_a_section_that_is_left_out_stay(bring: Importer, school: str) -> None:
    bring(CLEVER)
    files = added(CLEVER, "teachers.csv", ("s1", "t2", "Tim", "Tamarind", ""))
    row = (school, "c1", "t2", "Algebra 2", "Algebra", "MA1", "2026-27", "08/20/2026")
    table = files["sections.csv"]
    bring({**files, "sections.csv": [*table, row] if school == "s1" else [table[0], row]})
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}


def test_a_section_may_have_a_row_for_each_teacher(bring: Importer) -> None:
    files = added(CLEVER, "teachers.csv", ("s1", "t2", "Tim", "Tamarind", ""))
    row = ("s1", "c1", "t2", *CLEVER["sections.csv"][1][3:])
    assert told(bring, added(files, "sections.csv", row)) == ([], [])
    assert bring.members()["teacher"] == ["t1", "t2"]


def test_what_is_wrong_with_people_who_are_left_out_anyway_is_no_problem(bring: Importer) -> None:
    assert told(bring, changed(ONEROSTER_11, "users.csv", 5, "orgSourcedIds", "s9")) == ([], [])


def test_an_enrollment_that_is_kept_until_the_next_stays_in_a_section_that_is_left_out(
    bring: Importer,
) -> None:
    calendar = Calendar(keep_until_next=True)
    bring(ONEROSTER_11)
    files = changed(ONEROSTER_11, "enrollments.csv", 2, "endDate", "2020-02-01")
    bring(changed(files, "classes.csv", 2, "title", ""), calendar=calendar)
    assert bring.members()["student"] == ["p1", "p2"]


def _cut_short(row: tuple[str, ...]) -> tuple[str, ...]:
    return row[: len(row) // 2]


def _too_long(row: tuple[str, ...]) -> tuple[str, ...]:
    return (*row, "x")


def _nearly_empty(_: tuple[str, ...]) -> tuple[str, ...]:
    return ("x",)


@pytest.mark.parametrize("bring", ["sqlite"], indirect=True)
@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_no_spoiled_value_or_row_removes_or_changes_anything(bring: Importer, files: Files) -> None:
    bring(files)
    before = state(bring)
    spoiled: list[Files] = []
    for name, table in files.items():
        if name == "manifest.csv":
            continue
        lines = itertools.cycle(range(2, len(table) + 1))  # a row of each table in turn
        spoiled += [changed(files, name, next(lines), column, "x" * 1001) for column in table[0]]
        for line, form in zip(lines, (_cut_short, _too_long, _nearly_empty), strict=False):
            spoiled.append({**files, name: [*table[: line - 1], form(tuple(table[line - 1])), *table[line:]]})
    for one in spoiled:
        checked = bring(one)
        assert (counts(checked), state(bring)) == ({}, before), checked


# The bound


def district(bad: int, good: int = 0) -> Files:
    """A district with some students who have no name."""
    rows = [("s1", f"x{it}", "" if it < bad else "Al", "Elm", "9", "") for it in range(bad + good)]
    return added(CLEVER, "students.csv", *rows)


@pytest.mark.parametrize(
    ("bad", "good", "tolerance", "applied"),
    [
        (10, 0, Tolerance(), True), (11, 0, Tolerance(), False),
        (19, 1900, Tolerance(), True), (20, 1900, Tolerance(), False),
        (1, 0, Tolerance(rows=0, share=0), False), (30, 0, Tolerance(rows=30, share=0), True),
        (31, 0, Tolerance(rows=30, share=0), False), (12, 60, Tolerance(share=0.2), True),
    ],
)  # fmt: skip
def test_too_many_wrong_rows_change_nothing(
    bring: Importer, bad: int, good: int, tolerance: Tolerance, applied: bool
) -> None:
    checked = bring(district(bad, good), tolerance=tolerance)
    assert (checked.plan is not None, checked.rows_left_out) == (applied, bad)
    assert bool(bring.all(roster.USERS)) is applied


def test_a_row_with_two_problems_counts_once(bring: Importer) -> None:
    checked = bring(
        changed(changed(CLEVER, "students.csv", 2, "First_name", ""), "students.csv", 2, "Last_name", "")
    )
    assert (checked.count, checked.rows_left_out) == (2, 1)


def test_what_follows_from_a_wrong_row_does_not_count(bring: Importer) -> None:
    files = district(0, 100)
    files = added(files, "enrollments.csv", *(("s1", "c1", f"x{it}") for it in range(100)))
    checked = bring(changed(files, "sections.csv", 2, "Name", "x" * 1001))
    assert (checked.rows_left_out, checked.plan is not None) == (1, True)


@pytest.mark.parametrize(
    ("last", "what"),
    [
        ('s1,p2,"Ben",Birch\n', "there is text after a closing quote"),
        ("s1,p2,Ben,Birch\n", "a quote is never closed"),
        ("s1,p2,Ben,Birch\n" * 10_000, "the row is longer than 131,072 characters"),
    ],
)
def test_an_open_quote_costs_its_own_row_alone(bring: Importer, last: str, what: str) -> None:
    rows = "".join(f"s1,x{it},Al,Elm\n" for it in range(20))
    students = f'School_id,Student_id,First_name,Last_name\ns1,p1,"Ann,Ash\n{rows}{last}'
    checked = bring({**CLEVER, "students.csv": students})
    assert [(it.file, it.line, it.message.split(":")[0].startswith(what)) for it in checked.problems] == [
        ("students.csv", 2, True)
    ]
    assert (checked.rows_left_out, counts(checked)["students"]) == (1, (21, 0, 0))


def test_what_is_not_utf_8_in_a_column_that_is_not_read_is_no_problem(bring: Importer) -> None:
    students = (
        b"School_id,Student_id,First_name,Last_name,Caf\xe9\ns1,p1,Ann,Ash,Ren\xe9e\ns1,p2,Ben,Birch,\n"
    )
    assert told(bring, {**CLEVER, "students.csv": students}) == ([], [])


# Clever's terms and courses


def test_terms_and_courses_are_one_schools(bring: Importer) -> None:
    row = ("s2", "c2", "", "Art 1", "Art", "MA1", "2026-27", "09/01/2026")
    files = added(added(CLEVER, "schools.csv", ("s2", "South High", "13")), "sections.csv", row)
    assert told(bring, files) == ([], [])
    names = {it.id: it.name for it in bring.all(roster.COURSES)}
    days = {it.id: it.start_date for it in bring.all(roster.TERMS)}
    found = {it.sis_id: (names[it.course_id], days[it.term_id]) for it in bring.all(roster.SECTIONS)}
    assert found == {"c1": ("Algebra", "2026-08-20"), "c2": ("Art", "2026-09-01")}
    assert counts(bring(files)) == {}


def test_terms_and_courses_known_by_the_word_alone_keep_their_ids(bring: Importer) -> None:
    """As versions before this one knew them."""
    row = ("s2", "c2", "", "Art 1", "Art", "MA1", "2026-27", "09/01/2026")
    bring(CLEVER)
    before = state(bring)

    def as_before(table: str, word: str) -> Callable[..., object]:
        return lambda conn: conn.execute(f"UPDATE {table} SET sis_id = :word", {"word": word})

    bring.database.write_now(as_before("terms", "2026-27"))
    bring.database.write_now(as_before("courses", "MA1"))
    assert counts(bring(CLEVER)) == {}
    files = added(added(CLEVER, "schools.csv", ("s2", "South High", "13")), "sections.csv", row)
    assert counts(bring(files)) == {
        "schools": (1, 0, 0),
        "terms": (1, 0, 0),
        "courses": (1, 0, 0),
        "sections": (1, 0, 0),
    }
    assert state(bring)[4] == before[4]
    [first] = [it for it in bring.all(roster.SECTIONS) if it.sis_id == "c1"]
    assert [first] == before[3]
    # From now on they are known by their schools, in whatever order the file has them.
    table = files["sections.csv"]
    assert counts(bring({**files, "sections.csv": [table[0], table[2], table[1]]})) == {}
