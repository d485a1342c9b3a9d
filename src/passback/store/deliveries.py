"""The ledger of deliveries: what was promised to clients, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from passback.domain.clock import HOUR
from passback.store.delivery_rows import COLUMN_NAMES, HELD, SELECT, all_of, new_row, one, row_of
from passback.store.statements import among, for_each

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, Failed, State
    from passback.store.engine.database import Connection


def add(connection: Connection, deliveries: Iterable[Delivery]) -> None:
    """Add new deliveries."""
    connection.insert("deliveries", COLUMN_NAMES, [new_row(delivery) for delivery in deliveries])


def add_unless_under_way(connection: Connection, begun: Sequence[Delivery]) -> list[Delivery]:
    """Add new deliveries that begin now. Returns those that were added: no other of their lanes is in flight."""
    # Of transactions that add to the same lanes, one waits for the other: always in the same order.
    rows = [new_row(delivery) for delivery in sorted(begun, key=lambda delivery: delivery.lane)]
    if connection.insert("deliveries", COLUMN_NAMES, rows, "ON CONFLICT DO NOTHING") == len(begun):
        return [*begun]
    parameters: dict[str, Any] = {}
    where = among("id", [delivery.id for delivery in begun], parameters)
    there = {row[0] for row in connection.execute(f"SELECT id FROM deliveries WHERE {where}", parameters)}
    return [delivery for delivery in begun if delivery.id in there]


def find(connection: Connection, delivery_id: str) -> Delivery | None:
    """The delivery of that id."""
    return one(connection.execute(f"{SELECT} WHERE id = :id", {"id": delivery_id}))


def find_of(connection: Connection, district_id: str, application: str, delivery_id: str) -> Delivery | None:
    """The delivery of that id, if the application asked for it in the background, in that district."""
    return one(
        connection.execute(
            f"{SELECT} WHERE id = :id AND district_id = :district_id AND application = :application"
            " AND background = 1 AND operation <> 'send_webhook'",
            {"id": delivery_id, "district_id": district_id, "application": application},
        )
    )


def page(
    connection: Connection,
    *,
    limit: int,
    district_id: str | None = None,
    application: str | None = None,
    states: Collection[State] = (),
    before: str | None = None,
    background: bool = False,
) -> list[Delivery]:
    """Deliveries with ids before `before`, the newest first; parts of one that stands for many are left out."""
    where = ["batch_id IS NULL"]
    parameters: dict[str, Any] = {"limit": limit}
    if district_id is not None:
        where.append("district_id = :district_id")
        parameters["district_id"] = district_id
    if application is not None:
        where.append("application = :application")
        parameters["application"] = application
    if before is not None:
        where.append("id < :before")
        parameters["before"] = before
    if background:
        where.append("background = 1 AND operation <> 'send_webhook'")
    if states:
        where.append(among("state", states, parameters))
    rows = connection.execute(
        f"{SELECT} WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT :limit", parameters
    )
    return all_of(rows)


def parts(connection: Connection, batch_id: str) -> list[Delivery]:
    """The parts of a delivery that stands for many, in order."""
    return all_of(
        connection.execute(f"{SELECT} WHERE batch_id = :batch_id ORDER BY position", {"batch_id": batch_id})
    )


def states_of_parts(connection: Connection, batch_id: str) -> set[str]:
    """The states of the parts of a delivery that stands for many."""
    rows = connection.execute(
        "SELECT DISTINCT state FROM deliveries WHERE batch_id = :batch_id", {"batch_id": batch_id}
    )
    return {row[0] for row in rows}


class Claim(Struct, frozen=True):
    """What is needed to record the outcome of a delivery: its id, and the fence it was claimed with."""

    id: str
    fence: int


class Ending(Struct, frozen=True):
    """How a delivery ended."""

    state: State
    status: int | None = None
    message: str | None = None
    cause: str | None = None
    result: bytes | None = None
    warnings: tuple[str, ...] = ()
    doubt: bool = False
    unacknowledged: bool = False


def ended(delivery: Delivery, ending: Ending, now: Instant) -> Delivery:
    """A delivery once it has ended so."""
    return replace(delivery, **asdict(ending), finished=now, worker=None)


def close(connection: Connection, endings: Sequence[tuple[Claim, Ending]], now: Instant) -> set[str]:
    """Record how deliveries ended. Returns the ids of those that were still one's own; the others do not change."""
    done = for_each(
        connection,
        "UPDATE deliveries SET state = :state, finished = :now, worker = NULL, status = :status,"
        " message = :message, cause = :cause, result = :result, warnings = :warnings, doubt = :doubt,"
        " untold = untold * :unacknowledged WHERE id = :id AND fence = :fence AND state = 'delivering'",
        [{**row_of(asdict(ending)), "now": now, **asdict(claim)} for claim, ending in endings],
    )
    fences = {claim.id: claim.fence for claim, _ in endings}
    if done == len(fences):
        return {*fences}
    parameters: dict[str, Any] = {"now": now}
    where = among("id", fences, parameters)
    rows = connection.execute(
        f"SELECT id, fence FROM deliveries WHERE finished = :now AND {where}", parameters
    )
    return {row[0] for row in rows if fences[row[0]] == row[1]}


