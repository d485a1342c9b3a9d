"""Accounts of the console: creating, listing and disabling them, and signing in.

Passwords are hashed with argon2id, with the parameters of RFC 9106 that argon2-cffi brings. After some failures in a
quarter of an hour, a name or an address may not try again until that is over.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct
from uuid_utils import uuid7

from passback.domain.account import ROLES, Account, Role
from passback.domain.clock import DAY, HOUR, MINUTE
from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import NotFound, OperationError
from passback.store import account_sessions, accounts, roster
from passback.store.account_sessions import AccountSession

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database

__all__ = [
    "Account",
    "AccountSession",
    "NewAccount",
    "SignInRefused",
    "any_exist",
    "begin_session",
    "change_password",
    "create",
    "disable",
    "enable",
    "end_session",
    "has_password",
    "list_all",
    "reset",
    "sandbox_owner",
    "session_of",
    "sign_in",
    "sign_in_of_provider",
]

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1_000
LONGEST_SESSION = 7 * DAY
LONGEST_IDLE = 12 * HOUR
"""How many milliseconds a session lasts without being used."""
_LONGEST_NAME = 200

_COUNTED = 15 * MINUTE
_MOST_OF_NAME = 10
_MOST_OF_ADDRESS = 100
"""More, because many people may come from one address: a school, or a proxy."""

SANDBOX_OWNER = "sandbox"
"""The account that a sandbox signs its own machine's people in to."""


