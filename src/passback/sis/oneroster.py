"""OneRoster 1.1 and 1.2 as CSV (1EdTech's CSV binding): a manifest, and one file for each kind of object.

Only the roster is read, from complete files; `passback.rosters.delta` completes those that hold only what has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from passback.sis.archive import RosterFiles
from passback.sis.rows import Kind, Problems, Row, UnusableFile, batches
from passback.sis.tables import Field, Line, Table, lines, tables

MANIFEST = "manifest.csv"
_VERSION = re.compile(r"v?(1\.[12])(\.\d+)*", re.IGNORECASE | re.ASCII)
"""The standard writes 1.1 and 1.2, systems also v1.1, 1.1.0 or 1.2.1."""

_FILES: dict[str, tuple[str, ...]] = {
    "orgs.csv": ("sourcedId", "name", "type"),
    "academicSessions.csv": ("sourcedId", "title", "type", "startDate", "endDate"),
    "courses.csv": ("sourcedId", "title"),
    "classes.csv": ("sourcedId", "title", "courseSourcedId", "schoolSourcedId", "termSourcedIds"),
    "users.csv": ("sourcedId", "givenName", "familyName"),
    "roles.csv": ("userSourcedId", "role"),
    "enrollments.csv": ("classSourcedId", "userSourcedId", "role"),
}
"""Each file that is read, in order, with its required columns."""
KINDS: dict[str, Kind] = {
    "orgs.csv": "schools", "academicSessions.csv": "terms", "courses.csv": "courses", "classes.csv": "sections",
    "users.csv": "users", "roles.csv": "roles", "enrollments.csv": "enrollments",
}  # fmt: skip
"""The kind of the rows of each file."""
_OPTIONAL = frozenset({"academicSessions.csv", "courses.csv"})
_ORG_TYPES = ("department", "school", "district", "local", "state", "national")
_GONE = ("tobedeleted", "inactive")
"""``inactive`` is the older word for ``tobedeleted``."""
_STATUSES = ("active", *_GONE)
_STATED = frozenset({"oneroster.version", *(f"file.{name[:-4]}".lower() for name in _FILES)})
"""The properties of a manifest that are read."""
_MODES = ("absent", "bulk", "delta")
_SESSION_TYPES = ("gradingPeriod", "semester", "schoolYear", "term")

_OTHER_ROLES = frozenset(
    {
        "administrator", "aide", "counselor", "districtadministrator", "guardian", "parent", "principal", "proctor",
        "relative", "siteadministrator", "systemadministrator",  # the standard's; then what systems write besides
        "admin", "assistant", "coach", "contact", "coordinator", "librarian", "nurse", "observer", "other", "staff",
        "support", "user",
    }
)  # fmt: skip
"""The roles of people who are left out; others that begin with ``ext:`` are, too."""
_ENROLLMENT: tuple[Field, ...] = (
    ("id", "classSourcedId"), ("id", "userSourcedId"), ("required", "role"), ("day", "beginDate"), ("day", "endDate"),
    ("text", "status"),
)  # fmt: skip
_UNCHANGED = frozenset({None, "active"})
_ABOUT: dict[Kind, tuple[str, str]] = {
    "roles": ("", "userSourcedId"),
    "enrollments": ("classSourcedId", "userSourcedId"),
}
"""The columns of the ids that a row is about, the second a user's, if it is not ``sourcedId`` alone."""

_LOCATIONS: dict[tuple[Kind, str], tuple[str, str]] = {
    ("schools", "sis_id"): ("orgs.csv", "sourcedId"),
    ("terms", "sis_id"): ("academicSessions.csv", "sourcedId"),
    ("courses", "sis_id"): ("courses.csv", "sourcedId"),
    ("sections", "sis_id"): ("classes.csv", "sourcedId"),
    ("sections", "school_sis_id"): ("classes.csv", "schoolSourcedId"),
    ("sections", "course_sis_id"): ("classes.csv", "courseSourcedId"),
    ("sections", "term_sis_id"): ("classes.csv", "termSourcedIds"),
    ("users", "sis_id"): ("users.csv", "sourcedId"),
    ("users", "role"): ("users.csv", "role"),
    ("users", "school_sis_id"): ("users.csv", "orgSourcedIds"),
    ("roles", "user_sis_id"): ("roles.csv", "userSourcedId"),
    ("roles", "school_sis_id"): ("roles.csv", "orgSourcedId"),
    ("enrollments", "section_sis_id"): ("enrollments.csv", "classSourcedId"),
    ("enrollments", "user_sis_id"): ("enrollments.csv", "userSourcedId"),
    ("enrollments", "role"): ("enrollments.csv", "role"),
}


