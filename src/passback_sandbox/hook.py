"""Catching webhooks: an endpoint on loopback that verifies what comes, and keeps it."""

from __future__ import annotations

import hmac
import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx2
from standardwebhooks import Webhook, WebhookVerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from passback_sandbox.sandbox import Sandbox


@dataclass(frozen=True)
class Message:
    """A message that came, and was signed as it must be."""

    id: str
    type: str
    data: dict[str, Any]


class Receiver:
    """An endpoint that catches messages."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._caught: list[Message | WebhookVerificationError] = []
        """In the order in which they came; `next` takes from it."""
        self._came = threading.Condition()
        self._secrets: list[str] = []
        self.answers = 200
        """The status with which messages are answered."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                receiver._take(body, dict(self.headers.items()))
                self.send_response(receiver.answers)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing into the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def register(self, token: str | None = None, events: Sequence[str] | None = None) -> str:
        """Register the endpoint for the application of a token (the built-in gradebook's); returns the webhook's id."""
        content = {"url": self.url, **({"events": list(events)} if events is not None else {})}
        headers = {"Authorization": f"Bearer {token or self._sandbox.token}"}
        answer = httpx2.post(
            f"{self._sandbox.url}/v3.1/webhooks", json=content, headers=headers, trust_env=False
        )
        answer.raise_for_status()
        made = answer.json()["data"]
        self._secrets.append(made["secret"])
        return str(made["id"])

    def next(self, type_: str | None = None, within: float = 10.0) -> Message:
        """The next message, or the next of a type; it may take `within` so many seconds. Raises `TimeoutError`.

        Each is returned once; those of other types wait for a later call. A message that is not signed as it must be is
        raised as the library's error.
        """
        give_up = time.monotonic() + within
        with self._came:
            while (found := self._first(type_)) is None:
                if not self._came.wait(give_up - time.monotonic()):
                    others = ", ".join(it.type for it in self._caught if isinstance(it, Message)) or "none"
                    wanted = "message" if type_ is None else f"message of {type_}"
                    raise TimeoutError(f"no {wanted} came within {within:g} s; of others: {others}")
            self._caught.remove(found)
        if isinstance(found, WebhookVerificationError):
            raise found
        return found

    def _first(self, type_: str | None) -> Message | WebhookVerificationError | None:
        for it in self._caught:
            if isinstance(it, WebhookVerificationError) or type_ in (None, it.type):
                return it
        return None

    def _take(self, body: bytes, headers: dict[str, str]) -> None:
        named = {name.lower(): value for name, value in headers.items()}
        try:
            found = self._verified(body, named)
        except (KeyError, ValueError):
            found = None
        with self._came:
            self._caught.append(
                found or WebhookVerificationError("a message came that is not signed as it must be")
            )
            self._came.notify_all()

    def _verified(self, body: bytes, headers: dict[str, str]) -> Message | None:
        """The message, if one of the secrets has signed it; of any age, as the sandbox's clock may have been moved."""
        id_, text = headers["webhook-id"], body.decode()
        sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signatures = [Webhook(secret).sign(id_, sent, text) for secret in self._secrets]
        given = headers["webhook-signature"].split()
        if not any(hmac.compare_digest(one, other) for one in signatures for other in given):
            return None
        content = json.loads(text)
        return Message(id_, content["type"], content["data"])
