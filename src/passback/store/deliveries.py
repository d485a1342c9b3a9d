"""The ledger of deliveries: what was promised to clients, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from passback.domain.clock import HOUR
from passback.domain.delivery import Delivery
from passback.store.statements import among, for_each

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Failed, Operation, State
    from passback.store.engine.database import Connection, Rows

_FIELDS = Delivery.__struct_fields__
_NAMED_OTHERWISE = {"destination": "party", "unacknowledged": "untold"}
"""Columns that keep their first name, so that an older Passback still opens the data file."""
_COLUMNS = ", ".join(_NAMED_OTHERWISE.get(name, name) for name in _FIELDS)
_HELD = "state = 'waiting' AND due IS NULL AND operation <> 'update_submissions'"
"""What waits for the create of its assignment."""
_SHARES = "operation = 'update_submission' AND fault IS NULL"
"""What may share a call with other grades of its assignment (`passback.delivery.groups`)."""
_NONE_IN_FLIGHT = (
    "NOT EXISTS (SELECT 1 FROM deliveries AS other"
    " WHERE other.lane = waiting.lane AND other.state = 'delivering')"
)
_FLAGS = ("background", "doubt", "unacknowledged")
_SELECT = f"SELECT {_COLUMNS} FROM deliveries"
_UNSETTLED = (
    "state = 'waiting'",
    "state = 'delivering'",
    "doubt = 1 AND untold = 0 AND state IN ('failed', 'expired', 'cancelled')",
    "untold = 1 AND state NOT IN ('waiting', 'delivering', 'refused')",
)
"""What a newer change of the same lane has to do with, in parts that each have an index."""
_INSERT = f"INSERT INTO deliveries ({_COLUMNS}) VALUES ({', '.join(':' + name for name in _FIELDS)})"


def add(connection: Connection, deliveries: Iterable[Delivery]) -> None:
    """Add new deliveries."""
    for_each(connection, _INSERT, [_row(delivery) for delivery in deliveries])


def add_unless_under_way(connection: Connection, begun: Sequence[Delivery]) -> list[Delivery]:
    """Add new deliveries that begin now. Returns those that were added: no other of their lanes is in flight."""
    # Of transactions that add to the same lanes, one waits for the other: always in the same order.
    rows = [_row(delivery) for delivery in sorted(begun, key=lambda delivery: delivery.lane)]
    added = for_each(connection, f"{_INSERT} ON CONFLICT DO NOTHING", rows)
    if added == len(begun):
        return [*begun]
    parameters: dict[str, Any] = {}
    where = among("id", [delivery.id for delivery in begun], parameters)
    there = {row[0] for row in connection.execute(f"SELECT id FROM deliveries WHERE {where}", parameters)}
    return [delivery for delivery in begun if delivery.id in there]


def find(connection: Connection, delivery_id: str) -> Delivery | None:
    """The delivery of that id."""
    return _one(connection.execute(f"{_SELECT} WHERE id = :id", {"id": delivery_id}))


def find_of(connection: Connection, district_id: str, application: str, delivery_id: str) -> Delivery | None:
    """The delivery of that id, if the application asked for it in the background, in that district."""
    return _one(
        connection.execute(
            f"{_SELECT} WHERE id = :id AND district_id = :district_id AND application = :application"
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
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT :limit", parameters
    )
    return _all(rows)


def parts(connection: Connection, batch_id: str) -> list[Delivery]:
    """The parts of a delivery that stands for many, in order."""
    return _all(
        connection.execute(f"{_SELECT} WHERE batch_id = :batch_id ORDER BY position", {"batch_id": batch_id})
    )


def states_of_parts(connection: Connection, batch_id: str) -> set[str]:
    """The states of the parts of a delivery that stands for many."""
    rows = connection.execute(
        "SELECT DISTINCT state FROM deliveries WHERE batch_id = :batch_id", {"batch_id": batch_id}
    )
    return {row[0] for row in rows}


def waiting_in(connection: Connection, lane: str, limit: int = 1000) -> list[Delivery]:
    """The waiting deliveries of a lane, the oldest first."""
    return _all(
        connection.execute(
            f"{_SELECT} WHERE lane = :lane AND state = 'waiting' ORDER BY rank, id LIMIT :limit",
            {"lane": lane, "limit": limit},
        )
    )


def waiting_in_each(connection: Connection, lanes: Collection[str], limit: int) -> dict[str, list[Delivery]]:
    """The first waiting deliveries of several lanes, each lane's oldest first."""
    if not lanes:
        return {}
    parameters: dict[str, Any] = {"limit": limit}
    where = among("lane", lanes, parameters)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY lane ORDER BY rank, id)"
        f" AS place FROM deliveries WHERE state = 'waiting' AND {where}) AS placed"
        " WHERE place <= :limit ORDER BY rank, id",
        parameters,
    )
    found: dict[str, list[Delivery]] = {lane: [] for lane in lanes}
    for delivery in _all(rows):
        found[delivery.lane].append(delivery)
    return found


