"""``passback token``: the tokens of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.cli import Data, group
from passback.cli.data import on_database, with_district_names
from passback.cli.output import Column, show_json, show_rows
from passback.cli.text import duration, iso, show_time
from passback.domain.clock import system_clock
from passback.operations import tokens

if TYPE_CHECKING:
    from passback.operations.tokens import NewToken

app = group("token")

_COLUMNS = (
    Column("token id", "id"),
    Column("district id", "district_id"),
    Column("state", "state"),
    Column("created", "created"),
    Column("expires", "expires", none="never"),
    Column("last used", "used", none="never"),
    Column("application", "application"),
    Column("district", "district_name"),
)


@app.command
def create(
    *,
    district: str,
    application: str,
    expires_in: str | None = None,
    json: bool = False,
    data: Data = None,
) -> None:
    """Create a token for an application in a district, and print it this once.

    Args:
        district: The district's id.
        application: The application's name.
        expires_in: How long the token is valid, such as 90d, 12h or 30m; without it, the token never expires.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    valid_for = None if expires_in is None else duration(expires_in)
    new = on_database(
        data, lambda it: tokens.create(it, district.lower(), application, system_clock, valid_for=valid_for)
    )
    if json:
        show_json(_fields_of_new(new))
    else:
        _show_new(new)


@app.command(name="list")
def list_tokens(*, district: str | None = None, json: bool = False, data: Data = None) -> None:
    """List tokens, without their secrets.

    Args:
        district: Only this district's.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found, names = with_district_names(data, lambda it: tokens.list_all(it, district and district.lower()))
    now = system_clock()
    rows = (
        {
            "id": token.id,
            "district_id": token.district_id,
            "district_name": names.get(token.district_id),
            "application": token.application,
            "state": token.state(now),
            "created": iso(token.created),
            "expires": iso(token.expires),
            "used": iso(token.used),
        }
        for token in found
    )
    show_rows(rows, _COLUMNS, json=json)


@app.command
def rotate(token_id: str, *, overlap: str = "24h", json: bool = False, data: Data = None) -> None:
    """Replace a token with a new one; the old one stays valid for a while.

    Args:
        token_id: The token's id, as listed.
        overlap: How long the old token stays valid; 0s ends it now.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    kept = duration(overlap)
    rotated = on_database(data, lambda it: tokens.rotate(it, token_id, system_clock, overlap=kept))
    if json:
        show_json({**_fields_of_new(rotated.new), "replaced_expires": iso(rotated.old_expires)})
        return
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


def _fields_of_new(new: NewToken) -> dict[str, str | None]:
    token = new.token
    return {
        "id": token.id,
        "district_id": token.district_id,
        "application": token.application,
        "expires": iso(token.expires),
        "token": new.secret,
    }


def _show_new(new: NewToken) -> None:
    token = new.token
    print(f"Token {token.id} for {token.application} in district {token.district_id}:")
    print()
    print(f"  {new.secret}")
    print()
    print("Save it now: only its hash is stored, so it cannot be shown again.")