class SignInRefused(OperationError):
    """Nobody is signed in; the message says why, and no more than a stranger may know."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """After how many seconds to try again; None if nothing speaks against trying at once."""


class NewAccount(Struct, frozen=True):
    """An account that was just created or reset, with its password, which cannot be read again."""

    account: Account
    password: str | None
    """None if one was given, or none is needed."""


async def create(
    database: Database,
    name: str,
    role: str,
    clock: Clock,
    *,
    district_id: str | None = None,
    user_id: str | None = None,
    password: str | None = None,
    elsewhere: bool = False,
    actor: str = "",
) -> NewAccount:
    """Create an account, with a `password` or with one that is made up; with none if they sign in `elsewhere`.

    A teacher needs a district, and with a `user_id` sees only the sections of that teacher. Raises `OperationError` and
    `NotFound`.
    """
    folded = _name(name)
    known: Role | None = next((it for it in ROLES if it == role), None)
    if known is None:
        raise OperationError(f"there is no role {role!r}: choose {', '.join(ROLES[:-1])} or {ROLES[-1]}")
    if known == "teacher" and district_id is None:
        raise OperationError("a teacher is one of a district: name it")
    if user_id is not None and known != "teacher":
        raise OperationError("only a teacher's account is somebody of the roster")
    made_up = None if password or elsewhere else _made_up()
    hashed = None if elsewhere else await _hash(password or made_up or "")
    account = Account(
        id=str(uuid7()), name=folded, role=known, district_id=district_id, user_id=user_id, created=clock()
    )

    def write(conn: Connection) -> None:
        if district_id is not None:
            required(conn, district_id)
            _require_teacher(conn, district_id, user_id)
        if not accounts.add(conn, account, hashed):
            raise OperationError(f"there is an account {folded} already")
        audit.record(conn, "account.created", account.id, district_id or "", f"{folded}, {role}", actor=actor)

    await database.write(write)
    return NewAccount(account, made_up)


async def list_all(database: Database) -> list[Account]:
    """Return all accounts, by name."""
    return await database.snapshot(accounts.find_all)


async def any_exist(database: Database) -> bool:
    """Whether anybody can sign in."""
    return await database.read(accounts.any_exist)


async def reset(database: Database, name: str, *, password: str | None = None, actor: str = "") -> NewAccount:
    """Give an account another password, and end its sessions. Raises `OperationError` and `NotFound`."""
    made_up = None if password else _made_up()
    hashed = await _hash(password or made_up or "")

    def write(conn: Connection) -> Account:
        account = _required(conn, name)
        accounts.set_password(conn, account.id, hashed)
        account_sessions.end_all(conn, account.id)
        account_sessions.forget_failures(conn, _of_name(account.name))
        audit.record(conn, "account.reset", account.id, account.district_id or "", account.name, actor=actor)
        return account

    return NewAccount(await database.write(write), made_up)


async def has_password(database: Database, account: Account) -> bool:
    """Whether somebody signs in with a password of this gateway."""
    return await database.read(lambda conn: accounts.password_hash(conn, account.id)) is not None


async def change_password(
    database: Database, account: Account, present: str, new: str, address: str, clock: Clock
) -> str:
    """Give an account the password that its owner chose, and end its sessions. Returns what the browser keeps.

    Raises `SignInRefused` if the `present` one is wrong, and `OperationError`.
    """
    await _hash(new)
    await sign_in(database, account.name, present, address, clock)
    await reset(database, account.name, password=new, actor=f"account:{account.name}")
    return await begin_session(database, account, clock)


async def disable(database: Database, name: str, clock: Clock, *, actor: str = "") -> None:
    """Let an account sign in no longer, and end its sessions. Raises `OperationError` and `NotFound`.

    The last owner cannot be disabled: nobody could manage accounts in the console.
    """

    def write(conn: Connection) -> None:
        conn.lock("accounts")
        account = _required(conn, name)
        if account.disabled is not None:
            raise OperationError(f"account {account.name} is disabled already")
        if account.role == "owner" and accounts.enabled_owners(conn) == 1:
            raise OperationError(f"the only owner is {account.name}: create another one first")
        accounts.set_disabled(conn, account.id, clock())
        account_sessions.end_all(conn, account.id)
        audit.record(
            conn, "account.disabled", account.id, account.district_id or "", account.name, actor=actor
        )

    await database.write(write)


async def enable(database: Database, name: str, *, actor: str = "") -> None:
    """Let an account sign in again. Raises `OperationError` and `NotFound`."""

    def write(conn: Connection) -> None:
        account = _required(conn, name)
        if account.disabled is None:
            raise OperationError(f"account {account.name} is not disabled")
        accounts.set_disabled(conn, account.id, None)
        audit.record(
            conn, "account.enabled", account.id, account.district_id or "", account.name, actor=actor
        )

    await database.write(write)


async def sign_in(database: Database, name: str, password: str, address: str, clock: Clock) -> str:
    """Sign in with a password, from an address of the network. Returns what the browser keeps.

    Raises `SignInRefused`.
    """
    now = clock()
    folded = name.strip().lower()
    tried = {_of_name(folded): _MOST_OF_NAME, f"address:{address}": _MOST_OF_ADDRESS}

    def read(conn: Connection) -> tuple[bool, Account | None, str | None]:
        account = accounts.find(conn, folded)
        hashed = None if account is None else accounts.password_hash(conn, account.id)
        too_many = any(
            account_sessions.failures(conn, who, now - _COUNTED) >= most for who, most in tried.items()
        )
        return too_many, account, hashed

    too_many, account, hashed = await database.snapshot(read)
    if too_many:
        raise SignInRefused(
            "Too many tries have failed. Wait a quarter of an hour, or have the password reset.",
            retry_after=_COUNTED // 1000,
        )
    # An unknown name takes as long as a known one.
    matches = await _verify(hashed, password)
    if account is None or not matches or account.disabled is not None:

        def note(conn: Connection) -> None:
            for who in tried:
                account_sessions.note_failure(conn, who, now, now - _COUNTED)

        await database.write(note)
        raise SignInRefused("Name and password do not match.")
    return await begin_session(database, account, clock)


async def sign_in_of_provider(
    database: Database, issuer: str, subject: str, email: str | None, clock: Clock
) -> str:
    """Sign in somebody whom an OpenID Connect provider knows. Returns what the browser keeps.

    With their first sign-in their account is found by their verified `email`: one without a password, which nobody else
    at a provider has taken. Raises `SignInRefused`.
    """
    if not subject or "\0" in subject:
        raise SignInRefused("The provider does not say who you are.")

    def write(conn: Connection) -> Account | None:
        account = accounts.find_of_provider(conn, issuer, subject)
        if account is not None or email is None:
            return account
        account = accounts.find(conn, email.replace("\0", "").strip().lower())
        if account is None or account.issuer is not None:
            return None
        if accounts.password_hash(conn, account.id) is not None:
            return None
        accounts.link(conn, account.id, issuer, subject)
        detail = f"{account.name}, at {issuer}"
        audit.record(conn, "account.linked", account.id, account.district_id or "", detail, actor="gateway")
        return account

    account = await database.write(write)
    if account is None:
        raise SignInRefused("Nobody has created an account for you here. Ask whoever runs this gateway.")
    if account.disabled is not None:
        raise SignInRefused("Your account here is disabled. Ask whoever runs this gateway.")
    return await begin_session(database, account, clock)


async def begin_session(database: Database, account: Account, clock: Clock) -> str:
    """Begin a session of an account that has proved who it is. Returns what the browser keeps."""
    now = clock()

    def write(conn: Connection) -> str:
        account_sessions.forget_failures(conn, _of_name(account.name))
        accounts.note_sign_in(conn, account.id, now)
        return account_sessions.begin(conn, account, now, now + LONGEST_SESSION)

    return await database.write(write)


async def session_of(database: Database, secret: str, clock: Clock) -> AccountSession | None:
    """The session of a browser that keeps `secret`; None if it is over."""
    now = clock()
    found = await database.read(
        lambda conn: account_sessions.find(conn, secret, now=now, used_since=now - LONGEST_IDLE)
    )
    if found is not None and now - found.seen >= MINUTE:
        await database.note(lambda conn: account_sessions.note_use(conn, secret, now))
    return found


async def end_session(database: Database, secret: str) -> None:
    """Sign out."""
    await database.write(lambda conn: account_sessions.end(conn, secret))


async def sandbox_owner(database: Database, clock: Clock) -> Account:
    """The account that a sandbox signs its own machine's people in to, made when it is first needed."""
    made = Account(id=str(uuid7()), name=SANDBOX_OWNER, role="owner", created=clock())

    def write(conn: Connection) -> Account:
        accounts.add(conn, made, None)
        return accounts.find(conn, SANDBOX_OWNER) or made

    return await database.write(write)


