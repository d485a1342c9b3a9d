"""Problems of a roster are reported with their place."""

from __future__ import annotations

import pytest

from passback.rosters.import_files import STRICT
from passback.store import roster
from support.imports import Importer
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Files, changed

PROBLEMS: dict[str, tuple[Files, list[str]]] = {
    "a section's school": (
        changed(CLEVER, "sections.csv", 2, "School_id", "s9"),
        ["sections.csv, line 2, School_id: there is no school 's9': add it, or correct the id"],
    ),
    "a role's school": (
        changed(ONEROSTER_12, "roles.csv", 2, "orgSourcedId", "s9"),
        ["roles.csv, line 2, orgSourcedId: there is no school 's9': add it, or correct the id"],
    ),
    "an id that two have in two roles": (
        {**ONEROSTER_11, "users.csv": [*ONEROSTER_11["users.csv"], (
            "p1", "", "", "true", "s1", "teacher", "pat", "Pat", "Pine", "", "", "",
        )]},
        ["users.csv, line 6, sourcedId: 'p1' appears more than once, first in line 2: give each user an id of its own"],
    ),
    "a section's teacher": (
        changed(CLEVER, "sections.csv", 2, "Teacher_id", "t9"),
        ["sections.csv, line 2, Teacher_id: there is no user 't9': add it, or correct the id"],
    ),
    "an enrollment's student": (
        changed(CLEVER, "enrollments.csv", 3, "Student_id", "p9"),
        ["enrollments.csv, line 3, Student_id: there is no user 'p9': add it, or correct the id"],
    ),
    "an id twice": (
        changed(CLEVER, "students.csv", 3, "Student_id", "p1"),
        [
            "students.csv, line 3, Student_id: 'p1' appears more than once, first in line 2: give each user an id of its own",
            "enrollments.csv, line 3, Student_id: there is no user 'p2': add it, or correct the id",
        ],
    ),
    "a section and a student that there are not": (
        changed(changed(CLEVER, "enrollments.csv", 3, "Student_id", "p9"), "students.csv", 2, "School_id", "s9"),
        [
            "students.csv, line 2, School_id: there is no school 's9': add it, or correct the id",
            "enrollments.csv, line 3, Student_id: there is no user 'p9': add it, or correct the id",
        ],
    ),
    "a student who is left out": (
        changed(CLEVER, "students.csv", 2, "Last_name", ""),
        [
            "students.csv, line 2, Last_name: the value is empty: every row needs one",
            "enrollments.csv, line 2, Student_id: this row refers to users that are missing, or were skipped because of"
            " the problems in students.csv",
        ],
    ),
    "a school that is left out": (
        changed(CLEVER, "schools.csv", 2, "School_name", ""),
        [
            "schools.csv, line 2, School_name: the value is empty: every row needs one",
            "sections.csv, line 2, School_id: this row refers to schools that are missing, or were skipped because of"
            " the problems in schools.csv",
            "students.csv, line 2, School_id: 2 rows, starting with this one, refer to schools that are missing, or"
            " were skipped because of the problems in schools.csv",
            "teachers.csv, line 2, School_id: this row refers to schools that are missing, or were skipped because of"
            " the problems in schools.csv",
        ],
    ),
    "the section that names its course and term first": (
        {**CLEVER, "sections.csv": [
            CLEVER["sections.csv"][0], ("s1", "", "t1", "Algebra 2", "Algebra", "MA1", "2026-27", ""), CLEVER["sections.csv"][1],
        ]},
        ["sections.csv, line 2, Section_id: the value is empty: every row needs one"],
    ),
    "a class's term": (
        changed(ONEROSTER_11, "classes.csv", 2, "termSourcedIds", "t9"),
        ["classes.csv, line 2, termSourcedIds: there is no term 't9': add it, or correct the id"],
    ),
    "a role's user": (
        changed(ONEROSTER_12, "roles.csv", 2, "userSourcedId", "p9"),
        ["roles.csv, line 2, userSourcedId: there is no user 'p9': add it, or correct the id"],
    ),
    "an enrollment's class": (
        changed(ONEROSTER_12, "enrollments.csv", 2, "classSourcedId", "c9"),
        ["enrollments.csv, line 2, classSourcedId: there is no section 'c9': add it, or correct the id"],
    ),
    "no name": (
        changed(CLEVER, "students.csv", 2, "Last_name", " "),
        ["students.csv, line 2, Last_name: the value is empty: every row needs one"],
    ),
    "a day": (
        changed(CLEVER, "sections.csv", 2, "Term_start", "31.08.2026"),
        ["sections.csv, line 2, Term_start: the value is not a date: write it as 2026-08-31"],
    ),
    "a long id": (
        changed(CLEVER, "students.csv", 2, "Student_id", "p" * 256),
        ["students.csv, line 2, Student_id: the id is longer than 255 characters: shorten it"],
    ),
    "an unknown kind of organisation": (
        changed(ONEROSTER_11, "orgs.csv", 2, "type", "planet"),
        ["orgs.csv, line 2, type: the value must be one of department, school, district, local, state, national"],
    ),
    "an unknown status": (
        changed(ONEROSTER_11, "users.csv", 2, "status", "gone"),
        ["users.csv, line 2, status: the value must be one of active, tobedeleted, inactive"],
    ),
    "a column too few": (
        {**CLEVER, "students.csv": [row[1:] for row in CLEVER["students.csv"]]},
        ["students.csv, line 1, School_id: the column is missing: add it"],
    ),
    "a column twice": (
        {**CLEVER, "schools.csv": [("School_id", "school_ID", "School_name"), ("s1", "s1", "x")]},
        ["schools.csv, line 1, school_ID: the column appears twice: remove one"],
    ),
    "a value too few": (
        {**CLEVER, "schools.csv": [*CLEVER["schools.csv"], ("s2", "South")]},
        ["schools.csv, line 3: the row has 2 values for 3 columns: is a quote missing?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "told"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems_are_reported_with_their_place(bring: Importer, files: Files, told: list[str]) -> None:
    checked = bring(files, tolerance=STRICT)
    first = [str(problem) for problem in checked.problems]
    # References to a skipped row are reported too, but after it.
    assert first[: len(told)] == told
    assert all("were skipped" in more for more in first[len(told) :])
    assert (checked.plan, checked.count, bring.all(roster.USERS)) == (None, len(first), [])


BYTES: dict[str, tuple[str, bytes, str]] = {
    "UTF-16": (
        "students.csv",
        "School_id".encode("utf-16"),
        "students.csv, line 1: the file is UTF-16 or not text at all: save it as UTF-8",
    ),
    "UTF-16 that does not say so": (
        "students.csv",
        "School_id,Student_id\n".encode("utf-16-le"),
        "students.csv, line 1: the file is UTF-16 or not text at all: save it as UTF-8",
    ),
    "Windows-1252": (
        "schools.csv",
        b"School_id,School_name\ns1,Caf\xe9 High\n",
        "schools.csv, line 2, School_name: the value is not UTF-8 (it may be Windows-1252): save the file as UTF-8",
    ),
    "nothing": (
        "schools.csv",
        b"",
        "schools.csv: the file is empty: it needs at least the line with the column names",
    ),
    "an open quote": (
        "schools.csv",
        b'School_id,School_name\ns1,"North',
        "schools.csv, line 2: a quote is never closed: close it, or remove it",
    ),
    "a quote that is open over lines": (
        "schools.csv",
        b'School_id,School_name\ns1,"North\ns2,South\n',
        "schools.csv, line 2: a quote is never closed: close it, or remove it",
    ),
    "a quote within quotes": (
        "schools.csv",
        b'School_id,School_name\ns1,"North "High""\n',
        "schools.csv, line 2: there is text after a closing quote: double the quotes within a value",
    ),
    "line ends of old Macs": (
        "schools.csv",
        b"School_id,School_name\rs1,North\r",
        "schools.csv, line 1: the lines end in CR alone, as on old Macs: save the file with Windows or Unix line endings",
    ),
    "line ends of old Macs further on": (
        "schools.csv",
        b"School_id,School_name\ns1,North\rs2,South\n",
        "schools.csv, line 2: the row has 3 values for 2 columns: is a quote missing?",
    ),
    "semicolons": (
        "schools.csv",
        b"School_id;School_name\ns1;North\n",
        "schools.csv, line 1: the columns are separated by semicolons: separate them by commas",
    ),
    "tabs": (
        "schools.csv",
        b"School_id\tSchool_name\ns1\tNorth\n",
        "schools.csv, line 1: the columns are separated by tabs: separate them by commas",
    ),
    "vertical bars": (
        "schools.csv",
        b"School_id|School_name\ns1|North\n",
        "schools.csv, line 1: the columns are separated by vertical bars: separate them by commas",
    ),
    "an endless line": (
        "schools.csv",
        b"School_id,School_name\n" + b"x" * 100_000,
        "schools.csv, line 2: the line is longer than 65,536 bytes: shorten its longest value, or remove that column"
        " if it is not needed",
    ),
    "an endless value": (
        "schools.csv",
        b'School_id,School_name\ns1,"' + b"x\n" * 70_000 + b'"\n',
        "schools.csv, line 2: the row is longer than 131,072 characters, over several lines: is a quote missing?",
    ),
    "an endless row": (
        "schools.csv",
        b'School_id,School_name\ns1,"' + b'x\n","' * 30_000 + b'"\n',
        "schools.csv, line 2: the row is longer than 131,072 characters, over several lines: is a quote missing?",
    ),
}


@pytest.mark.parametrize(("name", "content", "told"), BYTES.values(), ids=BYTES)
def test_bytes_that_are_not_a_table_are_reported(
    bring: Importer, name: str, content: bytes, told: str
) -> None:
    checked = bring({**CLEVER, name: content})
    # Nothing about references to its rows, which may well exist.
    assert (str(checked.problems[0]), {it.file for it in checked.problems}) == (told, {name})


def test_a_row_is_where_it_begins(bring: Importer) -> None:
    teachers = 'Notes,School_id,Teacher_id,First_name,Last_name\r\n"a\r\nb",s1,t1,Tom,Teak\r\n"c\r\nd",s1,t2,Tim,\r\n'
    assert [str(problem) for problem in bring({**CLEVER, "teachers.csv": teachers}).problems] == [
        "teachers.csv, line 4, Last_name: the value is empty: every row needs one"
    ]


@pytest.mark.parametrize(
    "day", ["20/8/2026", "8-2026", "2/30/2026", "2026-13-01", "46254", "20-Foo-2026", "1/2/3"]
)
def test_what_cannot_be_a_day_is_reported(bring: Importer, day: str) -> None:
    assert [str(it) for it in bring(changed(CLEVER, "sections.csv", 2, "Term_start", day)).problems[:1]] == [
        "sections.csv, line 2, Term_start: the value is not a date: write it as 2026-08-31"
    ]


def test_two_people_of_two_schools_do_not_share_an_id(bring: Importer) -> None:
    two = {
        **CLEVER,
        "schools.csv": [*CLEVER["schools.csv"], ("s2", "South High", "13")],
        "students.csv": [*CLEVER["students.csv"], ("s2", "p1", "Zoe", "Zimmer", "9", "zoe@d.example")],
    }
    assert [str(problem) for problem in bring(two).problems] == [
        "students.csv, line 4, Student_id: 'p1' appears more than once, first in line 2: give each user an id of its own"
    ]
