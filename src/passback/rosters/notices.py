"""Telling applications that a district's roster has changed: one message for all that changed since the last."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from passback.delivery import webhook_notify
from passback.rosters.events import id_of
from passback.store import districts, roster_events, webhooks
from passback.store.engine.database import StoreError
from passback.wire import events

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.store.engine.database import Connection

_PAUSE_SECONDS = 2.0


async def run_notices(gateway: Gateway) -> None:
    """Tell applications of roster changes until cancelled."""
    while True:
        await asyncio.sleep(_PAUSE_SECONDS)
        with contextlib.suppress(StoreError):
            await tell_of_changes(gateway)


async def tell_of_changes(gateway: Gateway) -> None:
    """Send what is to be told of rosters now. Raises `StoreError`."""
    now = gateway.clock()

    def behind(conn: Connection) -> list[str]:
        return [
            it
            for it in webhooks.districts_with(conn, events.ROSTER_CHANGED)
            if roster_events.newest(conn, it) != districts.roster_told(conn, it)
        ]

    def tell(conn: Connection, district_id: str) -> None:
        conn.lock(f"roster-told/{district_id}")
        newest, told = roster_events.newest(conn, district_id), districts.roster_told(conn, district_id)
        if newest == told:
            return
        last = roster_events.find(conn, district_id, newest)
        districts.set_roster_told(conn, district_id, newest)
        if told is not None and last is not None and newest > told:
            webhook_notify.roster_changed(conn, district_id, newest - told, id_of(last, district_id), now)

    found = await gateway.database.read(behind)
    for district_id in found:
        await gateway.database.write(lambda conn, it=district_id: tell(conn, it))  # type: ignore[misc]
    if found:
        gateway.in_flight.wake()
