"""Every format produces the same roster."""

from __future__ import annotations

import pytest

from passback.store import roster
from support.imports import FORMATS, Importer, counts
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Files, changed, text, without


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


@pytest.mark.parametrize("primary", ["", "d"])
def test_a_user_without_a_school_gets_the_school_of_their_role(bring: Importer, primary: str) -> None:
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
def test_skipped_rows_may_refer_to_what_does_not_exist(bring: Importer, row: tuple[str, ...]) -> None:
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
def test_a_person_can_be_a_student_and_a_teacher(bring: Importer, files: Files) -> None:
    bring(files)
    found = {(user.sis_id, user.role) for user in bring.all(roster.USERS)}
    assert found >= {("t1", "student"), ("t1", "teacher"), ("a1", "teacher")}
    assert bring.members() == {"student": ["p1", "p2", "t1"], "teacher": ["a1", "t1"]}
    assert counts(bring(files)) == {}


def test_a_byte_order_mark_and_other_cases_and_orders_of_columns_are_taken(bring: Importer) -> None:
    students = (
        b"\xef\xbb\xbfstudent_ID,LAST_NAME,first_name,school_id,extra\np1,Ash,Ann,s1,\np2,Birch,Ben,s1,\n"
    )
    assert counts(bring({**CLEVER, "students.csv": students}))["students"] == (2, 0, 0)


def test_what_a_spreadsheet_leaves_behind_is_taken(bring: Importer) -> None:
    """Columns without a name, rows without values."""
    teachers = "\r\nSchool_id,Teacher_id,First_name,Last_name,,\r\ns1,t1,Tom,Teak,,x\r\n,, ,,,\r\ns1,t2,Tim,Tamarind\r\n,\r\n"
    assert counts(bring({**CLEVER, "teachers.csv": teachers}))["teachers"] == (2, 0, 0)


@pytest.mark.parametrize(
    "day",
    [
        "08/20/2026", "20260820", "Thursday, August 20, 2026", "2026-08-20T00:00:00Z", "2026-08-20 00:00:00", "2026-08-20T00:00:00.000+02:00", "8/20/2026 0:00",
        "8/20/26", "8/20/26 12:00:00 AM", "8-20-2026", "2026/08/20", "2026/8/20", "20-Aug-2026", "20-AUG-26",
        "20 August 2026", "August 20, 2026", "Aug. 20 2026",
    ],
)  # fmt: skip
def test_a_day_is_read_as_spreadsheets_write_it(bring: Importer, day: str) -> None:
    bring(changed(CLEVER, "sections.csv", 2, "Term_start", day))
    assert [term.start_date for term in bring.all(roster.TERMS)] == ["2026-08-20"]


@pytest.mark.parametrize("nothing", ["0000-00-00", "00/00/0000", "0000-00-00 00:00:00"])
def test_a_day_of_zeros_is_none(bring: Importer, nothing: str) -> None:
    assert bring(changed(CLEVER, "sections.csv", 2, "Term_start", nothing)).count == 0
    assert [term.start_date for term in bring.all(roster.TERMS)] == [None]


def test_a_carriage_return_within_a_value_is_a_blank(bring: Importer) -> None:
    teachers = "School_id,Teacher_id,First_name,Last_name\ns1,t1,Tom\rTim,Teak\n"
    assert bring({**CLEVER, "teachers.csv": teachers}).count == 0
    assert [user.first_name for user in bring.all(roster.USERS) if user.role == "teacher"] == ["Tom Tim"]


@pytest.mark.parametrize("word", ["NULL", "null", "N/A", "n/a", "#N/A", "\\N", " Null "])
def test_a_word_for_nothing_is_nothing_where_nothing_may_be(bring: Importer, word: str) -> None:
    files: Files = ONEROSTER_11
    for name, line, column in (
        ("users.csv", 2, "email"), ("users.csv", 2, "middleName"), ("users.csv", 2, "familyName"),
        ("users.csv", 2, "status"), ("enrollments.csv", 2, "endDate"), ("classes.csv", 2, "termSourcedIds"),
        ("classes.csv", 2, "courseSourcedId"), ("academicSessions.csv", 2, "endDate"),
    ):  # fmt: skip
        files = changed(files, name, line, column, word)
    bring(changed(files, "users.csv", 2, "orgSourcedIds", f"{word},s1"))
    [section], [school] = bring.all(roster.SECTIONS), bring.all(roster.SCHOOLS)
    ann = next(user for user in bring.all(roster.USERS) if user.sis_id == "p1")
    assert (ann.email, ann.middle_name, ann.school_id) == (None, None, school.id)
    assert ann.last_name == word.strip()  # a surname that exists
    assert (section.term_id, section.course_id) == (None, None)
    assert bring.members()["student"] == ["p1", "p2"]


