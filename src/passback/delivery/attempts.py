"""Keeping what came of each attempt to deliver, for whoever asks later why a grade arrived late or never."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.delivery import Delivered, Failed, Outcome, Refused
from passback.lms.http.exchanges import keeping_exchanges
from passback.store import attempts
from passback.store.attempts import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passback.domain.clock import Clock, Instant
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection


class Tried(Struct, frozen=True):
    """An attempt that is under way, or has just ended."""

    began: Instant
    exchanges: list[str]
    """With the LMS, as far as they have come."""


@contextlib.contextmanager
def trying(clock: Clock) -> Iterator[Tried]:
    """Watch what is tried inside the ``with``."""
    with keeping_exchanges() as exchanges:
        yield Tried(clock(), exchanges)


def record(
    conn: Connection,
    tried: Tried,
    group: Sequence[Delivery],
    outcomes: Sequence[Outcome],
    own: Sequence[bool],
    now: Instant,
) -> None:
    """Keep what came of an attempt for each delivery that is still one's `own` and was not spared."""
    made = [
        (delivery.id, _made(delivery, outcome, tried, now))
        for delivery, outcome, mine in zip(group, outcomes, own, strict=True)
        if mine and not (isinstance(outcome, Failed) and outcome.untried)
    ]
    if made:
        attempts.add(conn, made)


def record_interrupted(conn: Connection, delivery: Delivery, now: Instant) -> None:
    """Keep that whoever delivered it ended in the middle of an attempt."""
    one = Attempt(number=delivery.attempts, began=None, ended=now, result="interrupted")
    attempts.add(conn, [(delivery.id, one)])


def _made(delivery: Delivery, outcome: Outcome, tried: Tried, now: Instant) -> Attempt:
    result, status, said = _in_short(outcome)
    return Attempt(
        number=delivery.attempts,
        began=tried.began,
        ended=now,
        result=result,
        status=status,
        said=said,
        exchanges=tuple(tried.exchanges),
    )


def _in_short(outcome: Outcome) -> tuple[attempts.Result, int, str | None]:
    match outcome:
        case Delivered():
            return "delivered", 200, None
        case Refused():
            return "refused", outcome.status, outcome.message
        case Failed():
            return "failed", outcome.status, outcome.cause