def unsettled_in(connection: Connection, lanes: Collection[str]) -> dict[str, list[Delivery]]:
    """What a newer change of each lane has to do with: all that is open, in doubt or not heard of, the oldest first."""
    found: dict[str, list[Delivery]] = {lane: [] for lane in lanes}
    if not lanes:
        return found
    parameters: dict[str, Any] = {}
    where = among("lane", lanes, parameters)
    rows = connection.execute(
        " UNION ALL ".join(f"{_SELECT} WHERE {where} AND {part}" for part in _UNSETTLED), parameters
    )
    for delivery in _in_order(_all(rows)):
        found[delivery.lane].append(delivery)
    return found


def unsettled_around(connection: Connection, create: Delivery) -> list[Delivery]:
    """What a new create has to do with: as `unsettled_in` of its lane, and equal ones not heard of, the oldest first.

    Those of the first versions were in other lanes.
    """
    parts = [f"lane = :lane AND {part}" for part in _UNSETTLED]
    parts.append("section_id = :section_id AND digest = :digest AND untold = 1 AND lane <> :lane")
    rows = connection.execute(
        " UNION ALL ".join(f"{_SELECT} WHERE {part}" for part in parts),
        {"lane": create.lane, "section_id": create.section_id, "digest": create.digest},
    )
    return _in_order(_all(rows))


def _in_order(found: list[Delivery]) -> list[Delivery]:
    return sorted(found, key=lambda delivery: (delivery.rank, delivery.id))


def newer_delivered(connection: Connection, delivery: Delivery) -> list[Delivery]:
    """The deliveries of a delivery's lane that were accepted after it and have been delivered."""
    return _all(
        connection.execute(
            f"{_SELECT} WHERE lane = :lane AND state = 'delivered'"
            " AND (rank > :rank OR (rank = :rank AND id > :id))",
            {"lane": delivery.lane, "rank": delivery.rank, "id": delivery.id},
        )
    )


def waiting_destinations(connection: Connection) -> list[str]:
    """The destinations that deliveries wait for. It takes one look-up for each, however many wait."""
    rows = connection.execute(
        "WITH RECURSIVE found (party) AS ("
        " SELECT MIN(party) FROM deliveries WHERE state = 'waiting' AND due IS NOT NULL"
        " UNION ALL SELECT (SELECT MIN(party) FROM deliveries"
        " WHERE state = 'waiting' AND due IS NOT NULL AND party > found.party)"
        " FROM found WHERE found.party IS NOT NULL"
        ") SELECT party FROM found WHERE party IS NOT NULL"
    )
    return [row[0] for row in rows]


class DueLane(Struct, frozen=True):
    """A lane in which a delivery is due and none is in flight."""

    lane: str
    assignment_id: str | None
    """The assignment with whose other grades it may share a call; None if it goes alone."""
    operation: Operation


def due_lanes(connection: Connection, destination: str, now: Instant, limit: int) -> list[DueLane]:
    """Lanes in which a delivery to a destination is due and none is in flight; the longest due first."""
    rows = connection.execute(
        f"SELECT lane, CASE WHEN {_SHARES} THEN assignment_id END, operation FROM deliveries AS waiting"
        f" WHERE state = 'waiting' AND party = :party AND due <= :now AND {_NONE_IN_FLIGHT}"
        " ORDER BY due, id LIMIT :limit",
        {"party": destination, "now": now, "limit": limit},
    )
    return list({row[0]: DueLane(*row) for row in rows}.values())


