"""The sandbox's district in Schoology: its people and sections, and extras as in a real district.

The ids are fixed, so that others can rely on them; see `SECTION_LMS_ID`, `person_lms_id` and `enrollment_lms_id`.
As in districts today, ids of sections and enrollments do not fit in 31 bits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.identities import ALGEBRA, BIOLOGY, SECTIONS, STUDENTS, TEACHERS

if TYPE_CHECKING:
    from passback_simulators.identities import SandboxSection
    from passback_simulators.records import Records

DISTRICT_DIGITS = "5c"

CONSUMER_KEY = "5c0000demo0system0admin0key"
"""The district's own key: that of its system administrator, for two-legged calls."""
CONSUMER_SECRET = "5c0000demo0system0admin0secret"  # noqa: S105 - published: it exists only in the sandbox
APP_KEY = "5c0000demo0app0key"
"""An app of the district: two-legged for itself, three-legged for users who allowed it."""
APP_SECRET = "5c0000demo0app0secret"  # noqa: S105

SECTION_LMS_ID: dict[str, str] = {section.digits: f"8067{section.digits}" for section in SECTIONS}
"""The id of each of the sandbox's sections, by its six digits."""
STUDY_HALL = "8067000009"
"""A section without SIS code, grading categories and scales."""
PAST_SECTION = "8067000006"
"""A section of last year, whose grading period has ended."""

ADMIN, TEACHER, STUDENT, PARENT = 1212, 1213, 1214, 1215
"""Ids of the roles."""
ROLES = {ADMIN: ("School Admin", 1), TEACHER: ("Teacher", 1), STUDENT: ("Student", 0), PARENT: ("Parent", 0)}
"""The title of each role, and whether it belongs to the faculty."""

SCHOOL, HIGH_SCHOOL, MIDDLE_SCHOOL = 2344232, 2344233, 2344234
"""The district as one "school", and its two buildings."""

SYSTEM_ADMIN, PARENT_OF_FIRST, FORMER_STUDENT = "000090", "000091", "001999"
"""The digits of people who are not in the sandbox's roster."""

PERIOD_SEMESTER, PERIOD_YEAR, PERIOD_PAST = 813011, 813012, 813009
"""Grading periods: the current half-year, one that lasts for years, and last year."""

CATEGORIES = {
    ALGEBRA.digits: ((4371001, "Assignments", 60), (4371002, "Tests", 40)),
    BIOLOGY.digits: ((4371011, "Homework", 100),),
}
"""Id, title and weight of each section's grading categories."""
LETTER_SCALE, PASS_SCALE, POINT_SCALE, BIOLOGY_LETTER_SCALE = 2001, 2002, 2003, 2011
GRADING_GROUP = 971001
"""A grading group of Algebra: its first five students."""

LETTERS = (
    ("F", 0), ("D-", 60), ("D", 63), ("D+", 67), ("C-", 70), ("C", 73), ("C+", 77), ("B-", 80), ("B", 83),
    ("B+", 87), ("A-", 90), ("A", 93), ("A+", 97),
)  # fmt: skip
"""The levels of every district's first scale, and where each begins (percent)."""


def person_lms_id(digits: str) -> str:
    """The uid of a person, by their six digits."""
    return f"148{digits}"


def enrollment_lms_id(section: str, person: str) -> str:
    """The id of a person's enrollment in one of the sandbox's sections, by the digits of both."""
    return f"58{section[-2:]}{person}"


def student_token(digits: str) -> tuple[str, str]:
    """The app's token and secret for a student who has signed in, by their six digits."""
    return f"5c0000demo0student0token0{digits}", f"5c0000demo0student0secret0{digits}"


ADMIN_UID = person_lms_id(SYSTEM_ADMIN)


