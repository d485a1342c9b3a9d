"""A roster is read, checked, compared and applied: in every format, on every database."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from passback.domain.clock import HOUR
from passback.domain.roster import District
from passback.rosters import import_files
from passback.sis.archive import Archive
from passback.sis.formats import format_of
from passback.store import matching, roster, roster_events, syncs
from passback.store.engine import migrate
from passback.store.engine.database import Opened
from passback.store.engine.open import connect
from passback.store.staging import tables
from support.postgres import DATABASES, database_of
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Files, Table, changed, without, zipped
from support.sandbox import NOW

DISTRICT = "d" * 24
OTHER = "e" * 24
FORMATS = {"clever": CLEVER, "1.1": ONEROSTER_11, "1.2": ONEROSTER_12}


class Silent:
    """Shows nothing, but may do something at a step."""

    def __init__(self, at: Mapping[str, Callable[[], object]] | None = None) -> None:
        self._at = at or {}

    def read(self, done: int, total: int) -> None: ...

    def step(self, what: str) -> None:
        if what in self._at:
            self._at[what]()


class Importer:
    """Brings rosters into a database."""

    def __init__(self, database: Opened, folder: Path) -> None:
        self.database = database
        self._folder = folder
        self.now = NOW

    def __call__(
        self,
        files: Mapping[str, Table | str | bytes],
        *,
        district: str = DISTRICT,
        at: Mapping[str, Callable[[], object]] | None = None,
    ) -> import_files.Checked:
        """Check a roster, and apply it where nothing is wrong. `at` has what is to be done at which step."""
        archive = Archive(zipped(self._folder / "roster.zip", files))
        with contextlib.closing(archive), self.database.session() as session:
            checked = import_files.check(session, format_of(archive), district, lambda: self.now, Silent(at))
            if checked.plan is not None:
                import_files.apply(session, checked.plan, lambda: self.now, Silent())
        return checked

    def all(self, table: roster.Table[Any], district: str = DISTRICT) -> list[Any]:
        return self.database.read_now(lambda conn: roster.page(conn, table, district, limit=100)).items

    def ids(self, table: roster.Table[Any], district: str = DISTRICT) -> dict[str, str]:
        return {item.sis_id: item.id for item in self.all(table, district)}

    def members(self) -> dict[str, list[str]]:
        """The SIS ids of the section's members, by role."""
        [section] = self.all(roster.SECTIONS)
        names = {user.id: user.sis_id for user in self.all(roster.USERS)}
        found = self.database.read_now(lambda conn: roster.section_members(conn, [section.id]))
        return {role: sorted(names[it] for it in ids) for (_, role), ids in found.items()}

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        page = self.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100))
        return [(f"{it.kind}.{it.what}", it.previous) for it in page.items]


@pytest.fixture(params=DATABASES)
def bring(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Importer]:
    with database_of(request.param, "production") as url, contextlib.closing(connect(url, None)) as database:
        migrate.prepare(database, "production")
        made = [District(id_, "D", "builtin", "", None, 0, 0, {}) for id_ in (DISTRICT, OTHER)]
        database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, made))
        yield Importer(database, tmp_path)


def counts(checked: import_files.Checked) -> dict[str, tuple[int, int, int]]:
    """What changes: how many are added, changed and removed."""
    assert checked.plan is not None, checked.problems
    found = {kind: (it.created, it.updated, it.removed) for kind, it in checked.plan.kinds.items()}
    return {kind: it for kind, it in found.items() if any(it)}


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_every_format_makes_the_same_roster(bring: Importer, files: Files) -> None:
    assert counts(bring(files)) == {
        "schools": (1, 0, 0), "terms": (1, 0, 0), "courses": (1, 0, 0), "sections": (1, 0, 0),
        "students": (2, 0, 0), "teachers": (1, 0, 0), "enrollments": (3, 0, 0),
    }  # fmt: skip
    [school], [term], [course], [section] = (
        bring.all(it) for it in (roster.SCHOOLS, roster.TERMS, roster.COURSES, roster.SECTIONS)
    )
    ann = next(user for user in bring.all(roster.USERS) if user.sis_id == "p1")
    assert (school.name, school.school_number, term.name, term.start_date) == (
        "North High",
        "12",
        "2026-27",
        "2026-08-20",
    )
    assert (course.name, course.number, section.name) == ("Algebra", "MA1", "Algebra 1")
    assert (section.school_id, section.course_id, section.term_id) == (school.id, course.id, term.id)
    assert (ann.first_name, ann.last_name, ann.email, ann.role, ann.school_id) == (
        "Ann", "Ash", "ann@d.example", "student", school.id,
    )  # fmt: skip
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_a_second_run_changes_nothing(bring: Importer, files: Files) -> None:
    bring(files)
    before = bring.all(roster.USERS), bring.events()
    again = bring(files)
    assert (counts(again), again.plan is not None and again.plan.nothing) == ({}, True)
    assert (bring.all(roster.USERS), bring.events()) == before


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