class Manifest(Struct, frozen=True):
    """What a manifest says."""

    version: str
    modes: dict[str, str]
    """For each file that is read, in order: ``absent``, ``bulk`` (complete) or ``delta`` (what has changed)."""


def read_manifest(archive: RosterFiles) -> Manifest:
    """The manifest of an archive. Raises `UnusableFile`."""
    problems = Problems()
    stated = {}
    for line in lines(archive, MANIFEST, ("propertyName", "value"), problems):
        name = (line.text("propertyName") or "").lower()
        if name in _STATED:
            stated[name] = line.text("value") or ""
    if problems.count:
        raise UnusableFile(str(problems.first[0]))
    word = stated.get("oneroster.version", "")
    if (version := _VERSION.fullmatch(word)) is None:
        raise UnusableFile(
            f"{MANIFEST} says that this is OneRoster {word or 'without a version'}: export 1.1 or 1.2"
        )
    wanted = [name for name in _FILES if name != "roles.csv" or version[1] == "1.2"]
    modes = {name: stated.get(f"file.{name[:-4]}".lower(), "absent").lower() for name in wanted}
    for name, mode in modes.items():
        if mode not in _MODES:
            raise UnusableFile(
                f"{MANIFEST} says that {name} is {mode!r}: it must be one of {', '.join(_MODES)}"
            )
    return Manifest(version[1], modes)


def required_columns(name: str, version: str) -> tuple[str, ...]:
    """The columns that a file must have."""
    return (*_FILES[name], "role") if name == "users.csv" and version == "1.1" else _FILES[name]


class OneRoster:
    """See `passback.sis.rows.Format`. Raises `UnusableFile` if the manifest rules out an import.

    The standard's ``endDate`` is exclusive, the first day after; `end_is_last_day` if this system writes the last day.
    """

    repeats_users = False
    sections_name_terms = False
    ids_by_role = False

    def __init__(self, archive: RosterFiles, *, end_is_last_day: bool = False) -> None:
        self._archive = archive
        self._end_is_last_day = end_is_last_day
        manifest = read_manifest(archive)
        self.version = manifest.version
        self.name = f"OneRoster {self.version}"
        self.one_role = self.version == "1.1"
        self._names = [name for name, mode in manifest.modes.items() if self._is_stated(name, mode)]
        self.size = sum(archive.sizes[name.lower()] for name in self._names)
        self._before = archive.bytes_read
        self._orgs: dict[str, bool] = {}
        """Whether each organisation is a school."""
        self._terms: set[str] = set()

    def _is_stated(self, name: str, mode: str) -> bool:
        """Whether the manifest declares a file. Raises `UnusableFile` if a required one is missing or not complete."""
        if mode == "absent":
            if name in _OPTIONAL:
                return False
            raise UnusableFile(f"{MANIFEST} says that {name} is absent: include it in the export")
        if mode == "delta":
            raise UnusableFile(
                f"{MANIFEST} says that {name} is {mode!r}: export everything (bulk), not only what has changed"
            )
        if name.lower() not in self._archive.sizes:
            raise UnusableFile(f"{MANIFEST} lists {name}, but the file is missing: include it in the export")
        return True

    def read(self) -> int:
        return self._archive.bytes_read - self._before

    def locate(self, kind: Kind, column: str, role: str) -> tuple[str, str]:  # noqa: ARG002
        if (kind, column) == ("users", "school_sis_id") and self.version == "1.2":
            return "users.csv", "primaryOrgSourcedId"
        if (kind, column) == ("users", "role") and self.version == "1.2":
            return "users.csv", "sourcedId"
        return _LOCATIONS[kind, column]

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:
        makers: dict[str, Callable[[Line], Row]] = {
            "orgs.csv": self._org,
            "academicSessions.csv": self._term,
            "courses.csv": _course,
            "classes.csv": self._section,
            "users.csv": self._user,
            "roles.csv": self._role,
            "enrollments.csv": self._enrollment,
        }
        for name in self._names:
            for some in tables(self._archive, name, required_columns(name, self.version), problems):
                if name == "enrollments.csv" and (enrollments := self._enrollments(some)) is not None:
                    yield "enrollments", enrollments
                else:
                    yield from batches(_row(KINDS[name], makers[name], line) for line in some.lines())

    def _org(self, line: Line) -> Row:
        type_, sis_id = line.one_of("type", _ORG_TYPES), line.id("sourcedId")
        is_school, name = type_ == "school", line.required("name")
        if sis_id and type_:
            self._orgs[sis_id] = is_school
        return line.number, sis_id, name if is_school else None, line.text("identifier")

    def _section(self, line: Line) -> Row:
        course, terms = line.id("courseSourcedId", needed=False), line.list_of("termSourcedIds")
        term = next((it for it in terms if it in self._terms), terms[0] if terms else None)
        return (
            line.number, line.id("sourcedId"), line.required("title"), line.id("schoolSourcedId"),
            course if "courses.csv" in self._names else None,
            term if "academicSessions.csv" in self._names else None,
            line.text("classCode"), line.first_of("subjects"), line.first_of("grades"), line.first_of("periods"),
            None,
        )  # fmt: skip

    def _user(self, line: Line) -> Row:
        role: str | None
        if self.version == "1.1":
            role = _role_of(line)
            school = self._school(line.list_of("orgSourcedIds"))
        else:
            role, school = None, self._school([line.id("primaryOrgSourcedId", needed=False)])
        return (
            line.number, line.id("sourcedId"), role, line.required("givenName"), line.text("middleName"),
            line.required("familyName"), line.text("email"), school, line.first_of("grades"), None,
            line.text("identifier"), line.text("userMasterIdentifier"), line.text("username"),
        )  # fmt: skip

    def _role(self, line: Line) -> Row:
        school = self._school([line.id("orgSourcedId", needed=False)])
        return line.number, line.id("userSourcedId"), _role_of(line), school, *self._dates(line)

    def _enrollments(self, some: Table) -> list[Row] | None:
        """What `_enrollment` makes of each row; None if one needs a closer look. They are most of a roster's rows."""
        read = some.by_columns(_ENROLLMENT)
        if read is None or not {row[-1] for row in read} <= _UNCHANGED:
            return None
        roles = {word: _role(str(word)) for word in {row[3] for row in read}}
        ends = {day: day and self._ends(str(day)) for day in {row[5] for row in read}}
        if None in roles.values():
            return None
        return [
            (number, section, user, roles[word], begins, ends[day])
            for number, section, user, word, begins, day, _ in read
        ]

    def _enrollment(self, line: Line) -> Row:
        return (
            line.number, line.id("classSourcedId"), line.id("userSourcedId"), _role_of(line), *self._dates(line),
        )  # fmt: skip

    def _term(self, line: Line) -> Row:
        line.one_of("type", _SESSION_TYPES)
        if sis_id := line.id("sourcedId"):
            self._terms.add(sis_id)
        start, end = line.day("startDate"), line.day("endDate")
        if end is not None and not self._end_is_last_day:
            end = max(_shifted(end, -1), start or "")
        return line.number, sis_id, line.required("title"), start, end, None

    def _dates(self, line: Line) -> tuple[str | None, str | None]:
        """The first day on which a row holds, and the first on which it no longer does."""
        begins, ends = line.day("beginDate"), line.day("endDate")
        return begins, self._ends(ends)

    def _ends(self, day: str | None) -> str | None:
        """The first day on which a row no longer holds, by its ``endDate``."""
        return _shifted(day, 1) if day is not None and self._end_is_last_day else day

    def _school(self, orgs: Sequence[str | None]) -> str | None:
        """The first that is a school, or else the first that is unknown, so that it is reported."""
        candidates = [it for it in orgs if it and self._orgs.get(it, True)]
        return next((it for it in candidates if it in self._orgs), candidates[0] if candidates else None)


