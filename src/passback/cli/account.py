"""``passback account``: who may sign in to the console."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from passback.cli import Data, UsageError, group
from passback.cli.data import on_database
from passback.cli.text import show_time
from passback.domain.clock import system_clock
from passback.operations import accounts

if TYPE_CHECKING:
    from passback.operations.accounts import NewAccount

app = group("account")


@app.command
def create(
    name: str,
    *,
    role: str,
    district: str | None = None,
    teacher: str | None = None,
    password_stdin: bool = False,
    sso: bool = False,
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
    print(f"Account {made.account.name} ({made.account.role}) is created.")
    _show_password(made)


@app.command(name="list")
def list_accounts(*, data: Data = None) -> None:
    """List the accounts.

    Args:
        data: The folder of the data file [data].
    """
    found = on_database(data, accounts.list_all)
    print(f"{'role':<8}  {'district':<24}  {'state':<8}  {'last signed in':<20}  name")
    for account in found:
        state = "active" if account.disabled is None else "disabled"
        district = account.district_id or "all"
        print(
            f"{account.role:<8}  {district:<24}  {state:<8}  {show_time(account.signed_in):<20}  {account.name}"
        )


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
def reset(name: str, *, password_stdin: bool = False, data: Data = None) -> None:
    """Give an account another password, print it this once, and sign them out everywhere.

    Args:
        name: The account's name.
        password_stdin: Read the password from standard input; otherwise one is made up.
        data: The folder of the data file [data].
    """
    password = _first_line() if password_stdin else None
    made = on_database(data, lambda it: accounts.reset(it, name, password=password))
    print(f"Account {made.account.name} has another password.")
    _show_password(made)


def _first_line() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError("the password is to be the first line of standard input, which is empty")
    return line


def _show_password(made: NewAccount) -> None:
    if made.password is not None:
        print()
        print(f"  {made.password}")
        print()
        print("Save it now: only its hash is stored, so it cannot be shown again.")