def test_what_changed_is_told_as_events(bring: Importer) -> None:
    bring(CLEVER)
    assert [name for name, _ in bring.events()] == [
        "schools.created", "terms.created", "courses.created", *["users.created"] * 3, "sections.created",
    ]  # fmt: skip
    seen = len(bring.events())
    students = sorted(user.id for user in bring.all(roster.USERS) if user.role == "student")
    bring(
        without(
            changed(changed(CLEVER, "students.csv", 2, "Grade", "10"), "sections.csv", 2, "Name", "Algebra"),
            "enrollments.csv",
            3,
        )
    )
    assert bring.events()[seen:] == [
        ("users.updated", {"grade": "9"}),
        ("sections.updated", {"name": "Algebra 1", "students": students}),
    ]
    [teacher] = [user.id for user in bring.all(roster.USERS) if user.role == "teacher"]
    bring(without(changed(CLEVER, "sections.csv", 2, "Teacher_id", ""), "enrollments.csv", 3))
    assert bring.events()[-1] == (
        "sections.updated",
        {"name": "Algebra", "teacher": teacher, "teachers": [teacher]},
    )
    assert bring.events()[-2] == ("users.updated", {"grade": "10"})


def test_what_names_others_is_told_behind_them_and_deleted_before_them(bring: Importer) -> None:
    bring(CLEVER)
    seen = len(bring.events())
    bring({name: table[:1] for name, table in CLEVER.items()})
    assert [name for name, _ in bring.events()[seen:]] == [
        "sections.deleted", *["users.deleted"] * 3, "courses.deleted", "terms.deleted", "schools.deleted",
    ]  # fmt: skip


@pytest.mark.parametrize("primary", ["", "d"])
def test_the_school_of_whoever_names_none_is_that_of_their_role(bring: Importer, primary: str) -> None:
    roles = ONEROSTER_12["roles.csv"]
    files = changed(ONEROSTER_12, "users.csv", 2, "primaryOrgSourcedId", primary)
    bring({**files, "roles.csv": [roles[0], ("r0", "", "", "p1", "secondary", "student", "d"), *roles[1:]]})
    [school] = bring.all(roster.SCHOOLS)
    assert {user.school_id for user in bring.all(roster.USERS)} == {school.id}


@pytest.mark.parametrize(
    "row",
    [
        ("e9", "", "", "c1", "s1", "gone", "student", "", "", "2020-01-01"),
        ("e9", "", "", "gone", "s1", "p1", "administrator", "", "", ""),
        ("e9", "tobedeleted", "", "gone", "s1", "gone", "student", "", "", ""),
    ],
)
def test_what_is_left_out_may_be_of_what_is_not_there(bring: Importer, row: tuple[str, ...]) -> None:
    bring({**ONEROSTER_11, "enrollments.csv": [*ONEROSTER_11["enrollments.csv"], row]})
    assert bring.members() == {"student": ["p1", "p2"], "teacher": ["t1"]}


def test_each_role_has_a_school_of_its_own(bring: Importer) -> None:
    files = changed(ONEROSTER_12, "users.csv", 4, "primaryOrgSourcedId", "")
    bring(
        {
            **files,
            "orgs.csv": [*files["orgs.csv"], ("s2", "", "", "South High", "school", "13", "d")],
            "roles.csv": [*files["roles.csv"], ("r6", "", "", "t1", "secondary", "student", "s2")],
        }
    )
    schools = {school.id: school.sis_id for school in bring.all(roster.SCHOOLS)}
    found = {(user.sis_id, user.role): schools[user.school_id] for user in bring.all(roster.USERS)}
    assert (found["t1", "teacher"], found["t1", "student"]) == ("s1", "s2")


