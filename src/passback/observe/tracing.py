"""Traces with OpenTelemetry: off unless asked for, and then nothing of it is imported.

There is one tracer for the process, as there is one log: spans find each other by the context they run in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from passback.observe.spans import Tracing

Mode = Literal["off", "otlp"]

_tracing: Tracing | None = None


class NotInstalled(Exception):
    """Traces are asked for, and what makes them is not installed."""


def start(mode: Mode, version: str) -> None:
    """Trace from now on, where `mode` says so. Raises `NotInstalled`."""
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
    """Trace with `tracing` from now on; not at all with None."""
    global _tracing
    _tracing = tracing


def stop() -> None:
    """Send what there is, and trace no more."""
    if _tracing is not None:
        _tracing.close()
    use(None)


class Span(Protocol):
    """A part of a trace: it lasts as long as the ``with``."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the other side of this span."""
        ...

    def __enter__(self) -> Span: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def answered(self, status: int, path: str | None = None, **attributes: str) -> None:
        """Note the answer, and for a server the path's template."""
        ...


class _NoSpan:
    """The span while there are no traces."""

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


def server_span(method: str, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> Span:
    """A request of a client, whose own trace it continues where its headers tell one."""
    return _NO_SPAN if _tracing is None else _tracing.server_span(method, headers, request_id)


def client_span(method: str, url: str) -> Span:
    """A request of ours to another's server; of the address, only the server is told."""
    return _NO_SPAN if _tracing is None else _tracing.client_span(method, url)


def traceparent() -> str | None:
    """The current span as text, to be continued elsewhere or later; None where there is none."""
    return None if _tracing is None else _tracing.traceparent()


def continued(traceparent: str | None, name: str) -> AbstractContextManager[object]:
    """A span `name` inside the ``with``, in the trace of `traceparent`; in a new one where that is None or no good."""
    return nullcontext() if _tracing is None else _tracing.continued(traceparent, name)


def trace_id() -> str | None:
    """The id of the current trace, for logs; None where there is none."""
    return None if _tracing is None else _tracing.trace_id()