def seed(records: Records, now: int) -> None:
    """Fill empty tables. `now`: milliseconds since 1970."""
    _seed_district(records, now)
    _seed_people(records)
    for section, course in ((ALGEBRA, 1407691), (BIOLOGY, 1407692)):
        _seed_section(records, section, course)
    _seed_other_sections(records)
    _seed_grading(records)
    records.put(
        "consumers", CONSUMER_KEY,
        {"key": CONSUMER_KEY, "secret": CONSUMER_SECRET, "kind": "district", "uid": ADMIN_UID},
    )  # fmt: skip
    records.put(
        "consumers", APP_KEY,
        {"key": APP_KEY, "secret": APP_SECRET, "kind": "app", "uid": ADMIN_UID, "title": "Passback"},
    )  # fmt: skip


def _seed_district(records: Records, now: int) -> None:
    records.put("schools", SCHOOL, {"id": SCHOOL, "title": "Sandbox Unified"})
    for building, title in ((HIGH_SCHOOL, "Sandbox High School"), (MIDDLE_SCHOOL, "Sandbox Middle School")):
        records.put("buildings", building, {"id": building, "title": title})
    for role, (title, faculty) in ROLES.items():
        records.put("roles", role, {"id": str(role), "title": title, "faculty": faculty, "role_type": 1})
    today = datetime.fromtimestamp(now / 1000, UTC)
    year = today.year if today.month >= 8 else today.year - 1
    semester = (f"{year}-08-01", f"{year + 1}-01-31")
    if 2 <= today.month <= 7:
        semester = (f"{year + 1}-02-01", f"{year + 1}-07-31")
    for period, title, start, end in (
        (PERIOD_PAST, f"{year - 1}-{year}", f"{year - 1}-08-01", f"{year}-07-31"),
        (PERIOD_SEMESTER, "Semester", *semester),
        (PERIOD_YEAR, "School year", f"{year}-08-01", f"{year + 10}-07-31"),
    ):
        records.put("periods", period, {"id": period, "title": title, "start": start, "end": end})


def _seed_people(records: Records) -> None:
    def person(
        digits: str, role: int, sis_id: str, first: str, last: str, building: int, **more: Any
    ) -> None:
        uid = person_lms_id(digits)
        email = f"{first}.{last}@district-{DISTRICT_DIGITS}.example".lower()
        user = {
            "uid": uid, "school_uid": sis_id, "name_first": first, "name_last": last, "primary_email": email,
            "username": f"{first}.{last}".lower(), "role_id": role, "building_id": building, "tz_name": None,
            "child_uids": [], **more,
        }  # fmt: skip
        records.put("users", uid, user)

    # The administrator is not tied to a building, so the building is the district itself.
    person(SYSTEM_ADMIN, ADMIN, f"admin-{SYSTEM_ADMIN}", "Sigrid", "Adler", SCHOOL)
    for digits, (first, last) in TEACHERS.items():
        person(digits, TEACHER, f"teacher-{digits}", first, last, HIGH_SCHOOL)
    for digits, (first, last) in STUDENTS.items():
        person(digits, STUDENT, f"student-{digits}", first, last, HIGH_SCHOOL)
    person(FORMER_STUDENT, STUDENT, f"student-{FORMER_STUDENT}", "Tomas", "Ferreira", MIDDLE_SCHOOL)
    child = ALGEBRA.students[0]
    person(
        PARENT_OF_FIRST, PARENT, f"parent-{PARENT_OF_FIRST}", "Grete", STUDENTS[child][1], HIGH_SCHOOL,
        child_uids=[person_lms_id(child)],
    )  # fmt: skip


def _section(section_id: str, course: int, title: str, sis_code: str, periods: list[int]) -> dict[str, Any]:
    return {
        "id": section_id, "course_id": str(course), "section_title": title, "section_code": "1",
        "section_school_code": sis_code, "grading_periods": periods, "weighted": "0",
    }  # fmt: skip


