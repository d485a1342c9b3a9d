"""A delivery: one change that a client asked for, on its way into the LMS, and the rules of that way.

Deliveries about the same submission (or the same assignment) share a lane: one is under way at a time, in the order in
which they were accepted, except that a value which a newer one sets need not be delivered first.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import HOUR, MINUTE, SECOND, Instant
from passback.domain.submission import SubmissionFields

Operation = Literal[
    "create_assignment",
    "update_assignment",
    "delete_assignment",
    "update_submission",
    "update_submissions",
    "send_webhook",
]
"""What is delivered. ``update_submissions`` stands for many, each of which is a delivery of its own."""

State = Literal["waiting", "delivering", "delivered", "refused", "expired", "failed", "cancelled"]
"""``waiting`` for its turn or the next try, ``delivering`` now; then ``delivered``, ``refused`` (by the contract or
the LMS), ``expired`` (not delivered in the time that the district allows), ``failed`` (a client that waited was told
so), or ``cancelled`` by the operator."""

STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("waiting", "delivering")

KEPT_FOR = 72 * HOUR
"""For how long a delivery is tried, unless the district's policy says otherwise."""
INTERRUPTED_KEPT_FOR = HOUR
"""For how long one is tried that a client waited for when the gateway crashed: nobody was promised anything."""

FIRST_WAIT = SECOND
LONGEST_WAIT = 15 * MINUTE
_GROWTH = 1.5

Fields = TypeVar("Fields", AssignmentFields, SubmissionFields)


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as the ledger keeps it."""

    id: str
    district_id: str
    application: str
    """Who asked for it: the name of the token's application."""
    operation: Operation
    section_id: str | None = None
    assignment_id: str | None = None
    """Ours; of an assignment that is created, the id that it gets."""
    user_id: str | None = None
    destination: str
    """Whom it goes to: the district, whose LMS it is, or a webhook."""
    lane: str
    rank: int
    """Its place in the lane: the time when it was accepted, but always behind what waits there."""
    batch_id: str | None = None
    """The delivery of many that it is a part of."""
    position: int | None = None
    """Its place in that, from 0."""
    content: str
    """What is asked for: `AssignmentFields` or `SubmissionFields` as JSON, with our own ids of users."""
    digest: str | None = None
    """What tells equal requests to create an assignment."""
    background: bool
    """Whether the client was told 202 and does not wait."""
    state: State
    doubt: bool = False
    """Whether the last try may have taken effect, though its answer was lost."""
    unacknowledged: bool = False
    """Whether the client that asked to create it does not know what became of it."""
    attempts: int = 0
    created: Instant
    due: Instant | None
    """When it is to be tried (next); None for one that stands for many."""
    expires: Instant
    finished: Instant | None = None
    worker: str | None = None
    """The process that is delivering it."""
    fence: int = 0
    """How many times it has been taken up: who took it up before can no longer finish it."""
    status: int | None = None
    """The HTTP status of the answer, once there is one, or of the last try's."""
    message: str | None = None
    """The error that the client is told."""
    cause: str | None = None
    """Why, for the operator; it holds no secret and nothing of a student."""
    result: bytes | None = None
    """The object that the client gets, as JSON."""
    warnings: tuple[str, ...] = ()
    """The codes of what was ignored or changed."""
    superseded_by: str | None = None
    """The newer delivery that set all that this one was to set."""
    fault: str | None = None
    """How the sandbox's LMS shall fail at the first try."""
    request_id: str | None = None
    trace: str | None = None
    """The trace that it is a part of (a W3C ``traceparent``)."""

    def fields(self, kind: type[Fields]) -> Fields:
        """What is asked for."""
        return msgspec.json.decode(self.content, type=kind)


class Delivered(Struct, frozen=True):
    """It is in the LMS."""

    result: bytes | None = None
    """The object that the client gets, as JSON."""
    warnings: tuple[str, ...] = ()
    lms_id: str | None = None
    """The LMS's id of an assignment that was created."""


