"""The times of scores: each is later than the one before of the same student and assignment, over all processes.

A score's time is when it was asked for: one that had to wait is older than what a teacher has written meanwhile.
An LMS refuses a score that is not newer than what it has, most of them by whole seconds. So the time of each student's
last score is kept, and a new one is claimed in one step before the score is sent: of two processes that claim at once,
the second gets a later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock, Instant, Timer
    from passback.lms.notes import Note, Notes

_LONGEST_WAIT = 2 * SECOND
"""For how long a score waits until its time has come. Beyond, a clock has been set back, or the LMS's is ahead."""


class Claim(Struct, frozen=True):
    """What a time is claimed for."""

    trying: Mapping[str, Any]
    """What is kept of the score until its outcome is known."""
    after: Instant
    """What the time must be in a later second than, besides that of the last score."""
    asked_at: Instant | None = None
    """When the score was asked for: it may have waited since. None for now."""


async def claim(
    notes: Notes, clock: Clock, timer: Timer, claims: Mapping[str, Claim]
) -> Mapping[str, dict[str, Any]]:
    """Give each score a time; returns the notes of the submissions by key, the time under ``at``. Raises `LmsError`."""
    come = ahead = 0
    claimed: dict[str, dict[str, Any]] = {}

    def take(kept: Mapping[str, Note]) -> Mapping[str, Note]:
        nonlocal ahead
        now = clock()
        stamps = {
            key: max(
                min(now, one.asked_at or now),
                _later_second(max(kept.get(key, {}).get("at", 0), one.after)),
            )
            for key, one in claims.items()
        }
        last = max(stamps.values(), default=now)
        ahead = last if last > come and now < last <= now + _LONGEST_WAIT else 0
        if not ahead:
            claimed.update(
                (key, {**kept.get(key, {}), "at": stamp, "trying": claims[key].trying})
                for key, stamp in stamps.items()
            )
        return claimed

    while claims:
        await notes.change(list(claims), take)
        if not ahead:
            break
        await timer.sleep((ahead - clock()) / SECOND)
        come = ahead
    return claimed


async def keep(notes: Notes, after: Mapping[str, Note]) -> None:
    """Store the notes of submissions, by key. What another process has claimed meanwhile stays."""

    def merged(kept: Mapping[str, Note]) -> Mapping[str, Note]:
        return {key: _with_later(note, kept.get(key, {})) for key, note in after.items()}

    if after:
        await notes.change(list(after), merged)


def _with_later(note: Note, kept: Note) -> Note:
    if kept.get("at", 0) <= note.get("at", 0):
        return note
    return {**note, **{name: kept[name] for name in ("at", "trying") if name in kept}}


def _later_second(when: Instant) -> Instant:
    return (when // SECOND + 1) * SECOND
