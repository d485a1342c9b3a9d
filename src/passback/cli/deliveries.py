"""``passback deliveries``: what applications requested, and what became of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from passback.cli import Data, UsageError, group
from passback.cli.data import existing, on_database
from passback.cli.text import duration, one_line, show_time
from passback.domain.clock import HOUR, system_clock
from passback.domain.delivery import State
from passback.operations import deliveries, story

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery
    from passback.operations.open import Opened

app = group("deliveries")

Limit = Annotated[int, Parameter(validator=validators.Number(gte=1))]


@app.command(name="list")
def list_deliveries(
    *,
    district: str | None = None,
    state: list[State] | None = None,
    limit: Limit = 50,
    data: Data = None,
) -> None:
    """List deliveries, the newest first, with the reason why they wait or failed.

    Args:
        district: Only this district's.
        state: Only those in this state; may be given several times.
        limit: How many at most.
        data: The folder of the data file [data].
    """
    found = on_database(
        data,
        lambda it: deliveries.list_newest(
            it, limit=limit, district_id=district and district.lower(), states=state or ()
        ),
    )
    print(
        f"{'delivery id':<36}  {'state':<10}  {'operation':<18}  {'tries':>5}  {'accepted':<20}  {'next try':<20}"
        "  why"
    )
    for one in found:
        due = one.due if one.state == "waiting" else None
        why = "" if one.state == "delivered" else one.cause or one.message or _waits_for(one) or ""
        print(
            f"{one.id:<36}  {one.state:<10}  {one.operation:<18}  {one.attempts:>5}  {show_time(one.created):<20}"
            f"  {show_time(due):<20}  {one_line(why)}".rstrip()
        )


@app.command
def show(delivery_id: str, *, data: Data = None) -> None:
    """Show everything known about a delivery.

    Args:
        delivery_id: The delivery's id, as listed.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: story.told(it, delivery_id.lower()))
    for name, value in _fields(found.named.delivery).items():
        if value:
            print(f"{name + ':':<15}{one_line(value)}")
    for event in found.events:
        print(f"  {show_time(event.at)}  {one_line(event.what)}  {one_line(event.said)}".rstrip())
        for exchange in event.exchanges:
            print(f"    {one_line(exchange)}")
    for part in (it.delivery for it in found.parts):
        print(f"  {part.id}  {part.user_id}  {part.state}  {one_line(part.message or '')}".rstrip())


def _fields(one: Delivery) -> dict[str, str | None]:
    waiting = one.state == "waiting"
    return {
        "id": one.id,
        "state": one.state,
        "operation": one.operation,
        "district": one.district_id,
        "application": one.application,
        "section": one.section_id,
        "assignment": one.assignment_id,
        "student": one.user_id,
        "requested": one.content,
        "accepted": show_time(one.created),
        "tries": str(one.attempts),
        "next try": show_time(one.due) if waiting else None,
        "waits for": _waits_for(one),
        "tried until": show_time(one.expires) if waiting else None,
        "ended": show_time(one.finished),
        "status": None if one.status is None else str(one.status),
        "message": one.message,
        "cause": one.cause,
        "warnings": ", ".join(one.warnings) or None,
        "in doubt": "it may have taken effect all the same"
        if one.doubt and one.state != "delivered"
        else None,
        "superseded by": one.superseded_by,
        "delivered by": one.worker,
        "request": one.request_id,
    }


def _waits_for(one: Delivery) -> str | None:
    return f"the create of its assignment, {one.assignment_id}" if one.awaits_create else None


@app.command
def retry(*delivery_ids: str, data: Data = None) -> None:
    """Try deliveries now: waiting ones, and those that were refused or cancelled, failed or expired.

    Args:
        delivery_ids: The deliveries' ids, as listed.
        data: The folder of the data file [data].
    """
    _each(delivery_ids, data, deliveries.retry, "is tried now")


@app.command
def cancel(*delivery_ids: str, data: Data = None) -> None:
    """Cancel deliveries that are waiting.

    Args:
        delivery_ids: The deliveries' ids, as listed.
        data: The folder of the data file [data].
    """
    _each(delivery_ids, data, deliveries.cancel, "is cancelled")


@app.command
def policy(*, district: str, try_for: str | None = None, data: Data = None) -> None:
    """Show or set how long deliveries to a district are tried.

    Args:
        district: The district's id.
        try_for: How long, such as 72h or 14d; "default" for the usual 72h.
        data: The folder of the data file [data].
    """
    district = district.lower()
    wanted = None if try_for in (None, "default") else duration(try_for or "")

    async def change(database: Opened) -> int:
        if try_for is not None:
            await deliveries.try_for(database, district, wanted)
        return await deliveries.tried_for(database, district)

    kept_for = on_database(data, change)
    print(f"Deliveries to district {district} are tried for {kept_for / HOUR:g} hours.")


def _each(
    delivery_ids: tuple[str, ...],
    data: str | None,
    change: Callable[[Opened, str, Clock], Coroutine[Any, Any, None]],
    done: str,
) -> None:
    if not delivery_ids:
        raise UsageError("name a delivery")
    with existing(data) as database:
        for delivery_id in delivery_ids:
            asyncio.run(change(database, delivery_id.lower(), system_clock))
            print(f"Delivery {delivery_id} {done}.")
