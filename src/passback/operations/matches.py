"""Matches: which of the LMS's sections and people the roster's are, and deciding it by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.roster import District
from passback.lms.registry import BUILTIN
from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import NotFound, OperationError
from passback.rosters import decide as lookup
from passback.store import districts, held_back, match_candidates, matching, number_fits, roster, syncs
from passback.store.held_back import HeldBack
from passback.store.match_candidates import Decision, Known, Queue
from passback.store.matching import Ours
from passback.store.number_fits import NumberFit

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Clock, Instant
    from passback.domain.identity import NumberKind
    from passback.store.engine.database import Connection, Database

__all__ = [
    "Cleared",
    "Decided",
    "Decision",
    "Known",
    "MatchedToAnother",
    "Matches",
    "NumberFit",
    "Ours",
    "Waiting",
    "choose",
    "clear",
    "decide",
    "decision",
    "find",
    "match_by",
    "request_sync",
    "status",
    "undecided",
    "waiting",
]


class MatchedToAnother(OperationError):
    """Another section or user is matched to that id of the LMS's."""

    def __init__(self, lms_id: str, other: str) -> None:
        super().__init__(f"{lms_id} is {other} already")
        self.other = other


class Matches(Struct, frozen=True):
    """How a district's roster is matched."""

    district: District
    ours: Sequence[Ours]
    candidates: Mapping[str, Sequence[Known]]
    """Among which a person must choose, by the ids of ours."""
    number_fits: Sequence[NumberFit] = ()
    """Which numbers count as the LMS's SIS ids, and how well each fits, as the last sync found it."""


class Waiting(Struct, frozen=True):
    """What waits for a person in a district."""

    district: District
    queue: Queue
    """Among whose candidates to choose."""
    unmatched: Sequence[Ours]
    """Some of those without a match and without candidates."""
    held_back: HeldBack | None
    number_fits: Sequence[NumberFit]


class Decided(Struct, frozen=True):
    """What came of deciding by hand."""

    district_id: str
    doubt: str | None
    """Why the LMS could not be asked whether it has it; None if it has."""
    sync_requested: bool
    """Whether a sync was requested, to match the people of a section."""


class Cleared(Struct, frozen=True):
    """What came of clearing a match."""

    was: Ours
    """With the match that it had, if any."""
    sync_requested: bool
    """Whether a sync was requested, to match it again."""


async def status(database: Database, district_id: str) -> Matches:
    """Return what is matched in a district, and what a person must decide. Raises `NotFound`."""

    def read(conn: Connection) -> Matches:
        district = required(conn, district_id)
        return Matches(
            district,
            matching.all_of(conn, district_id),
            match_candidates.find_all(conn, district_id),
            number_fits.find(conn, district_id),
        )

    return await database.snapshot(read)


async def undecided(database: Database, district_id: str) -> list[Ours]:
    """Return the sections and people that a person must decide on. Raises `NotFound`."""

    def read(conn: Connection) -> list[Ours]:
        required(conn, district_id)
        return match_candidates.undecided(conn, district_id)

    return await database.snapshot(read)


async def waiting(database: Database, district_id: str, *, after: str, limit: int) -> Waiting:
    """Return up to `limit` of what waits for a person in a district, of those with ids after `after`.

    Raises `NotFound`.
    """

    def read(conn: Connection) -> Waiting:
        district = required(conn, district_id)
        return Waiting(
            district,
            match_candidates.queue(conn, district_id, after=after, limit=limit),
            matching.unmatched(conn, district_id, limit),
            held_back.find(conn, district_id),
            number_fits.find(conn, district_id),
        )

    return await database.snapshot(read)


async def find(database: Database, our_id: str) -> Ours | None:
    """Return a section or user of the roster, with its match; None if there is none."""
    return await database.read(lambda conn: matching.find(conn, our_id))


async def decision(database: Database, ours: Ours) -> Decision | None:
    """Return what is known of one of ours and of its candidates; None if it no longer needs a decision."""
    return await database.snapshot(lambda conn: match_candidates.decision(conn, ours))


