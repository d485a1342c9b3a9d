"""Serving a simulator to tests that call it from their own thread, as other clients do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from passback_simulators.server import server
from passback_simulators.simulator import Simulator
from support.sandbox import NOW, SetClock


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
        """Make the next request (that matches the rule) meet a fault."""
        self.control("POST", "faults", {"fault": fault, **rule})


@dataclass(frozen=True)
class Controlled(Served):
    """A simulator that is called over one client, with a clock that tests set."""

    http: httpx2.Client

    def control(self, method: str, path: str, content: Any = None) -> Any:
        reply = self.http.request(method, f"{self.url}/_simulator/{path}", json=content)
        assert reply.status_code == 200, reply.text
        return reply.json()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.simulator.clock, SetClock)
        return self.simulator.clock


S = TypeVar("S", bound=Served)


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


def fresh(served: S) -> S:
    """Reset a simulator to its start, at `NOW`."""
    assert isinstance(served.simulator.clock, SetClock)
    served.simulator.clock.now = NOW
    served.simulator.settings = served.simulator.default_settings()
    served.control("POST", "reset")
    return served
