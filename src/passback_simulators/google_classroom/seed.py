"""The sandbox's district in Google Classroom: its people and courses, and extras as in a real domain.

The ids are fixed, so that others can rely on them; see `SECTION_LMS_ID` and `person_lms_id`. Classroom knows no
SIS ids of people, only their e-mail addresses; a course's SIS id is its alias ``d:section-7``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.identities import ALGEBRA, BIOLOGY, SECTIONS, STUDENTS, TEACHERS

if TYPE_CHECKING:
    from passback_simulators.identities import SandboxSection
    from passback_simulators.records import Records

DISTRICT_DIGITS = "6c"
DOMAIN = f"district-{DISTRICT_DIGITS}.example"

PROJECT = "passback-demo"
"""The Cloud project of the gateway: of its service account, and of the client for users who consent."""
OTHER_PROJECT = "other-vendor-demo"
"""The project of another vendor's integration, which owns what that integration creates."""
PROJECT_NUMBERS = {PROJECT: "604200000001", OTHER_PROJECT: "604200000002"}

CLIENT_ID = "604200000001-demo0passback0client.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-demo0passback0secret0000000"  # noqa: S105 - published: it exists only in the sandbox
OTHER_CLIENT_ID = "604200000002-demo0other0vendor0client.apps.googleusercontent.com"
OTHER_CLIENT_SECRET = "GOCSPX-demo0other0vendor0secret000"  # noqa: S105

SERVICE_ACCOUNT = f"gateway@{PROJECT}.iam.gserviceaccount.com"
SERVICE_ACCOUNT_ID = "104200000000000000001"
"""The numeric client id, to which an administrator delegates scopes."""
OTHER_SERVICE_ACCOUNT = f"sync@{OTHER_PROJECT}.iam.gserviceaccount.com"
OTHER_SERVICE_ACCOUNT_ID = "104200000000000000002"

_SCOPE_NAMES = (
    "classroom.addons.student", "classroom.addons.teacher",
    "classroom.courses", "classroom.courses.readonly", "classroom.coursework.me", "classroom.coursework.me.readonly",
    "classroom.coursework.students", "classroom.coursework.students.readonly", "classroom.guardianlinks.me.readonly",
    "classroom.guardianlinks.students", "classroom.guardianlinks.students.readonly", "classroom.profile.emails",
    "classroom.profile.photos",
    "classroom.push-notifications", "classroom.rosters", "classroom.rosters.readonly",
    "classroom.student-submissions.me.readonly", "classroom.student-submissions.students.readonly",
    "classroom.topics", "classroom.topics.readonly", "spreadsheets", "spreadsheets.readonly",
    "userinfo.email", "userinfo.profile",
)  # fmt: skip
ALL_SCOPES = ("openid", *(f"https://www.googleapis.com/auth/{name}" for name in _SCOPE_NAMES))
"""Every scope that the simulator knows; the administrator has delegated all of them."""

SECTION_LMS_ID: dict[str, str] = {section.digits: f"708012{section.digits}" for section in SECTIONS}
"""The course id of each of the sandbox's sections, by its six digits."""
ARCHIVED_COURSE = "708012000006"
"""Last year's course of Algebra's teacher and first student."""
ORPHAN_COURSE = "708012000009"
"""A course whose owner's account is deleted; Biology's teacher also teaches it."""

ADMIN, CO_TEACHER, FORMER_TEACHER, INVITED_STUDENT = "000090", "000092", "000093", "001901"
"""The digits of people who are not in the sandbox's roster: the domain's administrator, Biology's second
teacher, the deleted owner of `ORPHAN_COURSE`, and a student who has not accepted the invitation to Algebra."""
_OTHERS = {
    ADMIN: ("Sigrid", "Adler"),
    CO_TEACHER: ("Lucia", "Marin"),
    FORMER_TEACHER: ("Peter", "Holm"),
    INVITED_STUDENT: ("Tomas", "Ferreira"),
}
INVITATION = "N90000000"
"""The id of that student's invitation."""
GUARDIAN_ID = "115200000000000000091"
"""The parent of Algebra's first student."""

TOPICS = {ALGEBRA.digits: "714000000007", BIOLOGY.digits: "714000000008"}
"""The topic that each section has."""
DRIVE_FILE = "1demoAlgebraWorksheet0000000000000"
"""A file that only Algebra's teacher can see."""

_DAY_MS = 86_400_000


def person_lms_id(digits: str) -> str:
    """The numeric id of a person, as text, by their six digits."""
    return f"115200000000000{digits}"


def person_email(digits: str) -> str:
    """The e-mail address of a person, by their six digits."""
    first, last = (STUDENTS | TEACHERS | _OTHERS)[digits]
    return f"{first}.{last}@{DOMAIN}".lower()


def seed(records: Records, now: int) -> None:
    """Fill empty tables. `now`: milliseconds since 1970."""
    _seed_projects(records)
    for digits in TEACHERS:
        _person(records, digits, creates_courses=True)
    for digits in STUDENTS:
        _person(records, digits, minor=True)
    _person(records, ADMIN, admin=True, creates_courses=True)
    _person(records, CO_TEACHER, creates_courses=True)
    _person(records, FORMER_TEACHER, creates_courses=True, deleted=True)
    _person(records, INVITED_STUDENT, minor=True)
    for section in SECTIONS:
        _seed_section(records, section, now)
    _seed_others(records, now)