@pytest.mark.parametrize(
    "name",
    [
        "-", "- Reading (Honors)", "+1 (555) 123", "-5.5", "Reading = fun", "-ann@d.example", "@Home Learning",
        "-2+3+cmd|' /C calc'!A0", "=1", "@SUM(A1)", "+HYPERLINK(\"https://evil.example\")", "＝1+1", "＠SUM",
    ],
)  # fmt: skip
def test_a_name_is_kept_as_it_is(bring: Importer, name: str) -> None:
    bring(changed(CLEVER, "sections.csv", 2, "Name", name))
    assert [section.name for section in bring.all(roster.SECTIONS)] == [name]


@pytest.mark.parametrize(
    "between",
    [
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\x00",
        "\x1b",
        "\x85",
        "\u200e",
        "\u200f",
        "\u2028",
        "\u202e",
        "\u2060",
        "\ufeff",
    ],
)
def test_control_and_invisible_characters_are_blanks(bring: Importer, between: str) -> None:
    files = changed(CLEVER, "students.csv", 2, "First_name", f"{between}Cy{between}Jr{between}")
    bring(changed(files, "enrollments.csv", 2, "Student_id", f"p1{between}"))
    assert {user.first_name for user in bring.all(roster.USERS)} >= {"Cy Jr"}
    assert bring.members()["student"] == ["p1", "p2"]


@pytest.mark.parametrize("within", ["\u00ad", "\u200c", "\u200d"])
def test_what_a_script_needs_within_a_name_stays_there(bring: Importer, within: str) -> None:
    files = changed(CLEVER, "students.csv", 2, "First_name", f"{within}Cy{within}Jr {within}")
    bring(changed(files, "enrollments.csv", 2, "Student_id", f"p1{within}"))
    assert {user.first_name for user in bring.all(roster.USERS)} >= {f"Cy{within}Jr"}
    assert bring.members()["student"] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("sep=,\r\n", ""), ("SEP=,\r\n", ""), ("\ufeffSep=,\r\n", ""), ("\ufeff\ufeff", ""), ("\u200e", ""),
        ("", "\x1a"), ("", "\x1a\r\n"), ("", "\0\0"), ("", "\u200b,\x00\r\n"), ("", "\ufeff"),
    ],
)  # fmt: skip
def test_what_surrounds_the_rows_is_no_row(bring: Importer, before: str, after: str) -> None:
    found = bring({name: f"{before}{text(table)}{after}" for name, table in ONEROSTER_11.items()})
    assert (found.problems, counts(found)["students"]) == ([], (2, 0, 0))


@pytest.mark.parametrize("word", ["1.1", "v1.1", "V1.1", "1.1.0", "1.1.1"])
def test_the_version_may_be_written_as_systems_write_it(bring: Importer, word: str) -> None:
    assert counts(bring(changed(ONEROSTER_11, "manifest.csv", 3, "value", word)))["students"] == (2, 0, 0)


@pytest.mark.parametrize("word", ["1.2", "v1.2", "1.2.0", "1.2.1"])
def test_so_may_the_newer_version(bring: Importer, word: str) -> None:
    assert counts(bring(changed(ONEROSTER_12, "manifest.csv", 3, "value", word)))["students"] == (2, 0, 0)


def test_the_school_of_a_user_is_the_first_organisation_that_is_one(bring: Importer) -> None:
    bring(changed(ONEROSTER_11, "users.csv", 2, "orgSourcedIds", "d, s1"))
    [school] = bring.all(roster.SCHOOLS)
    assert {user.sis_id: user.school_id for user in bring.all(roster.USERS)}["p1"] == school.id


def test_people_without_a_role_are_counted(bring: Importer) -> None:
    """The administrator, and the person without any role."""
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
def test_a_role_that_has_ended_does_not_count(bring: Importer, end: str, role: str | None) -> None:
    roles = [[*row, end if row[0] == "r4" else ""] for row in ONEROSTER_12["roles.csv"]]
    roles[0][-1] = "endDate"
    bring({**ONEROSTER_12, "roles.csv": roles})
    assert {user.sis_id: user.role for user in bring.all(roster.USERS)}.get("t1") == role


@pytest.mark.parametrize(
    ("status", "enrolled"), [("active", True), ("Active", True), ("tobedeleted", False), ("inactive", False)]
)
def test_what_is_marked_as_deleted_is_skipped(bring: Importer, status: str, enrolled: bool) -> None:
    bring(changed(ONEROSTER_11, "enrollments.csv", 2, "status", status))
    assert ("p1" in bring.members()["student"]) is enrolled
