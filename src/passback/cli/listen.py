"""``passback listen`` and ``passback trigger``: an application's webhooks on its developer's machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from passback.cli import UsageError
from passback.cli.text import one_line
from passback.settings import API_TOKEN as TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.operations.listen import Heard, Hears
    from passback.operations.remote import Api

_GATEWAY = "http://127.0.0.1:8080"
_DEMO_TOKEN = "DEMO_TOKEN"  # noqa: S105 - published

Event = Literal[
    "delivery.delivered",
    "delivery.refused",
    "delivery.expired",
    "assignment.changed_in_lms",
    "assignment.deleted_in_lms",
    "grade.changed_in_lms",
    "connection.broken",
    "connection.down",
    "connection.restored",
    "match.withdrawn",
    "roster.changed",
    "webhook.test",
]
"""What can be triggered."""


def listen(
    *,
    forward_to: str,
    gateway: str = _GATEWAY,
    token: str | None = None,
    event: tuple[str, ...] = (),
    json: bool = False,
) -> None:
    """Forward an application's webhook messages to an address of this machine, until Ctrl-C.

    Args:
        forward_to: Where to send each message, such as localhost:9000/hook; by http:// unless it says https://.
        gateway: The address of the gateway.
        token: The application's token, or @FILE to read it from one [PASSBACK_API_TOKEN; on this machine DEMO_TOKEN].
        event: Only this event; repeat it for several. All, unless given.
        json: Print a JSON object on each line.
    """
    from passback.operations.listen import listen as forward

    target = _address(forward_to if "://" in forward_to else f"http://{forward_to}", "--forward-to")
    printer = _printer(target, as_json=json)

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(NotImplementedError):  # where there are no signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await forward(_api(gateway, token), target, event, printer)

    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(run())


def trigger(event: Event, /, *, gateway: str = _GATEWAY, token: str | None = None) -> None:
    """Make an event really happen in the sandbox, or send a test message (webhook.test) anywhere.

    Args:
        event: The event.
        gateway: The address of the gateway.
        token: The application's token, or @FILE to read it from one [PASSBACK_API_TOKEN; on this machine DEMO_TOKEN].
    """
    from passback.operations.trigger import trigger as make

    asked_for = asyncio.run(make(_api(gateway, token), event))
    print(f"Triggered {event}.")
    if not asked_for:
        print("passback: no webhook of the application asks for it", file=sys.stderr)


def _printer(forward_to: str, *, as_json: bool) -> Hears:
    from passback.operations.listen import Hears

    class Printer(Hears):
        def begun(self, secret: str, events: Sequence[str]) -> None:
            if as_json:
                _print_line({"secret": secret, "events": list(events)})
                return
            print(f"Forwarding to {one_line(forward_to)}: {', '.join(events)}")
            print(f"The messages are signed with {secret}. Ctrl-C ends it.", flush=True)

        def heard(self, message: Heard) -> None:
            if as_json:
                _print_line(msgspec.to_builtins(message))
                return
            came = message.reason if message.status is None else message.status
            print(f"{message.event:<26}  {message.id}  {came}", flush=True)

        def waits(self, reason: str) -> None:
            print(f"passback: {one_line(reason)}; trying again", file=sys.stderr, flush=True)

        def ended(self, left: str | None) -> None:
            if left is not None:
                later = "the gateway deletes the webhook itself after a week"
                print(f"passback: {one_line(left)}; {later}", file=sys.stderr)
            elif not as_json:
                print("The webhook is removed.")

    return Printer()


def _print_line(value: object) -> None:
    print(msgspec.json.encode(value).decode(), flush=True)


def _api(gateway: str, token: str | None) -> Api:
    from passback.operations.remote import Api

    url = urlsplit(_address(gateway, "--gateway"))
    if url.username is not None:
        raise UsageError("--gateway names no user: the token says who asks")
    is_here = url.hostname in ("127.0.0.1", "localhost", "::1")
    found = token or os.environ.get(TOKEN_VARIABLE) or (_DEMO_TOKEN if is_here else "")
    if not found:
        raise UsageError(f"give --token @FILE, or set {TOKEN_VARIABLE}")
    if url.scheme == "http" and not is_here:
        raise UsageError("a token is sent to another machine over https:// only")
    secret = _from_file(found)
    if not (secret.isascii() and secret.isprintable()):
        raise UsageError("the token is none: tokens are printable ASCII characters")
    return Api(gateway, secret)


def _address(given: str, option: str) -> str:
    """A web address, as it is. Raises `UsageError` if it is none."""
    try:
        url = urlsplit(given)
        if url.scheme in ("http", "https") and url.hostname and url.port != 0 and given.isprintable():
            return given
    except ValueError:
        pass
    raise UsageError(f"{option} {given!r} is not a web address: it begins with http:// or https://")


def _from_file(token: str) -> str:
    if not token.startswith("@"):
        return token
    from pathlib import Path

    path = Path(token[1:]).absolute()
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token cannot be read from {path}: {error}") from None
