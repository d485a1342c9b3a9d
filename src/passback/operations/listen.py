"""Forwarding an application's webhook messages to an address of its own machine, which nothing reaches from outside.

A webhook without an address keeps the messages, and they are fetched: so it works with every gateway that the machine
can call. It exists only while somebody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from passback.operations.errors import OperationError
from passback.operations.remote import Api, NoAnswer, send

_WAIT_SECONDS = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


class Heard(Struct, frozen=True):
    """A message that was forwarded."""

    event: str
    id: str
    status: int | None
    """What the address answered; None if it gave no answer."""
    reason: str | None = None
    """Why there is none."""


class Hears:
    """What listens is told what happens. Nothing is done with it here."""

    def begun(self, secret: str, events: Sequence[str]) -> None:
        """Messages of these events are forwarded from now on, signed with that secret."""

    def heard(self, message: Heard) -> None:
        """A message was forwarded."""

    def waits(self, reason: str) -> None:
        """The gateway cannot be asked; it is tried again."""

    def ended(self, left: str | None) -> None:
        """Nothing is forwarded any more. `left` is why the webhook could not be removed; None if it was."""


async def listen(api: Api, forward_to: str, events: Sequence[str], hears: Hears) -> None:
    """Forward the messages of `events`, or of all, until cancelled.

    A message counts as received once the address has been asked, whatever it answered. Raises `OperationError` if it
    cannot begin, or the gateway refuses the token meanwhile.
    """
    every = events or await _all_events(api)
    webhook = await _register(api, every, hears)
    try:
        pause, done = _FIRST_PAUSE, list[str]()
        while True:
            try:
                answer = await api.call(
                    "POST", f"/v3.1/webhooks/{webhook}/fetch?wait={_WAIT_SECONDS}&done={','.join(done)}"
                )
                if answer.status in (401, 403):
                    break
                if answer.status == 404:  # somebody has deleted it, or reset the sandbox
                    webhook, done = await _register(api, every, hears), []
                    continue
                found = answer.records
            except OperationError as error:
                hears.waits(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            done = [it["id"] for it in found]
            for message in found:
                hears.heard(await _forward(forward_to, message))
    finally:
        hears.ended(await _remove(api, webhook))
    _ = answer.data  # raises what the gateway said


async def _all_events(api: Api) -> list[str]:
    """Every event that the gateway knows, also those that must be named."""
    document = await api.call("GET", "/openapi.json")
    content = document.content if isinstance(document.content, dict) else {}
    found: Any = content.get("components", {}).get("schemas", {}).get("WebhookEvent", {}).get("enum")
    if not found:
        raise OperationError(
            "what answers is no gateway that keeps messages to be fetched: is its address right?"
        )
    return list(found)


async def _register(api: Api, events: Sequence[str], hears: Hears) -> str:
    made = (await api.call("POST", "/v3.1/webhooks", {"fetch": True, "events": list(events)})).record
    hears.begun(made["secret"], made["events"])
    return str(made["id"])


async def _remove(api: Api, webhook: str) -> str | None:
    """Remove the webhook; returns why that failed, or None."""
    try:
        answer = await api.call("DELETE", f"/v3.1/webhooks/{webhook}")
        if answer.status != 404:
            _ = answer.data
    except OperationError as error:
        return str(error)
    return None


async def _forward(address: str, message: dict[str, Any]) -> Heard:
    body = str(message["body"]).encode()
    kind = str(msgspec.json.decode(body)["type"])
    try:
        answer = await send("POST", address, message["headers"], body)
    except NoAnswer as error:
        return Heard(kind, message["id"], None, str(error))
    return Heard(kind, message["id"], answer.status)
