"""The sandbox's clock, which can be moved: everything that depends on time follows it, the simulated LMSs included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from passback.domain.clock import DAY, HOUR, MINUTE, SECOND
from passback.store.engine import migrate
from passback.wire import dates
from passback.wire.errors import Refusal, bad_request

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.store.engine.database import Database

_EARLIEST = 946_684_800_000
"""2000-01-01T00:00:00Z"""
_LATEST = 7_258_118_400_000
"""2200-01-01T00:00:00Z"""
_KEPT_AS = "sandbox_clock"
_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
_LENGTH = re.compile(r"(-?)(?=\d)(?:(\d{1,6})d)?(?:(\d{1,8})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)


class SandboxClock:
    """The real clock, by how much it was moved. It goes on from where it was put, and over restarts."""

    def __init__(self, database: Database, real: Clock) -> None:
        """`real` is the machine's own clock. Raises `StoreUnavailable`."""
        self._database = database
        self.real = real
        self.moved_by = int(database.read_now(lambda conn: migrate.meta(conn, _KEPT_AS)) or 0)
        """How many milliseconds it is ahead of the real clock."""

    def __call__(self) -> Instant:
        return self.real() + self.moved_by

    async def move(self, milliseconds: int) -> None:
        """Be so far ahead of the real clock (0: no longer moved), also after a restart. Raises `StoreUnavailable`."""
        await self._database.write(lambda conn: migrate.set_meta(conn, _KEPT_AS, str(milliseconds)))
        self.moved_by = milliseconds


class Move(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to put the clock: exactly one of these."""

    now: str | None = None
    """A date-time in one of the API's forms."""
    advance: str | None = None
    """A length such as ``2h``, ``1d12h`` or ``-30m``."""


class Shown(Struct, frozen=True):
    """The clock, as `GET` and `PUT` answer."""

    now: str
    real: str
    moved_by_seconds: int


def show(clock: SandboxClock) -> Shown:
    """The clock as it is."""
    real = clock.real()
    return Shown(dates.show(real + clock.moved_by), dates.show(real), clock.moved_by // SECOND)


def start_note(clock: SandboxClock) -> list[str]:
    """What a start says of a clock that was moved before."""
    if not clock.moved_by:
        return []
    return [
        f"The sandbox's clock was moved: it shows {dates.show(clock())} (DELETE /sandbox/clock gives it back)"
    ]


def parse(body: bytes) -> Move:
    """Read what was sent to move it. Raises `Refusal`."""
    try:
        return msgspec.json.decode(body, type=Move)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused(str(error)) from None


def moved_by(clock: SandboxClock, move: Move) -> int:
    """How many milliseconds ahead of the real clock a move puts it. Raises `Refusal`."""
    if (move.now is None) == (move.advance is None):
        raise refused("give either now (a date-time) or advance (a length such as 2h, 1d12h or -30m)")
    if move.now is not None:
        if not move.now:
            raise refused("now must be a date-time such as 2030-06-01T00:00:00Z")
        wanted = dates.parse(move.now).instant - clock.real()
    else:
        wanted = clock.moved_by + _length(move.advance or "")
    if not _EARLIEST <= clock.real() + wanted < _LATEST:
        raise refused("it goes from the year 2000 to 2199")
    return wanted


def _length(text: str) -> int:
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise refused("advance must be a length such as 2h, 1d12h or -30m")
    sign, *parts = match.groups()
    milliseconds = sum(int(number or 0) * unit for number, unit in zip(parts, _UNITS.values(), strict=True))
    return -milliseconds if sign else milliseconds


def refused(reason: str) -> Refusal:
    """What is answered to a move that is none."""
    return bad_request(f"INVALID_SANDBOX_CLOCK: {reason}")