def due_grades(
    connection: Connection, destination: str, assignment_ids: Collection[str], now: Instant, limit: int
) -> dict[str, list[str]]:
    """Up to `limit` lanes of each assignment in which a grade is due and none in flight; the longest due first."""
    found: dict[str, list[str]] = {assignment_id: [] for assignment_id in assignment_ids}
    if not found:
        return found
    parameters: dict[str, Any] = {"party": destination, "now": now, "limit": limit}
    where = among("assignment_id", found, parameters)
    rows = connection.execute(
        "SELECT assignment_id, lane FROM (SELECT assignment_id, lane, due, id,"
        " ROW_NUMBER() OVER (PARTITION BY assignment_id ORDER BY due, id) AS place FROM deliveries AS waiting"
        f" WHERE state = 'waiting' AND {_SHARES} AND {where} AND party = :party AND due <= :now"
        f" AND {_NONE_IN_FLIGHT}) AS placed"
        " WHERE place <= :limit ORDER BY due, id",
        parameters,
    )
    for assignment_id, lane in rows:
        if lane not in found[assignment_id]:
            found[assignment_id].append(lane)
    return found


def is_due(connection: Connection, destination: str, now: Instant) -> bool:
    """Whether a delivery to a destination is due."""
    row = connection.execute(
        "SELECT MIN(due) FROM deliveries WHERE state = 'waiting' AND party = :party", {"party": destination}
    ).fetchone()
    return row is not None and row[0] is not None and row[0] <= now


def is_under_way(connection: Connection, lane: str) -> bool:
    """Whether a delivery of a lane is in flight."""
    rows = connection.execute(
        "SELECT 1 FROM deliveries WHERE lane = :lane AND state = 'delivering'", {"lane": lane}
    )
    return rows.fetchone() is not None


def next_due(connection: Connection) -> Instant | None:
    """When the next delivery is due."""
    row = connection.execute("SELECT MIN(due) FROM deliveries WHERE state = 'waiting'").fetchone()
    return None if row is None else row[0]


def under_way_to(connection: Connection, destination: str) -> int:
    """How many deliveries to a destination are in flight in the background."""
    row = connection.execute(
        "SELECT COUNT(*) FROM deliveries WHERE state = 'delivering' AND party = :party AND background = 1",
        {"party": destination},
    ).fetchone()
    return int(row[0])


def take(connection: Connection, delivery_ids: Collection[str], worker: str) -> list[Delivery]:
    """Let a worker deliver what waits; deliveries that do not wait are left out."""
    if not delivery_ids:
        return []
    parameters: dict[str, Any] = {"worker": worker}
    where = among("id", delivery_ids, parameters)
    rows = connection.execute(
        "UPDATE deliveries SET state = 'delivering', worker = :worker, fence = fence + 1,"
        f" attempts = attempts + 1 WHERE state = 'waiting' AND {where} RETURNING {_COLUMNS}",
        parameters,
    )
    return sorted(_all(rows), key=lambda delivery: (delivery.rank, delivery.id))


def retake(connection: Connection, delivery_id: str, worker: str) -> Delivery | None:
    """Let a worker deliver what ended without success, for a client that waits. None if it did not end so."""
    return _one(
        connection.execute(
            "UPDATE deliveries SET state = 'delivering', worker = :worker, fence = fence + 1,"
            " attempts = attempts + 1, finished = NULL, background = 0 WHERE id = :id"
            " AND state IN ('failed', 'expired', 'cancelled')"
            f" RETURNING {_COLUMNS}",
            {"id": delivery_id, "worker": worker},
        )
    )


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
        [{**_row(ending), "now": now, **asdict(claim)} for claim, ending in endings],
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


def delay_lane(connection: Connection, lane: str, due: Instant) -> None:
    """Let nothing of a lane be due before `due`."""
    connection.execute(
        "UPDATE deliveries SET due = :due WHERE lane = :lane AND state = 'waiting' AND due < :due",
        {"lane": lane, "due": due},
    )


def hasten(connection: Connection, destination: str, now: Instant) -> None:
    """Let what waits for its next try to a destination be tried now."""
    connection.execute(
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND party = :party AND due > :now",
        {"party": destination, "now": now},
    )


def pull_in(connection: Connection, now: Instant, latest: Instant) -> None:
    """Let what is due after `latest` be due now."""
    connection.execute(
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND due > :latest",
        {"now": now, "latest": latest},
    )


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
    return _all(
        connection.execute(
            f"{_SELECT} WHERE assignment_id = :id AND {_HELD} ORDER BY rank, id", {"id": assignment_id}
        )
    )


