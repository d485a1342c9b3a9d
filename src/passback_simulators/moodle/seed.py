"""The sandbox's district in Moodle: its people and courses, templates for assignments, and extras as in a real site.

The ids are fixed, so that others can rely on them; see `SECTION_LMS_ID` and `person_lms_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.identities import ALGEBRA, BIOLOGY, SECTIONS, STUDENTS, TEACHERS

if TYPE_CHECKING:
    from passback_simulators.identities import SandboxSection
    from passback_simulators.records import Records

DISTRICT_DIGITS = "3d"

TOKEN = "3d0000de30000a0b0c0d0e0f00005a5b"  # noqa: S105 - published: it exists only in the sandbox
"""The integration user's token: 32 hex digits, as Moodle's."""

SECTION_LMS_ID: dict[str, str] = {ALGEBRA.digits: "407", BIOLOGY.digits: "408"}
"""The course id of each of the sandbox's sections, by its six digits."""
SITE_COURSE = 1
"""The front page, which Moodle lists among its courses."""
HIDDEN_COURSE = 409
"""A course without ID number, assignments and templates, hidden from students."""

INTEGRATION_USER, FORMER_STUDENT = "000090", "001999"
"""The digits of people who are not in the sandbox's roster."""

TEMPLATE = "Passback template"
TEMPLATE_POINTS = (100, 20, 10, 1, 5, 25, 30, 50)
"""The points of the templates in each course of the sandbox."""

STUDENT, TEACHER, EDITING_TEACHER = (5, "student"), (4, "teacher"), (3, "editingteacher")
"""Id and short name of the roles."""

CAPABILITIES = (
    "webservice/rest:use", "moodle/course:view", "moodle/course:update", "moodle/course:viewparticipants",
    "moodle/course:viewhiddencourses", "moodle/course:viewhiddenactivities", "moodle/user:viewdetails",
    "moodle/user:viewalldetails", "moodle/site:viewuseridentity", "moodle/site:accessallgroups", "mod/assign:view",
    "mod/assign:grade", "mod/assign:viewgrades", "mod/assign:grantextension", "gradereport/user:view",
    "moodle/grade:viewall", "moodle/grade:edit", "moodle/grade:manage", "moodle/course:manageactivities",
    "moodle/backup:backuptargetimport", "moodle/restore:restoretargetimport", "moodle/calendar:manageentries",
)  # fmt: skip
"""What the integration user's role may."""

GROUP = 601
"""A group of Algebra: its first five students."""

_DAY = 86_400
_PLUGINS = {"onlinetext": True, "file": True, "comments": True}


def person_lms_id(digits: str) -> str:
    """The user id of a person, by their six digits."""
    return str(200_000 + int(digits))


def seed(records: Records, now: int) -> None:
    """Fill empty tables. `now`: milliseconds since 1970."""
    seconds = now // 1000
    _seed_people(records)
    records.put("courses", SITE_COURSE, _course(SITE_COURSE, "Moodle Unified", "site", "", form="site"))
    for section in SECTIONS:
        _seed_course(records, section, seconds)
    records.put("courses", HIDDEN_COURSE, _course(HIDDEN_COURSE, "Study Hall", "STUDY", "") | {"visible": 0})
    enroll(records, HIDDEN_COURSE, ALGEBRA.teacher, EDITING_TEACHER)
    enroll(records, HIDDEN_COURSE, ALGEBRA.students[0], STUDENT)
    # A student who left Algebra during the year is still enrolled, suspended.
    enroll(records, int(SECTION_LMS_ID[ALGEBRA.digits]), FORMER_STUDENT, STUDENT, status=1)
    members = [int(person_lms_id(digits)) for digits in ALGEBRA.students[:5]]
    records.put(
        "groups", GROUP,
        {"id": GROUP, "courseid": int(SECTION_LMS_ID[ALGEBRA.digits]), "name": "Group A", "idnumber": "group-a",
         "members": members},
    )  # fmt: skip
    records.put(
        "tokens", TOKEN,
        {"token": TOKEN, "userid": int(person_lms_id(INTEGRATION_USER)), "expired": False, "functions": None},
    )  # fmt: skip


