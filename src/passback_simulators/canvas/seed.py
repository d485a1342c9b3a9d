"""The sandbox's district in Canvas: its people and courses, and extras as in a real district.

Assignments belong to courses, so a section here is ``<course>/<section>``. The ids are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.identities import ALGEBRA, BIOLOGY, SECTIONS, STUDENTS, TEACHERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback_simulators.records import Records

DISTRICT_DIGITS = "ca"

ADMIN_TOKEN = "canvas-sandbox-admin-token"  # noqa: S105 - published: it exists only in the sandbox
"""A permanent access token of the account's administrator."""
CLIENT_ID = "10000000000001"
"""The id of the account's developer key."""
CLIENT_SECRET = "canvas-sandbox-developer-key-secret"  # noqa: S105

ACCOUNT, TERM = 1, 11
ADMIN, PARENT, TEST_STUDENT = 900, 901, 902
FAR_STUDENT = 10_000_000_000_000_903
"""A student on another shard: the id does not fit in a double."""
MORE_STUDENTS = (911, 912, FAR_STUDENT)
"""Students of Biology's second section who are not in the sandbox's roster."""

COURSES = {ALGEBRA.digits: 107, BIOLOGY.digits: 108}
"""The course of each of the sandbox's sections, by the section's six digits."""
_SECTIONS = {ALGEBRA.digits: 207, BIOLOGY.digits: 208}
EXTRA_SECTION, CROSS_LISTED_SECTION = 209, 210
"""Biology's other sections: one of its own, and one cross-listed from another course."""
SECTION_LMS_ID: dict[str, str] = {
    digits: f"{COURSES[digits]}/{section}" for digits, section in _SECTIONS.items()
}
"""The id of each of the sandbox's sections, as connectors know it, by its six digits."""

LETTERS = (
    ("A", 0.94), ("A-", 0.90), ("B+", 0.87), ("B", 0.84), ("B-", 0.80), ("C+", 0.77), ("C", 0.74), ("C-", 0.70),
    ("D+", 0.67), ("D", 0.64), ("D-", 0.61), ("F", 0.0),
)  # fmt: skip
"""Canvas's own scheme, in force where neither assignment nor course nor account names one."""
ACCOUNT_STANDARD, COURSE_STANDARD, ACCOUNTS_OWN, ALGEBRAS_OWN = 31, 32, 33, 34
STANDARDS = {
    ACCOUNT_STANDARD: ("Account", ACCOUNT, (("Excellent", 0.9), ("Good", 0.7), ("Poor", 0.0))),
    COURSE_STANDARD: ("Course", COURSES[ALGEBRA.digits], (("1", 0.9), ("2", 0.75), ("3", 0.5), ("4", 0.0))),
    ACCOUNTS_OWN: ("District", ACCOUNT, (("A+", 0.97), *LETTERS)),
    ALGEBRAS_OWN: ("Algebra", COURSES[ALGEBRA.digits], (*LETTERS[:-1], ("E", 0.50), LETTERS[-1])),
}
"""Title, account or course, and levels of each grading standard. The last two are in force: the account's if a course
names none (Biology), and Algebra's own."""


def person_lms_id(digits: str) -> str:
    """The user id of one of the sandbox's people, by their six digits."""
    return str(3_000_000 + int(digits))


