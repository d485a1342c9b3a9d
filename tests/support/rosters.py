"""Rosters as files, for tests."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

Table = Sequence[Sequence[str]]
Files = Mapping[str, Table]

CLEVER: dict[str, Table] = {
    "schools.csv": [("School_id", "School_name", "School_number"), ("s1", "North High", "12")],
    "students.csv": [
        ("School_id", "Student_id", "First_name", "Last_name", "Grade", "Student_email"),
        ("s1", "p1", "Ann", "Ash", "9", "ann@d.example"),
        ("s1", "p2", "Ben", "Birch", "9", "ben@d.example"),
    ],
    "teachers.csv": [
        ("School_id", "Teacher_id", "First_name", "Last_name", "Teacher_email"),
        ("s1", "t1", "Tom", "Teak", "tom@d.example"),
    ],
    "sections.csv": [
        (
            "School_id",
            "Section_id",
            "Teacher_id",
            "Name",
            "Course_name",
            "Course_number",
            "Term_name",
            "Term_start",
        ),
        ("s1", "c1", "t1", "Algebra 1", "Algebra", "MA1", "2026-27", "08/20/2026"),
    ],
    "enrollments.csv": [("School_id", "Section_id", "Student_id"), ("s1", "c1", "p1"), ("s1", "c1", "p2")],
}
"""A district in the five files of Clever's SFTP sync."""

_BULK = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")

ONEROSTER_11: dict[str, Table] = {
    "manifest.csv": [
        ("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.1"),
        *((f"file.{name}", "bulk") for name in _BULK), ("file.demographics", "absent"),
    ],
    "orgs.csv": [
        ("sourcedId", "status", "dateLastModified", "name", "type", "identifier", "parentSourcedId"),
        ("d", "", "", "The district", "district", "", ""), ("s1", "", "", "North High", "school", "12", "d"),
    ],
    "academicSessions.csv": [
        ("sourcedId", "status", "dateLastModified", "title", "type", "startDate", "endDate", "schoolYear"),
        ("2026-27", "", "", "2026-27", "schoolYear", "2026-08-20", "2027-06-10", "2027"),
    ],
    "courses.csv": [
        ("sourcedId", "status", "dateLastModified", "schoolYearSourcedId", "title", "courseCode"),
        ("MA1", "", "", "2026-27", "Algebra", "MA1"),
    ],
    "classes.csv": [
        ("sourcedId", "status", "dateLastModified", "title", "grades", "courseSourcedId", "classCode", "classType",
         "location", "schoolSourcedId", "termSourcedIds", "subjects", "subjectCodes", "periods"),
        ("c1", "", "", "Algebra 1", "09", "MA1", "1", "scheduled", "", "s1", "2026-27", "Math", "", "2"),
    ],
    "users.csv": [
        ("sourcedId", "status", "dateLastModified", "enabledUser", "orgSourcedIds", "role", "username", "givenName",
         "familyName", "middleName", "email", "grades"),
        ("p1", "", "", "true", "s1", "student", "ann", "Ann", "Ash", "", "ann@d.example", "09"),
        ("p2", "", "", "true", "s1", "student", "ben", "Ben", "Birch", "", "ben@d.example", "09"),
        ("t1", "", "", "true", "s1,d", "teacher", "tom", "Tom", "Teak", "", "tom@d.example", ""),
        ("a1", "", "", "true", "d", "administrator", "amy", "Amy", "Alder", "", "", ""),
    ],
    "enrollments.csv": [
        ("sourcedId", "status", "dateLastModified", "classSourcedId", "schoolSourcedId", "userSourcedId", "role",
         "primary", "beginDate", "endDate"),
        ("e1", "", "", "c1", "s1", "p1", "student", "", "", ""),
        ("e2", "", "", "c1", "s1", "p2", "student", "", "2020-01-01", ""),
        ("e3", "", "", "c1", "s1", "t1", "teacher", "true", "", ""),
        ("e4", "", "", "c1", "s1", "a1", "administrator", "", "", ""),
    ],
}  # fmt: skip
"""The same in OneRoster 1.1."""

ONEROSTER_12: dict[str, Table] = {
    **ONEROSTER_11,
    "manifest.csv": [
        ("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.2"),
        *((f"file.{name}", "bulk") for name in (*_BULK, "roles")),
    ],
    "users.csv": [
        ("sourcedId", "status", "dateLastModified", "enabledUser", "username", "givenName", "familyName", "email",
         "grades", "primaryOrgSourcedId"),
        ("p1", "", "", "true", "ann", "Ann", "Ash", "ann@d.example", "09", "s1"),
        ("p2", "", "", "true", "ben", "Ben", "Birch", "ben@d.example", "09", "s1"),
        ("t1", "", "", "true", "tom", "Tom", "Teak", "tom@d.example", "", "s1"),
        ("a1", "", "", "true", "amy", "Amy", "Alder", "", "", "d"),
    ],
    "roles.csv": [
        ("sourcedId", "status", "dateLastModified", "userSourcedId", "roleType", "role", "orgSourcedId"),
        ("r1", "", "", "p1", "primary", "student", "s1"), ("r2", "", "", "p2", "primary", "student", "s1"),
        ("r3", "", "", "t1", "secondary", "parent", "s1"), ("r4", "", "", "t1", "primary", "teacher", "s1"),
        ("r5", "", "", "a1", "primary", "districtAdministrator", "d"),
    ],
}  # fmt: skip
"""The same in OneRoster 1.2."""


def text(table: Table) -> str:
    """A table as CSV."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(table)
    return written.getvalue()


def zipped(path: Path, files: Mapping[str, Table | str | bytes]) -> Path:
    """A zip archive of tables, texts and bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, (str, bytes)) else text(content))
    return path


def changed(files: Files, name: str, line: int, column: str, value: str) -> dict[str, Table]:
    """Files with one value changed; `line` counts from 1, the columns' names being the first."""
    table = [list(row) for row in files[name]]
    table[line - 1][table[0].index(column)] = value
    return {**files, name: table}


def without(files: Files, name: str, line: int) -> dict[str, Table]:
    """Files without one line."""
    return {**files, name: [row for number, row in enumerate(files[name], 1) if number != line]}


def with_columns(files: Files, name: str, columns: Mapping[str, Sequence[str]]) -> dict[str, Table]:
    """Files with further columns in one table; each has its values from the first row on, then empty ones."""
    table = files[name]
    blank = [""] * len(table)
    added = [[title, *values, *blank][: len(table)] for title, values in columns.items()]
    return {**files, name: [[*row, *(it[place] for it in added)] for place, row in enumerate(table)]}
