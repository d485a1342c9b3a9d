"""The requests with an ``Idempotency-Key``, for 24 hours. Their answers are kept with their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from passback.domain.clock import DAY

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

LIFETIME = DAY

_COLUMNS = "district_id, application, key, fingerprint, delivery_id, created"


class KeyedRequest(Struct, frozen=True):
    """A request with a key."""

    district_id: str
    application: str
    key: str
    fingerprint: str
    """What tells one request from another."""
    delivery_id: str
    created: Instant


def find(
    connection: Connection, district_id: str, application: str, key: str, now: Instant
) -> KeyedRequest | None:
    """The request with that key, of the last 24 hours."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM idempotency_keys"
        " WHERE district_id = :district_id AND application = :application AND key = :key AND created > :since",
        {"district_id": district_id, "application": application, "key": key, "since": now - LIFETIME},
    ).fetchone()
    return None if row is None else KeyedRequest(*row)


def add(connection: Connection, request: KeyedRequest) -> bool:
    """Keep a new request; False where there is one with its key already. One of more than a day ago is replaced."""
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
    """Remove requests of more than a day ago. How many there were."""
    return connection.execute(
        "DELETE FROM idempotency_keys WHERE (district_id, application, key) IN"
        " (SELECT district_id, application, key FROM idempotency_keys WHERE created <= :before LIMIT :limit)",
        {"before": now - LIFETIME, "limit": limit},
    ).rowcount
