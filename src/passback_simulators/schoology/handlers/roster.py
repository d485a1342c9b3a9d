"""Users, buildings, roles, courses, sections and enrollments (Schoology REST API: Realms, Enrollment, Role)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply, text_reply
from passback_simulators.request import Request
from passback_simulators.schoology import times
from passback_simulators.schoology.access import (
    ACTIVE,
    enrollments,
    is_past,
    no_personal_key,
    only_admin,
    section,
    teaches,
)
from passback_simulators.schoology.replies import forbidden, link, missing, paged, refusal, whole
from passback_simulators.schoology.seed import PARENT, SCHOOL, STUDENT

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

MOST_CODES = 50
"""The most SIS ids in one request for a list."""


def _codes(text: str) -> list[str]:
    codes = [code.strip() for code in text.split(",") if code.strip()]
    if len(codes) > MOST_CODES:
        raise refusal(400, f"No more than {MOST_CODES} at a time")
    return codes


# Users.


def display_name(user: Record) -> str:
    """A user's full name."""
    return f"{user['name_first']} {user['name_last']}"


def shown_user(lms: SchoologyState, request: Request, user: Record) -> Record:
    """A user as the API shows it: ids as text and as number, and both "" and null for no value."""
    return {
        "uid": user["uid"],
        "id": int(user["uid"]),
        "school_id": SCHOOL,
        "synced": 1,
        "school_uid": user["school_uid"],
        "building_id": user["building_id"],
        "additional_buildings": "",
        "name_title": "",
        "name_title_show": 0,
        "name_first": user["name_first"],
        "name_first_preferred": "",
        "name_middle": "",
        "name_middle_show": 0,
        "name_last": user["name_last"],
        "name_display": display_name(user),
        "username": user["username"],
        "primary_email": user["primary_email"],
        "picture_url": _picture(request),
        "gender": None,
        "position": None,
        "grad_year": "",
        "password": "",
        "role_id": user["role_id"],
        "tz_offset": times.utc_offset(lms, user),
        "tz_name": times.zone_name(lms, user),
        "parents": None,
        "child_uids": ",".join(user["child_uids"]) or None,
    }


def _picture(request: Request) -> str:
    return f"{request.base_url}/sites/all/themes/schoology_theme/images/user-default.svg"


def list_users(lms: SchoologyState, request: Request) -> Reply:
    """GET /users: those of the actor's building; all for an administrator not tied to a building."""
    no_personal_key(lms)
    own = lms.actor.user
    if own["role_id"] in (STUDENT, PARENT):
        raise forbidden()
    found = lms.records.all("users")
    if own["building_id"] != SCHOOL:
        found = [user for user in found if user["building_id"] == own["building_id"]]
    if building := request.param("building_id"):
        found = [user for user in found if str(user["building_id"]) == building]
    if roles := _codes(request.param("role_ids")):
        found = [user for user in found if str(user["role_id"]) in roles]
    if codes := _codes(request.param("school_uids")):
        found = [user for user in found if user["school_uid"] in codes]
    return paged(lms, request, "user", found, lambda user: shown_user(lms, request, user))


def may_see(lms: SchoologyState, user: Record) -> None:
    """Refuse to show a user to strangers: students and parents see only themselves and their children."""
    own = lms.actor.user
    if user["uid"] == own["uid"] or user["uid"] in own["child_uids"]:
        return
    no_personal_key(lms)
    if own["role_id"] in (STUDENT, PARENT):
        raise forbidden()


def user_of(lms: SchoologyState, uid: str) -> Record:
    """A user that the actor may see. Raises `Refusal`."""
    user = lms.records.get("users", uid)
    if user is None:
        raise missing("User")
    may_see(lms, user)
    return user


def show_user(lms: SchoologyState, request: Request, uid: str) -> Reply:
    """GET /users/{uid}."""
    return json_reply(200, shown_user(lms, request, user_of(lms, uid)) | {"send_message": 1})


def _see_other(request: Request, path: str) -> Reply:
    return Reply(303, b"", (("location", f"{request.base_url}/v1/{path}"),))


def show_me(lms: SchoologyState, request: Request) -> Reply:
    """GET /users/me redirects to the user; the next request must be signed again."""
    return _see_other(request, f"users/{lms.actor.uid}")


def find_user(lms: SchoologyState, request: Request, school_uid: str) -> Reply:
    """GET /users/ext/{school_uid} redirects to the user."""
    for user in lms.records.all("users"):
        if user["school_uid"] == school_uid:
            may_see(lms, user)
            return _see_other(request, f"users/{user['uid']}")
    raise missing("User")


def show_app_user(lms: SchoologyState, request: Request) -> Reply:
    """GET /app-user-info."""
    return json_reply(200, {"api_uid": int(lms.actor.uid), "web_session_timestamp": times.seconds_now(lms)})


