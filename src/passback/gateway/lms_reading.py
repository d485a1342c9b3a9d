"""Reading all of a district's LMS into the store, section by section, so that it can go on after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from passback.domain.clock import DAY
from passback.lms.connector import Gone
from passback.store import roster, syncs
from passback.store.database import Connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.matching import Person, Place
    from passback.gateway.context import Gateway
    from passback.lms.connector import Connector
    from passback.store.syncs import Sync

Hold = Callable[[Connection], None]
"""Part of every transaction of who reads a district: it raises `Lost` where another does by now."""

_AT_ONCE = 4
"""How many sections are read at once, so that grades find room beside it."""
_TOO_OLD = DAY
"""What was begun longer ago is not gone on with, but read anew, in milliseconds."""
_WRITTEN_AT_ONCE = 1_000
_LOOKED_UP_AT_ONCE = 500


class Lost(Exception):
    """Another reads the district by now: nothing may be written for it any more."""


async def read_lms(
    gateway: Gateway, connector: Connector, sync: Sync, hold: Hold, progress: Callable[[int, int], None]
) -> None:
    """Read every section with its people. `progress` is told how many sections of how many.

    What an earlier one has read is not read again. Raises `LmsError`; what has been read by then stays.
    """
    district_id = sync.district_id
    recent = sync.began is not None and sync.began > gateway.clock() - _TOO_OLD
    if sync.phase not in ("reading", "matching") or not recent:
        await _list_sections(gateway, connector, district_id, hold)

    def begin(conn: Connection) -> tuple[int, int]:
        hold(conn)
        syncs.enter(conn, district_id, "reading")
        return syncs.progress(conn, district_id)

    done, total = await gateway.database.write(begin)
    progress(done, total)

    async def read_each(sections: Iterator[str]) -> None:
        nonlocal done
        for section in sections:
            await _read_section(gateway, connector, district_id, section, hold)
            done += 1
            progress(done, total)

    while waiting := await gateway.database.read(
        lambda conn: syncs.unread(conn, district_id, _LOOKED_UP_AT_ONCE)
    ):
        each = iter(waiting)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(read_each(each))
        except* Exception as several:
            raise several.exceptions[0] from None


async def clear(gateway: Gateway, district_id: str, hold: Hold) -> None:
    """Forget what was read, a little at a time, so that others are not held up."""

    def some(conn: Connection) -> bool:
        hold(conn)
        return syncs.clear(conn, district_id, _WRITTEN_AT_ONCE)

    while await gateway.database.write(some):
        pass


async def _list_sections(gateway: Gateway, connector: Connector, district_id: str, hold: Hold) -> None:
    began = gateway.clock()

    def begin(conn: Connection) -> None:
        hold(conn)
        syncs.enter(conn, district_id, "listing", began)
        roster.enter_first_sync(conn, district_id, "initial_sync_processing")

    await gateway.database.write(begin)
    await clear(gateway, district_id, hold)
    sections = await connector.read_sections()
    for start in range(0, len(sections), _WRITTEN_AT_ONCE):
        some = sections[start : start + _WRITTEN_AT_ONCE]

        def add(conn: Connection, some: Sequence[Place] = some) -> None:
            hold(conn)
            syncs.add_sections(conn, district_id, some)

        await gateway.database.write(add)


async def _read_section(
    gateway: Gateway, connector: Connector, district_id: str, section: str, hold: Hold
) -> None:
    people: Sequence[Person]
    try:
        people = await connector.read_people(section)
    except Gone:
        people = []  # it was deleted meanwhile

    def add(conn: Connection) -> None:
        hold(conn)
        syncs.add_members(conn, district_id, section, people)

    await gateway.database.write(add)
