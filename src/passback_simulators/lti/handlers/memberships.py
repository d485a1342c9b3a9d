"""The people of a course (NRPS 2.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.lti import access
from passback_simulators.lti.replies import MEMBERS, listed, page_of, refused, require_type
from passback_simulators.lti.seed import MEMBERS_READ

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def list_members(lms: LtiState, request: Request, course: str) -> Reply:
    """GET the members of a course."""
    require_type(lms.profile, request, MEMBERS)
    client = access.client_of(lms, request, MEMBERS_READ)
    found = access.course(lms, request, course)
    members = [it for it in lms.members(course) if it["status"] == "Active" or not lms.profile.only_active]
    if request.fault == "not-enrolled":
        members = [it for it in members if not _is(it, "Learner")]
    if role := request.param("role"):
        members = [it for it in members if _is(it, role.rpartition("#")[2])]
    if link := request.param("rlid"):
        known = lms.records.get("links", link)
        if known is None or known["course"] != course or known["client"] != client:
            raise refused(lms.profile, request, 404, "Not Found: no such resource link")
    part, headers = page_of(lms, request, members)
    content = {
        "id": f"{request.base_url}{request.path}",
        "context": {"id": course, "label": found["label"], "title": found["title"]},
        "members": [_shown(lms, it) for it in part],
    }
    return listed(content, MEMBERS, headers)


def _is(member: Record, role: str) -> bool:
    return any(it.rpartition("#")[2] == role for it in member["roles"])


def _shown(lms: LtiState, member: Record) -> dict[str, Any]:
    user = lms.records.get("users", member["user"]) or {}
    short = lms.profile.short_roles
    content: dict[str, Any] = {
        "user_id": member["user"],
        "roles": [it.rpartition("#")[2] if short else it for it in member["roles"]],
        "lis_person_sourcedid": user.get("sourcedid", ""),
    }
    if member["status"] != "Active" or lms.profile.family in ("moodle", "openedx"):
        content["status"] = member["status"]
    if lms.profile.family == "moodle":
        content["ext_user_username"] = f"{user.get('given', '')}.{user.get('family', '')}".lower()
    if not lms.settings["private_people"]:
        name = f"{user.get('given', '')} {user.get('family', '')}".strip()
        names = {"given_name": user.get("given"), "family_name": user.get("family")}
        content |= {"name": name, **names, "email": user.get("email")}
    return content


OPERATIONS = (("GET", "memberships", list_members),)
