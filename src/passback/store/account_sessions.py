"""Who is signed in to the console, and who has tried to of late.

The browser keeps 256 random bits; only their SHA-256 is stored, as of an application's token.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.account import Account
from passback.store.accounts import COLUMNS, account_of
from passback.store.tokens import hash_of, new_secret

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class AccountSession(Struct, frozen=True):
    """An account that is signed in."""

    account: Account
    csrf: str
    """What forms of this session prove themselves with."""
    seen: Instant
    """When it was last used, to within a minute."""


def begin(connection: Connection, account: Account, now: Instant, expires: Instant) -> str:
    """Begin a session. Returns what the browser is to keep."""
    connection.execute("DELETE FROM account_sessions WHERE expires <= :now", {"now": now})
    secret = new_secret()
    connection.execute(
        "INSERT INTO account_sessions (hash, account_id, csrf, created, seen, expires)"
        " VALUES (:hash, :account_id, :csrf, :now, :now, :expires)",
        {
            "hash": hash_of(secret.encode()),
            "account_id": account.id,
            "csrf": secrets.token_urlsafe(32),
            "now": now,
            "expires": expires,
        },
    )
    return secret


def find(connection: Connection, secret: str, *, now: Instant, used_since: Instant) -> AccountSession | None:
    """The session of a browser, if it has not expired, was used since a time, and its account is not disabled."""
    row = connection.execute(
        f"SELECT csrf, seen, {COLUMNS} FROM account_sessions JOIN accounts ON accounts.id = account_id"
        " WHERE hash = :hash AND expires > :now AND seen >= :used_since AND disabled IS NULL",
        {"hash": hash_of(secret.encode()), "now": now, "used_since": used_since},
    ).fetchone()
    return None if row is None else AccountSession(account_of(row[2:]), row[0], row[1])


def note_use(connection: Connection, secret: str, now: Instant) -> None:
    """Note that a session was used."""
    connection.execute(
        "UPDATE account_sessions SET seen = :now WHERE hash = :hash",
        {"hash": hash_of(secret.encode()), "now": now},
    )


def end(connection: Connection, secret: str) -> None:
    """End a session."""
    connection.execute("DELETE FROM account_sessions WHERE hash = :hash", {"hash": hash_of(secret.encode())})


def end_all(connection: Connection, account_id: str) -> None:
    """End all sessions of an account."""
    connection.execute("DELETE FROM account_sessions WHERE account_id = :id", {"id": account_id})


def failures(connection: Connection, who: str, since: Instant) -> int:
    """How many sign-ins of a name, or from an address, have failed since a time."""
    row = connection.execute(
        "SELECT failures FROM sign_in_failures WHERE who = :who AND since >= :since",
        {"who": who, "since": since},
    ).fetchone()
    return 0 if row is None else int(row[0])


def note_failure(connection: Connection, who: str, now: Instant, since: Instant) -> None:
    """Count a sign-in that failed, with those since a time."""
    connection.execute("DELETE FROM sign_in_failures WHERE since < :since", {"since": since})
    connection.execute(
        "INSERT INTO sign_in_failures (who, failures, since) VALUES (:who, 1, :now)"
        " ON CONFLICT (who) DO UPDATE SET failures = sign_in_failures.failures + 1",
        {"who": who, "now": now},
    )


def forget_failures(connection: Connection, who: str) -> None:
    """Forget the sign-ins that failed, once one succeeds."""
    connection.execute("DELETE FROM sign_in_failures WHERE who = :who", {"who": who})