TWO_ROLES: dict[str, Files] = {
    "1.1": {
        **ONEROSTER_11,
        "enrollments.csv": [
            *ONEROSTER_11["enrollments.csv"],
            ("e5", "", "", "c1", "s1", "t1", "student", "", "", ""),
            ("e6", "", "", "c1", "s1", "a1", "teacher", "", "", ""),
        ],
    },
    "1.2": {
        **ONEROSTER_12,
        "roles.csv": [
            *ONEROSTER_12["roles.csv"],
            ("r6", "", "", "t1", "secondary", "student", "s1"),
            ("r7", "", "", "a1", "secondary", "teacher", "s1"),
        ],
        "enrollments.csv": [
            *ONEROSTER_12["enrollments.csv"],
            ("e5", "", "", "c1", "s1", "t1", "student", "", "", ""),
            ("e6", "", "", "c1", "s1", "a1", "teacher", "", "", ""),
        ],
    },
}


@pytest.mark.parametrize("files", TWO_ROLES.values(), ids=TWO_ROLES)
def test_who_is_a_student_and_a_teacher_is_both(bring: Importer, files: Files) -> None:
    bring(files)
    found = {(user.sis_id, user.role) for user in bring.all(roster.USERS)}
    assert found >= {("t1", "student"), ("t1", "teacher"), ("a1", "teacher")}
    assert bring.members() == {"student": ["p1", "p2", "t1"], "teacher": ["a1", "t1"]}
    assert counts(bring(files)) == {}


def test_who_comes_back_is_not_matched_to_what_another_is_by_now(bring: Importer) -> None:
    bring(CLEVER)
    ids = bring.ids(roster.USERS)
    bring.database.write_now(lambda conn: matching.decide(conn, ids["p1"], "L1", NOW))
    bring(without(without(CLEVER, "students.csv", 2), "enrollments.csv", 2))
    bring.database.write_now(lambda conn: matching.decide(conn, ids["p2"], "L1", NOW))
    bring(CLEVER)
    found = {user.sis_id: (user.lms_id, user.matched_by) for user in bring.all(roster.USERS)}
    assert (found["p1"], found["p2"]) == ((None, None), ("L1", "hand"))


