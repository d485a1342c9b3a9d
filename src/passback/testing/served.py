"""Serving a simulator to tests that call it from their own thread, and having it fail on request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from passback_simulators.reply import Reply
from passback_simulators.request import Request
from passback_simulators.server import server
from passback_simulators.simulator import Simulator


class Content(Protocol):
    """Everything that a simulated LMS holds."""

    def content(self) -> dict[str, Any]:
        """All of it."""
        ...

    def replace(self, content: dict[str, Any]) -> None:
        """Hold this instead."""
        ...


class Answering(Protocol):
    """A simulated LMS whose answers the suite may change on their way to the connector."""

    @property
    def answer(self) -> Callable[[Request], Awaitable[Reply]]:
        """Answers a request; the suite puts something else in its place for a while."""
        ...

    @property
    def records(self) -> Content:
        """What it holds: the suite lets it show for a moment what it held before a change."""
        ...

    def named(self, request: Request) -> tuple[str, str]:
        """Return the method and path of a request: GET if it only reads, whatever it was sent as."""
        ...


class FailsOnRequest(Protocol):
    """What the suite needs of a simulator beyond its answers: that it fails when it is asked to.

    Every simulator that is made with `passback_simulators.simulator` does, once `serving` serves it.
    """

    @property
    def simulator(self) -> Answering:
        """What answers."""
        ...

    def fail(
        self, fault: str, *, method: str | None = None, path: str | None = None, times: int | None = 1
    ) -> None:
        """Make the next requests, all if `times` is None, meet a fault of `passback_simulators.faults`.

        Only those of this method, and whose path contains this regular expression.
        """
        ...

    def mend(self) -> None:
        """Fail no more."""
        ...

    def requests(self) -> list[str]:
        """Return the method and path of each request since this was last asked."""
        ...

    def ask_to_wait(self, seconds: str) -> None:
        """Send this as ``Retry-After`` with every throttled request from now on."""
        ...


@dataclass(frozen=True)
class Served:
    """A simulator that listens on loopback."""

    simulator: Simulator
    url: str

    def control(self, method: str, path: str, content: Any = None) -> Any:
        """Call the control endpoint; returns the reply's content."""
        # Certificates would be read for each request, which costs more than all the rest.
        reply = httpx2.request(method, f"{self.url}/_simulator/{path}", json=content, verify=False)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def fail(self, fault: str, **rule: Any) -> None:
        """Make the next requests that match the rule meet a fault. See `passback_simulators.faults.Rule`."""
        self.control("POST", "faults", {"fault": fault, **rule})

    def mend(self) -> None:
        """Fail no more."""
        self.control("DELETE", "faults")

    def requests(self) -> list[str]:
        """Return the method and path of each request since this was last asked."""
        made: list[str] = self.control("GET", "requests")
        self.control("DELETE", "requests")
        return made

    def ask_to_wait(self, seconds: str) -> None:
        """Send this as ``Retry-After`` with every throttled request from now on."""
        self.control("PUT", "settings", {"retry_after": seconds})


_ENDING: list[tuple[threading.Thread, socket.socket]] = []
"""Servers that are stopping, which takes a tenth of a second each: tests do not wait for it until the very end."""


def end_servers(but: int = 0) -> None:
    """Wait for the servers that are stopping, except the last few."""
    while len(_ENDING) > but:
        thread, listener = _ENDING.pop(0)
        thread.join(10)
        listener.close()


@contextlib.contextmanager
def serving(simulator: Simulator) -> Iterator[Served]:
    """Serve a started simulator on a free port."""
    running = server(simulator)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield Served(simulator, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        running.should_exit = True
        _ENDING.append((thread, listener))
        end_servers(but=5)