def export_users(lms: SchoologyState, request: Request) -> Reply:
    """GET /csvexport/users: everyone, for administrators of the whole district only."""
    only_admin(lms)
    titles = {role["id"]: role["title"] for role in lms.records.all("roles")}
    rows = [
        {
            "uid": user["uid"], "school_uid": user["school_uid"], "building_nid": user["building_id"],
            "name_title": "", "name_first": user["name_first"], "name_first_preferred": "", "name_middle": "",
            "name_last": user["name_last"], "role_name": titles[str(user["role_id"])], "name": user["username"],
            "mail": user["primary_email"], "position": "", "grad_year": "", "birthday": "", "gender": "", "bio": "",
            "subjects_taught": "", "grades_taught": "", "phone": "", "address": "", "website": "", "interests": "",
            "activities": "",
        }
        for user in lms.records.all("users")
    ]  # fmt: skip
    wanted = [name for name in request.param("fields").split(",") if name in rows[0]] or list(rows[0])
    text = io.StringIO()
    writer = csv.DictWriter(text, wanted, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text_reply(200, text.getvalue(), "text/csv; charset=utf-8")


# Schools, buildings, roles.


def list_schools(lms: SchoologyState, request: Request) -> Reply:
    """GET /schools."""
    return paged(lms, request, "school", lms.records.all("schools"), _place)


def show_school(lms: SchoologyState, request: Request, school_id: str) -> Reply:
    """GET /schools/{id}."""
    school = lms.records.get("schools", school_id)
    if school is None:
        raise missing("School")
    return json_reply(200, _place(school))


def list_buildings(lms: SchoologyState, request: Request, school_id: str) -> Reply:
    """GET /schools/{id}/buildings."""
    if lms.records.get("schools", school_id) is None:
        raise missing("School")
    return paged(lms, request, "building", lms.records.all("buildings"), _place)


def _place(place: Record) -> Record:
    return {
        "id": place["id"], "title": place["title"], "address1": "", "address2": "", "city": "", "state": "",
        "postal_code": "", "country": "US", "website": "", "phone": "", "fax": "", "picture_url": "",
    }  # fmt: skip


def list_roles(lms: SchoologyState, request: Request) -> Reply:
    """GET /roles."""
    roles = [
        role | {"links": {"self": link(lms, request, f"roles/{role['id']}")}}
        for role in lms.records.all("roles")
    ]
    return whole(lms, request, "role", roles, links=False)


def show_role(lms: SchoologyState, request: Request, role_id: str) -> Reply:
    """GET /roles/{id}."""
    role = lms.records.get("roles", role_id)
    if role is None:
        raise missing("Role")
    return json_reply(200, role)


# Courses and sections.


def _course(course: Record) -> Record:
    return {
        "id": course["id"], "title": course["title"], "course_code": course["course_code"], "department": "",
        "description": "", "credits": 0, "subject_area": 0, "grade_level_range_start": 0,
        "grade_level_range_end": 0, "synced": 1, "building_id": course["building_id"],
    }  # fmt: skip


def list_courses(lms: SchoologyState, request: Request) -> Reply:
    """GET /courses."""
    building = request.param("building_id")
    found = [c for c in lms.records.all("courses") if building in ("", c["building_id"])]
    return paged(lms, request, "course", found, _course)


def show_course(lms: SchoologyState, request: Request, course_id: str) -> Reply:
    """GET /courses/{id}."""
    course = lms.records.get("courses", course_id)
    if course is None:
        raise missing("Course")
    return json_reply(200, _course(course))


def _section(lms: SchoologyState, request: Request, found: Record, *, links: bool = True) -> Record:
    course = lms.records.get("courses", found["course_id"])
    assert course is not None
    shown = {
        "id": found["id"],
        "course_title": course["title"],
        "course_code": course["course_code"],
        "course_id": found["course_id"],
        "school_id": str(SCHOOL),
        "access_code": "",
        "section_title": found["section_title"],
        "section_code": found["section_code"],
        "section_school_code": found["section_school_code"],
        "synced": "1" if found["section_school_code"] else "0",
        "active": int(not is_past(lms, found)),
        "description": "",
        "grading_periods": found["grading_periods"],
        "profile_url": f"{request.base_url}/sites/all/themes/schoology_theme/images/course-default.svg",
        "location": "",
        "meeting_days": [""],
        "start_time": "",
        "end_time": "",
        "weight": "0",
        "options": {
            "weighted_grading_categories": found["weighted"], "upload_documents": "0", "create_discussion": "0",
            "member_post": "1", "member_post_comment": "1",
        },
        "admin": int(teaches(lms, found["id"])),
    }  # fmt: skip
    if links:
        shown["links"] = {"self": link(lms, request, f"sections/{found['id']}")}
    return shown


def _sections(lms: SchoologyState, request: Request, found: list[Record]) -> Reply:
    """A list of sections; past ones only on request."""
    if request.param("include_past") != "1":
        found = [one for one in found if not is_past(lms, one)]
    return paged(lms, request, "section", found, lambda one: _section(lms, request, one))


def _is_enrolled(lms: SchoologyState, section_id: str, uid: str) -> bool:
    return any(e["uid"] == uid and e["status"] == ACTIVE for e in enrollments(lms, None, section_id))


def list_course_sections(lms: SchoologyState, request: Request, course_id: str) -> Reply:
    """GET /courses/{id}/sections."""
    if lms.records.get("courses", course_id) is None:
        raise missing("Course")
    found = [one for one in lms.records.all("sections") if one["course_id"] == course_id]
    if not lms.actor.is_admin:
        found = [one for one in found if _is_enrolled(lms, one["id"], lms.actor.uid)]
    return _sections(lms, request, found)


def list_user_sections(lms: SchoologyState, request: Request, uid: str) -> Reply:
    """GET /users/{uid}/sections."""
    user_of(lms, uid)
    return _sections(
        lms, request, [one for one in lms.records.all("sections") if _is_enrolled(lms, one["id"], uid)]
    )


def list_sections(lms: SchoologyState, request: Request) -> Reply:
    """GET /sections?section_school_codes=...: the only way to request sections of several courses."""
    codes = _codes(request.param("section_school_codes"))
    if not codes:
        raise refusal(400, "section_school_codes is required")
    found = [one for one in lms.records.all("sections") if one["section_school_code"] in codes]
    if not lms.actor.is_admin:
        found = [one for one in found if _is_enrolled(lms, one["id"], lms.actor.uid)]
    return _sections(lms, request, found)


def show_section(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}."""
    return json_reply(200, _section(lms, request, section(lms, section_id), links=False))


def find_section(lms: SchoologyState, request: Request, code: str) -> Reply:
    """GET /sections/ext/{section_school_code} redirects to the section."""
    for one in lms.records.all("sections"):
        if one["section_school_code"] == code:
            section(lms, one["id"])
            return _see_other(request, f"sections/{one['id']}")
    raise missing("Section")


# Enrollments.


def _enrollment(lms: SchoologyState, request: Request, enrollment: Record, *, links: bool = True) -> Record:
    user = lms.records.get("users", enrollment["uid"])
    assert user is not None
    shown = {
        "id": enrollment["id"], "uid": enrollment["uid"], "school_uid": user["school_uid"], "name_title": "",
        "name_title_show": "0", "name_first": user["name_first"], "name_first_preferred": "", "name_middle": "",
        "name_middle_show": "0", "name_last": user["name_last"], "name_display": display_name(user),
        "admin": enrollment["admin"], "status": str(enrollment["status"]), "picture_url": _picture(request),
    }  # fmt: skip
    if links:
        place = f"sections/{enrollment['section_id']}/enrollments/{enrollment['id']}"
        shown["links"] = {"self": link(lms, request, place)}
    return shown


def list_enrollments(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/enrollments: of every status, unless the request names some."""
    section(lms, section_id)
    no_personal_key(lms)
    found = enrollments(lms, request, section_id)
    if uids := _codes(request.param("uid")):
        found = [enrollment for enrollment in found if enrollment["uid"] in uids]
    if statuses := _codes(request.param("enrollment_status")):
        found = [enrollment for enrollment in found if str(enrollment["status"]) in statuses]
    return paged(lms, request, "enrollment", found, lambda e: _enrollment(lms, request, e))


def show_enrollment(lms: SchoologyState, request: Request, section_id: str, enrollment_id: str) -> Reply:
    """GET /sections/{id}/enrollments/{id}."""
    section(lms, section_id)
    for enrollment in enrollments(lms, request, section_id):
        if enrollment["id"] == enrollment_id:
            if enrollment["uid"] != lms.actor.uid:
                no_personal_key(lms)
            return json_reply(200, _enrollment(lms, request, enrollment, links=False))
    raise missing("Enrollment")


ROUTES = (
    ("GET", "/users", list_users),
    ("GET", "/users/me", show_me),
    ("GET", "/users/ext/{school_uid}", find_user),
    ("GET", "/users/{uid}", show_user),
    ("GET", "/users/{uid}/sections", list_user_sections),
    ("GET", "/app-user-info", show_app_user),
    ("GET", "/csvexport/users", export_users),
    ("GET", "/schools", list_schools),
    ("GET", "/schools/{school_id}", show_school),
    ("GET", "/schools/{school_id}/buildings", list_buildings),
    ("GET", "/roles", list_roles),
    ("GET", "/roles/{role_id}", show_role),
    ("GET", "/courses", list_courses),
    ("GET", "/courses/{course_id}", show_course),
    ("GET", "/courses/{course_id}/sections", list_course_sections),
    ("GET", "/sections", list_sections),
    ("GET", "/sections/ext/{code}", find_section),
    ("GET", "/sections/{section_id}", show_section),
    ("GET", "/sections/{section_id}/enrollments", list_enrollments),
    ("GET", "/sections/{section_id}/enrollments/{enrollment_id}", show_enrollment),
)
