"""Who asks: the tool that a token was issued to, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.lti.replies import BAD_GATEWAY, refused, refused_token
from passback_simulators.lti.seed import DEPLOYMENT_ID
from passback_simulators.reply import Refusal, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request


_MAY_NOT = {"django": "You do not have permission to perform this action."}


def client_of(lms: LtiState, request: Request, *scopes: str) -> str:
    """The client id of the tool that asks, which needs one of these scopes. Raises `Refusal`."""
    if lms.profile.query and request.param("type_id") not in ("", DEPLOYMENT_ID):
        raise refused(lms.profile, request, 401, "Unauthorized: the address is another tool's")
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = lms.records.get("tokens", text) if scheme.lower() == "bearer" else None
    if token is None or token["expires"] <= lms.clock():
        raise refused_token(lms.profile, request)
    allowed = set(token["scopes"]) & set(lms.settings["scopes"])
    if allowed.isdisjoint(scopes):
        status = 403 if lms.profile.dialect in ("django", "text", "plain") else 401
        raise refused(
            lms.profile, request, status, _MAY_NOT.get(lms.profile.dialect, "Insufficient permissions")
        )
    return str(token["client"])


def course(lms: LtiState, request: Request, course_id: str) -> Record:
    """A course in which the tool is. Raises `Refusal`."""
    found = lms.records.get("courses", course_id)
    if found is None and lms.profile.family == "openedx":
        raise refused(lms.profile, request, 403, "LTI configuration not found.")
    if found is None:
        raise refused(lms.profile, request, 404, "Not Found: the course does not exist")
    if lms.settings["tool_removed"]:
        raise refused(lms.profile, request, 403, "Forbidden: Not allowed in context")
    return found


def own_item(lms: LtiState, request: Request, course_id: str, item_id: str, client: str) -> Record:
    """A line item of the tool. Raises `Refusal`."""
    course(lms, request, course_id)
    if lms.profile.dialect == "moodle" and not item_id.isdecimal():
        raise Refusal(text_reply(502, BAD_GATEWAY, "text/html"))
    found = lms.item(request, course_id, item_id)
    if found is None:
        raise refused(lms.profile, request, 404, f"Not Found: Grade item {item_id} doesn't exist")
    if found["client"] != client:
        raise refused(lms.profile, request, 403, "Forbidden: the line item is not the tool's")
    return found
