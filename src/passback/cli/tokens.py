"""``passback token``: the tokens of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.cli import Data, group
from passback.cli.data import on_database
from passback.cli.text import duration, show_time
from passback.domain.clock import system_clock
from passback.operations import tokens

if TYPE_CHECKING:
    from passback.operations.tokens import NewToken

app = group("token")


@app.command
def create(*, district: str, application: str, expires_in: str | None = None, data: Data = None) -> None:
    """Create a token for an application in a district, and print it this once.

    Args:
        district: The district's id.
        application: The application's name.
        expires_in: How long the token is valid, such as 90d, 12h or 30m; without it, the token never expires.
        data: The folder of the data file [data].
    """
    valid_for = None if expires_in is None else duration(expires_in)
    _show_new(
        on_database(
            data,
            lambda it: tokens.create(it, district.lower(), application, system_clock, valid_for=valid_for),
        )
    )


@app.command(name="list")
def list_tokens(*, district: str | None = None, data: Data = None) -> None:
    """List tokens, without their secrets.

    Args:
        district: Only this district's.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: tokens.list_all(it, district and district.lower()))
    now = system_clock()
    print(f"{'token id':<36}  {'district':<24}  {'state':<7}  {'created':<20}  {'expires':<20}  application")
    for token in found:
        expires = "never" if token.expires is None else show_time(token.expires)
        print(
            f"{token.id:<36}  {token.district_id:<24}  {token.state(now):<7}  {show_time(token.created):<20}"
            f"  {expires:<20}  {token.application}"
        )


@app.command
def rotate(token_id: str, *, overlap: str = "24h", data: Data = None) -> None:
    """Replace a token with a new one; the old one stays valid for a while.

    Args:
        token_id: The token's id, as listed.
        overlap: How long the old token stays valid; 0s ends it now.
        data: The folder of the data file [data].
    """
    kept = duration(overlap)
    rotated = on_database(data, lambda it: tokens.rotate(it, token_id, system_clock, overlap=kept))
    _show_new(rotated.new)
    print(f"The old token is valid until {show_time(rotated.old_expires)}.")


@app.command
def revoke(token_id: str, *, data: Data = None) -> None:
    """End a token at once.

    Args:
        token_id: The token's id, as listed.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: tokens.revoke(it, token_id, system_clock))
    print(f"Token {token_id} is revoked.")


def _show_new(new: NewToken) -> None:
    token = new.token
    print(f"Token {token.id} for {token.application} in district {token.district_id}:")
    print()
    print(f"  {new.secret}")
    print()
    print("Save it now: only its hash is stored, so it cannot be shown again.")
