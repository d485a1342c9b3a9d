"""``passback district``: the districts of a gateway."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from passback.cli import Data, UsageError, group, leaving
from passback.cli.data import existing, on_database
from passback.cli.output import Column, show_rows
from passback.cli.text import iso, one_line
from passback.domain.clock import system_clock
from passback.operations import districts

if TYPE_CHECKING:
    from passback.operations.districts import Holdings

app = group("district")

_COLUMNS = (
    Column("district id", "id"),
    Column("LMS", "lms_type"),
    Column("state", "lms_state"),
    Column("created", "created"),
    Column("name", "name"),
)


@app.command(name="list")
def list_districts(*, json: bool = False, data: Data = None) -> None:
    """List the districts.

    Args:
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, districts.list_all)
    rows = (
        {
            "id": it.id,
            "name": it.name,
            "lms_type": it.lms_type or None,
            "lms_state": it.lms_state or None,
            "last_lms_sync": iso(it.last_lms_sync),
            "created": iso(it.created),
        }
        for it in (one.district for one in found)
    )
    show_rows(rows, _COLUMNS, json=json)


@app.command
def rename(name: str, /, *, district: str, data: Data = None) -> None:
    """Give a district another name.

    Args:
        name: The new name.
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()
    on_database(data, lambda it: districts.rename(it, district, name, system_clock()))
    print(f"district {district} is now {one_line(name.strip())}")


@app.command
def delete(*, district: str, yes: bool = False, force: bool = False, data: Data = None) -> int:
    """Delete a district here, with its roster, matches, tokens, webhooks and deliveries. This cannot be undone.

    Its assignments and grades stay in the LMS. The command says what goes, and asks; the answer is the district's name.

    Args:
        district: The district's id.
        yes: Do not ask.
        force: Delete it even if deliveries are open: those grades and changes are lost.
        data: The folder of the data file [data].
    """
    district = district.lower()
    with existing(data) as database:
        name = asyncio.run(districts.find(database, district)).name
        found = asyncio.run(districts.holdings(database, district))
        print(f"{one_line(name)} ({district}): {_told(found)}")
        if not yes and not _agreed(name):
            print("Nothing is deleted.")
            return 1
        with leaving(lambda: "the district is deleted whole or not at all: see passback district list"):
            asyncio.run(districts.delete(database, district, even_open=force))
    print(f"district {district} is deleted")
    return 0


def _told(found: Holdings) -> str:
    return (
        f"{found.sections:,} sections, {found.people:,} people, {found.matched:,} matches, {found.assignments:,}"
        f" assignments, {found.tokens:,} tokens, {found.webhooks:,} webhooks, {found.open_deliveries:,} open deliveries"
    )


def _agreed(name: str) -> bool:
    """Whether somebody at the terminal types the district's name. Raises `UsageError` without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: give --yes to delete it")
    return input("Type the district's name to delete it: ").strip() == name.strip()
