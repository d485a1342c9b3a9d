"""The ``passback`` command."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import App, Parameter, validators

import passback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passback.app import ByOthers
    from passback.operations.open import Kind

_INTERRUPTED = 130
"""As shells have it: 128 and the number of SIGINT."""
_NO_OPPOSITES = Parameter(negative_bool=(), negative_iterable=())
"""An option that is off by default needs no opposite."""

app = App(
    name="passback",
    help="One API call puts an assignment or a grade into whichever LMS the school district uses.",
    version=passback.__version__,
    default_parameter=_NO_OPPOSITES,
    suppress_keyboard_interrupt=False,  # `main` says what is left
)
_GROUPS = {
    "token": ("tokens", "Create, list, rotate and revoke application tokens."),
    "account": (
        "account",
        "Create, list, disable and reset accounts, with which people sign in to the console.",
    ),
    "gradebook": ("gradebook", "See and change the built-in gradebook as a teacher."),
    "district": ("district", "List, rename and delete districts."),
    "connection": ("connection", "List, check and remove districts' connections to their LMSs."),
    "connector": ("connector", "Make a package for a connector to another LMS."),
    "deliveries": ("deliveries", "List, retry and cancel deliveries to the LMSs."),
    "roster": ("roster", "Import a district's people and sections."),
    "sync": ("sync", "Keep districts in step with their LMSs."),
    "match": ("match", "See and decide which of the LMS's sections and people the roster's are."),
    "webhook": ("webhooks", "List, disable and delete applications' webhooks."),
    "lti": (
        "lti",
        "Show what LMSs need to know of Passback for LTI, and replace the key that it signs with.",
    ),
    "key": ("key", "Make and rotate the key that credentials are encrypted with."),
}
"""The groups of commands: the module of each, and its help."""
_ALONE = {
    "doctor": (
        "doctor:doctor",
        "Check whether a gateway can run here: the machine, the settings, the database, the network.",
        (
            "It changes nothing, and works beside a server that runs. Exit codes: 0 it can run (there may be warnings),"
            " 1 there is a problem, 2 usage error."
        ),
    ),
    "connect": (
        "connect:connect",
        "Connect a district to its LMS, and check that the connection works.",
        (
            "If the LMS cannot be reached or refuses the credentials, nothing changes: no new district is made, and the"
            " district's connection, if it has one, stays as it is."
        ),
    ),
    "audit": (
        "audit:audit",
        "List who made, changed or revoked tokens, connections, webhooks, matches and the key, oldest first.",
    ),
    "backup": (
        "backup:backup",
        "Copy the data file, also while a server runs.",
        (
            "The copy holds students' data: only its owner can read it. Its secrets are encrypted with the secret key,"
            " which is not in the copy. PostgreSQL has pg_dump for this."
        ),
    ),
    "restore": (
        "backup:restore",
        "Put a backup in the data file's place.",
        (
            "The server must be stopped, and the present data file is kept beside. What was delivered since the backup"
            " is looked for in the LMSs, and not sent twice."
        ),
    ),
    "restored": (
        "backup:restored",
        "Say that the data is a copy that was restored, where the start cannot know it.",
        (
            "Such as a PostgreSQL server's files that were restored as a whole, or to a point in time. The servers must"
            " be stopped. What was delivered since the copy was made is looked for in the LMSs, and not sent twice."
        ),
    ),
    "completion": (
        "completion:completion",
        "Print a script that lets a shell complete passback's commands and options.",
    ),
    "status": (
        "status:status",
        "Show what is wrong where, worst first, and how each district is.",
        "Exit codes: 0 nothing is wrong, 1 something is, 2 usage error.",
    ),
    "listen": (
        "listen:listen",
        "Forward an application's webhook messages to an address of this machine, until Ctrl-C.",
        (
            "The messages come with the headers that an endpoint gets, so that their signatures can be verified."
            " Nothing has to reach this machine from outside. The webhook that is made for it is removed at the end."
        ),
    ),
    "trigger": (
        "listen:trigger",
        "Make an event really happen in the sandbox, or send a test message (webhook.test) anywhere.",
        "docs/reference/sandbox-events.md says what each event does to the sandbox.",
    ),
    "simulate": (
        "simulate:simulate",
        "Serve a simulated LMS: a district with sections and people, and faults on demand. It keeps nothing.",
        "docs/reference/simulators.md describes its credentials, its control endpoint and its faults.",
    ),
}
"""The commands outside of groups: the module of each, and the paragraphs of its help.

