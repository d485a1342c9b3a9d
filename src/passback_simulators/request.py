"""A request to a simulator."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from msgspec import Struct


class Request(Struct, frozen=True):
    """An HTTP request, with its whole body."""

    method: str
    base_url: str
    """``http://host:port``, as the client addressed it."""
    path: str
    """The decoded path."""
    raw_path: str
    """The path as sent, for signatures."""
    query_string: str
    """The query as sent."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    fault: str | None = None
    """``deleted`` or ``not-enrolled`` if the simulator is to behave as if the assignment, or the student, were."""

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters, in order; a name may be repeated."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    def param(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return dict(self.query).get(name, default)

    def params(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]
