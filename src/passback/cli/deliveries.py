"""``passback deliveries``: what clients asked for, and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter, validators

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing
from passback.cli.tokens import duration
from passback.delivery import ledger
from passback.domain.clock import HOUR, SECOND, system_clock
from passback.domain.delivery import KEPT_FOR, State
from passback.store import deliveries, roster

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection

app = App(name="deliveries", help="See, retry and cancel deliveries to the LMSs.")

Limit = Annotated[int, Parameter(validator=validators.Number(gte=1))]


@app.command(name="list")
def list_deliveries(
    *,
    district: str | None = None,
    state: list[State] | None = None,
    limit: Limit = 50,
    data: Data = None,
) -> None:
    """List deliveries, the newest first, with why they wait or failed.

    Args:
        district: Only this district's.
        state: Only those in this state; may be given several times.
        limit: How many at most.
        data: The folder of the data file [data].
    """
    district_id = None if district is None else district.lower()

    def read(conn: Connection) -> list[Delivery]:
        if district_id is not None and roster.find(conn, roster.DISTRICTS, district_id, district_id) is None:
            raise UsageError(f"there is no district {district_id}")
        return deliveries.page(conn, limit=limit, district_id=district_id, states=state or ())

    with existing(data) as database:
        found = database.read_now(read)
    print(
        f"{'delivery id':<36}  {'state':<10}  {'operation':<18}  {'tries':>5}  {'accepted':<20}  {'next try':<20}"
        "  why"
    )
    for one in found:
        due = one.due if one.state == "waiting" else None
        why = "" if one.state == "delivered" else one.cause or one.message or ""
        print(
            f"{one.id:<36}  {one.state:<10}  {one.operation:<18}  {one.attempts:>5}  {_time(one.created):<20}"
            f"  {_time(due):<20}  {one_line(why)}".rstrip()
        )


@app.command
def show(delivery_id: str, *, data: Data = None) -> None:
    """Show all that is known of a delivery.

    Args:
        delivery_id: The delivery's id, as listed.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        one = database.read_now(lambda conn: _required(conn, delivery_id))
        parts = database.read_now(lambda conn: deliveries.parts(conn, one.id))
    shown = {
        "id": one.id,
        "state": one.state,
        "operation": one.operation,
        "district": one.district_id,
        "application": one.application,
        "section": one.section_id,
        "assignment": one.assignment_id,
        "student": one.user_id,
        "asked for": one.content,
        "accepted": _time(one.created),
        "tries": str(one.attempts),
        "next try": _time(one.due) if one.state == "waiting" else None,
        "tried until": _time(one.expires) if one.state == "waiting" else None,
        "ended": _time(one.finished),
        "status": None if one.status is None else str(one.status),
        "message": one.message,
        "cause": one.cause,
        "warnings": ", ".join(one.warnings) or None,
        "in doubt": "it may have happened all the same" if one.doubt and one.state != "delivered" else None,
        "superseded by": one.superseded_by,
        "delivered by": one.worker,
        "request": one.request_id,
    }
    for name, value in shown.items():
        if value:
            print(f"{name + ':':<15}{one_line(value)}")
    for part in parts:
        print(f"  {part.id}  {part.user_id}  {part.state}  {one_line(part.message or '')}".rstrip())


@app.command
def retry(*delivery_ids: str, data: Data = None) -> None:
    """Try deliveries now: those that wait, and those that were refused, expired, failed or were cancelled.

    Args:
        delivery_ids: The deliveries' ids, as listed.
        data: The folder of the data file [data].
    """
    _each(
        delivery_ids,
        data,
        ledger.retry,
        "is tried now",
        "has nothing left to deliver: it was delivered (or a newer one with its values was), or it is under way",
    )


@app.command
def cancel(*delivery_ids: str, data: Data = None) -> None:
    """Take back deliveries that wait.

    Args:
        delivery_ids: The deliveries' ids, as listed.
        data: The folder of the data file [data].
    """
    _each(delivery_ids, data, ledger.cancel, "is cancelled", "does not wait")


@app.command
def policy(*, district: str, try_for: str | None = None, data: Data = None) -> None:
    """See or set for how long deliveries to a district are tried.

    Args:
        district: The district's id.
        try_for: For how long, such as 72h or 14d; "default" for the usual 72h.
        data: The folder of the data file [data].
    """
    wanted = None if try_for in (None, "default") else duration(try_for or "")
    if wanted is not None and wanted <= 0:
        raise UsageError("deliveries must be tried for some time")

    def transaction(conn: Connection) -> int:
        if roster.find(conn, roster.DISTRICTS, district.lower(), district.lower()) is None:
            raise UsageError(f"there is no district {district}")
        if try_for is not None:
            deliveries.set_keep_trying(conn, district.lower(), wanted)
        return deliveries.keep_trying(conn, district.lower()) or KEPT_FOR

    with existing(data) as database:
        kept_for = database.write_now(transaction)
    print(f"Deliveries to district {district} are tried for {kept_for / HOUR:g} hours.")


def _each(
    delivery_ids: tuple[str, ...],
    data: str | None,
    change: Callable[[Connection, Delivery, Instant], bool],
    done: str,
    not_done: str,
) -> None:
    if not delivery_ids:
        raise UsageError("name a delivery")
    now = system_clock()
    with existing(data) as database:
        for delivery_id in delivery_ids:

            def transaction(conn: Connection, delivery_id: str = delivery_id) -> None:
                if not change(conn, _required(conn, delivery_id), now):
                    raise UsageError(f"delivery {delivery_id} {not_done}")

            database.write_now(transaction)
            print(f"Delivery {delivery_id} {done}.")


def _required(conn: Connection, delivery_id: str) -> Delivery:
    found = deliveries.find(conn, delivery_id.lower())
    if found is None:
        raise UsageError(f"there is no delivery {delivery_id}")
    return found


def _time(instant: Instant | None) -> str:
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
