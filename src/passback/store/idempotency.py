"""Requests with an ``Idempotency-Key``, kept for 24 hours. Their answers are in their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict

from passback.domain.clock import DAY
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

LIFETIME = DAY
KEPT_FOR = 8 * DAY

_COLUMNS = "district_id, application, key, fingerprint, delivery_id, created"


class KeyedRequest(Struct, frozen=True):
    """A request with an idempotency key."""

    district_id: str
    application: str
    key: str
    fingerprint: str
    """Differs if the requests differ."""
    delivery_id: str
    created: Instant


def find(
    connection: Connection, district_id: str, application: str, key: str, now: Instant
) -> KeyedRequest | None:
    """Find the request with that key, made in the last 24 hours."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM idempotency_keys"
        " WHERE district_id = :district_id AND application = :application AND key = :key AND created > :since",
        {"district_id": district_id, "application": application, "key": key, "since": now - LIFETIME},
    ).fetchone()
    return None if row is None else KeyedRequest(*row)


def keyed(
    connection: Connection, district_id: str, application: str, delivery_ids: Sequence[str]
) -> set[str]:
    """Which of some deliveries an application asked for with a key."""
    parameters: dict[str, Any] = {"district_id": district_id, "application": application}
    where = among("delivery_id", delivery_ids, parameters)
    rows = connection.execute(
        f"SELECT delivery_id FROM idempotency_keys WHERE {where}"
        " AND district_id = :district_id AND application = :application",
        parameters,
    )
    return {row[0] for row in rows}


def key_of(connection: Connection, delivery_id: str) -> str | None:
    """The key that a delivery was asked for with, if it was with one and that is kept."""
    row = connection.execute(
        "SELECT key FROM idempotency_keys WHERE delivery_id = :id ORDER BY created LIMIT 1",
        {"id": delivery_id},
    ).fetchone()
    return None if row is None else str(row[0])


def add(connection: Connection, request: KeyedRequest) -> bool:
    """Add a request, replacing one of more than a day ago. False if a newer one has its key already."""
    done = connection.execute(
        f"INSERT INTO idempotency_keys ({_COLUMNS}) VALUES (:district_id, :application, :key, :fingerprint,"
        " :delivery_id, :created)"
        " ON CONFLICT (district_id, application, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " delivery_id = excluded.delivery_id, created = excluded.created"
        " WHERE idempotency_keys.created <= :since",
        {**asdict(request), "since": request.created - LIFETIME},
    )
    return done.rowcount == 1


def remove_old(connection: Connection, now: Instant, limit: int) -> int:
    """Delete requests of long ago; returns how many there were.

    They stay longer than they count: a clock that is set forward and back must not forget them.
    """
    return connection.execute(
        "DELETE FROM idempotency_keys WHERE (district_id, application, key) IN"
        " (SELECT district_id, application, key FROM idempotency_keys WHERE created <= :before LIMIT :limit)",
        {"before": now - KEPT_FOR, "limit": limit},
    ).rowcount
