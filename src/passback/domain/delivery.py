"""A delivery: one change that a client asked for, on its way to the LMS, and the rules of that way.

Deliveries about the same submission (or the same assignment) share a lane: one is in flight at a time, in the order in
which they were accepted. A value that a newer delivery sets need not be delivered first.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import AssignmentFields, plain_title
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
"""The kinds of change. ``update_submissions`` stands for many, each of which is a delivery of its own."""

State = Literal["waiting", "delivering", "delivered", "refused", "expired", "failed", "cancelled"]
"""``waiting`` for its turn or the next try, or ``delivering`` now; in the end ``delivered``, ``refused`` (by the
contract or the LMS), ``expired`` (not delivered within the time that the district allows), ``failed`` (its client
waited and got an error) or ``cancelled`` (by the operator)."""

STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("waiting", "delivering")

KEPT_FOR = 72 * HOUR
"""How long a delivery is tried, unless the district's policy says otherwise."""
INTERRUPTED_KEPT_FOR = HOUR
"""How long a delivery is tried whose client was waiting when the gateway crashed: nothing was promised."""

FIRST_WAIT = SECOND
LONGEST_WAIT = 15 * MINUTE
_GROWTH = 1.5

Fields = TypeVar("Fields", AssignmentFields, SubmissionFields)


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as the ledger holds it."""

    id: str
    district_id: str
    application: str
    """The application that asked for it, by the name of its token."""
    operation: Operation
    section_id: str | None = None
    assignment_id: str | None = None
    """Our id; for a new assignment, the id that it will get."""
    user_id: str | None = None
    destination: str
    """The id of what it is sent to: the district, for its LMS, or a webhook."""
    lane: str
    rank: int
    """Its place in the lane: the time when it was accepted, but always after what waits there."""
    batch_id: str | None = None
    """The ``update_submissions`` that it is a part of."""
    position: int | None = None
    """Its position in that, from 0."""
    content: str
    """The fields to set: `AssignmentFields` or `SubmissionFields` as JSON, with our own ids of users."""
    lms_section_id: str | None = None
    """The LMS's section for which a create was accepted."""
    digest: str | None = None
    """A hash by which equal requests to create an assignment are recognized."""
    background: bool
    """Whether the client got a 202 and does not wait."""
    state: State
    doubt: bool = False
    """Whether the last try is in doubt: it may have taken effect, though its answer was lost."""
    unacknowledged: bool = False
    """Whether the client that asked for it (to create, or to comment) has not got the outcome yet."""
    attempts: int = 0
    created: Instant
    due: Instant | None
    """When to try it (next); None for one that stands for many, and while its assignment is still to be made."""
    expires: Instant
    finished: Instant | None = None
    worker: str | None = None
    """The process that is delivering it."""
    fence: int = 0
    """How many times it has been claimed: whoever claimed it earlier can no longer finish it."""
    status: int | None = None
    """The HTTP status of the answer, or of the last try until there is one."""
    message: str | None = None
    """The error that the client gets."""
    cause: str | None = None
    """Why, for the operator; it holds no secret and no student data."""
    result: bytes | None = None
    """The object that the client gets, as JSON."""
    warnings: tuple[str, ...] = ()
    """The codes of what was ignored or changed."""
    superseded_by: str | None = None
    """The newer delivery that has set everything that this one was to set."""
    fault: str | None = None
    """How the sandbox's LMS fails at the first try."""
    request_id: str | None = None
    trace: str | None = None
    """The trace that it belongs to (a W3C ``traceparent``)."""

    @property
    def awaits_create(self) -> bool:
        """Whether it waits for the create of its assignment."""
        return self.state == "waiting" and self.due is None and self.operation != "update_submissions"

    def fields(self, kind: type[Fields]) -> Fields:
        """The fields to set."""
        return msgspec.json.decode(self.content, type=kind)


def summed(whole: Delivery, parts: Sequence[Delivery]) -> Delivery:
    """A delivery that stands for many, with what its `parts` say: its attempts, its next one, and its warnings."""
    waiting = (part.due for part in parts if part.state == "waiting" and part.due is not None)
    told = (part for part in parts if part.state in (*OPEN, "delivered"))
    warnings = dict.fromkeys(code for part in told for code in part.warnings)
    return replace(
        whole,
        # They go together unless some have to be tried again, so it was tried as often as the one tried most.
        attempts=max((part.attempts for part in parts), default=0),
        due=min(waiting, default=None),
        warnings=(*whole.warnings, *warnings),
    )


class Delivered(Struct, frozen=True):
    """The change is in the LMS."""

    result: bytes | None = None
    """The object that the client gets, as JSON."""
    warnings: tuple[str, ...] = ()
    lms_id: str | None = None
    """The LMS's id of an assignment that was created."""
    lms_section_id: str | None = None
    """The LMS's id of the section that it was created in."""


