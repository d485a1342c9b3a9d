"""OpenTelemetry spans, by its conventions for HTTP. Only `tracing` imports this, if tracing is on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_OTHER_METHOD = "_OTHER"
_TRACE_HEADERS = (b"traceparent", b"tracestate")
_W3C = TraceContextTextMapPropagator()


def otlp(version: str) -> TracerProvider:
    """A provider that exports spans in a background thread, as the ``OTEL_*`` variables say."""
    logging.getLogger("opentelemetry.util.re").addFilter(_without_headers)
    ours = Resource.create({"service.name": "passback", "service.version": version})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _without_headers(record: logging.LogRecord) -> bool:
    """A filter: headers that are written wrongly are logged whole, and one of them is the collector's key."""
    record.args = tuple("(not shown)" for _ in record.args or ())
    return True


class Tracing:
    """Creates spans."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("passback")

    def close(self) -> None:
        """Export what is pending."""
        self._provider.shutdown()

    def server_span(self, method: str, headers: Mapping[bytes, Sequence[bytes]], request_id: str) -> HttpSpan:
        """See `passback.observe.tracing.server_span`."""
        carrier = {
            name.decode(): headers[name][-1].decode("latin-1") for name in _TRACE_HEADERS if name in headers
        }
        known = _known_method(method)
        span = self._tracer.start_span(
            _span_name(known),
            _context(carrier),
            SpanKind.SERVER,
            {"http.request.method": known, "url.scheme": "http", "passback.request_id": request_id},
        )
        return HttpSpan(span, known, failure=500)

    def client_span(self, method: str, url: str) -> HttpSpan:
        """See `passback.observe.tracing.client_span`."""
        parts = urlsplit(url)
        known = _known_method(method)
        span = self._tracer.start_span(
            _span_name(known),
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": known,
                "url.scheme": parts.scheme,
                "server.address": parts.hostname or "",
                "server.port": _port(parts),
            },
        )
        return HttpSpan(span, known, failure=400)

    def traceparent(self) -> str | None:
        """See `passback.observe.tracing.traceparent`."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent")

    def continued(self, traceparent: str | None, name: str) -> AbstractContextManager[object]:
        """See `passback.observe.tracing.continued`."""
        context = _context({} if traceparent is None else {"traceparent": traceparent})
        return self._tracer.start_as_current_span(
            name, context, SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
        )

    def trace_id(self) -> str | None:
        """See `passback.observe.tracing.trace_id`."""
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.is_valid else None


class HttpSpan:
    """A span of one HTTP request. See `passback.observe.tracing.Span`."""

    def __init__(self, span: trace.Span, method: str, *, failure: int) -> None:
        """Responses with status `failure` or higher are errors: 4xx only count as errors for a client."""
        self._span = span
        self._method = method
        self._failure = failure
        # An exception's message may contain a secret or a student's data, so only its type is recorded.
        self._current = trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """See `passback.observe.tracing.Span`. Without ``tracestate``, which is for the client's own systems."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(self._span, Context()))
        return {name: value for name, value in carrier.items() if name == "traceparent"}

    def __enter__(self) -> HttpSpan:
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._failed(type(error).__qualname__)
        self._current.__exit__(kind, error, traceback)

    def answered(self, status: int, path: str | None = None, **attributes: str) -> None:
        """Record the response."""
        self._span.set_attribute("http.response.status_code", status)
        if path is not None:
            self._span.update_name(f"{_span_name(self._method)} {path}")
            # The path itself contains students' ids, so its template stands in.
            self._span.set_attributes({"http.route": path, "url.path": path})
        self._span.set_attributes({f"passback.{name}": value for name, value in attributes.items()})
        if status >= self._failure:
            self._failed(str(status))

    def _failed(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))


def _context(carrier: Mapping[str, str]) -> Context:
    """The context in the headers, independent of the current one."""
    return _W3C.extract(carrier, Context())


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0  # the request itself will fail


def _known_method(method: str) -> str:
    return method if method in _METHODS else _OTHER_METHOD


def _span_name(method: str) -> str:
    return "HTTP" if method == _OTHER_METHOD else method
