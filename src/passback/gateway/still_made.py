"""Calls about an assignment that is still to be made: its create was answered 202, and has not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from passback.delivery.lookup import NotMadeYet
from passback.gateway.execute import LaneWait
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.context import Caller, Gateway
    from passback.store.engine.database import Connection

T = TypeVar("T")


async def look_up_to_read(gateway: Gateway, doing: str, look_up: Callable[[Connection], T]) -> T:
    """What `look_up` finds once the assignment is made. Raises `Refusal`: its own, or 500 if that takes too long.

    Not row 13: that would say that the assignment was deleted.
    """
    lane = LaneWait()
    while True:
        try:
            return await gateway.database.read(look_up)
        except NotMadeYet as early:
            if not (early.soon and await lane.retry()):
                raise errors.lms_failed(doing, early.retry_after) from early


async def look_up_to_change(gateway: Gateway, caller: Caller, look_up: Callable[[Connection, bool], T]) -> T:
    """What `look_up` finds once the assignment is made, or, if that takes too long, to wait behind its create.

    `look_up` is told whether the change may wait there. A change in the background waits there at once.
    """
    lane = LaneWait()
    behind = caller.background
    while True:
        try:
            return await _look_up(gateway, look_up, behind)
        except NotMadeYet as early:
            behind = not (early.soon and await lane.retry())


async def _look_up(gateway: Gateway, look_up: Callable[[Connection, bool], T], behind: bool) -> T:
    return await gateway.database.read(lambda conn: look_up(conn, behind))
