"""Moodle's refusals, and the error that each is to the gateway.

They come with status 200, as an object with an ``errorcode``; its ``message`` is translated, and may say too much. The
table in docs/reference/lms/moodle.md has a row for each case (and a test for each row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.lms.toolkit.json_fields import text

if TYPE_CHECKING:
    from passback.lms.interface import Thing
    from passback.lms.toolkit.json_fields import Json

NAME = "Moodle"

_LACKING = {
    "accessexception": "the token has expired, or its service lacks the function",
    "nopermissions": "the token's user lacks a capability",
    "nopermissiontoviewgrades": "the token's user may not view grades",
    "errorcoursecontextnotvalid": "the token's user cannot see the course",
    "requireloginerror": "the token's user cannot see the course",
}
_GONE = frozenset({"invalidrecord", "invalidcoursemodule", "invalidrecordunknown", "unexistingcmid"})
_WAIT_SECONDS = 5


class Clash(Unavailable):
    """The database refused to write: perhaps because something else wrote the same at that moment."""


def is_refusal(content: object) -> bool:
    """Whether an answer is an error."""
    return isinstance(content, dict) and "exception" in content and "errorcode" in content


def refusal(content: Json, function: str, gone: Thing, *, reads: bool, doubtful: bool) -> LmsError:
    """Return the error that a refusal of `function` stands for; if something does not exist, it is `gone`."""
    code = text(content, "errorcode") or ""
    if code == "invalidtoken":
        return NotAllowed(f"{function}: it does not know the token", credentials=True, in_doubt=doubtful)
    if code in _LACKING:
        return NotAllowed(f"{function}: {_LACKING[code]} ({code})", in_doubt=doubtful)
    if code == "invalidrecord" and "external_functions" in (text(content, "message") or ""):
        return NotAllowed(f"{function}: this Moodle has no such function", in_doubt=doubtful)
    if code in _GONE:
        return Gone(gone)
    if code == "dmlwriteexception":
        return Clash(
            f"{function}: its database refuses to write", retry_after=_WAIT_SECONDS, in_doubt=doubtful
        )
    if reads:
        return Unavailable(f"{function}: it refuses to show it")
    return RefusedByLms("REFUSED_BY_LMS", "Moodle does not accept the values")
