"""Accounts of the console, and their passwords' hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.account import Account

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

_FIELDS = Account.__struct_fields__
COLUMNS = ", ".join(f"accounts.{name}" for name in _FIELDS)
"""Of an account, in the order of its fields."""


def account_of(row: tuple[object, ...]) -> Account:
    """The account that `COLUMNS` were read of."""
    return Account(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type] # as the columns are


def add(connection: Connection, account: Account, password_hash: str | None) -> bool:
    """Add an account. False if there is one of its name."""
    names = (*_FIELDS, "password_hash")
    values = (*(getattr(account, name) for name in _FIELDS), password_hash)
    return connection.insert("accounts", names, [values], "ON CONFLICT DO NOTHING") == 1


def find(connection: Connection, name: str) -> Account | None:
    """The account of that name."""
    row = connection.execute(f"SELECT {COLUMNS} FROM accounts WHERE name = :name", {"name": name}).fetchone()
    return None if row is None else account_of(row)


def find_of_provider(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The account of a person whom an OpenID Connect provider knows."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM accounts WHERE issuer = :issuer AND subject = :subject",
        {"issuer": issuer, "subject": subject},
    ).fetchone()
    return None if row is None else account_of(row)


def link(connection: Connection, account_id: str, issuer: str, subject: str) -> None:
    """Note who an account is to an OpenID Connect provider."""
    connection.execute(
        "UPDATE accounts SET issuer = :issuer, subject = :subject WHERE id = :id",
        {"id": account_id, "issuer": issuer, "subject": subject},
    )


def find_all(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [account_of(row) for row in connection.execute(f"SELECT {COLUMNS} FROM accounts ORDER BY name")]


def password_hash(connection: Connection, account_id: str) -> str | None:
    """The hash of an account's password; None if it has none."""
    row = connection.execute(
        "SELECT password_hash FROM accounts WHERE id = :id", {"id": account_id}
    ).fetchone()
    return None if row is None else row[0]


def set_password(connection: Connection, account_id: str, hashed: str) -> None:
    """Give an account another password."""
    connection.execute(
        "UPDATE accounts SET password_hash = :hash WHERE id = :id", {"id": account_id, "hash": hashed}
    )


def set_disabled(connection: Connection, account_id: str, disabled: Instant | None) -> None:
    """Disable an account from a time on, or enable it with None."""
    connection.execute(
        "UPDATE accounts SET disabled = :disabled WHERE id = :id", {"id": account_id, "disabled": disabled}
    )


def note_sign_in(connection: Connection, account_id: str, now: Instant) -> None:
    """Note that an account has signed in."""
    connection.execute("UPDATE accounts SET signed_in = :now WHERE id = :id", {"id": account_id, "now": now})


def enabled_owners(connection: Connection) -> int:
    """How many accounts may manage accounts."""
    row = connection.execute(
        "SELECT COUNT(*) FROM accounts WHERE role = 'owner' AND disabled IS NULL"
    ).fetchone()
    return int(row[0])


def any_exist(connection: Connection) -> bool:
    """Whether anybody can sign in."""
    return connection.execute("SELECT 1 FROM accounts LIMIT 1").fetchone() is not None
