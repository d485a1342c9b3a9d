"""Google Classroom's refusals, and the error that each is to the gateway.

Google's errors have a status by name, and a message that may begin with ``@Name `` (Classroom API: "Access control",
"Errors"). The table in docs/reference/lms/google_classroom.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms
from passback.lms.toolkit.json_fields import as_objects

if TYPE_CHECKING:
    from passback.lms.http.client import Reply
    from passback.lms.interface import Thing

NAME = "Google Classroom"


class TurnedOff(NotAllowed):
    """Classroom, or its API, is turned off for the user we act as, perhaps not for others."""


class Denied(NotAllowed):
    """Google denies a request without saying whether that concerns one object or the connection."""


_NAMED = {
    "@ProjectPermissionDenied ": RefusedByLms(
        "NOT_OURS", "the assignment was made by another app or in Google Classroom: it can be read but not changed"
    ),
    "@CourseNotModifiable ": RefusedByLms("COURSE_ARCHIVED", "the course is archived in Google Classroom"),
    "@AttachmentNotVisible ": RefusedByLms("INVALID_ATTACHMENT", "Google Classroom cannot see the attachment"),
    "@EmptyAssignees ": RefusedByLms("INVALID_ASSIGNEES", "an assignment needs at least one assignee"),
}  # fmt: skip
"""Google's names for refusals that the client can fix. With the space, no name is the start of another."""

_FIELDS = (
    ("title", "INVALID_TITLE", "the title"),
    ("description", "INVALID_DESCRIPTION", "the description"),
    ("due", "INVALID_DUE_DATE", "the due date"),
    ("scheduled", "INVALID_DISPLAY_DATE", "the display date"),
    ("maxpoints", "INVALID_POINTS", "the points"),
    ("max_points", "INVALID_POINTS", "the points"),
    ("grade", "INVALID_GRADE", "the grade"),
    ("student", "INVALID_ASSIGNEES", "the assignees"),
    ("assignee", "INVALID_ASSIGNEES", "the assignees"),
    ("material", "INVALID_ATTACHMENT", "the attachments"),
    ("attachment", "INVALID_ATTACHMENT", "the attachments"),
    ("url", "INVALID_ATTACHMENT", "the attachments"),
)
"""Words in Google's messages, with the gateway's code and words; the first that is found counts."""


def refusal(reply: Reply, gone: Thing) -> LmsError:
    """Return the error that a reply of 400 and above stands for; with a 404, `gone` does not exist."""
    status, message = _said(reply)
    for name, error in _NAMED.items():
        if message.startswith(name):
            return RefusedByLms(*str(error).split(": ", 1))
    match reply.status:
        case 400 if status == "FAILED_PRECONDITION":
            return RefusedByLms("INVALID_STATE", "Google Classroom does not allow this in the present state")
        case 400:
            return _refused(message.lower())
        case 401:
            return Denied("it refuses the access token (status 401)", credentials=True)
        case 403 if message.startswith(("@ClassroomApiDisabled ", "@ClassroomDisabled ")):
            return TurnedOff("the domain's administrator has turned Classroom, or its API, off for the user")
        case 403 if "scope" in message.lower():
            return NotAllowed(
                "a scope is missing: delegate all that docs/reference/lms/google_classroom.md lists"
            )
        case 403:
            return Denied("the user we act as may not do this: do they teach the course?")
        case 404:
            return Gone(gone)
        case _:
            return reply.useless("was not expected")


def is_throttled(reply: Reply) -> bool:
    """Whether Google throttles requests; it has not done anything then."""
    if reply.status == 429:
        return True
    return reply.status == 403 and "ratelimitexceeded" in reply.body[:4000].decode("utf-8", "replace").lower()


def _refused(message: str) -> RefusedByLms:
    """Return the refusal of the values that were sent."""
    for word, code, words in _FIELDS:
        if word in message:
            return RefusedByLms(code, f"{NAME} does not accept {words}")
    return RefusedByLms("REFUSED_BY_LMS", f"{NAME} does not accept the values")


def is_own(reply: Reply) -> bool:
    """Whether a refusal is Google's own word, and no page of something before it: an object that says why."""
    content = reply.content()
    return isinstance(content, dict) and not content.keys().isdisjoint(("error", "errors", "message"))


def _said(reply: Reply) -> tuple[str, str]:
    """Return an error's status by name, and its message with the fields that its details name."""
    content = reply.content()
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return "", ""
    violations = [
        one for it in as_objects(error.get("details")) for one in as_objects(it.get("fieldViolations"))
    ]
    words = [str(error.get("message") or ""), *(str(it.get("field") or "") for it in violations)]
    return str(error.get("status") or ""), " ".join(words)
