"""Observes each request to this server: its id, metrics, access log line and span."""

from __future__ import annotations

import logging
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from passback.observe import request_id, tracing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.observe.metrics import Metrics

log = logging.getLogger("passback.access")

CLIENT_GONE = 499
"""The status recorded if the client disconnected before it was answered."""

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_OTHER_METHOD = "other"


class ObservedRequest:
    """A request that is being answered, inside the ``with``; handlers fill in its fields as they learn them."""

    __slots__ = (
        "_began", "_metrics", "_span",
        "application", "district_id", "id", "method", "operation", "path", "status",
    )  # fmt: skip

    def __init__(self, metrics: Metrics, method: str, headers: Mapping[bytes, Sequence[bytes]]) -> None:
        self._began = perf_counter()
        self._metrics = metrics
        self.id = request_id.begin(headers)
        # Clients can send any method; unknown ones must not create new label values.
        self.method = method if method in _METHODS else _OTHER_METHOD
        self.operation = "none"
        self.path: str | None = None
        """The path's template, as the path itself contains students' ids."""
        self.district_id = ""
        self.application = ""
        self.status = CLIENT_GONE
        self._span = tracing.server_span(method, headers, self.id)

    def __enter__(self) -> ObservedRequest:
        if self._span is not None:
            self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._account(perf_counter() - self._began)
        if self._span is not None:
            self._span.answered(
                self.status, self.path, district_id=self.district_id, application=self.application
            )
            self._span.__exit__(kind, error, traceback)

    def _account(self, seconds: float) -> None:
        metrics = self._metrics
        metrics.requests.add(self.operation, self.method, str(self.status))
        metrics.request_seconds.add(seconds, self.operation)
        if self.status == 429:
            metrics.rate_limited.add()
        if self.operation != "page" and log.isEnabledFor(logging.INFO):
            self._log(seconds)

    def _log(self, seconds: float) -> None:
        fields = {
            "method": self.method,
            "path": self.path or "-",
            "status": self.status,
            "milliseconds": round(seconds * 1000, 1),
            "district_id": self.district_id or "-",
            "application": self.application or "-",
        }
        log.info(
            "%(method)s %(path)s %(status)d in %(milliseconds).1f ms, district %(district_id)s, "
            "application %(application)s",
            fields,
            extra=fields,
        )
