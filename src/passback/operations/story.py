"""A delivery's whole story: the request, the attempts, what people did about it, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.clock import SECOND, Instant
from passback.domain.delivery import OPEN, Delivery
from passback.operations import deliveries, fields, not_arrived
from passback.operations.not_arrived import Named
from passback.store import assignments, attempts, audit, idempotency, names
from passback.wire.warnings import meaning

if TYPE_CHECKING:
    from passback.store.attempts import Attempt
    from passback.store.audit import Line
    from passback.store.engine.database import Connection, Database

Level = Literal["good", "warn", "bad", "idle"]

_MOST_DONE = 50
"""How many of the last things that people did about a delivery are shown."""
_DONE = {"delivery.retried": "retried it", "delivery.cancelled": "cancelled it"}


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a delivery."""

    at: Instant
    what: str
    level: Level = "idle"
    said: str = ""
    """Why."""
    exchanges: tuple[str, ...] = ()
    """The requests to the LMS, each with its answer."""
    delivery_id: str = ""
    """Another delivery that it has to do with."""


class Field(Struct, frozen=True):
    """A field that was sent."""

    label: str
    text: str


class Warned(Struct, frozen=True):
    """A warning: its code, and what that means."""

    code: str
    meaning: str


class Story(Struct, frozen=True):
    """A delivery with all that is known of it."""

    named: Named
    parts: list[Named]
    sent: list[Field]
    warnings: list[Warned]
    is_made: bool
    """Whether its assignment has been made."""
    key: str | None
    """The idempotency key of its request."""
    events: list[Event]
    """Oldest first."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.named.delivery.state in OPEN


async def told(database: Database, delivery_id: str) -> Story:
    """Return a delivery's story. Raises `NotFound`."""

    def read(conn: Connection) -> Story:
        found = deliveries.whole(conn, delivery_id)
        first, *parts = not_arrived.named(conn, [found.delivery, *found.parts])
        given = fields.sent(found.delivery)
        people = names.of_people(conn, fields.people_in(given))
        return Story(
            named=first,
            parts=parts,
            sent=[Field(fields.LABELS[it], fields.in_words(it, given[it], people)) for it in given],
            warnings=[Warned(it, meaning(it)) for it in found.delivery.warnings],
            is_made=assignments.is_made(conn, found.delivery.assignment_id or ""),
            key=idempotency.key_of(conn, delivery_id),
            events=_events(
                found.delivery,
                attempts.find_all(conn, delivery_id),
                audit.of_object(conn, delivery_id, _MOST_DONE),
            ),
        )

    return await database.snapshot(read)


def _events(delivery: Delivery, made: list[Attempt], done: list[Line]) -> list[Event]:
    how = "and left it to the background" if delivery.background else "and waited for the answer"
    events = [Event(at=delivery.created, what=f"{delivery.application or 'An app'} sent it, {how}")]
    before = 0
    for it in made:
        if it.number > before + 1:
            left_out = it.number - before - 1
            attempts_ = "one attempt" if left_out == 1 else f"{left_out} attempts"
            events.append(
                Event(at=it.began or it.ended, what=f"Of {attempts_} before this one nothing is kept")
            )
        before = it.number
        events.append(_attempt(it))
    events += [Event(at=it.at, what=f"{it.actor} {_DONE[it.action]}") for it in done if it.action in _DONE]
    if delivery.finished is not None and (end := _end(delivery)) is not None:
        events.append(end)
    return sorted(events, key=lambda it: it.at)


def _attempt(it: Attempt) -> Event:
    took = "" if it.began is None else f" after {_seconds(it.ended - it.began)}"
    what, level = _RESULTS[it.result]
    return Event(
        at=it.began or it.ended,
        what=f"Attempt {it.number}: {what}{took}",
        level=level,
        said=it.said or "",
        exchanges=it.exchanges,
    )


_RESULTS: dict[str, tuple[str, Level]] = {
    "delivered": ("it arrived", "good"),
    "refused": ("it was refused", "bad"),
    "failed": ("it failed", "warn"),
    "interrupted": ("Passback was stopped in the middle of it", "warn"),
}


def _end(delivery: Delivery) -> Event | None:
    """How it ended, if its attempts and what people did do not say so."""
    assert delivery.finished is not None
    if delivery.superseded_by is not None:
        what = "A newer change of the same had arrived, so it was no longer needed"
        return Event(at=delivery.finished, what=what, level="good", delivery_id=delivery.superseded_by)
    match delivery.state:
        case "delivered":
            return Event(at=delivery.finished, what="Done", level="good")
        case "refused":
            return Event(at=delivery.finished, what="Given up: it was refused", level="bad")
        case "expired":
            return Event(at=delivery.finished, what="Given up: its time was over", level="bad")
        case "failed":
            return Event(at=delivery.finished, what="The app got an error", level="bad")
        case _:
            return None


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / SECOND:.1f} seconds" if milliseconds >= SECOND else f"{milliseconds} ms"