Their docstrings do not show: a module is imported only when its command runs.
"""

# By name, so that a command imports only what it needs.
for _name, (_module, _help) in _GROUPS.items():
    app.command(f"passback.cli.{_module}:app", name=_name, help=_help)
for _name, (_target, *_paragraphs) in _ALONE.items():
    app.command(f"passback.cli.{_target}", name=_name, help="\n\n".join(_paragraphs))


def group(name: str) -> App:
    """Create a group of commands."""
    return App(name=name, help=_GROUPS[name][1], default_parameter=_NO_OPPOSITES)


Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
Data = Annotated[str | None, Parameter(name="--data")]
"""The folder of the data file; ``:memory:`` keeps nothing."""
File = Annotated[Path, Parameter(converter=lambda _, tokens: Path(tokens[0].value).absolute())]
"""A file or folder. It is absolute, so that every message says where it is."""


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the message says what that leaves."""


@contextlib.contextmanager
def leaving(what: Callable[[], str]) -> Iterator[None]:
    """If Ctrl-C interrupts what is inside the ``with``, say what it leaves. Raises `Interrupted`."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {what()}") from None


class UsageError(Exception):
    """The command was used wrongly; the message says how."""


@app.command
def sandbox(*, host: str | None = None, port: int | None = None, data: Data = None) -> int:
    """Serve the sandbox: fixed districts with published tokens, without any setup.

    Args:
        host: The address to listen on [127.0.0.1].
        port: The port to listen on; 0 picks a free one [8080].
        data: The folder of the data file; ":memory:" keeps nothing [data].
    """
    return _serve("sandbox", host=host, port=port, data=data)


@app.command
def serve(
    *, host: str | None = None, port: int | None = None, data: Data = None, workers: int | None = None
) -> int:
    """Serve the gateway for real districts.

    Args:
        host: The address to listen on [127.0.0.1].
        port: The port to listen on; 0 picks a free one [8080].
        data: The folder of the data file [data].
        workers: How many processes serve on the address; more than one need PostgreSQL [1].
    """
    return _serve("production", host=host, port=port, data=data, workers=workers)


@app.command
def worker(*, data: Data = None) -> int:
    """Deliver in the background beside other processes, without serving the API. Requires PostgreSQL.

    Args:
        data: The folder of the key file [data].
    """
    from passback.app import work
    from passback.settings import load

    settings = load(data=data)
    if not settings.database_url:
        raise UsageError(
            "only the process that serves a data file delivers for it: several processes need PostgreSQL"
            " (PASSBACK_DATABASE_URL)"
        )
    return work(settings)


def _serve(
    kind: Kind, *, host: str | None, port: int | None, data: str | None, workers: int | None = None
) -> int:
    # The server's modules are imported only by the commands that serve.
    from passback.app import CannotListen
    from passback.app import serve as serve_app
    from passback.settings import load

    settings = load(host=host, port=port, data=data, workers=workers)
    by_others: ByOthers | None = None
    if kind == "production" and settings.workers > 1:
        if not settings.database_url:
            raise UsageError(
                "one process serves a data file: it alone counts what tokens and LMSs may still be asked, and several"
                " would take each other's deliveries for abandoned. Several processes (workers) need PostgreSQL"
                " (PASSBACK_DATABASE_URL)"
            )
        from passback.processes import serve_on

        by_others = serve_on
    try:
        return serve_app(settings, kind, by_others)
    except CannotListen as error:
        print(f"passback: {error}", file=sys.stderr)
        return 1


def _require_text(arguments: list[str]) -> None:
    """Raise `UsageError` if an argument is bytes that are not text."""
    if any("\udc80" <= character <= "\udcff" for argument in arguments for character in argument):
        raise UsageError("the command's arguments must be UTF-8")


def main() -> NoReturn:
    """Run the command. Exit codes: 0 success, 1 failure, 2 usage error, 130 Ctrl-C."""
    from passback.operations.errors import OperationError, StoreError, VaultError
    from passback.settings import SettingsError, unknown_variables

    try:
        _require_text(sys.argv)
        for name in unknown_variables():
            print(f"passback: {name} is not a setting of Passback and is ignored", file=sys.stderr)
        code = app(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (SettingsError, UsageError, OperationError) as error:
        _fail(error, 2)
    except (StoreError, VaultError) as error:
        _fail(error, 1)
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"cannot use {Path(os.fsdecode(error.filename)).absolute()}: {error.strerror}", 1)
    except Interrupted as error:
        _fail(error, _INTERRUPTED)
    except KeyboardInterrupt:
        _fail(Interrupted("interrupted"), _INTERRUPTED)
    sys.exit(code or 0)


def _fail(error: Exception | str, code: int) -> NoReturn:
    """Print an error, and end with the exit code."""
    from passback.cli.text import one_line

    print("passback: " + "\n".join(one_line(line) for line in str(error).split("\n")), file=sys.stderr)
    sys.exit(code)
