"""The errors that clients can get, by name.

The published rows are numbered as in the error table of the docs (``docs/reference/errors.md``). Code that refuses a
request raises a `Refusal`, and the web layer writes it out. The texts never change: clients match them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Envelope = Literal["compact", "spaced", "plain"]


class Refusal(Exception):
    """Answers a request with an error.

    `status` is the HTTP status, `message` the text in the ``{"message": ...}`` envelope. `envelope` says how the
    envelope is written: rows 11 and 12 have a space after the colon, row 4 is plain text unless the client asks for
    JSON, all others are compact. `retry_after` (seconds) is set if waiting helps. `replayed` says that it repeats the
    answer to an earlier request with the same ``Idempotency-Key``.
    """

    __slots__ = ("envelope", "message", "replayed", "retry_after", "status")

    def __init__(
        self,
        status: int,
        message: str,
        *,
        envelope: Envelope = "compact",
        retry_after: int | None = None,
        replayed: bool = False,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.envelope: Envelope = envelope
        self.retry_after = retry_after
        self.replayed = replayed


def bad_request(message: str) -> Refusal:
    """400 with its own text: decoding, parameters, and values that an LMS rejects."""
    return Refusal(400, message)


def validation_failure(failures: Sequence[str]) -> Refusal:
    """The family of row 5: every failing field in one message."""
    return Refusal(400, "\n".join(("validation failure list:", *failures)))


def webhook_disabled() -> Refusal:
    """A webhook that is disabled gets no messages, however it is asked for."""
    return Refusal(400, "WEBHOOK_DISABLED: enable the webhook first")


def webhook_not_fetched() -> Refusal:
    """The messages of a webhook with an address cannot be fetched."""
    return Refusal(400, "NOT_FETCHED: the messages of this webhook are sent to its url")


def missing_fields(names: Sequence[str]) -> Refusal:
    """Row 1: the missing required fields, in the published order."""
    return Refusal(400, "missing required field(s): " + ", ".join(names))


def empty_body() -> Refusal:
    """Row 2."""
    return Refusal(400, "request body is required, but was empty")


def due_date_not_in_future() -> Refusal:
    """Row 3: the due date of a new assignment has passed."""
    return Refusal(400, "due_date must be in the future")


def invalid_escape(character: str) -> Refusal:
    """Row 4: `character` (already quoted) is not valid after a backslash in a string."""
    return Refusal(400, f"Invalid character {character} in string escape code", envelope="plain")


def invalid_assignment_id() -> Refusal:
    """Row 8: not an assignment id of ours."""
    return Refusal(400, "INVALID_ID")


def grader_not_found(grader_id: str) -> Refusal:
    """Row 9: `grader_id` is not a teacher of the section."""
    return Refusal(400, f"NOT_FOUND: Person with id clever:{grader_id} not found for this integration.")


def due_date_moved_to_past(sent: str) -> Refusal:
    """Row 10: the due date `sent` on an update has passed; the published text calls it a parse error."""
    return Refusal(400, f'parsing time "{sent}": day out of range')


def no_authorization() -> Refusal:
    """Row 11."""
    return Refusal(401, "No authorization provided", envelope="spaced")


def token_refused() -> Refusal:
    """Row 12: the token is unknown, revoked or expired."""
    return Refusal(403, "Could not authorize token", envelope="spaced")


def assignment_gone() -> Refusal:
    """Row 13: the assignment never existed, was deleted, or belongs to another section."""
    return Refusal(404, "Assignment does not exist")


def user_not_found() -> Refusal:
    """Row 14: not a student of the section, or not assigned."""
    return Refusal(404, "User not found")


def resource_not_found() -> Refusal:
    """An unknown path or object. Another district's objects are treated as if they did not exist."""
    return Refusal(404, "Resource not found")


def lms_failed(doing: str, retry_after: int | None = None) -> Refusal:
    """The LMS failed while we were `doing` something; the cause goes to the log, not to the client."""
    return Refusal(500, f"Error {doing}", retry_after=retry_after)


def internal_error() -> Refusal:
    """A fault of our own."""
    return Refusal(500, "Internal error")


def store_unavailable() -> Refusal:
    """Our own store is unavailable; nothing was changed."""
    return Refusal(503, "Service unavailable", retry_after=5)


def too_many_requests(retry_after: int) -> Refusal:
    """The token has used up its requests for this minute."""
    return Refusal(429, "Too Many Requests", retry_after=retry_after)


def key_in_use() -> Refusal:
    """The first request with this Idempotency-Key is still being processed."""
    return Refusal(409, "A request with this Idempotency-Key is being processed", retry_after=1)


def key_reused() -> Refusal:
    """This Idempotency-Key was already used for a different request."""
    return Refusal(422, "This Idempotency-Key was used with a different request")


def invalid_idempotency_key() -> Refusal:
    """The Idempotency-Key is malformed, or there are several."""
    return Refusal(
        400, "INVALID_IDEMPOTENCY_KEY: must be a single value of 1 to 255 printable ASCII characters"
    )


def too_many_webhooks(most: int) -> Refusal:
    """The application already has that many webhooks in the district."""
    return Refusal(400, f"TOO_MANY_WEBHOOKS: an application may have {most} webhooks in a district")


def body_too_large() -> Refusal:
    """The request's body exceeds the gateway's limit."""
    return Refusal(413, "request body too large")
