"""From a request's path to its endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from passback.wire.operations import OPERATIONS, Operation

if TYPE_CHECKING:
    from passback.web.messages import Call, Response

Handler = Callable[["Call"], Coroutine[Any, Any, "Response"]]

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class BrokenPath(ValueError):
    """The path contains a ``%`` that is not followed by two hexadecimal digits."""


class Endpoint(Struct, frozen=True):
    """A path: its segments (None for parameters), and an operation for each method."""

    path: str
    """As in `passback.wire.operations`, such as ``/v3.1/users/{id}``."""
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    """The names of the parameters, in order."""
    operations: Mapping[str, Operation]
    allow: bytes
    """The value of the ``Allow`` header."""

    def parameters(self, segments: list[str]) -> dict[str, str] | None:
        """The values of the parameters, if a path of as many segments matches; else None."""
        values = []
        for wanted, segment in zip(self.segments, segments, strict=True):
            if wanted is None:
                if not segment:
                    return None
                values.append(segment)
            elif wanted != segment:
                return None
        return dict(zip(self.names, values, strict=True))


class Routes:
    """The API's paths (`passback.wire.operations`)."""

    def __init__(self) -> None:
        paths: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS:
            paths.setdefault(operation.path, {})[operation.method] = operation
        self._by_length: dict[int, list[Endpoint]] = {}
        for path, operations in paths.items():
            endpoint = _endpoint(path, operations)
            self._by_length.setdefault(len(endpoint.segments), []).append(endpoint)

    def find(self, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint of a decoded path, and the values of its parameters; None if there is none.

        A path with an empty, ``.`` or ``..`` segment has no endpoint (contract: no redirects).
        """
        segments = path.split("/")
        for endpoint in self._by_length.get(len(segments), ()):
            values = endpoint.parameters(segments)
            if values is not None:
                return None if "." in segments or ".." in segments else (endpoint, values)
        return None


def decode_path(raw: bytes) -> str:
    """Decode a path; bytes that are not UTF-8 become surrogates. Raises `BrokenPath`."""
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise BrokenPath
        raw = unquote_to_bytes(raw)
    return raw.decode("utf-8", "surrogateescape")


def _endpoint(path: str, operations: Mapping[str, Operation]) -> Endpoint:
    segments = path.split("/")
    return Endpoint(
        path=path,
        segments=tuple(None if segment.startswith("{") else segment for segment in segments),
        names=tuple(segment[1:-1] for segment in segments if segment.startswith("{")),
        operations=operations,
        allow=", ".join(sorted(operations)).encode(),
    )