def _seed_projects(records: Records) -> None:
    for project, number in PROJECT_NUMBERS.items():
        records.put("projects", project, {"id": project, "number": number})
    for email, client_id, project in (
        (SERVICE_ACCOUNT, SERVICE_ACCOUNT_ID, PROJECT),
        (OTHER_SERVICE_ACCOUNT, OTHER_SERVICE_ACCOUNT_ID, OTHER_PROJECT),
    ):
        account = {"email": email, "client_id": client_id, "project": project, "keys": {}}
        records.put("service_accounts", email, account)
    for client_id, secret, project in (
        (CLIENT_ID, CLIENT_SECRET, PROJECT),
        (OTHER_CLIENT_ID, OTHER_CLIENT_SECRET, OTHER_PROJECT),
    ):
        records.put("clients", client_id, {"id": client_id, "secret": secret, "project": project})


def _person(records: Records, digits: str, **flags: bool) -> None:
    first, last = (STUDENTS | TEACHERS | _OTHERS)[digits]
    no = dict.fromkeys(("admin", "creates_courses", "minor", "deleted"), False)
    user = {"id": person_lms_id(digits), "email": person_email(digits), "given": first, "family": last}
    records.put("users", user["id"], user | no | flags)


def _course(
    records: Records, course_id: str, name: str, owner: str, created: int, *, state: str = "ACTIVE"
) -> dict[str, Any]:
    course: dict[str, Any] = {
        "id": course_id, "name": name, "section": "Period 1", "room": "101", "state": state,
        "owner_id": person_lms_id(owner), "created": created, "updated": created, "domain": DOMAIN,
        "gradebook": {"calculationType": "TOTAL_POINTS", "displaySetting": "HIDE_OVERALL_GRADE"},
    }  # fmt: skip
    records.put("courses", course_id, course)
    return course


def _join(records: Records, course_id: str, digits: str, role: str) -> None:
    user_id = person_lms_id(digits)
    row = {"course_id": course_id, "user_id": user_id, "role": role}
    records.put("members", f"{course_id}/{user_id}", row)


def _seed_section(records: Records, section: SandboxSection, now: int) -> None:
    course_id = SECTION_LMS_ID[section.digits]
    number = section.digits[-1]
    course = _course(records, course_id, section.name, section.teacher, now - 100 * _DAY_MS)
    category = {
        "id": f"71600000{number}",
        "name": "Homework",
        "weight": 1_000_000,
        "defaultGradeDenominator": 100,
    }
    course["section"] = f"Period {number}"
    course["gradebook"]["gradeCategories"] = [category]
    records.put("courses", course_id, course)
    alias = f"d:section-{number}"
    records.put("aliases", alias, {"alias": alias, "course_id": course_id, "project": PROJECT})
    _join(records, course_id, section.teacher, "TEACHER")
    for student in section.students:
        _join(records, course_id, student, "STUDENT")
    topic = {
        "id": TOPICS[section.digits],
        "course_id": course_id,
        "name": "Unit 1",
        "updated": course["created"],
    }
    records.put("topics", topic["id"], topic)
    records.put("grading_periods", course_id, {"gradingPeriods": _semesters(number, now)})


def _semesters(number: str, now: int) -> list[dict[str, Any]]:
    """The two halves of the current school year."""
    today = datetime.fromtimestamp(now / 1000, UTC)
    year = today.year if today.month >= 8 else today.year - 1
    fall = (
        {"year": year, "month": 8, "day": 1},
        {"year": year + 1, "month": 1, "day": 31},
    )
    spring = (
        {"year": year + 1, "month": 2, "day": 1},
        {"year": year + 1, "month": 7, "day": 31},
    )
    return [
        {"id": f"71500000{number}{half}", "title": title, "startDate": start, "endDate": end}
        for half, title, (start, end) in ((1, "Semester 1", fall), (2, "Semester 2", spring))
    ]


def _seed_others(records: Records, now: int) -> None:
    algebra, biology = (SECTION_LMS_ID[section.digits] for section in SECTIONS)
    _join(records, biology, CO_TEACHER, "TEACHER")
    invitation = {
        "id": INVITATION, "userId": person_lms_id(INVITED_STUDENT), "courseId": algebra, "role": "STUDENT",
    }  # fmt: skip
    records.put("invitations", INVITATION, invitation)
    _course(
        records,
        ARCHIVED_COURSE,
        "Algebra 1, last year",
        ALGEBRA.teacher,
        now - 500 * _DAY_MS,
        state="ARCHIVED",
    )
    _join(records, ARCHIVED_COURSE, ALGEBRA.teacher, "TEACHER")
    _join(records, ARCHIVED_COURSE, ALGEBRA.students[0], "STUDENT")
    _course(records, ORPHAN_COURSE, "Chess club", FORMER_TEACHER, now - 300 * _DAY_MS)
    for digits, role in (
        (FORMER_TEACHER, "TEACHER"),
        (BIOLOGY.teacher, "TEACHER"),
        (BIOLOGY.students[0], "STUDENT"),
    ):
        _join(records, ORPHAN_COURSE, digits, role)
    child = ALGEBRA.students[0]
    family = STUDENTS[child][1]
    guardian = {
        "id": GUARDIAN_ID, "student_id": person_lms_id(child), "given": "Grete", "family": family,
        "email": f"grete.{family}@{DOMAIN}".lower(),
    }  # fmt: skip
    records.put("guardians", GUARDIAN_ID, guardian)
    file = {"id": DRIVE_FILE, "title": "Worksheet 1", "readers": [person_lms_id(ALGEBRA.teacher)]}
    records.put("drive_files", DRIVE_FILE, file)
