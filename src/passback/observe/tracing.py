"""Tracing with OpenTelemetry: off by default, and not even imported then.

A process has one tracer, as it has one log: spans find their parents through the context they run in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from passback.observe.spans import Tracing

Mode = Literal["off", "otlp"]

_tracing: Tracing | None = None


class NotInstalled(Exception):
    """Tracing is on, but OpenTelemetry is not installed."""


def start(mode: Mode, version: str) -> None:
    """Start tracing, if `mode` says so. Raises `NotInstalled`."""
    if mode == "off":
        return
    try:
        from passback.observe.spans import Tracing, otlp
    except ImportError as error:
        raise NotInstalled(
            f"tracing needs the extra 'opentelemetry': pip install 'passback[opentelemetry]' ({error})"
        ) from None
    use(Tracing(otlp(version)))


def use(tracing: Tracing | None) -> None:
    """Use `tracing` from now on; None turns tracing off."""
    global _tracing
    _tracing = tracing


def stop() -> None:
    """Export pending spans and stop tracing."""
    if _tracing is not None:
        _tracing.close()
    use(None)


class Span(Protocol):
    """A span, which lasts as long as the ``with``."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that pass this span on to the other side."""
        ...

    def __enter__(self) -> Span: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def answered(self, status: int, path: str | None = None, **attributes: str) -> None:
        """Record the response, and on a server the path's template."""
        ...


class _NoSpan:
    """The span if tracing is off."""

    headers: Mapping[str, str] = {}

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def answered(self, *_: object, **__: object) -> None:
        return None


_NO_SPAN: Span = _NoSpan()


def server_span(method: str, headers: Mapping[bytes, Sequence[bytes]], request_id: str) -> Span | None:
    """A span for a client's request, in the client's trace if its headers name one; None if tracing is off."""
    return None if _tracing is None else _tracing.server_span(method, headers, request_id)


def client_span(method: str, url: str) -> Span:
    """A span for our request to another server; only the server is recorded of the URL."""
    return _NO_SPAN if _tracing is None else _tracing.client_span(method, url)


def traceparent() -> str | None:
    """The current span as text, to continue it elsewhere or later; None if there is none."""
    return None if _tracing is None else _tracing.traceparent()


def continued(traceparent: str | None, name: str) -> AbstractContextManager[object]:
    """A span `name` inside the ``with``, in the trace of `traceparent`, or a new trace if that is None or invalid."""
    return nullcontext() if _tracing is None else _tracing.continued(traceparent, name)


def trace_id() -> str | None:
    """The id of the current trace, for logs; None if there is none."""
    return None if _tracing is None else _tracing.trace_id()
