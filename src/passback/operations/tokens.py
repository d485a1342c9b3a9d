"""The tokens of applications: creating, listing, rotating and revoking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import NotFound, OperationError
from passback.store import tokens
from passback.store.tokens import Token

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.store.engine.database import Connection, Database

__all__ = ["NewToken", "Rotated", "Token", "create", "list_all", "revoke", "rotate"]


class NewToken(Struct, frozen=True):
    """A token that was just created, with its secret, which cannot be read again."""

    token: Token
    secret: str


class Rotated(Struct, frozen=True):
    """A token in place of another."""

    new: NewToken
    old_expires: Instant
    """When the old token stops working at the latest."""


async def create(
    database: Database,
    district_id: str,
    application: str,
    clock: Clock,
    *,
    valid_for: int | None = None,
    actor: str = "",
) -> NewToken:
    """Create a token for an application in a district; it expires after `valid_for` milliseconds, if given.

    Raises `OperationError` for an unusable name, and `NotFound`.
    """
    if not application.strip() or not application.isprintable():
        raise OperationError("the application needs a name, on one line")
    now = clock()
    expires = None if valid_for is None else now + valid_for
    secret = tokens.new_secret()

    def write(conn: Connection) -> Token:
        required(conn, district_id)
        token = tokens.create(
            conn, district_id=district_id, application=application, secret=secret, now=now, expires=expires
        )
        audit.record(conn, "token.created", token.id, district_id, application, actor=actor)
        return token

    return NewToken(await database.write(write), secret)


async def list_all(database: Database, district_id: str | None = None) -> list[Token]:
    """Return all tokens, or one district's, oldest first."""
    return await database.snapshot(lambda conn: tokens.find_all(conn, district_id))


async def rotate(
    database: Database, token_id: str, clock: Clock, *, overlap: int, actor: str = ""
) -> Rotated:
    """Create a token in place of another, which stays valid for `overlap` milliseconds more.

    Raises `NotFound`, and `OperationError` if the old token is no longer active.
    """
    now = clock()
    secret = tokens.new_secret()

    def write(conn: Connection) -> Token:
        old = _active(conn, token_id, now)
        tokens.set_expiry(conn, old.id, now + overlap)
        new = tokens.create(
            conn, district_id=old.district_id, application=old.application, secret=secret, now=now
        )
        audit.record(
            conn,
            "token.rotated",
            old.id,
            old.district_id,
            f"{old.application}, replaced by {new.id}",
            actor=actor,
        )
        return new

    return Rotated(NewToken(await database.write(write), secret), now + overlap)


async def revoke(database: Database, token_id: str, clock: Clock, *, actor: str = "") -> None:
    """End a token at once. Raises `NotFound`, and `OperationError` if it is no longer active."""
    now = clock()

    def write(conn: Connection) -> None:
        token = _active(conn, token_id, now)
        tokens.revoke(conn, token_id, now)
        audit.record(conn, "token.revoked", token_id, token.district_id, token.application, actor=actor)

    await database.write(write)


def _active(conn: Connection, token_id: str, now: Instant) -> Token:
    token = tokens.find(conn, token_id)
    if token is None:
        raise NotFound(f"there is no token {token_id}")
    if (state := token.state(now)) != "active":
        raise OperationError(f"token {token_id} is already {state}")
    return token
