"""``passback match``: which of the LMS's sections and people the roster's are."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.domain.clock import system_clock
from passback.lms.registry import BUILTIN
from passback.store import match_candidates, matching, roster, syncs

if TYPE_CHECKING:
    from passback.store.engine.database import Connection, Opened
    from passback.store.match_candidates import Known
    from passback.store.matching import Ours

app = App(name="match", help="See and decide which of the LMS's the roster's sections and people are.")


class _Later(Exception):
    """Whoever decides has had enough for now."""


@app.command
def status(*, district: str, unmatched: bool = False, data: Data = None) -> None:
    """Show what is matched, what is not, and among whom a person must choose.

    Args:
        district: The district's id.
        unmatched: Show only what is not matched.
        data: The folder of the data file [data].
    """
    district = district.lower()

    def read(conn: Connection) -> tuple[list[Ours], dict[str, list[Known]], str]:
        found = roster.find(conn, roster.DISTRICTS, district, district)
        if found is None:
            raise UsageError(f"there is no district {district}")
        shares = ", ".join(f"{name} {share:g} %" for name, share in found.lms_matched_percentage.items())
        return (
            matching.all_of(conn, district),
            match_candidates.find_all(conn, district),
            f"{found.name} ({found.lms_state or 'not connected'}): {shares}",
        )

    with existing(data) as database:
        ours, choices, summary = database.read_now(read)
    print(one_line(summary))
    for item in ours:
        if item.lms_id is not None and unmatched:
            continue
        by = f"{one_line(item.lms_id)} (by {item.matched_by or 'start'})" if item.lms_id is not None else None
        print(f"{item.id}  {item.kind:<8}  {one_line(item.name):<30}  {by or 'not matched'}")
        for choice in choices.get(item.id, []):
            print(f"{'':<26}or {_told(choice)}")


@app.command
def review(*, district: str, data: Data = None) -> int:
    """Go through what a person must decide, one by one: which of the LMS's a section or user is.

    It can be left at any time: what was decided is kept. Several people may do it at once.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("match review asks at the terminal, and there is none: use passback match set")
    district = district.lower()

    def read(conn: Connection) -> list[Ours]:
        if roster.find(conn, roster.DISTRICTS, district, district) is None:
            raise UsageError(f"there is no district {district}")
        return match_candidates.undecided(conn, district)

    with existing(data) as database:
        waiting = database.read_now(read)
        if not waiting:
            print("There is nothing to decide.")
        sections = False
        try:
            for number, item in enumerate(waiting, 1):
                decided = _review(database, item, f"{number} of {len(waiting)}")
                sections = sections or (decided and item.kind == "section")
        except _Later:
            print("The rest is left for later.")
        except KeyboardInterrupt:
            print("\nThe rest is left for later.")
        finally:
            if sections:
                _ask_for_sync(database, district)
    return 0


def _review(database: Opened, item: Ours, place: str) -> bool:
    """Let a person decide which of the LMS's one of ours is. Whether it is decided. Raises `_Later`."""
    # What it may be is read when its turn has come: others may have decided meanwhile.
    question = database.read_now(lambda conn: match_candidates.decision(conn, item))
    if question is None:
        print(f"{place}: of {item.kind} {one_line(item.name)} ({item.id}) nothing is to be decided any more.")
        return False
    print(f"{place}: {item.kind} {_told(question.ours)}")
    for position, candidate in enumerate(question.candidates, 1):
        print(f"  {position}  {_told(candidate)}")
    chosen = _chosen(len(question.candidates))
    if not chosen:
        return False
    lms_id = question.candidates[chosen - 1].id
    try:
        decided = database.write_now(lambda conn: matching.choose(conn, item, lms_id, system_clock()))
    except matching.AlreadyMatched as taken:
        print(f"That cannot be: {_taken(lms_id, taken)}")
        return False
    print(
        f"{item.id} is {one_line(lms_id)}."
        if decided
        else f"{item.id} has been decided meanwhile, by another person or a sync: it stays as it is."
    )
    return decided


def _chosen(most: int) -> int:
    """Which one a person chooses, from 1; 0 for none of them now. Raises `_Later`."""
    while True:
        try:
            answer = input(f"Which is it? [{'1' if most == 1 else f'1-{most}'}, s to skip, q to stop] ")
        except EOFError:
            print()
            raise _Later from None
        except UnicodeDecodeError:
            continue
        answer = answer.strip().lower()
        if answer == "q":
            raise _Later
        if answer == "s":
            return 0
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= most:
            return int(answer)