def test_a_file_is_followed_no_more_by_the_lms(bring: Importer) -> None:
    bring.database.write_now(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    bring(CLEVER)
    assert not bring.database.read_now(lambda conn: roster.follows_lms(conn, DISTRICT))


def test_what_is_new_is_matched_by_a_sync_that_is_asked_for(bring: Importer) -> None:
    bring.database.write_now(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    bring(CLEVER)
    found = bring.database.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert found is not None
    assert (found.asked, found.due) == (NOW, NOW)


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
    matched = bring.database.read_now(lambda conn: roster.matched_members(conn, section.id, "student"))
    assert (section.lms_id, len(matched)) == (section.id, 2)
    assert district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 100.0}


def test_a_section_that_is_no_more_is_not_found(bring: Importer) -> None:
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
def test_what_was_planned_before_another_import_is_not_done(
    bring: Importer, tmp_path: Path, step: str
) -> None:
    bring(CLEVER)
    other = Importer(bring.database, tmp_path / "other")
    (tmp_path / "other").mkdir()
    with pytest.raises(tables.RosterChanged):
        bring(
            changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"),
            at={step: lambda: other(changed(CLEVER, "students.csv", 2, "Last_name", "Alder"))},
        )
    assert "Alder" in {user.last_name for user in bring.all(roster.USERS)}


@pytest.mark.parametrize(
    ("share", "refused"),
    [(0.0, []), (0.1, []), (0.11, ["11 of 100 students"]), (1.0, ["100 of 100 students"])],
)
def test_removing_more_than_a_tenth_is_noticed(share: float, refused: list[str]) -> None:
    kinds = {"students": tables.Changes(100, 5, 5, round(100 * share)), "terms": tables.Changes(0, 1, 0, 0)}
    assert import_files.too_many_removed(tables.Plan(DISTRICT, 0, kinds, 0)) == refused


# What is wrong

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
        ["users.csv, line 6, sourcedId: 'p1' is there more than once, first in line 2: each user needs an id of its own"],
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
            "students.csv, line 3, Student_id: 'p1' is there more than once, first in line 2: each user needs an id of its own",
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
            "students.csv, line 2, Last_name: it is empty: every row needs one",
            "enrollments.csv, line 2, Student_id: the row refers to users that are not there, or left out for what is wrong"
            " with students.csv",
        ],
    ),
    "a school that is left out": (
        changed(CLEVER, "schools.csv", 2, "School_name", ""),
        [
            "schools.csv, line 2, School_name: it is empty: every row needs one",
            "sections.csv, line 2, School_id: the row refers to schools that are not there, or left out for what is wrong"
            " with schools.csv",
            "students.csv, line 2, School_id: 2 rows, first this, refer to schools that are not there, or left out for what"
            " is wrong with schools.csv",
            "teachers.csv, line 2, School_id: the row refers to schools that are not there, or left out for what is wrong"
            " with schools.csv",
        ],
    ),
    "the section that names its course and term first": (
        {**CLEVER, "sections.csv": [
            CLEVER["sections.csv"][0], ("s1", "", "t1", "Algebra 2", "Algebra", "MA1", "2026-27", ""), CLEVER["sections.csv"][1],
        ]},
        ["sections.csv, line 2, Section_id: it is empty: every row needs one"],
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
        ["students.csv, line 2, Last_name: it is empty: every row needs one"],
    ),
    "a formula": (
        changed(CLEVER, "students.csv", 2, "First_name", '=HYPERLINK("https://evil.example")'),
        [
            "students.csv, line 2, First_name: the value '=HYPERLINK(\"https://evil.example\")' would be a formula in a"
            " spreadsheet: remove the = it begins with",
        ],
    ),
    "a line break": (
        changed(CLEVER, "students.csv", 2, "First_name", "An\nn"),
        ["students.csv, line 2, First_name: the value holds a line break or control character: remove it"],
    ),
    "a day": (
        changed(CLEVER, "sections.csv", 2, "Term_start", "31.08.2026"),
        ["sections.csv, line 2, Term_start: it is no day: write it as 2026-08-31"],
    ),
    "a long id": (
        changed(CLEVER, "students.csv", 2, "Student_id", "p" * 256),
        ["students.csv, line 2, Student_id: the id is longer than 255 characters: shorten it"],
    ),
    "an unknown kind of organisation": (
        changed(ONEROSTER_11, "orgs.csv", 2, "type", "planet"),
        ["orgs.csv, line 2, type: it is none of department, school, district, local, state, national"],
    ),
    "an unknown status": (
        changed(ONEROSTER_11, "users.csv", 2, "status", "gone"),
        ["users.csv, line 2, status: it is none of active, tobedeleted, inactive"],
    ),
    "a column too few": (
        {**CLEVER, "students.csv": [row[1:] for row in CLEVER["students.csv"]]},
        ["students.csv, line 1, School_id: the column is missing: add it"],
    ),
    "a column twice": (
        {**CLEVER, "schools.csv": [("School_id", "school_ID", "School_name"), ("s1", "s1", "x")]},
        ["schools.csv, line 1, school_ID: the column is there twice: remove one"],
    ),
    "a value too few": (
        {**CLEVER, "schools.csv": [*CLEVER["schools.csv"], ("s2", "South")]},
        ["schools.csv, line 3: the row has 2 values for 3 columns: is a quote missing?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "told"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_wrong_is_told_with_its_place(bring: Importer, files: Files, told: list[str]) -> None:
    checked = bring(files)
    first = [str(problem) for problem in checked.problems]
    # What refers to a row that was left out is told, too, but behind it.
    assert first[: len(told)] == told
    assert all("left out" in more for more in first[len(told) :])
    assert (checked.plan, checked.count, bring.all(roster.USERS)) == (None, len(first), [])


BYTES: dict[str, tuple[str, bytes, str]] = {
    "UTF-16": (
        "students.csv",
        "School_id".encode("utf-16"),
        "students.csv, line 1: it is UTF-16, or no text at all: save it as UTF-8",
    ),
    "UTF-16 that does not say so": (
        "students.csv",
        "School_id,Student_id\n".encode("utf-16-le"),
        "students.csv, line 1: it is UTF-16, or no text at all: save it as UTF-8",
    ),
    "Windows-1252": (
        "schools.csv",
        b"School_id,School_name\ns1,Caf\xe9 High\n",
        "schools.csv, line 2: byte 7 is not UTF-8 (it may be Windows-1252): save the file as UTF-8",
    ),
    "nothing": (
        "schools.csv",
        b"",
        "schools.csv: the file is empty: it needs at least the line with the columns' names",
    ),
    "an open quote": (
        "schools.csv",
        b'School_id,School_name\ns1,"North',
        "schools.csv, line 2: a quote is opened and never closed: close it, or remove it",
    ),
    "a quote that is open over lines": (
        "schools.csv",
        b'School_id,School_name\ns1,"North\ns2,South\n',
        "schools.csv, line 2: a quote is opened and never closed: close it, or remove it",
    ),
    "a quote within quotes": (
        "schools.csv",
        b'School_id,School_name\ns1,"North "High""\n',
        "schools.csv, line 2: there is something behind a closing quote: write quotes within a value twice",
    ),
    "line ends of old Macs": (
        "schools.csv",
        b"School_id,School_name\rs1,North\r",
        "schools.csv, line 1: its lines end as on old Macs (with CR alone): save it with those of Windows or Unix",
    ),
    "line ends of old Macs further on": (
        "schools.csv",
        b"School_id,School_name\ns1,North\rs2,South\n",
        "schools.csv, line 2: its lines end as on old Macs (with CR alone): save it with those of Windows or Unix",
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
    "an endless line": (
        "schools.csv",
        b"School_id,School_name\n" + b"x" * 100_000,
        "schools.csv, line 2: the line is longer than 65,536 bytes: shorten its longest value, or remove that column"
        " where nobody needs it",
    ),
    "an endless value": (
        "schools.csv",
        b'School_id,School_name\ns1,"' + b"x\n" * 100_000 + b'"\n',
        "schools.csv, line 2: the row is longer than 131,072 characters, over several lines: is a quote missing?",
    ),
    "an endless row": (
        "schools.csv",
        b'School_id,School_name\ns1,"' + b'x\n","' * 100_000 + b'"\n',
        "schools.csv, line 2: the row is longer than 131,072 characters, over several lines: is a quote missing?",
    ),
}


@pytest.mark.parametrize(("name", "content", "told"), BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_table_are_told(bring: Importer, name: str, content: bytes, told: str) -> None:
    checked = bring({**CLEVER, name: content})
    # Nothing of what refers to its rows, which may well be there.
    assert [str(problem) for problem in checked.problems] == [told]


def test_a_byte_order_mark_and_other_cases_and_orders_of_columns_are_taken(bring: Importer) -> None:
    students = (
        b"\xef\xbb\xbfstudent_ID,LAST_NAME,first_name,school_id,extra\np1,Ash,Ann,s1,\np2,Birch,Ben,s1,\n"
    )
    assert counts(bring({**CLEVER, "students.csv": students}))["students"] == (2, 0, 0)


def test_what_a_spreadsheet_leaves_behind_is_taken(bring: Importer) -> None:
    """Columns without a name, rows without values."""
    teachers = "\r\nSchool_id,Teacher_id,First_name,Last_name,,\r\ns1,t1,Tom,Teak,,x\r\n,, ,,,\r\ns1,t2,Tim,Tamarind\r\n,\r\n"
    assert counts(bring({**CLEVER, "teachers.csv": teachers}))["teachers"] == (2, 0, 0)


def test_a_row_is_where_it_begins(bring: Importer) -> None:
    teachers = 'Notes,School_id,Teacher_id,First_name,Last_name\r\n"a\r\nb",s1,t1,Tom,Teak\r\n"c\r\nd",s1,t2,Tim,\r\n'
    assert [str(problem) for problem in bring({**CLEVER, "teachers.csv": teachers}).problems] == [
        "teachers.csv, line 4, Last_name: it is empty: every row needs one"
    ]


@pytest.mark.parametrize(
    "day", ["08/20/2026", "2026-08-20T00:00:00Z", "2026-08-20 00:00:00", "2026-08-20T00:00:00.000+02:00", "8/20/2026 0:00"]
)  # fmt: skip
def test_the_time_of_a_day_is_not_looked_at(bring: Importer, day: str) -> None:
    bring(changed(CLEVER, "sections.csv", 2, "Term_start", day))
    assert [term.start_date for term in bring.all(roster.TERMS)] == ["2026-08-20"]


@pytest.mark.parametrize(
    "name",
    [
        "-", "- Reading (Honors)", "- Reading & Writing (Room 12)", "+1 (555) 123", "-5.5", "Reading = fun",
        "-Reading, 3rd period", "-ann@d.example",
    ],
)  # fmt: skip
def test_words_and_numbers_may_begin_with_a_sign(bring: Importer, name: str) -> None:
    bring(changed(CLEVER, "sections.csv", 2, "Name", name))
    assert [section.name for section in bring.all(roster.SECTIONS)] == [name]


@pytest.mark.parametrize(
    "name",
    [
        "-2+3+cmd|' /C calc'!A0", "-2+3+cmd", "=1", "@SUM(A1)", "+HYPERLINK(\"https://evil.example\")", "-WEBSERVICE (A1)",
        "+A1*2", "＝1+1", "＋2＋3", "－cmd|' /C calc'!A0", "＠SUM", "\t=1", "-f((A1))",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_work_out_is_refused(bring: Importer, name: str) -> None:
    [problem] = bring(changed(CLEVER, "sections.csv", 2, "Name", name)).problems[:1]
    assert (problem.file, problem.column) == ("sections.csv", "Name")
    assert f"{name.strip()!r} would be a formula" in problem.message


def test_the_school_of_a_user_is_the_first_organisation_that_is_one(bring: Importer) -> None:
    bring(changed(ONEROSTER_11, "users.csv", 2, "orgSourcedIds", "d, s1"))
    [school] = bring.all(roster.SCHOOLS)
    assert {user.sis_id: user.school_id for user in bring.all(roster.USERS)}["p1"] == school.id


def test_people_without_a_role_are_counted(bring: Importer) -> None:
    """The administrator, and who has no role at all."""
    plan = bring(without(ONEROSTER_12, "roles.csv", 3)).plan
    assert plan is not None
    assert (plan.people_left_out, plan.left_out) == (2, 2)


@pytest.mark.parametrize("files", FORMATS.values(), ids=FORMATS)
def test_the_names_of_files_may_be_in_any_case(bring: Importer, files: Files) -> None:
    assert counts(bring({name.upper(): table for name, table in files.items()}))["students"] == (2, 0, 0)


def test_a_student_of_two_schools_is_one(bring: Importer) -> None:
    two = {
        **CLEVER,
        "schools.csv": [*CLEVER["schools.csv"], ("s2", "South High", "13")],
        "students.csv": [*CLEVER["students.csv"], ("s2", "p1", "Ann", "Ash", "9", "ann@d.example")],
    }
    assert counts(bring(two))["students"] == (2, 0, 0)


def test_two_people_of_two_schools_do_not_share_an_id(bring: Importer) -> None:
    two = {
        **CLEVER,
        "schools.csv": [*CLEVER["schools.csv"], ("s2", "South High", "13")],
        "students.csv": [*CLEVER["students.csv"], ("s2", "p1", "Zoe", "Zimmer", "9", "zoe@d.example")],
    }
    assert [str(problem) for problem in bring(two).problems] == [
        "students.csv, line 4, Student_id: 'p1' is there more than once, first in line 2: each user needs an id of its own"
    ]


@pytest.mark.parametrize(
    ("begin", "end", "enrolled"),
    [
        ("", "", True),
        ("2020-01-01", "2999-01-01", True),
        ("2999-01-01", "", False),
        ("", "2020-01-01", False),
    ],
)
def test_only_enrollments_of_today_count(bring: Importer, begin: str, end: str, enrolled: bool) -> None:
    files = changed(
        changed(ONEROSTER_12, "enrollments.csv", 2, "beginDate", begin), "enrollments.csv", 2, "endDate", end
    )
    bring(files)
    assert ("p1" in bring.members()["student"]) is enrolled


@pytest.mark.parametrize(("end", "role"), [("", "teacher"), ("2999-01-01", "teacher"), ("2020-01-01", None)])
def test_a_role_that_has_ended_is_none(bring: Importer, end: str, role: str | None) -> None:
    roles = [[*row, end if row[0] == "r4" else ""] for row in ONEROSTER_12["roles.csv"]]
    roles[0][-1] = "endDate"
    bring({**ONEROSTER_12, "roles.csv": roles})
    assert {user.sis_id: user.role for user in bring.all(roster.USERS)}.get("t1") == role


@pytest.mark.parametrize(
    ("status", "enrolled"), [("active", True), ("Active", True), ("tobedeleted", False), ("inactive", False)]
)
def test_what_is_marked_as_deleted_is_not_there(bring: Importer, status: str, enrolled: bool) -> None:
    bring(changed(ONEROSTER_11, "enrollments.csv", 2, "status", status))
    assert ("p1" in bring.members()["student"]) is enrolled


def test_old_events_are_forgotten_but_for_the_newest_from_which_counting_goes_on(bring: Importer) -> None:
    """Who follows remembers a place: nothing that comes later may be before it."""
    bring(CLEVER)
    before = bring.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100)).items
    bring.database.write_now(lambda conn: roster_events.remove_old(conn, NOW + 1, 1000))
    bring(changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"))
    after = bring.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100)).items
    assert [it.seq for it in after] == [before[-1].seq, before[-1].seq + 1]
