"""``passback match``: which of the LMS's sections and people the roster's are."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.store import matching, roster

if TYPE_CHECKING:
    from passback.gateway.matching import Matching
    from passback.store.database import Connection

app = App(name="match", help="Match the roster's sections and people to the LMS's.")


@app.command
def run(*, district: str, data: Data = None) -> int:
    """Read the LMS's sections and people, and match the roster's to them.

    By SIS id, then by e-mail address, then by name within a matched section. Where several come into question
    none is taken; `passback match status` lists them.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    from passback.gateway.matching import NotConnected, match_district
    from passback.lms.connector import LmsError

    district = district.lower()
    with existing(data) as database:

        async def match() -> Matching:
            async with gateway_on(database, data) as gateway:
                return await match_district(gateway, district)

        try:
            found = asyncio.run(match())
        except NotConnected as error:
            raise UsageError(str(error)) from None
        except LmsError as error:
            raise UsageError(f"the LMS cannot be read: {error}") from None
    for name, matches in (("sections", found.sections), ("people", found.people)):
        ways = Counter(match.by or ("undecided" if match.candidates else "unmatched") for match in matches)
        print(f"{name}: " + (", ".join(f"{count} {way}" for way, count in ways.most_common()) or "none"))
    return 0


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
            known = ", ".join(
                one_line(str(choice[name])) for name in ("name", "email", "sis_id") if choice[name]
            )
            print(f"{'':<26}or {choice['lms_id']}: {known}")


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

    def decide_alone(conn: Connection) -> str | None:
        other = None if lms_id is None else matching.holder(conn, our_id, lms_id)
        if other is not None:
            raise UsageError(f"{lms_id} is {other} already: passback match clear {other}, if that is wrong")
        return matching.decide(conn, our_id, lms_id)

    with existing(data) as database:
        if database.write_now(decide_alone) is None:
            raise UsageError(f"there is no section or user {our_id}")
