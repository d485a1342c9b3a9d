"""The five files that districts upload to Clever's SFTP server, one row for each object.

Terms and courses have no files of their own: sections name them. Columns may be in any order and case, and unknown
columns are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from passback.sis.archive import RosterFiles
from passback.sis.rows import Kind, Problems, Row, UnusableFile
from passback.sis.tables import Field, rows

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
_FIELDS: dict[str, tuple[Field, ...]] = {
    "schools.csv": (("id", "School_id"), ("required", "School_name"), ("text", "School_number")),
    "students.csv": (
        ("id", "Student_id"), ("required", "First_name"), ("text", "Middle_name"), ("required", "Last_name"),
        ("text", "Student_email"), ("id", "School_id"), ("text", "Grade"), ("text", "Student_number"),
        ("text", "State_id"), ("text", "Username"),
    ),
    "teachers.csv": (
        ("id", "Teacher_id"), ("required", "First_name"), ("text", "Middle_name"), ("required", "Last_name"),
        ("text", "Teacher_email"), ("id", "School_id"), ("text", "Grade"), ("text", "Teacher_number"),
        ("text", "State_teacher_id"), ("text", "State_id"), ("text", "Username"),
    ),
    "sections.csv": (
        ("id", "Section_id"), ("id", "School_id"), ("text", "Term_name"), ("day", "Term_start"), ("day", "Term_end"),
        ("text", "Course_name"), ("text", "Course_number"), ("text", "Section_number"), ("text", "Name"),
        ("text", "Subject"), ("text", "Grade"), ("text", "Period"), ("optional id", "Teacher_id"),
        *(("optional id", f"Teacher_{place}_id") for place in range(2, _MOST_TEACHERS + 1)),
    ),
    "enrollments.csv": (("id", "Section_id"), ("id", "Student_id")),
}  # fmt: skip
"""What is read of each file."""
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
        sections = _Sections()
        makers: dict[str, Callable[[list[Row]], Iterator[tuple[Kind, list[Row]]]]] = {
            "schools.csv": _schools,
            "students.csv": _students,
            "teachers.csv": _teachers,
            "sections.csv": sections.rows,
            "enrollments.csv": _enrollments,
        }
        for name, make in makers.items():
            for read, left_out in rows(self._archive, name, _FILES[name], _FIELDS[name], problems):
                yield from make(read)
                rows_left_out: list[Row] = [
                    (line.number, kind, line.known(id_), line.known(user), role)
                    for line in left_out
                    for kind, id_, user, role in _ABOUT[name]
                ]
                if rows_left_out:
                    yield "left_out", rows_left_out


def _schools(read: list[Row]) -> Iterator[tuple[Kind, list[Row]]]:
    yield "schools", read


def _students(read: list[Row]) -> Iterator[tuple[Kind, list[Row]]]:
    yield "users", [
        (line, id_, "student", first, middle, last, email, school, grade, None, number, state_id, username)
        for line, id_, first, middle, last, email, school, grade, number, state_id, username in read
    ]  # fmt: skip


def _teachers(read: list[Row]) -> Iterator[tuple[Kind, list[Row]]]:
    yield "users", [
        (
            line, id_, "teacher", first, middle, last, email, school, grade, None, number,
            state_teacher_id or state_id, username,
        )
        for line, id_, first, middle, last, email, school, grade, number, state_teacher_id, state_id, username in read
    ]  # fmt: skip


def _enrollments(read: list[Row]) -> Iterator[tuple[Kind, list[Row]]]:
    yield "enrollments", [(line, section, user, "student", None, None) for line, section, user in read]


class _Sections:
    """Sections with their teachers, terms and courses."""

    def __init__(self) -> None:
        self._seen: set[tuple[Kind, str]] = set()
        """The terms and courses so far."""

    def rows(self, read: list[Row]) -> Iterator[tuple[Kind, list[Row]]]:
        """What rows of sections say."""
        made: dict[Kind, list[Row]] = {"terms": [], "courses": [], "sections": [], "enrollments": []}
        for (
            line, section, school, term, start, end, title, course_number, section_number, name, subject, grade,
            period, *teachers,
        ) in read:  # fmt: skip
            course = course_number or title
            # Schools number their courses, and name their terms, each for itself.
            term_id, course_id = (it and f"{school}{_BETWEEN}{it}" for it in (term, course))
            if term_id and self._is_new("terms", term_id):
                made["terms"].append((line, term_id, term, start, end, term))
            if course_id and self._is_new("courses", course_id):
                made["courses"].append((line, course_id, title or course, course_number, course))
            made["sections"].append(
                (
                    line, section, name or title or section_number or section, school, course_id, term_id,
                    section_number, subject, grade, period, None,
                )
            )  # fmt: skip
            made["enrollments"] += [
                (line, section, it, "teacher", None, None) for it in teachers if it is not None
            ]
        yield from made.items()

    def _is_new(self, kind: Kind, id_: str) -> bool:
        known = (kind, id_) in self._seen
        self._seen.add((kind, id_))
        return not known