def seed(records: Records) -> None:
    """Fill empty records."""
    records.put(
        "accounts", ACCOUNT,
        {"id": ACCOUNT, "name": "Canvas Unified", "time_zone": "America/New_York", "grading_standard_id": ACCOUNTS_OWN},
    )  # fmt: skip
    seed_standards(records)
    records.put("terms", TERM, {"id": TERM, "name": "School year"})
    for digits, (first, last) in {**TEACHERS, **STUDENTS}.items():
        role = "teacher" if digits in TEACHERS else "student"
        email = f"{first}.{last}@district-{DISTRICT_DIGITS}.example".lower()
        _user(records, int(person_lms_id(digits)), f"{first} {last}", email, f"{role}-{digits}")
    _user(records, ADMIN, "Robin Admin", f"robin.admin@district-{DISTRICT_DIGITS}.example", None)
    _user(records, PARENT, "Pat Parent", None, None)
    _user(records, TEST_STUDENT, "Test Student", None, None)
    for number, user in enumerate(MORE_STUDENTS):
        _user(records, user, f"Extra Student {number}", None, None)
    for section in SECTIONS:
        course, section_id = COURSES[section.digits], _SECTIONS[section.digits]
        records.put(
            "courses", course,
            {"id": course, "name": section.name, "course_code": section.name, "workflow_state": "available",
             "sis_course_id": f"course-{section.digits[-1]}", "enrollment_term_id": TERM, "account_id": ACCOUNT,
             "grading_standard_id": None},
        )  # fmt: skip
        records.put("groups", 300 + course, {"id": 300 + course, "course": course, "name": "Assignments", "position": 1,
                                             "group_weight": 0})  # fmt: skip
        _section(records, section_id, course, section.name, f"section-{section.digits[-1]}")
        enroll(records, course, section_id, int(person_lms_id(section.teacher)), "TeacherEnrollment")
        for student in section.students:
            enroll(records, course, section_id, int(person_lms_id(student)), "StudentEnrollment")
    algebra = COURSES[ALGEBRA.digits]
    records.put(
        "courses", algebra, {**(records.get("courses", algebra) or {}), "grading_standard_id": ALGEBRAS_OWN}
    )
    biology = COURSES[BIOLOGY.digits]
    _section(records, EXTRA_SECTION, biology, "Biology (extra)", "section-extra")
    _section(records, CROSS_LISTED_SECTION, biology, "Biology (moved)", None, nonxlist_course=109)
    # A teacher who is enrolled twice: also as co-teacher of a second section.
    enroll(records, biology, EXTRA_SECTION, int(person_lms_id(BIOLOGY.teacher)), "TeacherEnrollment")
    for user in MORE_STUDENTS:
        enroll(records, biology, EXTRA_SECTION, user, "StudentEnrollment")
    enroll(records, COURSES[ALGEBRA.digits], _SECTIONS[ALGEBRA.digits], TEST_STUDENT, "StudentViewEnrollment")
    enroll(records, COURSES[ALGEBRA.digits], _SECTIONS[ALGEBRA.digits], PARENT, "ObserverEnrollment",
           observes=int(person_lms_id(ALGEBRA.students[0])))  # fmt: skip
    records.put("tokens", ADMIN_TOKEN, {"user": ADMIN, "expires": None, "scopes": None, "refreshes": False})


def seed_standards(records: Records) -> None:
    """Fill in the grading standards; data files of version 0.1 have none."""
    for standard, (title, context, levels) in STANDARDS.items():
        put_standard(records, standard, title, "Account" if context == ACCOUNT else "Course", context, levels)


def put_standard(
    records: Records, number: int, title: str, kind: str, context: int, levels: Iterable[tuple[str, float]]
) -> None:
    """Store a grading standard of an account or course (`kind`), with its levels, best first."""
    scheme = [{"name": name, "value": value} for name, value in levels]
    records.put(
        "standards", number,
        {"id": number, "title": title, "context_id": context, "context_type": kind, "grading_scheme": scheme},
    )  # fmt: skip


def enroll(
    records: Records, course: int, section: int, user: int, kind: str, observes: int | None = None
) -> None:
    """Enroll a user in a section; `observes` is the student whom an observer sees."""
    number = records.next_number("enrollments", 40_001)
    records.put(
        "enrollments", number,
        {"id": number, "course_id": course, "course_section_id": section, "user_id": user, "type": kind,
         "enrollment_state": "active", "associated_user_id": observes},
    )  # fmt: skip


def _user(records: Records, user: int, name: str, email: str | None, sis_id: str | None) -> None:
    first, _, last = name.partition(" ")
    records.put(
        "users", user,
        {"id": user, "name": name, "sortable_name": f"{last}, {first}", "short_name": name, "login_id": email,
         "email": email, "sis_user_id": sis_id},
    )  # fmt: skip


def _section(
    records: Records,
    section: int,
    course: int,
    name: str,
    sis_id: str | None,
    nonxlist_course: int | None = None,
) -> None:
    records.put(
        "sections", section,
        {"id": section, "course_id": course, "name": name, "sis_section_id": sis_id,
         "nonxlist_course_id": nonxlist_course},
    )  # fmt: skip
