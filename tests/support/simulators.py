"""Simulators that tests keep between them, with clocks that they set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from passback.testing.clock import NOW, SetClock
from passback.testing.served import Served


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


def fresh(served: S) -> S:
    """Reset a simulator to its start, at `NOW`."""
    assert isinstance(served.simulator.clock, SetClock)
    served.simulator.clock.now = NOW
    served.simulator.settings = served.simulator.default_settings()
    served.control("POST", "reset")
    return served
