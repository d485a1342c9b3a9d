"""``passback token``: the tokens of applications."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError
from passback.cli.data import existing
from passback.domain.clock import DAY, HOUR, MINUTE, SECOND, system_clock
from passback.store import roster, tokens

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.tokens import Token

app = App(name="token", help="Make, list, rotate and revoke the tokens of applications.")

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


@app.command
def create(*, district: str, application: str, expires_in: str | None = None, data: Data = None) -> None:
    """Make a token for an application in a district, and show it this once.

    Args:
        district: The district's id.
        application: The application's name.
        expires_in: How long the token is good, such as 90d, 12h or 30m; unlimited unless given.
        data: The folder of the data file [data].
    """
    if not application.strip() or not application.isprintable():
        raise UsageError("--application needs a name, on one line")
    now = system_clock()
    expires = None if expires_in is None else now + duration(expires_in)
    secret = tokens.new_secret()

    def transaction(conn: Connection) -> Token:
        if roster.find(conn, roster.DISTRICTS, district.lower(), district.lower()) is None:
            raise UsageError(f"there is no district {district}")
        return tokens.create(
            conn,
            district_id=district.lower(),
            application=application,
            secret=secret,
            now=now,
            expires=expires,
        )

    with existing(data) as database:
        token = database.write_now(transaction)
    _show_new(token, secret)


@app.command(name="list")
def list_tokens(*, district: str | None = None, data: Data = None) -> None:
    """List tokens, without their secrets.

    Args:
        district: Only this district's.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        found = database.read_now(lambda conn: tokens.find_all(conn, district and district.lower()))
    now = system_clock()
    print(f"{'token id':<36}  {'district':<24}  {'state':<7}  {'created':<20}  {'expires':<20}  application")
    for token in found:
        expires = "never" if token.expires is None else _time(token.expires)
        print(
            f"{token.id:<36}  {token.district_id:<24}  {token.state(now):<7}  {_time(token.created):<20}"
            f"  {expires:<20}  {token.application}"
        )


@app.command
def rotate(token_id: str, *, overlap: str = "24h", data: Data = None) -> None:
    """Make a new token in place of another, which stays good for a while.

    Args:
        token_id: The token's id, as listed.
        overlap: How long the old token stays good; 0s ends it now.
        data: The folder of the data file [data].
    """
    now = system_clock()
    old_expires = now + duration(overlap)
    secret = tokens.new_secret()

    def transaction(conn: Connection) -> Token:
        old = _active(conn, token_id, now)
        tokens.set_expiry(conn, old.id, old_expires)
        return tokens.create(
            conn, district_id=old.district_id, application=old.application, secret=secret, now=now
        )

    with existing(data) as database:
        token = database.write_now(transaction)
    _show_new(token, secret)
    print(f"The old token is good until {_time(old_expires)}.")


@app.command
def revoke(token_id: str, *, data: Data = None) -> None:
    """End a token at once.

    Args:
        token_id: The token's id, as listed.
        data: The folder of the data file [data].
    """

    def transaction(conn: Connection) -> None:
        _active(conn, token_id, system_clock())
        tokens.revoke(conn, token_id, system_clock())

    with existing(data) as database:
        database.write_now(transaction)
    print(f"Token {token_id} is revoked.")


def duration(text: str) -> int:
    """Milliseconds of a duration such as 90d, 12h, 30m or 0s. Raises `UsageError`."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if match is None:
        raise UsageError(f"'{text}' is not a duration such as 90d, 12h, 30m or 0s")
    return int(match[1]) * _UNITS[match[2]]


def _active(conn: Connection, token_id: str, now: Instant) -> Token:
    token = tokens.find(conn, token_id)
    if token is None:
        raise UsageError(f"there is no token {token_id}")
    if (state := token.state(now)) != "active":
        raise UsageError(f"token {token_id} is already {state}")
    return token


def _show_new(token: Token, secret: str) -> None:
    print(f"Token {token.id} for {token.application} in district {token.district_id}:")
    print()
    print(f"  {secret}")
    print()
    print("Keep it now: only its hash is stored, it cannot be shown again.")


def _time(instant: Instant) -> str:
    return datetime.fromtimestamp(instant / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