class Refused(Struct, frozen=True):
    """It cannot be in the LMS: the contract's answer."""

    status: int
    message: str
    whole: bool = False
    """Whether it concerns all that it was sent with."""


class Failed(Struct, frozen=True):
    """The LMS failed, or could not be asked; another try may go well."""

    status: int
    message: str
    cause: str
    doubt: bool = False
    retry_after: int | None = None
    """After how many seconds a client that waits may ask again."""
    down: bool = False
    """Whether whom it goes to is not to be asked at all for a while, whatever is to be delivered."""
    wait: int | None = None
    """For how many seconds whom it goes to asks to be left alone."""
    final: bool = False
    """Whether it shall not be tried again of itself."""
    whole: bool = False
    """Whether it concerns all that it was sent with."""


Outcome = Delivered | Refused | Failed


def content_of(fields: AssignmentFields | SubmissionFields) -> str:
    """What a delivery keeps of what is asked for: only what is given."""
    given = {name: value for name in fields.__struct_fields__ if (value := getattr(fields, name)) is not None}
    return msgspec.json.encode(given).decode()


def lane_of(operation: Operation, delivery_id: str, assignment_id: str | None, user_id: str | None) -> str:
    """What must be delivered in order: the changes of one assignment, those of one submission; else nothing."""
    match operation:
        case "update_assignment" | "delete_assignment":
            return f"assignment/{assignment_id}"
        case "update_submission":
            return f"submission/{assignment_id}/{user_id}"
        case _:
            return delivery_id


def wait_after(attempts: int, asked: int | None = None) -> int:
    """For how many milliseconds to wait after so many tries: half as long again each time, never all at once.

    `asked` is for how many seconds whom it goes to asks to be left alone.
    """
    longest = min(LONGEST_WAIT, round(FIRST_WAIT * _GROWTH ** min(attempts - 1, 50)))
    wait = random.randint(longest // 2, longest)  # noqa: S311 - jitter
    return max(wait, min((asked or 0) * SECOND, LONGEST_WAIT))


# Which values a newer delivery of the same lane makes needless.

_ONE_VALUE = {"grade_points": "grade", "assignee_ids": "assignee_mode"}
"""Fields that are two forms, or two parts, of one value."""
_ALWAYS_DELIVERED = frozenset({"grade_comment"})
"""Every comment is one of its own: no newer one takes its place."""
_STEPS = frozenset({"grade_comment", "state", "attachments"})
"""Fields that do something, beside setting a value: a submission may have to go through them in order."""


def first_to_deliver(lane: Sequence[Delivery]) -> Delivery:
    """Which of a lane's waiting deliveries (the oldest first) comes first: the oldest that no newer one covers."""
    for index, delivery in enumerate(lane):
        if not any(covers(newer, delivery) for newer in lane[index + 1 :]):
            return delivery
    return lane[-1]


def covers(newer: Delivery, older: Delivery) -> bool:
    """Whether `newer` sets all that `older` sets, so that `older` need not be delivered before it."""
    if newer.operation != older.operation or older.operation not in (
        "update_assignment",
        "update_submission",
    ):
        return False
    wanted = _given(older)
    if older.operation == "update_submission" and wanted & _STEPS:
        return False
    return _values(wanted) <= _values(_given(newer))


def without(older: Delivery, done: Delivery) -> str | None:
    """What is left to deliver of `older` once the newer `done` is delivered; None where nothing is."""
    if older.operation != done.operation:
        return older.content
    given = msgspec.json.decode(older.content)
    settled = _values(_given(done))
    left = {
        name: value
        for name, value in given.items()
        if name in _ALWAYS_DELIVERED or _ONE_VALUE.get(name, name) not in settled
    }
    if set(left) <= {"grader_id"} and left != given:
        return None  # a grader alone says nothing: it belonged to the grade
    return msgspec.json.encode(left).decode()


def _given(delivery: Delivery) -> frozenset[str]:
    return frozenset(msgspec.json.decode(delivery.content))


def _values(names: frozenset[str]) -> frozenset[str]:
    return frozenset(_ONE_VALUE.get(name, name) for name in names)
