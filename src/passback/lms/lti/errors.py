"""The refusals of an LMS's services for LTI, and the error that each is to the gateway.

The table in docs/reference/lms/lti.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.lms.http.reply import Reply
    from passback.lms.interface import Thing
    from passback.lms.lti.families import Family

_OF_USERS = (
    "user in requested score is not enrolled",
    "user in requested score does not exist",
    "user could not be found",
    "user not found in course",
)
_NO_ACTIVITY = "lti configuration not found"
"""What Open edX says, with a 403, of an activity that does not exist any more."""
_TOO_MANY = "above_response_limit"
"""What it says, with a 403, of a course with more people than it lists."""
_MEMBERS = ("reason", "message", "errors", "error", "detail", "title", "non_field_errors")
"""What refusals have of which one may be the LMS's own; one of Django's forms has the name of a field instead."""


class Denied(NotAllowed):
    """The LMS refuses it, for lack of a right or because of the thing itself: see `OneLook`."""


class DeniedAlone(RefusedByLms):
    """The LMS refuses it of this one thing, though others work."""

    def __init__(self, name: str) -> None:
        super().__init__("NOT_GRADABLE", f"{name} denies this, though other columns of the course work")


class Overtaken(RefusedByLms):
    """The LMS holds a score that is as new as the one that was sent, or newer: perhaps this very one.

    `at` is when it said so, by its own clock.
    """

    def __init__(self, name: str, at: Instant | None) -> None:
        super().__init__("CHANGED_IN_LMS", f"a teacher has changed the grade in {name} since, and it stays")
        self.at = at


class Locked(RefusedByLms):
    """The LMS keeps a grade from being changed."""

    def __init__(self, name: str) -> None:
        super().__init__("GRADE_LOCKED", f"in {name}'s gradebook the grade is locked, and stays as it is")


class Linked(RefusedByLms):
    """A line item belongs to an activity, with which it comes and goes."""

    def __init__(self, name: str) -> None:
        super().__init__("LINKED_IN_LMS", f"it belongs to an activity, and is changed in {name}")


class NotTaken(RefusedByLms):
    """The LMS refuses something without saying why: perhaps because somebody has left the course."""

    def __init__(self, name: str) -> None:
        super().__init__("REFUSED_BY_LMS", f"{name} does not accept the values")


class NotLaunched(RefusedByLms):
    """Nothing is known of a course's services, because nobody has opened us from there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "COURSE_NOT_LAUNCHED",
            f"a teacher must open the app once from this course in {name}: before that, it cannot be reached",
        )


def refusal(reply: Reply, gone: Thing, family: Family) -> LmsError:
    """Return the error that a reply of 400 and above stands for; with a 404, `gone` does not exist."""
    words = reply.body[:2000].decode("utf-8", "replace").lower()
    if any(it in words for it in _OF_USERS):
        return Gone("student")
    if _NO_ACTIVITY in words:
        return Gone(gone)
    match reply.status:
        case 401:
            reason = "it refuses the token, or lacks one of its scopes (status 401)"
            # If it may have been done, the look whether it was tells what to think of the token.
            return Denied(reason, credentials=not reply.doubtful, in_doubt=reply.doubtful)
        case 403 if _TOO_MANY in words:
            return NotAllowed(f"the course has more people than {family.name} tells an app of")
        case 403:
            reason = "the app may not do this in the course: has it been removed from there?"
            return Denied(reason, in_doubt=reply.doubtful)
        case 404:
            return Gone(gone)
        case 405:
            return Linked(family.name)
        case 422:
            return RefusedByLms("NOT_GRADABLE", f"{family.name} does not grade this")
        case 400 | 409 | 412:
            return NotTaken(family.name)
        case _:
            return reply.useless("was not expected")


def is_about_token(reply: Reply) -> bool:
    """Whether a token is refused. Open edX does so with a 403, as it does what the tool may not do."""
    return reply.status == 401 or (reply.status == 403 and b"invalid token" in reply.body[:2000].lower())


def is_overtaken(reply: Reply) -> bool:
    """Whether a score is refused because of its time."""
    return reply.status == 409 or (reply.status == 400 and b"timestamp" in reply.body[:2000].lower())


def is_locked(reply: Reply) -> bool:
    """Whether a status of 500 is Moodle's own word, as it has it for a score of what is locked."""
    if reply.status != 500 or reply.is_page:
        return False
    content = reply.content()
    return content == [] or (isinstance(content, dict) and "reason" in content)


def is_own(reply: Reply) -> bool:
    """Whether a refusal is the LMS's own word: an object, a list or a text as it writes them, and no page of HTML."""
    if reply.is_page:
        return False
    content = reply.content()
    if content == []:  # all that Moodle says about a score
        return reply.status in (400, 409)
    if isinstance(content, dict):
        return not content.keys().isdisjoint(_MEMBERS) or _all_words(list(content.values()))
    if isinstance(content, list):
        return all(isinstance(it, str) for it in content)
    return bool(reply.body.strip()) and content is None


def _all_words(values: list[Any]) -> bool:
    """Whether there are only lists of sentences, as a form's fields have them."""
    return bool(values) and all(
        isinstance(it, list) and bool(it) and all(isinstance(one, str) for one in it) for it in values
    )