def release(connection: Connection, assignment_id: str, now: Instant) -> None:
    """Let the changes that waited for an assignment's create be made."""
    connection.execute(
        f"UPDATE deliveries SET due = :now WHERE assignment_id = :id AND {_HELD}",
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
    return _all(
        connection.execute(
            f"{_SELECT} WHERE party = :party AND state = 'refused' AND assignment_id = :assignment_id"
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


def expired(connection: Connection, now: Instant, limit: int) -> list[Delivery]:
    """Deliveries that have expired while they wait for a create that has ended or is no longer kept."""
    return _all(
        connection.execute(
            f"{_SELECT} AS held WHERE {_HELD} AND expires <= :now AND NOT EXISTS (SELECT 1 FROM deliveries AS made"
            " WHERE made.id = held.assignment_id AND made.state IN ('waiting', 'delivering'))"
            " ORDER BY expires LIMIT :limit",
            {"now": now, "limit": limit},
        )
    )


def orphans(connection: Connection, limit: int) -> list[Delivery]:
    """Deliveries in flight whose worker no longer exists."""
    return _all(
        connection.execute(
            f"{_SELECT} WHERE state = 'delivering'"
            " AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = deliveries.worker) LIMIT :limit",
            {"limit": limit},
        )
    )


def held_by(connection: Connection, worker: str) -> list[Delivery]:
    """Deliveries that a worker has claimed and not ended."""
    return _all(
        connection.execute(f"{_SELECT} WHERE worker = :worker AND state = 'delivering'", {"worker": worker})
    )


def requeue(connection: Connection, delivery: Delivery, due: Instant, expires: Instant) -> bool:
    """Let what another worker was delivering wait again. It is in doubt, and the other can no longer finish it."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'waiting', worker = NULL, fence = fence + 1, doubt = 1, due = :due,"
        " expires = :expires, background = 1 WHERE id = :id AND fence = :fence AND state = 'delivering'",
        {"id": delivery.id, "fence": delivery.fence, "due": due, "expires": expires},
    )
    return done.rowcount == 1


def in_doubt(connection: Connection, lane: str) -> list[Delivery]:
    """The deliveries of a lane that may have taken effect though they are not known to be delivered."""
    return _all(
        connection.execute(
            f"{_SELECT} WHERE lane = :lane AND doubt = 1 AND state NOT IN ('delivered', 'refused')"
            " ORDER BY rank, id",
            {"lane": lane},
        )
    )


def settle_doubt(connection: Connection, newer: Delivery) -> None:
    """Record that nothing of a lane is in doubt or unheard of any longer: something newer was delivered."""
    connection.execute(
        "UPDATE deliveries SET doubt = 0 WHERE lane = :lane AND doubt = 1 AND state = 'failed'",
        {"lane": newer.lane},
    )
    connection.execute(
        "UPDATE deliveries SET untold = 0 WHERE lane = :lane AND state = 'delivered' AND untold = 1 AND id <> :id",
        {"lane": newer.lane, "id": newer.id},
    )


def newest_delivered(connection: Connection, lane: str) -> Delivery | None:
    """The delivery of a lane that was delivered last."""
    return _one(
        connection.execute(
            f"{_SELECT} WHERE lane = :lane AND state = 'delivered' AND superseded_by IS NULL"
            " ORDER BY rank DESC, id DESC LIMIT 1",
            {"lane": lane},
        )
    )


class Tally(Struct, frozen=True):
    """How many deliveries to a destination are in a state, and the oldest's id."""

    destination: str
    state: str
    count: int
    first_id: str


def tallies(connection: Connection) -> list[Tally]:
    """How many deliveries are open, or ended without success. Only indexes are read."""
    found = []
    for where in ("state = 'waiting' AND due IS NOT NULL", _HELD, "state = 'delivering'"):
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


def _one(rows: Rows) -> Delivery | None:
    row = rows.fetchone()
    return None if row is None else _made(row)


def _all(rows: Rows) -> list[Delivery]:
    return [_made(row) for row in rows.fetchall()]


def _row(item: Delivery | Ending) -> dict[str, Any]:
    values = asdict(item)
    values["warnings"] = ", ".join(item.warnings)
    values["result"] = None if item.result is None else item.result.decode()
    for name in _FLAGS:
        if name in values:
            values[name] = int(values[name])
    return values


def _made(row: Sequence[Any]) -> Delivery:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _FLAGS:
        values[name] = bool(values[name])
    values["warnings"] = tuple(values["warnings"].split(", ")) if values["warnings"] else ()
    values["result"] = None if values["result"] is None else values["result"].encode()
    return Delivery(**values)