def postpone(connection: Connection, claim: Claim, due: Instant, failed: Failed) -> bool:
    """Let a delivery wait for its next try. False if it is no longer one's own; then nothing changes."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'waiting', due = :due, worker = NULL, status = :status,"
        " attempts = attempts - :untried, message = :message, cause = :cause,"
        " doubt = CASE WHEN :doubt = 1 THEN 1 ELSE doubt END"
        " WHERE id = :id AND fence = :fence AND state = 'delivering'",
        {
            "due": due,
            "status": failed.status,
            "message": failed.message,
            "cause": failed.cause,
            "doubt": int(failed.doubt),
            "untried": int(failed.untried),
            **asdict(claim),
        },
    )
    return done.rowcount == 1


def set_content(connection: Connection, delivery_id: str, content: str) -> None:
    """Change the fields that a waiting delivery is to set."""
    connection.execute(
        "UPDATE deliveries SET content = :content WHERE id = :id AND state = 'waiting'",
        {"id": delivery_id, "content": content},
    )


def supersede(connection: Connection, delivery_id: str, by: Delivery, now: Instant) -> bool:
    """Record that a newer delivery has set what a waiting one was to set."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'delivered', finished = :now, superseded_by = :by, status = 200,"
        " message = NULL, cause = NULL WHERE id = :id AND state = 'waiting'",
        {"id": delivery_id, "now": now, "by": by.id},
    )
    return done.rowcount == 1


def end_waiting(connection: Connection, delivery_id: str, state: State, now: Instant) -> bool:
    """End a waiting delivery. False if it does not wait."""
    done = connection.execute(
        "UPDATE deliveries SET state = :state, finished = :now WHERE id = :id AND state = 'waiting'",
        {"id": delivery_id, "state": state, "now": now},
    )
    return done.rowcount == 1


def held_for(connection: Connection, assignment_id: str) -> list[Delivery]:
    """The changes that wait for an assignment's create, the oldest first."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE assignment_id = :id AND {HELD} ORDER BY rank, id", {"id": assignment_id}
        )
    )


def release(connection: Connection, assignment_id: str, now: Instant) -> None:
    """Let the changes that waited for an assignment's create be made."""
    connection.execute(
        f"UPDATE deliveries SET due = :now WHERE assignment_id = :id AND {HELD}",
        {"id": assignment_id, "now": now},
    )


def refuse_waiting(
    connection: Connection, delivery_id: str, status: int, message: str, cause: str, now: Instant
) -> bool:
    """Refuse a waiting delivery untried. False if it does not wait."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'refused', finished = :now, status = :status, message = :message,"
        " cause = :cause WHERE id = :id AND state = 'waiting'",
        {"id": delivery_id, "status": status, "message": message, "cause": cause, "now": now},
    )
    return done.rowcount == 1


def refused_because(connection: Connection, about: Delivery, cause: str) -> list[Delivery]:
    """The changes of an assignment that were refused for a cause that begins so, the oldest first."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE party = :party AND state = 'refused' AND assignment_id = :assignment_id"
            " AND cause LIKE :cause ORDER BY rank, id",
            {"party": about.destination, "assignment_id": about.assignment_id, "cause": cause + "%"},
        )
    )