def _seed_section(records: Records, section: SandboxSection, course: int) -> None:
    section_id = SECTION_LMS_ID[section.digits]
    number = section.digits[-1]
    records.put(
        "courses", course,
        {"id": course, "title": section.name, "course_code": f"C{number}", "building_id": str(HIGH_SCHOOL)},
    )  # fmt: skip
    content = _section(section_id, course, "Section 1", f"section-{number}", [PERIOD_SEMESTER, PERIOD_YEAR])
    records.put("sections", section_id, content | {"weighted": "1"})
    enroll(records, section_id, section.digits, section.teacher, admin=1)
    for student in section.students:
        enroll(records, section_id, section.digits, student)
    for order, (category, title, weight) in enumerate(CATEGORIES[section.digits]):
        records.put(
            "categories", category,
            {
                "id": category, "section_id": section_id, "title": title, "delta": order, "calculation_type": 2,
                "default_max_points": 100, "default_grading_scale_id": 0, "drop_lowest": 0, "weight": weight,
            },
        )  # fmt: skip


def _seed_other_sections(records: Records) -> None:
    records.put(
        "courses", 1407693,
        {"id": 1407693, "title": "Study Hall", "course_code": "", "building_id": str(HIGH_SCHOOL)},
    )  # fmt: skip
    records.put("sections", STUDY_HALL, _section(STUDY_HALL, 1407693, "Study Hall", "", [PERIOD_YEAR]))
    enroll(records, STUDY_HALL, STUDY_HALL[-6:], ALGEBRA.teacher, admin=1)
    enroll(records, STUDY_HALL, STUDY_HALL[-6:], ALGEBRA.students[0])
    past = _section(PAST_SECTION, 1407691, "Section 1, last year", "section-6", [PERIOD_PAST])
    records.put("sections", PAST_SECTION, past)
    enroll(records, PAST_SECTION, PAST_SECTION[-6:], ALGEBRA.teacher, admin=1)
    enroll(records, PAST_SECTION, PAST_SECTION[-6:], ALGEBRA.students[0])
    # A student who left Algebra during the year is still listed, as expired.
    enroll(records, SECTION_LMS_ID[ALGEBRA.digits], ALGEBRA.digits, FORMER_STUDENT, status=2)


def enroll(
    records: Records, section_id: str, section: str, person: str, *, admin: int = 0, status: int = 1
) -> None:
    """Enroll a person of the seed. `section` and `person`: their digits."""
    enrollment = enrollment_lms_id(section, person)
    records.put(
        "enrollments", enrollment,
        {"id": enrollment, "section_id": section_id, "uid": person_lms_id(person), "admin": admin, "status": status},
    )  # fmt: skip


def _seed_grading(records: Records) -> None:
    algebra, biology = (SECTION_LMS_ID[section.digits] for section in SECTIONS)
    letters = [{"grade": grade, "cutoff": cutoff, "average": cutoff} for grade, cutoff in LETTERS]
    passing = [{"grade": "Fail", "cutoff": 0, "average": 0}, {"grade": "Pass", "cutoff": 60, "average": 100}]
    points = [
        {"points": 4 - place, "description": text}
        for place, text in enumerate(("Exceeds", "Meets", "Begins"))
    ]
    for scale, section_id, title, kind, levels in (
        (LETTER_SCALE, algebra, "Classic five point chromatic", 1, letters),
        (PASS_SCALE, algebra, "Pass/Fail", 1, passing),
        (POINT_SCALE, algebra, "Standards", 3, points),
        (BIOLOGY_LETTER_SCALE, biology, "Classic five point chromatic", 1, letters),
    ):
        records.put(
            "scales", scale,
            {"id": scale, "section_id": section_id, "title": title, "type": kind, "levels": levels},
        )  # fmt: skip
    members = [int(enrollment_lms_id(ALGEBRA.digits, student)) for student in ALGEBRA.students[:5]]
    records.put(
        "groups", GRADING_GROUP,
        {"id": GRADING_GROUP, "title": "Group A", "section_id": algebra, "members": members},
    )  # fmt: skip
