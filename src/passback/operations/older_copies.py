"""Noticing an older copy of the data that was put back by hand, and letting the next start notice one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING

from passback.operations import dates
from passback.store import older_copy, ticks
from passback.store.engine.database import StoreUnavailable
from passback.store.restored import REMEMBERED_FOR

if TYPE_CHECKING:
    from pathlib import Path

    from passback.domain.clock import Clock, Instant
    from passback.settings import Settings
    from passback.store.engine.database import Database
    from passback.store.restored import Restored

log = logging.getLogger(__name__)

TICK_SECONDS = 10
"""How often what is served ticks: a copy that is put back is noticed if it is older than this or the last stop."""


class Ticking:
    """The ticks of what this process serves, kept beside a data file as well."""

    def __init__(self, database: Database, beside: Path | None) -> None:
        """`beside` is the file of the count; None for what has none."""
        self._database = database
        self._beside = beside

    def begin(self, now: Instant) -> list[str]:
        """Mark an older copy as restored, before anything is delivered; returns what the start must say of it.

        Raises `StoreUnavailable`.
        """
        known = None if self._beside is None else count_in(self._beside)
        count, marked = self._database.write_now(lambda conn: older_copy.begin(conn, known, now))
        try:
            self._put(count)
        except OSError as error:
            log.warning("an older data file would not be noticed: cannot write %s (%s)", self._beside, error)
        if marked is None:
            return []
        lines = told(self._database.name, *marked)
        log.warning("%s", " ".join(lines))
        return lines

    async def run(self, clock: Clock) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self.tick(clock)

    async def tick(self, clock: Clock) -> None:
        """Tick once, as a stop does when everything else is written."""
        # What cannot be written now is written the next time; until then an older copy may not be noticed.
        with contextlib.suppress(StoreUnavailable, OSError):
            self._put(await self._database.write(lambda conn: ticks.count_on(conn, clock())))

    def _put(self, count: int) -> None:
        """Write a count that is durable in the data file."""
        if self._beside is None:
            return
        file = os.open(self._beside, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.pwrite(file, b"%020d\n" % count, 0)
        finally:
            os.close(file)


def count_file(settings: Settings) -> Path | None:
    """The file that holds the count beside the data file, if that is a file which stays."""
    path = settings.data_file
    return None if settings.database_url or path is None else count_beside(path)


def count_beside(data_file: Path) -> Path:
    """The file that holds the count beside a data file."""
    return data_file.with_name(f"{data_file.name}.ticks")


def count_in(beside: Path) -> int | None:
    """The count beside a data file; None if it is not known."""
    try:
        return int(beside.read_bytes())
    except (OSError, ValueError):
        return None


def told(name: str, found: Restored, in_doubt: int) -> list[str]:
    """What an operator is told about a copy that was put back."""
    until = dates.show(found.restored + REMEMBERED_FOR)
    return [
        f"{name} is an older copy, of {dates.show(found.backed_up)}: what was delivered since, it does not know",
        f"{in_doubt:,} changes that wait in it are in doubt: each is looked for in the LMS before it is sent",
        f"What clients ask for again is looked for as well, until {until}",
    ]
