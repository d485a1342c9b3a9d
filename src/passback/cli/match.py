"""``passback match``: which of the LMS's sections and people the roster's are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing
from passback.domain.clock import system_clock
from passback.store import matching, roster

if TYPE_CHECKING:
    from passback.store.database import Connection

app = App(name="match", help="See and decide which of the LMS's the roster's sections and people are.")


@app.command
def status(*, district: str, unmatched: bool = False, data: Data = None) -> None:
    """Show what is matched, what is not, and among whom a person must choose.

    Args:
        district: The district's id.
        unmatched: Show only what is not matched.
        data: The folder of the data file [data].
    """
    district = district.lower()

    def read(conn: Connection) -> tuple[list[matching.Ours], dict[str, list[dict[str, str]]], str]:
        found = roster.find(conn, roster.DISTRICTS, district, district)
        if found is None:
            raise UsageError(f"there is no district {district}")
        shares = ", ".join(f"{name} {share:g} %" for name, share in found.lms_matched_percentage.items())
        choices = {
            key: [dict(it) for it in value] for key, value in matching.candidates(conn, district).items()
        }
        return (
            matching.all_of(conn, district),
            choices,
            f"{found.name} ({found.lms_state or 'not connected'}): {shares}",
        )

    with existing(data) as database:
        ours, choices, summary = database.read_now(read)
    print(one_line(summary))
    for item in ours:
        if item.lms_id is not None and unmatched:
            continue
        how = f"{item.lms_id} (by {item.matched_by or 'start'})" if item.lms_id is not None else "not matched"
        print(f"{item.id}  {item.kind:<8}  {one_line(item.name):<30}  {how}")
        for choice in choices.get(item.id, []):
            print(f"{'':<26}or {choice['lms_id']}: {_known(choice)}")


@app.command
def review(*, district: str, data: Data = None) -> int:
    """Go through what a person must decide, one by one: which of the LMS's a section or user is.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()

    def read(conn: Connection) -> tuple[list[matching.Ours], dict[str, list[dict[str, str]]]]:
        if roster.find(conn, roster.DISTRICTS, district, district) is None:
            raise UsageError(f"there is no district {district}")
        choices = {
            key: [dict(it) for it in value] for key, value in matching.candidates(conn, district).items()
        }
        return [
            it for it in matching.all_of(conn, district) if it.id in choices and it.lms_id is None
        ], choices

    with existing(data) as database:
        waiting, choices = database.read_now(read)
        for number, item in enumerate(waiting, 1):
            print(f"{number} of {len(waiting)}: {item.kind} {one_line(item.name)} ({item.id}) may be")
            for place, choice in enumerate(choices[item.id], 1):
                print(f"  {place}  {_known(choice)} ({choice['lms_id']})")
            chosen = _chosen(len(choices[item.id]))
            if chosen is None:
                print("The rest is left for later.")
                break
            if not chosen:
                continue
            lms_id = choices[item.id][chosen - 1]["lms_id"]
            try:
                database.write_now(partial(_decide_alone, our_id=item.id, lms_id=lms_id))
            except UsageError as error:
                print(f"That cannot be: {error}")
            else:
                print(f"{item.id} is {lms_id}.")
        if not waiting:
            print("There is nothing to decide.")
    return 0


def _chosen(most: int) -> int | None:
    """Which one a person chooses, from 1; 0 for none of them now, None to stop."""
    while True:
        try:
            answer = input(f"Which is it? [1-{most}, s to skip, q to stop] ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            print()
            return None
        if answer in ("q", "s"):
            return 0 if answer == "s" else None
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= most:
            return int(answer)


def _known(choice: dict[str, str]) -> str:
    return ", ".join(one_line(str(choice[name])) for name in ("name", "email", "sis_id") if choice[name])


@app.command(name="set")
def decide(our_id: str, lms_id: str, *, data: Data = None) -> None:
    """Say by hand which of the LMS's a section or user is. It stands until it is cleared.

    Args:
        our_id: The section's or user's id here.
        lms_id: Its id in the LMS, as `passback match status` shows it.
        data: The folder of the data file [data].
    """
    _decide(our_id.lower(), lms_id, data)


@app.command
def clear(our_id: str, *, data: Data = None) -> None:
    """Forget which of the LMS's a section or user is, until it is matched again.

    Args:
        our_id: The section's or user's id here.
        data: The folder of the data file [data].
    """
    _decide(our_id.lower(), None, data)


def _decide(our_id: str, lms_id: str | None, data: str | None) -> None:
    if lms_id is not None and (not lms_id or not lms_id.isprintable() or " " in lms_id or ".." in lms_id):
        raise UsageError(f"{one_line(lms_id)!r} is no id of an LMS")

    with existing(data) as database:
        if database.write_now(lambda conn: _decide_alone(conn, our_id, lms_id)) is None:
            raise UsageError(f"there is no section or user {our_id}")


def _decide_alone(conn: Connection, our_id: str, lms_id: str | None) -> str | None:
    other = None if lms_id is None else matching.holder(conn, our_id, lms_id)
    if other is not None:
        raise UsageError(f"{lms_id} is {other} already: passback match clear {other}, if that is wrong")
    return matching.decide(conn, our_id, lms_id, system_clock())
