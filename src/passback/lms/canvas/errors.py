"""Canvas's refusals, and the error that each is to the gateway.

Canvas says why in four shapes: ``errors`` as a list of objects, a list of texts, a map of fields or a text; also
``error`` or ``message``. The table in docs/reference/lms/canvas.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable

if TYPE_CHECKING:
    from passback.lms.http.reply import Reply
    from passback.lms.interface import Thing

NAME = "Canvas"
WRONG_KIND = "Canvas does not accept this kind of work for the assignment"

_FIELDS = {
    "name": ("INVALID_TITLE", "the title"),
    "description": ("INVALID_DESCRIPTION", "the description"),
    "due_at": ("INVALID_DUE_DATE", "the due date"),
    "unlock_at": ("INVALID_DISPLAY_DATE", "the display date"),
    "lock_at": ("INVALID_END_DATE", "the end date"),
    "points_possible": ("INVALID_POINTS", "the points"),
    "grading_type": ("INVALID_GRADING_TYPE", "the grading type"),
    "submission_types": ("INVALID_SUBMISSION_TYPES", "the submission types"),
    "allowed_attempts": ("INVALID_ATTEMPTS", "the number of attempts"),
    "published": ("INVALID_STATE", "the state"),
}
"""The gateway's code and words for each of Canvas's fields."""


class NotAuthorized(NotAllowed):
    """Canvas refuses it, for lack of a right or because of the thing itself: see `verdict`."""


def refusal(reply: Reply, gone: Thing) -> LmsError:
    """Return the error that a reply of 400 and above stands for; with a 404, `gone` does not exist."""
    content = reply.content()
    said = _texts(content)
    text = " ".join(said).lower()
    if reply.status == 401 and "www-authenticate" in reply.headers:
        reason = f"it refuses the access token (status 401: {_safe(text)})"
        if reply.doubtful:  # the look whether it was done all the same will tell
            return Unavailable(reason, in_doubt=True, retry_after=1)
        return NotAllowed(reason, credentials=True)
    if "insufficient scopes" in text:
        return NotAllowed("the developer key lacks a scope: allow it in Canvas's admin pages")
    if "invalid as_user_id" in text:
        return NotAllowed("the connection may not act as other users")
    if reply.status == 404:
        return Gone(gone)
    if "must be enrolled in the course as a student" in text:
        return Gone("student")
    if "grader must be enrolled" in text:
        return Gone("grader")
    if "cannot grade this submission" in text:
        return RefusedByLms("NOT_GRADABLE", "Canvas does not allow grading this work now: is the assignment published, "
                       "and its grading period open?")  # fmt: skip
    if "closed grading period" in text or "closed grading periods" in text:
        return RefusedByLms(
            "CLOSED_GRADING_PERIOD", "the assignment is due in a grading period that has been closed"
        )
    if reply.status in (401, 403) and not _fields(content):
        return NotAuthorized("the connection lacks the right to do this in Canvas", in_doubt=reply.doubtful)
    if reply.status in (400, 403, 409, 422):
        return _refused(content, text)
    return reply.useless("was not expected")


def _refused(content: Any, text: str) -> RefusedByLms:
    """Return the refusal of the values that were sent."""
    fields = _fields(content)
    for name, messages in fields.items():
        code, words = _FIELDS.get(name.removeprefix("assignment[").rstrip("]"), ("", ""))
        if code:
            too_long = any("too_long" in str(message) or "too long" in str(message) for message in messages)
            return RefusedByLms(
                code, f"Canvas finds {words} too long" if too_long else f"Canvas does not accept {words}"
            )
    if "student ids" in text or "student_ids" in text:
        return RefusedByLms("INVALID_ASSIGNEES", "Canvas does not accept the assignees")
    if "grade and excuse" in text:
        return RefusedByLms("INVALID_GRADE", "Canvas cannot grade and excuse a student at once")
    if "submission_type" in text:
        return RefusedByLms("INVALID_ATTACHMENT", WRONG_KIND)
    if "file ids" in text:
        return RefusedByLms("INVALID_ATTACHMENT", "Canvas does not accept the file")
    return RefusedByLms("REFUSED_BY_LMS", "Canvas does not accept the values")


def is_own(reply: Reply) -> bool:
    """Whether a refusal is Canvas's own word: an object that says why, and no page of something before it."""
    content = reply.content()
    return isinstance(content, dict) and not content.keys().isdisjoint(
        ("errors", "error", "message", "status")
    )


def is_renewable(reply: Reply) -> bool:
    """Whether a new access token may help, because the last one has expired after its hour."""
    return reply.status == 401 and "www-authenticate" in reply.headers and "revoked" not in _lower(reply)


def _lower(reply: Reply) -> str:
    return reply.body[:2000].decode("utf-8", "replace").lower()


def _texts(content: Any) -> list[str]:
    """Return all texts of a refusal, whatever its shape."""
    match content:
        case str():
            return [content]
        case list():
            return [text for item in content for text in _texts(item)]
        case dict():
            return [text for item in content.values() for text in _texts(item)]
        case _:
            return []


def _fields(content: Any) -> dict[str, list[Any]]:
    """Return the fields that a refusal names, with its messages."""
    errors = content.get("errors") if isinstance(content, dict) else None
    if not isinstance(errors, dict):
        return {}
    return {name: value if isinstance(value, list) else [value] for name, value in errors.items()}


def _safe(text: str) -> str:
    """Return Canvas's words about a token if they are its usual ones: nothing else goes to a log."""
    usual = (
        "invalid access token.",
        "expired access token.",
        "revoked access token.",
        "user authorization required",
    )
    return next((words for words in usual if words in text), "no reason given")