def _row(kind: Kind, make: Callable[[Line], Row], line: Line) -> tuple[Kind, Row]:
    """A line's row, or what is known of it if it is gone or has a problem."""
    gone = not line.invalid and _is_gone(line)
    if not gone and not line.invalid:
        row = make(line)
        if not line.invalid:
            return kind, row
    id_, user = _ABOUT.get(kind, ("sourcedId", ""))
    if gone:
        return "gone", (line.number, kind, line.known(id_), line.known(user))
    return "left_out", (line.number, kind, line.known(id_), line.known(user), None)


def _is_gone(line: Line) -> bool:
    """Whether a row is of something deleted: bulk files need no status, but many have one."""
    return line.text("status") is not None and line.one_of("status", _STATUSES) in _GONE


def _course(line: Line) -> Row:
    return line.number, line.id("sourcedId"), line.required("title"), line.text("courseCode"), None


def _role_of(line: Line) -> str:
    """``student``, ``teacher`` or ``other``. A word that is no role is a problem: it may be a misspelled student."""
    word = line.required("role")
    role = _role(word)
    if word and role is None:
        line.report(
            "role",
            "the value is not a role: write student, teacher, or another of OneRoster's, such as administrator",
        )
    return role or "other"


def _role(word: str) -> str | None:
    """The role that a word means; None if it means none."""
    word = word.lower()
    if word in ("student", "teacher"):
        return word
    return "other" if word.startswith("ext:") or re.sub(r"[\s_-]", "", word) in _OTHER_ROLES else None


def _shifted(day: str, days: int) -> str:
    """A day so many days later, as far as the calendar goes."""
    number = date.fromisoformat(day).toordinal() + days
    return date.fromordinal(min(max(number, 1), date.max.toordinal())).isoformat()
