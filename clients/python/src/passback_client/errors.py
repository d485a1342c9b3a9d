"""What can go wrong. The published errors have a class each, named for what the client did, with the row's number.

`Error` is the base of all. `Refused` is an answer from 400 to 499: the request cannot succeed as it is. `Unavailable`
is none, or one from 500 on: another try may, and the client has tried as often as it was allowed to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from passback_client.models import Accepted


class Error(Exception):
    """Anything that this client raises, but for `ValueError` and `TypeError` if it is given what cannot be sent."""

    idempotency_key: str | None = None
    """The key of the create that failed, given or made up: with it, the same create can be sent again."""


class Unavailable(Error):
    """The gateway or the LMS failed, or cannot be reached. A change may have taken effect all the same.

    Sent again with the same arguments, it takes effect once; a create, if that includes its `idempotency_key`.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The HTTP status; None if there was no answer."""
        self.retry_after = retry_after
        """After how many seconds the gateway asks to be tried again, if it says so."""
        self.request_id = request_id


class Pending(Error):
    """The change was accepted, though nobody asked for that, because its assignment is still to be made.

    It is not lost: `accepted` has the delivery.
    """

    def __init__(self, accepted: Accepted) -> None:
        super().__init__("accepted, and delivered once its assignment is made")
        self.accepted = accepted


class Refused(Error):
    """The gateway refuses the request."""

    row: ClassVar[int | None] = None
    """The row of the table of published errors."""

    def __init__(self, message: str, *, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message or f"status {status}")
        self.message = message
        """As the gateway says it."""
        self.status = status
        self.headers = headers or {}
        """By lower-case names."""

    @property
    def request_id(self) -> str:
        """By which whoever runs the gateway finds the request."""
        return self.headers.get("x-request-id", "")

    @property
    def code(self) -> str | None:
        """The code at the start of the message, such as ``INVALID_GRADE``; None if there is none."""
        found = re.match(r"[A-Z][A-Z_]*[A-Z](?=:|$)", self.message)
        return None if found is None else found[0]


class MissingFields(Refused):
    """Required fields of a new assignment are missing."""

    row = 1


class NoBody(Refused):
    """There is no body."""

    row = 2


class DueDateNotInFuture(Refused):
    """The due date of a new assignment is in the past."""

    row = 3


class InvalidEscape(Refused):
    """An invalid character after a backslash."""

    row = 4


class InvalidValue(Refused):
    """A value is not one of those allowed, or out of range."""

    row = 5


class MissingValue(Refused):
    """A value is left out before a comma."""

    row = 6


class InvalidJson(Refused):
    """The JSON is not well formed."""

    row = 7


class InvalidId(Refused):
    """The assignment id is not an id."""

    row = 8


class GraderNotFound(Refused):
    """The grader does not teach the section."""

    row = 9


class InvalidDate(Refused):
    """A due date was moved into the past, or the calendar has no such day."""

    row = 10


class NoToken(Refused):
    """There is no token."""

    row = 11


class TokenRefused(Refused):
    """The token is unknown, revoked or expired."""

    row = 12


class AssignmentNotFound(Refused):
    """The assignment does not exist, or no longer exists."""

    row = 13


class UserNotFound(Refused):
    """The user is not in the section, or not assigned."""

    row = 14


class MethodNotAllowed(Refused):
    """The method is not supported."""

    row = 15


class NotFound(Refused):
    """The path, section, webhook or whatever else was named is unknown, or belongs to someone else."""


class RateLimited(Refused):
    """The token has used up this minute's requests, and waiting was not allowed or not enough."""

    @property
    def retry_after(self) -> float | None:
        """After how many seconds there is room again."""
        return seconds(self.headers.get("retry-after"))


class InProgress(Refused):
    """A request with the same idempotency key is still being carried out."""


class KeyReused(Refused):
    """The idempotency key was used for another request."""


ROWS: tuple[type[Refused], ...] = (
    MissingFields, NoBody, DueDateNotInFuture, InvalidEscape, InvalidValue, MissingValue, InvalidJson, InvalidId,
    GraderNotFound, InvalidDate, NoToken, TokenRefused, AssignmentNotFound, UserNotFound, MethodNotAllowed,
)  # fmt: skip
"""The published errors, in the order of their table."""

_BY_STATUS: Mapping[int, type[Refused]] = {
    401: NoToken,
    403: TokenRefused,
    404: NotFound,
    405: MethodNotAllowed,
    409: InProgress,
    422: KeyReused,
    429: RateLimited,
}
_BY_MESSAGE: tuple[tuple[int, re.Pattern[str], type[Refused]], ...] = tuple(
    (status, re.compile(pattern), kind)
    for status, pattern, kind in (
        (400, r"missing required field\(s\): ", MissingFields),
        (400, r"request body is required", NoBody),
        (400, r"due_date must be in the future$", DueDateNotInFuture),
        (400, r"(?i:invalid character .* in string escape code)", InvalidEscape),
        (400, r"validation failure list:", InvalidValue),
        (400, r"invalid character ',' looking for beginning of value$", MissingValue),
        (400, r"(invalid character |unexpected EOF$|EOF$)", InvalidJson),
        (400, r"INVALID_ID$", InvalidId),
        (400, r"NOT_FOUND: Person with id ", GraderNotFound),
        (400, r'parsing time "', InvalidDate),
        (404, r"Assignment does not exist$", AssignmentNotFound),
        (404, r"User not found$", UserNotFound),
    )
)


def refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """The error for an answer from 400 to 499."""
    for of_status, pattern, kind in _BY_MESSAGE:
        if status == of_status and pattern.match(message):
            return kind(message, status=status, headers=headers)
    return _BY_STATUS.get(status, Refused)(message, status=status, headers=headers)


def seconds(text: str | None) -> float | None:
    """The value of ``Retry-After``, a number or (from proxies) a date, in seconds; None if there is no sound one."""
    text = (text or "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
