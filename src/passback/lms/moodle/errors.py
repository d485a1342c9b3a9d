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

_ACCOUNT = "its user cannot be used: sign in to Moodle as this user, and see what is asked"
_REFUSED = {
    "invalidtoken": "it does not know the token: make a new one (Site administration > Server > Web services > "
    "Manage tokens)",
    "invalidtimedtoken": "the token has expired: make a new one",
    "usernotconfirmed": _ACCOUNT,
    "usernotfullysetup": _ACCOUNT,
    "passwordisexpired": _ACCOUNT,
    "forcepasswordchangenotice": _ACCOUNT,
    "sitepolicynotagreed": _ACCOUNT,
}
"""What is wrong with the credentials, and what to do about it."""
_LACKING = {
    "nopermissions": "the token's user lacks a capability",
    "nopermissiontoviewgrades": "the token's user may not view grades",
    "errorcoursecontextnotvalid": "the token's user cannot see the course",
    "requireloginerror": "the token's user cannot see the course",
}
_PASSING = ("dml", "ddl", "sitemaintenance", "upgraderunning")
"""What errors begin with that say nothing of the call: the database fails, or somebody works on the site."""
_GONE = frozenset({"invalidrecord", "invalidcoursemodule", "invalidrecordunknown", "unexistingcmid"})
_WAIT_SECONDS = 5


class Clash(Unavailable):
    """The database failed, perhaps because something else wrote the same at that moment; or the site is worked on."""


class NoAccess(NotAllowed):
    """The token may not be used, or not for this function: Moodle has one word for both."""

    def __init__(self, function: str, *, in_doubt: bool = False) -> None:
        reason = f"{function}: the token's service lacks it: add it (Web services > External services)"
        super().__init__(reason, in_doubt=in_doubt)

    @property
    def of_token(self) -> NotAllowed:
        """The error if it is so for every function."""
        reason = (
            "the token has expired, or its user may not use web services (webservice/rest:use): make a new token "
            "(Web services > Manage tokens)"
        )
        return NotAllowed(reason, credentials=True, in_doubt=self.in_doubt)


def is_refusal(content: object) -> bool:
    """Whether an answer is an error."""
    return isinstance(content, dict) and "exception" in content


def refusal(content: Json, function: str, gone: Thing, *, reads: bool, doubtful: bool) -> LmsError:
    """Return the error that a refusal of `function` stands for; if something does not exist, it is `gone`."""
    code = text(content, "errorcode") or ""
    if code in _REFUSED:
        return NotAllowed(f"{function}: {_REFUSED[code]} ({code})", credentials=True, in_doubt=doubtful)
    if code == "accessexception":
        return NoAccess(function, in_doubt=doubtful)
    if code in _LACKING:
        return NotAllowed(f"{function}: {_LACKING[code]} ({code})", in_doubt=doubtful)
    if code == "invalidrecord" and "external_functions" in (text(content, "message") or ""):
        return NotAllowed(f"{function}: this Moodle has no such function", in_doubt=doubtful)
    if code in _GONE:
        return Gone(gone)
    if code.startswith(_PASSING):
        return Clash(f"{function}: it fails ({code[:40]})", retry_after=_WAIT_SECONDS, in_doubt=doubtful)
    if not code:  # an error of PHP's own
        return Unavailable(f"{function}: it fails", in_doubt=doubtful)
    if reads:
        return Unavailable(f"{function}: it refuses to show it")
    return RefusedByLms("REFUSED_BY_LMS", "Moodle does not accept the values")
