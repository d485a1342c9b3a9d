"""The sandbox's district in an LMS with LTI Advantage: its people and courses, and extras as in a real one.

The ids are fixed, so that others can rely on them; see `SECTION_LMS_ID` and `person_lms_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.identities import ALGEBRA, SECTIONS, STUDENTS, TEACHERS
from passback_simulators.lti.profiles import PROFILES

if TYPE_CHECKING:
    from passback_simulators.records import Records

DISTRICT_DIGITS = "17"

CLIENT_ID = "demo0passback0l"
"""The gateway, as the LMS knows it."""
OTHER_CLIENT_ID = "demo0other0tool"
"""Another vendor's tool."""
DEPLOYMENT_ID = "3"
OTHER_ITEM = "40"
"""The line item of the other tool in Algebra."""

SECTION_LMS_ID: dict[str, str] = {section.digits: f"2{section.digits}" for section in SECTIONS}
"""The course of each of the sandbox's sections, by its six digits: the ``id`` of its context."""

ASSISTANT, OBSERVER, SUSPENDED = "000095", "000096", "001998"
"""People of Algebra who are not in the sandbox's roster: an assistant, a parent, and a student who is suspended."""
_OTHERS = {ASSISTANT: ("Theo", "Brandt"), OBSERVER: ("Mona", "Abbott"), SUSPENDED: ("Felix", "Moser")}

_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTRUCTOR, LEARNER, MENTOR = _ROLE + "Instructor", _ROLE + "Learner", _ROLE + "Mentor"
TEACHING_ASSISTANT = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
STAFF = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Staff"

_PREFIX = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, LINE_ITEM_READ = _PREFIX + "lineitem", _PREFIX + "lineitem.readonly"
RESULT_READ, SCORE = _PREFIX + "result.readonly", _PREFIX + "score"
MEMBERS_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ALL_SCOPES = (LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE, MEMBERS_READ)


def person_lms_id(digits: str) -> str:
    """The id of a person, by their six digits: the ``sub`` of launches."""
    return f"30{digits}"


def contexts(family: str = "other") -> dict[str, dict[str, Any]]:
    """What a launch from each of the sandbox's courses tells a tool, with addresses below that of the LMS."""
    profile = PROFILES[family]
    query = f"?{profile.query}" if profile.query else ""
    return {
        SECTION_LMS_ID[section.digits]: {
            "lineitems": profile.items.format(course=SECTION_LMS_ID[section.digits]) + query,
            "memberships_url": profile.memberships.format(course=SECTION_LMS_ID[section.digits]),
            "scopes": [it for it in ALL_SCOPES if it != MEMBERS_READ],
            "title": section.name,
            "label": f"{section.name} {section.digits[-1]}",
            "sourcedid": f"section-{section.digits[-1]}",
            "deployment_id": DEPLOYMENT_ID,
            "resource_links": {},
        }
        for section in SECTIONS
    }


def seed(records: Records) -> None:
    """Fill empty tables."""
    for client in (CLIENT_ID, OTHER_CLIENT_ID):
        records.put("clients", client, {"id": client, "keys": {}, "deployments": [DEPLOYMENT_ID]})
    for digits, (first, last) in (STUDENTS | TEACHERS | _OTHERS).items():
        _person(records, digits, first, last)
    for section in SECTIONS:
        course = SECTION_LMS_ID[section.digits]
        record = {
            "id": course, "title": section.name, "label": f"{section.name} {section.digits[-1]}",
            "sourcedid": f"section-{section.digits[-1]}",
        }  # fmt: skip
        records.put("courses", course, record)
        join(records, course, person_lms_id(section.teacher), [INSTRUCTOR, STAFF])
        for student in section.students:
            join(records, course, person_lms_id(student), [LEARNER])
    algebra = SECTION_LMS_ID[ALGEBRA.digits]
    join(records, algebra, person_lms_id(ASSISTANT), [TEACHING_ASSISTANT])
    join(records, algebra, person_lms_id(OBSERVER), [MENTOR])
    join(records, algebra, person_lms_id(SUSPENDED), [LEARNER], status="Inactive")
    records.put("items", OTHER_ITEM, {
        "id": OTHER_ITEM, "course": algebra, "client": OTHER_CLIENT_ID, "label": "Quiz of another tool",
        "scoreMaximum": 10.0, "resourceId": None, "tag": None, "resourceLinkId": None, "dates": {},
    })  # fmt: skip


def _person(records: Records, digits: str, first: str, last: str) -> None:
    role = "teacher" if digits in TEACHERS else "student"
    user: dict[str, Any] = {
        "id": person_lms_id(digits), "given": first, "family": last, "sourcedid": f"{role}-{digits}",
        "email": f"{first}.{last}@district-{DISTRICT_DIGITS}.example".lower(),
    }  # fmt: skip
    records.put("users", user["id"], user)


def join(records: Records, course: str, user: str, roles: list[str], status: str = "Active") -> None:
    """Make a user a member of a course."""
    row = {"course": course, "user": user, "roles": roles, "status": status}
    records.put("members", f"{course}/{user}", row)
