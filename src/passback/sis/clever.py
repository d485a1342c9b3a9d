"""The five files that districts upload to Clever's SFTP server, one row for each object.

Terms and courses have no files of their own: sections name them. Columns may be in any order and case, and unknown
columns are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from passback.sis.archive import RosterFiles
from passback.sis.rows import Kind, Problems, Row, UnusableFile, batches
from passback.sis.tables import Line, lines

_FILES: dict[str, tuple[str, ...]] = {
    "schools.csv": ("School_id", "School_name"),
    "students.csv": ("School_id", "Student_id", "First_name", "Last_name"),
    "teachers.csv": ("School_id", "Teacher_id", "First_name", "Last_name"),
    "sections.csv": ("School_id", "Section_id", "Teacher_id"),
    "enrollments.csv": ("Section_id", "Student_id"),
}
"""Each file, in reading order, with its required columns."""
_ABOUT: dict[str, tuple[tuple[Kind, str, str, str | None], ...]] = {
    "schools.csv": (("schools", "School_id", "", None),),
    "students.csv": (("users", "Student_id", "", "student"),),
    "teachers.csv": (("users", "Teacher_id", "", "teacher"),),
    "sections.csv": (("sections", "Section_id", "", None), ("enrollments", "Section_id", "", "teacher")),
    "enrollments.csv": (("enrollments", "Section_id", "Student_id", "student"),),
}
"""What a row of each file is about: the kind, the columns of its id and of the user's, and the role."""
_MOST_TEACHERS = 10
_BETWEEN = "\x1f"
"""Stands between the parts of a key; no value contains it."""

_LOCATIONS: dict[tuple[Kind, str], tuple[str, str]] = {
    ("schools", "sis_id"): ("schools.csv", "School_id"),
    ("terms", "sis_id"): ("sections.csv", "Term_name"),
    ("courses", "sis_id"): ("sections.csv", "Course_number"),
    ("sections", "sis_id"): ("sections.csv", "Section_id"),
    ("sections", "school_sis_id"): ("sections.csv", "School_id"),
    ("sections", "course_sis_id"): ("sections.csv", "Course_number"),
    ("sections", "term_sis_id"): ("sections.csv", "Term_name"),
}
_LOCATIONS_OF_ROLES: dict[tuple[Kind, str, str], tuple[str, str]] = {
    ("users", "school_sis_id", "student"): ("students.csv", "School_id"),
    ("users", "school_sis_id", "teacher"): ("teachers.csv", "School_id"),
    ("users", "sis_id", "student"): ("students.csv", "Student_id"),
    ("users", "sis_id", "teacher"): ("teachers.csv", "Teacher_id"),
    ("enrollments", "section_sis_id", "student"): ("enrollments.csv", "Section_id"),
    ("enrollments", "section_sis_id", "teacher"): ("sections.csv", "Section_id"),
    ("enrollments", "user_sis_id", "student"): ("enrollments.csv", "Student_id"),
    ("enrollments", "user_sis_id", "teacher"): ("sections.csv", "Teacher_id"),
}


class Clever:
    """See `passback.sis.rows.Format`. Raises `UnusableFile` if one of the files is missing."""

    name = "The five files of Clever's SFTP sync"
    repeats_users = True
    sections_name_terms = True
    ids_by_role = True
    one_role = False

    def __init__(self, archive: RosterFiles) -> None:
        self._archive = archive
        if missing := [name for name in _FILES if name not in archive.sizes]:
            raise UnusableFile(f"there is no {missing[0]}: all five files are needed: {', '.join(_FILES)}")
        self.size = sum(archive.sizes[name] for name in _FILES)

    def read(self) -> int:
        return self._archive.bytes_read

    def locate(self, kind: Kind, column: str, role: str) -> tuple[str, str]:
        return (
            _LOCATIONS_OF_ROLES[kind, column, role]
            if kind in ("users", "enrollments")
            else _LOCATIONS[kind, column]
        )

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:
        return batches(self._rows(problems))

    def _rows(self, problems: Problems) -> Iterator[tuple[Kind, Row]]:
        seen: set[tuple[Kind, str]] = set()
        makers: dict[str, Callable[[Line], list[tuple[Kind, Row]]]] = {
            "schools.csv": _school,
            "students.csv": _student,
            "teachers.csv": _teacher,
            "sections.csv": lambda line: _section(line, seen),
            "enrollments.csv": _enrollment,
        }
        for name, make in makers.items():
            for line in lines(self._archive, name, _FILES[name], problems):
                made = [] if line.invalid else make(line)
                if not line.invalid:
                    yield from made
                    continue
                for kind, id_, user, role in _ABOUT[name]:
                    yield "left_out", (line.number, kind, line.known(id_), line.known(user), role)


def _school(line: Line) -> list[tuple[Kind, Row]]:
    row = (line.number, line.id("School_id"), line.required("School_name"), line.text("School_number"))
    return [("schools", row)]


def _student(line: Line) -> list[tuple[Kind, Row]]:
    numbers = line.text("Student_number"), line.text("State_id"), line.text("Username")
    return [("users", (*_person(line, "student", "Student_id", "Student_email"), *numbers))]


def _teacher(line: Line) -> list[tuple[Kind, Row]]:
    state_id = line.text("State_teacher_id") or line.text("State_id")
    numbers = line.text("Teacher_number"), state_id, line.text("Username")
    return [("users", (*_person(line, "teacher", "Teacher_id", "Teacher_email"), *numbers))]


def _person(line: Line, role: str, id_column: str, email_column: str) -> Row:
    """A person's row up to the numbers."""
    return (
        line.number, line.id(id_column), role, line.required("First_name"), line.text("Middle_name"),
        line.required("Last_name"), line.text(email_column), line.id("School_id"), line.text("Grade"), None,
    )  # fmt: skip


def _section(line: Line, seen: set[tuple[Kind, str]]) -> list[tuple[Kind, Row]]:
    """A section and its teachers, with its term and course if they are not `seen` yet; nothing if it is invalid."""
    section, school = line.id("Section_id"), line.id("School_id")
    term, start, end = line.text("Term_name"), line.day("Term_start"), line.day("Term_end")
    title, course_number = line.text("Course_name"), line.text("Course_number")
    course = course_number or title
    section_number = line.text("Section_number")
    # Schools number their courses, and name their terms, each for itself.
    term_id, course_id = (it and f"{school}{_BETWEEN}{it}" for it in (term, course))
    row = (
        line.number, section, line.text("Name") or title or section_number or section, school, course_id, term_id,
        section_number, line.text("Subject"), line.text("Grade"), line.text("Period"), None,
    )  # fmt: skip
    teachers = [
        line.id("Teacher_id" if place == 1 else f"Teacher_{place}_id", needed=False)
        for place in range(1, _MOST_TEACHERS + 1)
    ]
    if line.invalid:
        return []
    made: list[tuple[Kind, Row]] = []
    if term_id and ("terms", term_id) not in seen:
        seen.add(("terms", term_id))
        made.append(("terms", (line.number, term_id, term, start, end, term)))
    if course_id and ("courses", course_id) not in seen:
        seen.add(("courses", course_id))
        made.append(("courses", (line.number, course_id, title or course, course_number, course)))
    made.append(("sections", row))
    made += [
        ("enrollments", (line.number, section, it, "teacher", None, None))
        for it in teachers
        if it is not None
    ]
    return made


def _enrollment(line: Line) -> list[tuple[Kind, Row]]:
    return [
        ("enrollments", (line.number, line.id("Section_id"), line.id("Student_id"), "student", None, None))
    ]