async def choose(database: Database, ours: Ours, lms_id: str, clock: Clock, *, actor: str = "") -> bool:
    """Match one of ours to one of its candidates. False if it was decided meanwhile. Raises `AlreadyMatched`."""

    def write(conn: Connection) -> bool:
        chosen = matching.choose(conn, ours, lms_id, clock())
        if chosen:
            detail = f"{ours.kind} is {lms_id} in the LMS"
            audit.record(conn, "match.made", ours.id, ours.district_id, detail, actor=actor)
        return chosen

    try:
        return await database.write(write)
    except matching.AlreadyMatched as error:
        raise MatchedToAnother(lms_id, error.other) from None


async def decide(gateway: Gateway, our_id: str, lms_id: str, *, actor: str = "") -> Decided:
    """Match a section or user by hand, once the LMS was asked whether it has it; if it cannot be asked, all the same.

    Raises `AlreadyMatched`, and `OperationError` if the LMS does not have it.
    """
    if not lms_id or not lms_id.isprintable() or ".." in lms_id or set(lms_id) & set(" #%?\\"):
        raise OperationError(f"{lms_id!r} cannot be an LMS's id")
    ours = await gateway.database.snapshot(lambda conn: _matchable(conn, our_id))
    doubt = name = None
    try:
        name = await lookup.verify(gateway, ours, lms_id)
    except lookup.NotInLms as error:
        raise OperationError(f"{error}: nothing has been changed") from None
    except lookup.CannotVerify as error:
        doubt = str(error)
    await _decide(gateway, our_id, lms_id, name, actor)
    requested = ours.kind == "section" and await request_sync(
        gateway.database, ours.district_id, gateway.clock
    )
    return Decided(ours.district_id, doubt, requested)


async def clear(database: Database, our_id: str, clock: Clock, *, actor: str = "") -> Cleared:
    """Forget what a section or user is matched to, and request a sync, which matches it again if it can.

    Nothing changes if it is not matched. Raises `OperationError`.
    """

    def write(conn: Connection) -> Cleared:
        was = _matchable(conn, our_id)
        if was.lms_id is None:
            return Cleared(was, sync_requested=False)
        matching.decide(conn, our_id, None, clock())
        detail = f"{was.kind} was {was.lms_id} in the LMS"
        audit.record(conn, "match.cleared", our_id, was.district_id, detail, actor=actor)
        return Cleared(was, _request_sync(conn, was.district_id, clock()))

    return await database.write(write)


async def request_sync(database: Database, district_id: str, clock: Clock) -> bool:
    """Request a sync, if the district's LMS is read at all, because the people of a decided section can be matched."""
    return await database.write(lambda conn: _request_sync(conn, district_id, clock()))


def _request_sync(conn: Connection, district_id: str, now: Instant) -> bool:
    if syncs.find(conn, district_id) is None:
        return False
    syncs.request(conn, district_id, now)
    return True


async def match_by(database: Database, district_id: str, kind: NumberKind | None, clock: Clock) -> bool:
    """Set which number the LMS has as its people's SIS ids; None to find it out. Raises `NotFound`.

    Returns whether a sync was requested, to match them again.
    """

    def write(conn: Connection) -> bool:
        required(conn, district_id)
        districts.set_match_by(conn, district_id, kind)
        audit.record(conn, "match.number_chosen", district_id, district_id, kind or "found out")
        return _request_sync(conn, district_id, clock())

    return await database.write(write)


def _matchable(conn: Connection, our_id: str) -> Ours:
    """A section or user that can be matched. Raises `OperationError`."""
    ours = matching.find(conn, our_id)
    if ours is None:
        raise NotFound(f"there is no section or user {our_id}")
    district = roster.find(conn, roster.DISTRICTS, ours.district_id, ours.district_id)
    if district is not None and district.lms_type == BUILTIN:
        raise OperationError(
            f"district {ours.district_id} uses the built-in gradebook, which has the roster's own sections and people:"
            " there is nothing to decide"
        )
    return ours


async def _decide(gateway: Gateway, our_id: str, lms_id: str, name: str | None, actor: str) -> None:
    def write(conn: Connection) -> str | None:
        district_id = matching.decide(conn, our_id, lms_id, gateway.clock(), name)
        if district_id is not None:
            audit.record(conn, "match.made", our_id, district_id, f"is {lms_id} in the LMS", actor=actor)
        return district_id

    try:
        district_id = await gateway.database.write(write)
    except matching.AlreadyMatched as error:
        raise MatchedToAnother(lms_id, error.other) from None
    if district_id is None:
        raise NotFound(f"there is no section or user {our_id}")