def retry(connection: Connection, delivery_id: str, due: Instant | None, expires: Instant) -> bool:
    """Let a delivery that ended without success be tried again. False if it did not end so."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'waiting', due = :due, expires = :expires, finished = NULL,"
        " background = 1 WHERE id = :id AND state IN ('refused', 'expired', 'failed', 'cancelled')"
        " AND operation <> 'update_submissions'",
        {"id": delivery_id, "due": due, "expires": expires},
    )
    return done.rowcount == 1


def leave_to_background(connection: Connection, delivery_id: str, now: Instant, expires: Instant) -> bool:
    """Let the background finish what a client that waited has no outcome of. False if it is under way.

    What is delivered stays so.
    """
    done = connection.execute(
        "UPDATE deliveries SET untold = 0, background = 1, expires = :expires,"
        " due = CASE WHEN state = 'delivered' THEN due ELSE :now END,"
        " finished = CASE WHEN state = 'delivered' THEN finished END,"
        " state = CASE WHEN state = 'delivered' THEN state ELSE 'waiting' END"
        " WHERE id = :id AND state IN ('delivered', 'failed', 'expired', 'cancelled', 'waiting')",
        {"id": delivery_id, "now": now, "expires": expires},
    )
    return done.rowcount == 1


def retry_now(connection: Connection, delivery_id: str, now: Instant) -> bool:
    """Let a waiting delivery be tried now. False if it does not wait."""
    done = connection.execute(
        "UPDATE deliveries SET due = :now WHERE id = :id AND state = 'waiting' AND due IS NOT NULL",
        {"id": delivery_id, "now": now},
    )
    return done.rowcount == 1


def retry_in_sections(connection: Connection, section_ids: Collection[str], now: Instant) -> None:
    """Let what waits in these sections for a later try be tried now."""
    connection.executemany(
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND expires > :now AND due > :now"
        " AND section_id = :id",
        [{"now": now, "id": it} for it in section_ids],
    )


def reopen_batch(connection: Connection, batch_id: str) -> None:
    """Open a delivery that stands for many again."""
    connection.execute(
        "UPDATE deliveries SET state = 'waiting', finished = NULL WHERE id = :id", {"id": batch_id}
    )


def reopen(connection: Connection, delivery_id: str, now: Instant) -> bool:
    """Let what was delivered be delivered again. False if it was not delivered."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'waiting', due = :now, finished = NULL, background = 1,"
        " expires = CASE WHEN expires < :later THEN :later ELSE expires END"
        " WHERE id = :id AND state = 'delivered'",
        {"id": delivery_id, "now": now, "later": now + HOUR},
    )
    return done.rowcount == 1


def mark_acknowledged(connection: Connection, delivery_id: str) -> None:
    """Record that the client that asked to create something has got the outcome."""
    connection.execute("UPDATE deliveries SET untold = 0, background = 0 WHERE id = :id", {"id": delivery_id})


def mark_told(connection: Connection, delivery_ids: Collection[str]) -> None:
    """Record that the clients that asked for changes have their answers."""
    parameters: dict[str, Any] = {}
    where = among("id", delivery_ids, parameters)
    connection.execute(f"UPDATE deliveries SET untold = 0 WHERE {where}", parameters)


class Tally(Struct, frozen=True):
    """How many deliveries to a destination are in a state, and the oldest's id."""

    destination: str
    state: str
    count: int
    first_id: str


def tallies(connection: Connection) -> list[Tally]:
    """How many deliveries are open, or ended without success. Only indexes are read."""
    found = []
    for where in ("state = 'waiting' AND due IS NOT NULL", HELD, "state = 'delivering'"):
        state = where.split("'")[1]
        rows = connection.execute(
            f"SELECT party, COUNT(*), MIN(id) FROM deliveries WHERE {where} GROUP BY party"
        )
        found += [Tally(row[0], state, row[1], row[2]) for row in rows]
    rows = connection.execute(
        "SELECT party, state, COUNT(*), MIN(id) FROM deliveries"
        " WHERE state IN ('refused', 'expired', 'failed') GROUP BY party, state"
    )
    return found + [Tally(*row) for row in rows]


def remove_finished(connection: Connection, before: Instant, limit: int) -> int:
    """Remove deliveries that ended before that time. How many were removed."""
    return connection.execute(
        "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE finished < :before LIMIT :limit)",
        {"before": before, "limit": limit},
    ).rowcount