def _required(conn: Connection, name: str) -> Account:
    account = accounts.find(conn, name.strip().lower())
    if account is None:
        raise NotFound(f"there is no account {name}")
    return account


def _require_teacher(conn: Connection, district_id: str, user_id: str | None) -> None:
    if user_id is None:
        return
    user = roster.find(conn, roster.USERS, district_id, user_id)
    if user is None or user.role != "teacher":
        raise NotFound(f"there is no teacher {user_id} in district {district_id}")


def _name(name: str) -> str:
    folded = name.strip().lower()
    if not folded or not folded.isprintable() or len(folded) > _LONGEST_NAME:
        raise OperationError("an account needs a name, on one line, such as an e-mail address")
    return folded


def _of_name(name: str) -> str:
    return f"name:{name}"


def _made_up() -> str:
    return secrets.token_urlsafe(15)


async def _hash(password: str) -> str:
    """The hash of a password. Raises `OperationError` if it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise OperationError(
            f"a password has at least {SHORTEST_PASSWORD} characters, and at most {LONGEST_PASSWORD}"
        )
    return await asyncio.to_thread(_hasher().hash, password)


async def _verify(hashed: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    against = hashed or _hash_of_nothing()
    try:
        await asyncio.to_thread(_hasher().verify, against, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@cache
def _hasher() -> PasswordHasher:
    # Imported when somebody signs in: the server starts without it.
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _hash_of_nothing() -> str:
    return _hasher().hash(secrets.token_urlsafe(15))
