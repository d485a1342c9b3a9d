"""What an LMS holds now of what a delivery was about, read on demand, beside what was sent."""

from __future__ import annotations

import asyncio
import html
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from passback.domain.clock import Instant
from passback.gateway import assignments, submissions
from passback.lms.interface import LmsError
from passback.operations import deliveries, fields
from passback.operations.reasons import Reason, sentence, why_refused
from passback.store import assignments as stored
from passback.store import names, search
from passback.wire.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.context import Gateway
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection

PATIENCE_SECONDS = 20.0
"""How long an LMS may take to answer."""

_TAGS = re.compile(r"<[^>]*>")
_NOT_SHOWN = frozenset({"published", "description_plaintext"})
"""What is sent, and not read back."""
_ALWAYS_SHOWN = (
    "title",
    "points_possible",
    "due_date",
    "grade_points",
    "grade",
    "grade_comment",
    "state",
    "flags",
)
"""What is shown of what an LMS holds even if it was not sent."""


class Compared(Struct, frozen=True):
    """A field: what was sent, and what the LMS holds."""

    label: str
    sent: str
    held: str
    verdict: str
    """In words; empty if it was not sent."""
    is_other: bool
    """Whether the LMS holds something else than was sent."""


class Held(Struct, frozen=True):
    """What an LMS was found to hold, or why that is not known."""

    at: Instant
    summary: str
    level: str
    """``good``, ``warn`` or ``bad``."""
    advice: str = ""
    rows: list[Compared] = []
    newer: str = ""
    """The id of a newer delivery of the same student's submission, which it may hold instead."""


def is_readable(delivery: Delivery) -> bool:
    """Whether there is something in an LMS to read."""
    return delivery.assignment_id is not None and delivery.operation not in (
        "update_submissions",
        "send_webhook",
    )


async def read(gateway: Gateway, delivery_id: str) -> Held:
    """Read what the LMS holds now. Raises `NotFound`."""

    def look_up(conn: Connection) -> tuple[Delivery, bool, str]:
        found = deliveries.whole(conn, delivery_id).delivery
        made = found.assignment_id is not None and stored.is_made(conn, found.assignment_id)
        newest = search.newest_of_each(
            conn, found.assignment_id or "", [found.user_id] if found.user_id else []
        )
        return found, made, newest.get(found.user_id or "", "")

    delivery, made, newest = await gateway.database.read(look_up)
    now = gateway.clock()
    if not is_readable(delivery):
        return Held(now, "There is nothing of it to read in an LMS.", "warn")
    if not made:
        return Held(now, "The assignment has not been made, so the LMS holds nothing of it.", "warn")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            value = await _value(gateway, delivery)
    except TimeoutError:
        return Held(
            now, f"The LMS did not answer within {PATIENCE_SECONDS:.0f} seconds.", "bad", "Try again later."
        )
    except Refusal as refusal:
        return _problem(delivery, refusal, now)
    sent = fields.sent(delivery)
    people = await gateway.database.read(
        lambda conn: names.of_people(conn, fields.people_in(sent) | fields.people_in(value))
    )
    rows = compared(sent, value, people)
    return Held(now, *_summary(rows), rows=rows, newer=newest if newest > delivery.id else "")


async def _value(gateway: Gateway, delivery: Delivery) -> dict[str, Any]:
    """The published object, as the LMS holds it now."""
    assert delivery.section_id is not None
    assert delivery.assignment_id is not None
    where = (gateway, delivery.district_id, delivery.section_id, delivery.assignment_id)
    answer = (
        await assignments.read(*where)
        if delivery.user_id is None
        else await submissions.read(*where, delivery.user_id)
    )
    shown: dict[str, Any] = json.loads(msgspec.json.encode(answer.value), parse_float=Decimal)
    return shown


def _problem(delivery: Delivery, refusal: Refusal, now: Instant) -> Held:
    if delivery.operation == "delete_assignment" and refusal.status == 404:
        return Held(now, "The assignment is no longer in the LMS, as was asked for.", "good")
    cause = refusal.__cause__
    if refusal.status >= 500 and isinstance(cause, LmsError):
        return Held(now, f"The LMS could not be read. {sentence(str(cause))}", "bad", "Try again later.")
    why: Reason = why_refused(refusal.message)
    return Held(now, why.why, "bad", why.advice)


def compared(sent: Mapping[str, Any], held: Mapping[str, Any], people: Mapping[str, str]) -> list[Compared]:
    """The fields that were sent, and the most important others, each beside what is held."""
    rows = []
    for name in fields.LABELS:
        if name not in sent and not (name in _ALWAYS_SHOWN and name in held):
            continue
        is_sent = name in sent
        given = fields.in_words(name, sent.get(name), people)
        shown = fields.in_words(name, held.get(name), people)
        verdict, is_other = _verdict(name, sent.get(name), given, held, shown) if is_sent else ("", False)
        rows.append(Compared(fields.LABELS[name], given, shown, verdict, is_other))
    return rows


def _verdict(name: str, value: Any, given: str, held: Mapping[str, Any], shown: str) -> tuple[str, bool]:
    if name in _NOT_SHOWN:
        return "not read back from an LMS", False
    if name == "flags":  # the others follow from the dates
        same = ("excused" in (value or ())) == ("excused" in (held.get(name) or ()))
    else:
        same = _plain(given) == _plain(shown)
    if same:
        return "the same", False
    if not shown:
        return "the LMS shows nothing", True
    if name == "grade_comment":
        return "the newest comment in the LMS is another", True
    return "differs", True


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAGS.sub(" ", text)).split()).casefold()


def _summary(rows: list[Compared]) -> tuple[str, str]:
    others = [it.label for it in rows if it.is_other]
    if not others:
        return "The LMS holds what was sent.", "good"
    return f"The LMS holds something else than was sent: {', '.join(others)}.", "warn"
