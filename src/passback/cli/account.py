"""``passback account``: who may sign in to the console."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from passback.cli import Data, UsageError, group
from passback.cli.data import on_database, with_district_names
from passback.cli.output import Column, show_json, show_rows
from passback.cli.text import iso
from passback.domain.clock import system_clock
from passback.operations import accounts

if TYPE_CHECKING:
    from passback.operations.accounts import NewAccount

app = group("account")

_COLUMNS = (
    Column("role", "role"),
    Column("state", "state"),
    Column("last signed in", "last_signed_in", none="never"),
    Column("district id", "district_id", none="all"),
    Column("district", "district_name"),
    Column("name", "name"),
)


@app.command
def create(
    name: str,
    *,
    role: str,
    district: str | None = None,
    teacher: str | None = None,
    password_stdin: bool = False,
    sso: bool = False,
    json: bool = False,
    data: Data = None,
) -> None:
    """Create an account, and print its password this once.

    Args:
        name: What they sign in with, such as an e-mail address.
        role: owner (everything, also accounts), admin (everything else), support (sees, retries and matches) or teacher
            (the built-in gradebook).
        district: The id of the only district that they see; without it, they see all. Teachers need one.
        teacher: The roster's id of the teacher who it is, who then sees only their own sections.
        password_stdin: Read the password from standard input; otherwise one is made up.
        sso: Give no password: they sign in with OpenID Connect, under an e-mail address that is this name.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    password = _first_line() if password_stdin else None
    if sso and password_stdin:
        raise UsageError("whoever signs in with OpenID Connect has no password here")
    made = on_database(
        data,
        lambda it: accounts.create(
            it,
            name,
            role,
            system_clock,
            district_id=district and district.lower(),
            user_id=teacher and teacher.lower(),
            password=password,
            elsewhere=sso,
        ),
    )
    if json:
        show_json(_fields_of_new(made))
        return
    print(f"Account {made.account.name} ({made.account.role}) is created.")
    _show_password(made)


@app.command(name="list")
def list_accounts(*, json: bool = False, data: Data = None) -> None:
    """List the accounts.

    Args:
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found, names = with_district_names(data, accounts.list_all)
    rows = (
        {
            "name": account.name,
            "role": account.role,
            "state": "active" if account.disabled is None else "disabled",
            "district_id": account.district_id,
            "district_name": names.get(account.district_id or ""),
            "user_id": account.user_id,
            "created": iso(account.created),
            "last_signed_in": iso(account.signed_in),
        }
        for account in found
    )
    show_rows(rows, _COLUMNS, json=json)


@app.command
def disable(name: str, *, data: Data = None) -> None:
    """Sign somebody out everywhere, and let them sign in no longer.

    Args:
        name: The account's name.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: accounts.disable(it, name, system_clock))
    print(f"Account {name} is disabled.")


@app.command
def enable(name: str, *, data: Data = None) -> None:
    """Let somebody sign in again whose account is disabled.

    Args:
        name: The account's name.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: accounts.enable(it, name))
    print(f"Account {name} is enabled.")


@app.command
def reset(name: str, *, password_stdin: bool = False, json: bool = False, data: Data = None) -> None:
    """Give an account another password, print it this once, and sign them out everywhere.

    Args:
        name: The account's name.
        password_stdin: Read the password from standard input; otherwise one is made up.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    password = _first_line() if password_stdin else None
    made = on_database(data, lambda it: accounts.reset(it, name, password=password))
    if json:
        show_json(_fields_of_new(made))
        return
    print(f"Account {made.account.name} has another password.")
    _show_password(made)


def _first_line() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError("the password is to be the first line of standard input, which is empty")
    return line


def _fields_of_new(made: NewAccount) -> dict[str, str | None]:
    account = made.account
    return {
        "name": account.name,
        "role": account.role,
        "district_id": account.district_id,
        "user_id": account.user_id,
        "password": made.password,
    }


def _show_password(made: NewAccount) -> None:
    if made.password is not None:
        print()
        print(f"  {made.password}")
        print()
        print("Save it now: only its hash is stored, so it cannot be shown again.")