def _seed_people(records: Records) -> None:
    def person(digits: str, sis_id: str, first: str, last: str) -> None:
        user = int(person_lms_id(digits))
        name = f"{first}.{last}".lower()
        email = f"{name}@district-{DISTRICT_DIGITS}.example"
        records.put(
            "users", user,
            {"id": user, "username": name, "firstname": first, "lastname": last, "email": email, "idnumber": sis_id,
             "deleted": False},
        )  # fmt: skip

    person(INTEGRATION_USER, "", "Passback", "Gateway")
    for digits, (first, last) in TEACHERS.items():
        person(digits, f"teacher-{digits}", first, last)
    for digits, (first, last) in STUDENTS.items():
        person(digits, f"student-{digits}", first, last)
    person(FORMER_STUDENT, f"student-{FORMER_STUDENT}", "Tomas", "Ferreira")


def _course(course: int, name: str, short: str, idnumber: str, form: str = "topics") -> dict[str, Any]:
    return {
        "id": course, "fullname": name, "shortname": short, "idnumber": idnumber, "visible": 1, "format": form,
        "section": course * 10,
    }  # fmt: skip


def _seed_course(records: Records, section: SandboxSection, now: int) -> None:
    course, number = int(SECTION_LMS_ID[section.digits]), section.digits[-1]
    records.put("courses", course, _course(course, section.name, f"C{number}", f"section-{number}"))
    enroll(records, course, section.teacher, EDITING_TEACHER)
    for student in section.students:
        enroll(records, course, student, STUDENT)
    for points in TEMPLATE_POINTS:
        add_assignment(records, course, TEMPLATE, now, grade=points, visible=0, duedate=_evening(now))


def _evening(now: int) -> int:
    """The end of a day in a week's time, as teachers set it: 23:59."""
    return (now // _DAY + 7) * _DAY + _DAY - 60


def enroll(records: Records, course: int, digits: str, role: tuple[int, str], *, status: int = 0) -> None:
    """Enroll a person of the seed; `status` 1 is suspended."""
    user = int(person_lms_id(digits))
    records.put(
        "enrolments", f"{course}/{user}",
        {"course": course, "user": user, "role": list(role), "status": status},
    )  # fmt: skip


def add_assignment(records: Records, course: int, name: str, now: int, **settings: Any) -> dict[str, Any]:
    """Add an assignment to a course, with its course module, grade item and calendar event, as the web page does."""
    visible = settings.pop("visible", 1)
    assign = records.next_number("assign", 5031)
    cm = records.next_number("cm", 9031)
    records.put(
        "cms", cm,
        {"id": cm, "course": course, "modname": "assign", "instance": assign, "visible": visible, "deleting": False,
         "idnumber": ""},
    )  # fmt: skip
    content = {
        "id": assign, "cmid": cm, "course": course, "name": name, "intro": "", "grade": 100, "duedate": 0,
        "allowsubmissionsfromdate": 0, "cutoffdate": 0, "gradingduedate": 0, "maxattempts": -1,
        "attemptreopenmethod": "none", "markingworkflow": 0, "teamsubmission": 0, "blindmarking": 0,
        "submissiondrafts": 0, "plugins": dict(_PLUGINS), "timemodified": now, **settings,
    }  # fmt: skip
    records.put("assigns", assign, content)
    item = records.next_number("item", 7301)
    records.put(
        "items", item,
        {"id": item, "course": course, "assign": assign, "itemnumber": 0, "itemname": name, "locked": False,
         "hidden": False, "grademax": max(0, content["grade"]), "gradetype": _gradetype(content["grade"])},
    )  # fmt: skip
    if content["duedate"]:
        event = records.next_number("event", 8801)
        records.put("events", event, {"id": event, "assign": assign, "timestart": content["duedate"]})
    return content


def _gradetype(grade: int) -> int:
    return 0 if grade == 0 else 1 if grade > 0 else 2