def _told(known: Known) -> str:
    """Name, id and whatever else tells a section or person from another."""
    about = [
        form.format(value)
        for form, value in (
            ("course {}", known.course),
            ("at {}", known.school),
            ("term {}", known.term),
            ("period {}", known.period),
            ("taught by {}", known.teachers),
            ("{} students" if known.students != 1 else "{} student", known.students),
            ("in {}", known.sections),
            ("{}", known.email),
            ("SIS id {}", known.sis_id),
        )
        if value not in (None, "")
    ]
    return one_line(f"{known.name} ({known.id})" + (f": {'; '.join(about)}" if about else ""))


@app.command(name="set")
def decide(our_id: str, lms_id: str, *, data: Data = None) -> None:
    """Say by hand which of the LMS's a section or user is. It stands until it is cleared.

    The LMS is asked whether it has it: the section, or the person in one of their matched sections. If not, nothing is
    changed; where the LMS cannot be asked now, it is set all the same, and a warning says so.

    Args:
        our_id: The section's or user's id here.
        lms_id: Its id in the LMS. A section: in Canvas 101/202, as in the address /courses/101/sections/202; in
            Schoology 5001, as in /course/5001; in Google Classroom the course's number in its API, which the address
            has in base64. A person: the number of the user.
        data: The folder of the data file [data].
    """
    our_id = our_id.lower()
    if not lms_id or not lms_id.isprintable() or ".." in lms_id or set(lms_id) & set(" #%?\\"):
        raise UsageError(f"{one_line(lms_id)!r} is no id of an LMS")
    with existing(data) as database:
        ours = _matchable(database, our_id)
        doubt = asyncio.run(_doubt(database, data, ours, lms_id))
        _decide(database, our_id, lms_id)
        if doubt:
            print(
                f"passback: it is set, but could not be looked up in the LMS: {one_line(doubt)}",
                file=sys.stderr,
            )
        if ours.kind == "section":
            _ask_for_sync(database, ours.district_id)


@app.command
def clear(our_id: str, *, data: Data = None) -> None:
    """Forget which of the LMS's a section or user is, until it is matched again.

    Args:
        our_id: The section's or user's id here.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        _decide(database, _matchable(database, our_id.lower()).id, None)


def _matchable(database: Opened, our_id: str) -> Ours:
    """A section or user that can be matched. Raises `UsageError`."""

    def read(conn: Connection) -> tuple[Ours | None, bool]:
        ours = matching.find(conn, our_id)
        if ours is None:
            return None, False
        known = roster.find(conn, roster.DISTRICTS, ours.district_id, ours.district_id)
        return ours, known is not None and known.lms_type == BUILTIN

    ours, own = database.read_now(read)
    if ours is None:
        raise UsageError(f"there is no section or user {our_id}")
    if own:
        raise UsageError(
            f"district {ours.district_id} uses the built-in gradebook, which has the roster's own sections and people:"
            " there is nothing to decide"
        )
    return ours


async def _doubt(database: Opened, data: str | None, ours: Ours, lms_id: str) -> str | None:
    """Why it cannot be told whether the LMS has what ours is said to be; None where it has. Raises `UsageError`."""
    from passback.rosters import decide

    async with gateway_on(database, data) as gateway:
        try:
            await decide.verify(gateway, ours, lms_id)
        except decide.NotInLms as error:
            raise UsageError(f"{error}: nothing has been changed") from None
        except decide.CannotVerify as error:
            return str(error)
    return None


def _decide(database: Opened, our_id: str, lms_id: str | None) -> None:
    try:
        district = database.write_now(lambda conn: matching.decide(conn, our_id, lms_id, system_clock()))
    except matching.AlreadyMatched as taken:
        raise UsageError(_taken(lms_id or "", taken)) from None
    if district is None:
        raise UsageError(f"there is no section or user {our_id}")


def _taken(lms_id: str, taken: matching.AlreadyMatched) -> str:
    return (
        f"{one_line(lms_id)} is {taken.other} already: passback match clear {taken.other}, if that is wrong"
    )


def _ask_for_sync(database: Opened, district_id: str) -> None:
    """A section has been decided: let its people be matched, where the district is read at all."""

    def ask(conn: Connection) -> bool:
        if syncs.find(conn, district_id) is None:
            return False
        syncs.request(conn, district_id, system_clock())
        return True

    if database.write_now(ask):
        print(
            "The people of what was decided are matched by the sync that is asked for now: a running server does it,"
            f" or passback sync run --district {district_id}"
        )