class Refused(Struct, frozen=True):
    """The change cannot be made: the contract's answer."""

    status: int
    message: str
    whole: bool = False
    """Whether it concerns everything that was sent with it."""


class Failed(Struct, frozen=True):
    """The LMS failed, or could not be asked; another try may succeed."""

    status: int
    message: str
    cause: str
    doubt: bool = False
    retry_after: int | None = None
    """After how many seconds a waiting client may ask again."""
    down: bool = False
    """Whether nothing at all should be sent to the destination for a while."""
    outage: bool = False
    """Whether it is down because it does not answer: then it is asked again every few seconds."""
    untried: bool = False
    """Whether it was not even asked, because it was down."""
    wait: int | None = None
    """For how many seconds the destination asks to be left alone."""
    final: bool = False
    """Whether it is not tried again by itself."""
    whole: bool = False
    """Whether it concerns everything that was sent with it."""


Outcome = Delivered | Refused | Failed


def content_of(fields: AssignmentFields | SubmissionFields) -> str:
    """The content of a delivery: only the fields that are given."""
    return msgspec.json.encode(fields).decode()


def lane_of(operation: Operation, delivery_id: str, assignment_id: str | None, user_id: str | None) -> str:
    """The lane: changes of one assignment, or of one submission, go in order; anything else has a lane of its own.

    Creates that an LMS may make the same of share one, too: see `lane_of_alike`.
    """
    match operation:
        case "update_assignment" | "delete_assignment":
            return f"assignment/{assignment_id}"
        case "update_submission":
            return f"submission/{assignment_id}/{user_id}"
        case _:
            return delivery_id


def lane_of_alike(section_id: str, title: str) -> str:
    """The lane of creates of assignments with one title, as LMSs keep it.

    They are made one at a time: after a lost answer, one must not be taken for what the other has just made.
    """
    return f"create/{section_id}/{hashlib.sha256(plain_title(title).encode()).hexdigest()}"


def wait_after(attempts: int, asked: int | None = None) -> int:
    """How many milliseconds to wait after so many attempts: half as long again each time, with jitter.

    `asked` is for how many seconds the destination asks to be left alone.
    """
    longest = min(LONGEST_WAIT, round(FIRST_WAIT * _GROWTH ** min(attempts - 1, 50)))
    wait = random.randint(longest // 2, longest)  # noqa: S311 - jitter
    return max(wait, min((asked or 0) * SECOND, LONGEST_WAIT))


# The values that need not be delivered because a newer delivery of the same lane sets them.

_ONE_VALUE = {"grade_points": "grade", "assignee_ids": "assignee_mode"}
"""Fields that are two forms, or two parts, of one value."""
_ADDED = frozenset({"grade_comment"})
"""No newer one replaces an older one, unless the LMS keeps only one."""
_SAYS_NOTHING_ALONE = frozenset({"grader_id", "comment_replaces"})
"""Fields that belong to a grade or a comment."""
_STEPS = frozenset({"grade_comment", "state", "attachments"})
"""Fields that do more than set a value: a submission may have to go through them in order."""


def first_to_deliver(lane: Sequence[Delivery]) -> Delivery:
    """The first to deliver of a lane's waiting deliveries (oldest first): the oldest that no newer one covers."""
    for index, delivery in enumerate(lane):
        if not any(covers(newer, delivery) for newer in lane[index + 1 :]):
            return delivery
    return lane[-1]


def covers(newer: Delivery, older: Delivery) -> bool:
    """Whether `newer` sets everything that `older` sets, so that `older` need not be delivered before it."""
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
    """What is left of `older` once the newer `done` is delivered; None if nothing is.

    A newer comment replaces an older one if the LMS keeps one only. Otherwise none does, but by the same words a client
    repeats what it has got no outcome of.
    """
    if older.operation != done.operation or older.operation == "create_assignment":
        return older.content
    given = msgspec.json.decode(older.content)
    new = msgspec.json.decode(done.content)
    settled = _values(frozenset(new))
    replaces = new.get("comment_replaces", False)
    left = {
        name: value
        for name, value in given.items()
        if (name in _ADDED and not (replaces or (older.unacknowledged and new.get(name) == value)))
        or _ONE_VALUE.get(name, name) not in settled
    }
    if set(left) <= _SAYS_NOTHING_ALONE and left != given:
        return None
    return msgspec.json.encode(left).decode()


def _given(delivery: Delivery) -> frozenset[str]:
    return frozenset(msgspec.json.decode(delivery.content))


def _values(names: frozenset[str]) -> frozenset[str]:
    return frozenset(_ONE_VALUE.get(name, name) for name in names)
