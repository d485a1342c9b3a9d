"""Verifying the messages that the gateway sends, by the library of Standard Webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from passback_client.errors import Error
from passback_client.models import Model


class InvalidSignature(Error):
    """The message is not from the gateway, was changed on the way, or is older than five minutes."""


class Message(Model, frozen=True, kw_only=True):
    """A message that was verified."""

    type: str
    """Such as ``delivery.delivered``."""
    timestamp: datetime
    """When it happened."""
    data: dict[str, Any]
    id: str = ""
    """The same for every try of a message, and for no other: by it a receiver knows that it had it."""


def verify(body: bytes | str, headers: Mapping[str, str], secret: str) -> Message:
    """The message in a request that came to an endpoint; `body` as it came.

    Raises `InvalidSignature` whatever the request holds, and `ValueError` for a secret that is none.
    """
    try:
        webhook = Webhook(secret)
    except Exception as error:  # noqa: BLE001 - the library raises other errors with each version
        raise ValueError(f"the secret is not one that a webhook has: {error}") from None
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    try:
        webhook.verify(body, lower)
        found = msgspec.json.decode(body, type=Message)
    except (WebhookVerificationError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidSignature(str(error)) from None
    return msgspec.structs.replace(found, id=lower.get("webhook-id", ""))
