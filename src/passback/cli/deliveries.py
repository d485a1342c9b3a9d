"""``passback deliveries``: what applications requested, and what became of it."""

from __future__ import annotations

import asyncio
from json import loads as decode
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from passback.cli import Data, UsageError, group
from passback.cli.data import existing, on_database
from passback.cli.output import Column, show_json, show_rows
from passback.cli.text import duration, iso, one_line, show_time
from passback.domain.clock import HOUR, system_clock
from passback.domain.delivery import State
from passback.operations import deliveries, story

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery
    from passback.operations.not_arrived import Named
    from passback.operations.open import Opened
    from passback.operations.story import Story

app = group("deliveries")

_COLUMNS = (
    Column("delivery id", "id"),
    Column("state", "state"),
    Column("operation", "operation"),
    Column("tries", "tries"),
    Column("accepted", "accepted"),
    Column("next try", "next_try"),
    Column("district", "district_name"),
    Column("section", "section_name"),
    Column("assignment", "assignment_title"),
    Column("student", "student_name"),
    Column("why", "why", none=""),
)

Limit = Annotated[int, Parameter(validator=validators.Number(gte=1))]


@app.command(name="list")
def list_deliveries(
    *,
    district: str | None = None,
    state: list[State] | None = None,
    limit: Limit = 50,
    json: bool = False,
    data: Data = None,
) -> None:
    """List deliveries, the newest first, with the reason why they wait or failed.

    Args:
        district: Only this district's.
        state: Only those in this state; may be given several times.
        limit: How many at most.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(
        data,
        lambda it: deliveries.list_newest(
            it, limit=limit, district_id=district and district.lower(), states=state or ()
        ),
    )
    show_rows(map(_row, found), _COLUMNS, json=json)


@app.command
def show(delivery_id: str, *, json: bool = False, data: Data = None) -> None:
    """Show everything known about a delivery.

    Args:
        delivery_id: The delivery's id, as listed.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: story.told(it, delivery_id.lower()))
    if json:
        show_json(_whole(found))
        return
    for name, value in _fields(found.named).items():
        if value:
            print(f"{name + ':':<15}{one_line(value)}")
    for event in found.events:
        print(f"  {show_time(event.at)}  {one_line(event.what)}  {one_line(event.said)}".rstrip())
        for exchange in event.exchanges:
            print(f"    {one_line(exchange)}")
    for part in found.parts:
        one = part.delivery
        student = _named(one.user_id, part.student)
        print(f"  {one.id}  {one_line(student or '')}  {one.state}  {one_line(one.message or '')}".rstrip())


def _fields(of: Named) -> dict[str, str | None]:
    one = of.delivery
    waiting = one.state == "waiting"
    return {
        "id": one.id,
        "state": one.state,
        "operation": one.operation,
        "district": _named(one.district_id, of.district.name),
        "application": one.application,
        "section": _named(one.section_id, of.section),
        "assignment": _named(one.assignment_id, of.assignment),
        "student": _named(one.user_id, of.student),
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


def _named(id_: str | None, name: str) -> str | None:
    return f"{id_} ({name})" if id_ and name else id_


def _row(of: Named) -> dict[str, Any]:
    """A delivery, for JSON and the list."""
    one = of.delivery
    return {
        "id": one.id,
        "state": one.state,
        "operation": one.operation,
        "district_id": one.district_id,
        "district_name": of.district.name,
        "application": one.application,
        "section_id": one.section_id,
        "section_name": of.section or None,
        "assignment_id": one.assignment_id,
        "assignment_title": of.assignment or None,
        "student_id": one.user_id,
        "student_name": of.student or None,
        "tries": one.attempts,
        "accepted": iso(one.created),
        "next_try": iso(one.due) if one.state == "waiting" else None,
        "tried_until": iso(one.expires) if one.state == "waiting" else None,
        "ended": iso(one.finished),
        "status": one.status,
        "why": None if one.state == "delivered" else one.cause or one.message or _waits_for(one),
        "warnings": list(one.warnings),
        "request_id": one.request_id,
    }


def _whole(found: Story) -> dict[str, Any]:
    """All of a delivery, for JSON."""
    one = found.named.delivery
    return {
        **_row(found.named),
        "message": one.message,
        "cause": one.cause,
        "requested": decode(one.content) if one.content else None,
        "in_doubt": one.doubt and one.state != "delivered",
        "superseded_by": one.superseded_by,
        "idempotency_key": found.key,
        "events": [
            {"time": iso(it.at), "what": it.what, "why": it.said or None, "exchanges": list(it.exchanges)}
            for it in found.events
        ],
        "parts": [_row(it) for it in found.parts],
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
def policy(*, district: str, try_for: str | None = None, json: bool = False, data: Data = None) -> None:
    """Show or set how long deliveries to a district are tried.

    Args:
        district: The district's id.
        try_for: How long, such as 72h or 14d; "default" for the usual 72h.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    district = district.lower()
    wanted = None if try_for in (None, "default") else duration(try_for or "")

    async def change(database: Opened) -> int:
        if try_for is not None:
            await deliveries.try_for(database, district, wanted)
        return await deliveries.tried_for(database, district)

    kept_for = on_database(data, change)
    if json:
        show_json({"district_id": district, "tried_for_hours": kept_for / HOUR})
        return
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
