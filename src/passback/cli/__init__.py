"""The ``passback`` command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import App, Parameter, validators

import passback

if TYPE_CHECKING:
    from passback.store.engine.migrate import Kind

app = App(
    name="passback",
    help="One API call puts an assignment or a grade into whichever LMS the school district uses.",
    version=passback.__version__,
    # What is off unless it is said needs no word for that.
    default_parameter=Parameter(negative_bool=(), negative_iterable=()),
)
for _name, _target, _help in (
    ("token", "tokens:app", "Make, list, rotate and revoke applications' tokens."),
    ("gradebook", "gradebook:app", "Do in the built-in gradebook what a teacher does."),
    ("connect", "connect:connect", "Connect a district to its LMS, and check that it works."),
    ("connection", "connect:app", "See, check and remove districts' connections to their LMSs."),
    ("deliveries", "deliveries:app", "See, retry and cancel deliveries to the LMSs."),
    ("roster", "roster:app", "Bring in a district's people and sections."),
    ("sync", "sync:app", "Keep districts in step with their LMSs."),
    ("match", "match:app", "See and decide which of the LMS's the roster's sections and people are."),
    ("webhook", "webhooks:app", "See, disable and delete applications' webhooks."),
    ("key", "key:app", "Make and rotate the key that credentials are encrypted with."),
    ("simulate", "simulate:simulate", "Serve a simulated LMS."),
):
    # By name, so that a command imports only what it needs.
    app.command(f"passback.cli.{_target}", name=_name, help=_help)

Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
Data = Annotated[str | None, Parameter(name="--data")]
"""The folder of the data file; ``:memory:`` keeps nothing."""


class UsageError(Exception):
    """The command cannot do what was asked; the message says why."""


@app.command
def sandbox(*, host: str | None = None, port: int | None = None, data: Data = None) -> int:
    """Serve the sandbox: fixed districts with published tokens, nothing to set up.

    Args:
        host: The address to listen on [127.0.0.1].
        port: The port to listen on; 0 takes a free one [8080].
        data: The folder of the data file; ":memory:" keeps nothing [data].
    """
    return _serve("sandbox", host=host, port=port, data=data)


@app.command
def serve(*, host: str | None = None, port: int | None = None, data: Data = None) -> int:
    """Serve the gateway for real districts.

    Args:
        host: The address to listen on [127.0.0.1].
        port: The port to listen on; 0 takes a free one [8080].
        data: The folder of the data file [data].
    """
    return _serve("production", host=host, port=port, data=data)


@app.command
def worker(*, data: Data = None) -> int:
    """Deliver in the background beside other processes, without serving the API. Needs PostgreSQL.

    Args:
        data: The folder of the key file [data].
    """
    from passback.app import work
    from passback.settings import load

    settings = load(data=data)
    if not settings.database_url:
        raise UsageError(
            "one process delivers for a data file, and it is the one that serves: several need PostgreSQL"
            " (PASSBACK_DATABASE_URL)"
        )
    return work(settings)


def _serve(kind: Kind, *, host: str | None, port: int | None, data: str | None) -> int:
    # The server's modules are imported only by the commands that serve.
    from passback.app import CannotListen
    from passback.app import serve as serve_app
    from passback.settings import load

    settings = load(host=host, port=port, data=data)
    try:
        return serve_app(settings, kind)
    except CannotListen as error:
        print(f"passback: {error}", file=sys.stderr)
        return 1


def one_line(text: str) -> str:
    """`text` without line breaks and control characters, which would disturb the table or the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _require_text(arguments: list[str]) -> None:
    """Raise `UsageError` where an argument is bytes that are no text."""
    if any("\udc80" <= character <= "\udcff" for argument in arguments for character in argument):
        raise UsageError("the command's arguments must be UTF-8")


def main() -> NoReturn:
    """Run the command. Exit codes: 0 done, 1 could not be done, 2 asked for wrongly."""
    from passback.settings import SettingsError, unknown_variables
    from passback.store.engine.database import StoreError
    from passback.store.engine.vault import VaultError

    try:
        _require_text(sys.argv)
        for name in unknown_variables():
            print(f"passback: {name} is no setting of Passback's and is ignored", file=sys.stderr)
        code = app()
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (SettingsError, UsageError) as error:
        print(f"passback: {error}", file=sys.stderr)
        sys.exit(2)
    except (StoreError, VaultError) as error:
        print(f"passback: {error}", file=sys.stderr)
        sys.exit(1)
    sys.exit(code or 0)
