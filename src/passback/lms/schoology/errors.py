"""Schoology's refusals, and the error that each is to the gateway.

Its bodies are plain text, HTML, JSON or nothing, so we rely on only a few words of them. The table in
docs/reference/lms/schoology.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable

if TYPE_CHECKING:
    from passback.lms.http.reply import Reply
    from passback.lms.interface import Thing

NAME = "Schoology"

_REPLAYED = ("duplicate timestamp/nonce", "timestamp is out of sequence")
"""What the OAuth check says of a replayed request. Signed again, it is another request."""


class SetupChanged(RefusedByLms):
    """The section has no such grading scale, period or category (any more)."""


class SectionEnded(RefusedByLms):
    """The section's grading periods have all ended."""

    def __init__(self) -> None:
        super().__init__(
            "SECTION_ENDED", "the section has ended in Schoology, and nothing in it can be changed"
        )


def refusal(reply: Reply, gone: Thing) -> LmsError:
    """Return the error that a reply of 400 and above stands for; with a 404, `gone` does not exist."""
    match reply.status:
        case 401 if is_replay(reply):
            # Something between may have sent a request twice, of which the first was done.
            reason = "it mistakes our requests for replays: is this machine's clock right?"
            return Unavailable(reason, in_doubt=reply.doubtful)
        case 401:
            reason = "it refuses the key or token (status 401)"
            return NotAllowed(reason, credentials=True, in_doubt=reply.doubtful)
        case 403:
            return NotAllowed(
                "the connection lacks the right to do this in Schoology, or the section is over"
            )
        case 404 if gone == "section" and reply.is_page:
            # Of smaller things Schoology itself may say so in HTML.
            return reply.useless("is a page of HTML")
        case 404:
            return Gone(gone)
        case 400 | 409:
            return _refused(reply.status, _words(reply))
        case _:
            return reply.useless("was not expected")


def item_refusal(status: int, message: str, gone: Thing) -> LmsError:
    """Return the error that one item of a bulk answer stands for."""
    words = message.lower()
    if status == 404:
        return Gone("student" if "enrollment" in words else gone)
    if "not assigned" in words:
        return Gone("student")
    if status in (400, 409):
        return _refused(status, words)
    if status in (401, 403):
        return not_gradable()  # others of the same call were taken
    return Unavailable(f"it refuses a grade with status {status}")


def not_gradable() -> RefusedByLms:
    """Return the refusal of an assignment or section in which nobody may do this, though the connection works."""
    return RefusedByLms("NOT_GRADABLE", "Schoology does not allow this, though the key may do it elsewhere")


def is_own(reply: Reply) -> bool:
    """Whether a refusal may be Schoology's own word: its texts are plain, JSON or none.

    A 404 may also be a page of HTML; what it says to be gone is looked for.
    """
    if reply.status == 404:
        return True
    content = reply.content()
    foreign = isinstance(content, dict) and content.keys().isdisjoint(("message", "error", "response_code"))
    says_something = bool(reply.body.strip()) or reply.status not in (400, 409)
    return says_something and not reply.is_page and not foreign


def is_replay(reply: Reply) -> bool:
    """Whether Schoology mistook a request for one that it has seen."""
    words = _words(reply)
    return reply.status == 401 and any(known in words for known in _REPLAYED)


def _refused(status: int, words: str) -> RefusedByLms:
    """Return the refusal of the values that were sent."""
    if status == 409:
        return RefusedByLms(
            "DRAFT_OPEN", "the student has an open draft in Schoology, or the item already exists"
        )
    if "not valid for that course section" in words:
        return SetupChanged(
            "INVALID_GRADE_SETUP", "the section's grading scale, period or category has changed: try again"
        )
    if "grade" in words or "exception" in words:
        return RefusedByLms("INVALID_GRADE", "Schoology does not accept the grade")
    if "due" in words:
        return RefusedByLms("INVALID_DUE_DATE", "Schoology does not accept the due date")
    if "max_points" in words:
        return RefusedByLms("INVALID_POINTS", "Schoology does not accept the points")
    if "title" in words:
        return RefusedByLms("INVALID_TITLE", "Schoology does not accept the title")
    if "file" in words or "attachment" in words:
        return RefusedByLms("INVALID_ATTACHMENT", "Schoology does not accept the file")
    return RefusedByLms("REFUSED_BY_LMS", "Schoology does not accept the values")


def _words(reply: Reply) -> str:
    return reply.body[:2000].decode("utf-8", "replace").lower()
