"""Google Classroom's refusals, and the error that each is to the gateway.

Google's errors have a status by name, and a message that may begin with ``@Name `` (Classroom API: "Access control",
"Errors"). The table in docs/reference/lms/google_classroom.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms
from passback.lms.toolkit.json_fields import as_objects

if TYPE_CHECKING:
    from passback.lms.http.reply import Reply
    from passback.lms.interface import Thing

NAME = "Google Classroom"

_TOO_MANY = re.compile("(?:limit|quota)[ _]?exceeded", re.IGNORECASE)
"""What Google's reasons for refusing a request because there were too many have in common: ``RATE_LIMIT_EXCEEDED``,
``userRateLimitExceeded``, ``quotaExceeded``; and so do its words, if it gives no reason."""
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s", re.ASCII)
"""A ``google.protobuf.Duration`` in JSON, such as ``3.5s``."""


class TurnedOff(NotAllowed):
    """Classroom, or its API, is turned off for the user we act as, perhaps not for others."""


class Denied(NotAllowed):
    """Google denies a request without saying whether that concerns one object or the connection."""


class NotOurs(RefusedByLms):
    """Google says that another app made it."""


_NAMED = {
    "@ProjectPermissionDenied ": NotOurs(
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
            return type(error)(*str(error).split(": ", 1))
    match reply.status:
        case 400 if status == "FAILED_PRECONDITION":
            return RefusedByLms("INVALID_STATE", "Google Classroom does not allow this in the present state")
        case 400:
            return _refused(message.lower())
        case 401:
            return Denied(
                "it refuses the access token (status 401)", credentials=True, in_doubt=reply.doubtful
            )
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
    """Whether Google throttles requests; it has not done anything then.

    That is 429, or another status whose body says so: by its status, by a reason among its details, by one of the
    reasons of Google's older APIs, or, with 403, in words.
    """
    if reply.status == 429:
        return True
    if not 400 <= reply.status < 500:
        return False
    error = _error(reply)
    details = as_objects(error.get("details"))
    said = [str(it.get("reason")) for it in (*details, *as_objects(error.get("errors")))]
    if reply.status == 403:
        said.append(str(error.get("message")))
    return (
        error.get("status") == "RESOURCE_EXHAUSTED"
        or any(_TOO_MANY.search(it) for it in said)
        or any(str(it.get("@type")).endswith(".QuotaFailure") for it in details)
    )


def retry_delay(reply: Reply) -> float | None:
    """Return the seconds to wait that Google names in an error's details, if it does."""
    for it in as_objects(_error(reply).get("details")):
        found = _DURATION.fullmatch(str(it.get("retryDelay")))
        if found:
            return float(found[1])
    return None


def _refused(message: str) -> RefusedByLms:
    """Return the refusal of the values that were sent."""
    for word, code, words in _FIELDS:
        if word in message:
            return RefusedByLms(code, f"{NAME} does not accept {words}")
    return RefusedByLms("REFUSED_BY_LMS", f"{NAME} does not accept the values")


def is_own(reply: Reply) -> bool:
    """Whether a refusal is Google's own word, and no page of something before it: an object that says why."""
    content = reply.content()
    error = content.get("error") if isinstance(content, dict) else None
    return isinstance(error, dict) and not error.keys().isdisjoint(("status", "message", "errors"))


def _said(reply: Reply) -> tuple[str, str]:
    """Return an error's status by name, and its message with the fields that its details name."""
    error = _error(reply)
    violations = [
        one for it in as_objects(error.get("details")) for one in as_objects(it.get("fieldViolations"))
    ]
    words = [str(error.get("message") or ""), *(str(it.get("field") or "") for it in violations)]
    return str(error.get("status") or ""), " ".join(words)


def _error(reply: Reply) -> dict[str, Any]:
    """Return the error object of a reply, which may be the only item of a list; empty if there is none."""
    content = reply.content()
    for it in as_objects(content if isinstance(content, list) else [content]):
        if isinstance(error := it.get("error"), dict):
            return error
    return {}
