"""District-app tokens: which application may act for which district.

A token is 256 random bits, shown once when it is created. Only its SHA-256 is stored: with that much entropy, a slow
hash would only slow down every request.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from uuid_utils import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

TokenState = Literal["active", "expired", "revoked"]

_COLUMNS = "id, district_id, application, created, expires, revoked, used"


class Token(Struct, frozen=True):
    """A token, without its secret."""

    id: str
    district_id: str
    application: str
    created: Instant
    expires: Instant | None
    revoked: Instant | None
    used: Instant | None = None
    """When a request last came with it, as far as that is stored."""

    def state(self, now: Instant) -> TokenState:
        """The state of the token at `now`."""
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and now >= self.expires:
            return "expired"
        return "active"


def new_secret() -> str:
    """Generate the text of a token."""
    return secrets.token_urlsafe(32)


def hash_of(secret: bytes) -> str:
    """The hash of a token's text, which is what is stored."""
    return hashlib.sha256(secret).hexdigest()


def find_by_secret(connection: Connection, secret: bytes) -> Token | None:
    """Find the token with that text, whatever its state."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM tokens WHERE hash = :hash", {"hash": hash_of(secret)}
    ).fetchone()
    return None if row is None else Token(*row)


def create(
    connection: Connection,
    *,
    district_id: str,
    application: str,
    secret: str,
    now: Instant,
    expires: Instant | None = None,
) -> Token:
    """Create a token."""
    token = Token(str(uuid7()), district_id, application, now, expires, None)
    connection.execute(
        "INSERT INTO tokens (id, district_id, application, hash, created, expires)"
        " VALUES (:id, :district_id, :application, :hash, :created, :expires)",
        {
            "id": token.id,
            "district_id": district_id,
            "application": application,
            "hash": hash_of(secret.encode()),
            "created": now,
            "expires": expires,
        },
    )
    return token


def find(connection: Connection, token_id: str) -> Token | None:
    """Find the token of that id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM tokens WHERE id = :id", {"id": token_id}).fetchone()
    return None if row is None else Token(*row)


def find_all(connection: Connection, district_id: str | None = None) -> list[Token]:
    """All tokens, or those of one district, oldest first."""
    where = "" if district_id is None else "WHERE district_id = :district_id"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM tokens {where} ORDER BY created, id", {"district_id": district_id}
    )
    return [Token(*row) for row in rows]


def mark_used(connection: Connection, uses: Mapping[str, Instant]) -> None:
    """Store when tokens were last used, by their ids; what is stored of a later time stays."""
    connection.executemany(
        "UPDATE tokens SET used = :at WHERE id = :id AND (used IS NULL OR used < :at)",
        [{"id": token_id, "at": at} for token_id, at in sorted(uses.items())],
    )


def has_active(connection: Connection, district_id: str, application: str, now: Instant) -> bool:
    """Whether an application may act for a district at `now`."""
    row = connection.execute(
        "SELECT 1 FROM tokens WHERE district_id = :district_id AND application = :application"
        " AND revoked IS NULL AND (expires IS NULL OR expires > :now) LIMIT 1",
        {"district_id": district_id, "application": application, "now": now},
    ).fetchone()
    return row is not None


def set_expiry(connection: Connection, token_id: str, expires: Instant) -> None:
    """Make a token expire at `expires`, unless it expires sooner."""
    connection.execute(
        "UPDATE tokens SET expires = :expires WHERE id = :id AND (expires IS NULL OR expires > :expires)",
        {"id": token_id, "expires": expires},
    )


def revoke(connection: Connection, token_id: str, now: Instant) -> None:
    """Revoke a token, from the next request on."""
    connection.execute(
        "UPDATE tokens SET revoked = :now WHERE id = :id AND revoked IS NULL", {"id": token_id, "now": now}
    )
