"""Pages outside of the API that need no token: health, metrics and the reference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import passback
from passback.store.engine.database import StoreUnavailable
from passback.web.messages import JSON, Response
from passback.wire.encode import encode

if TYPE_CHECKING:
    from passback.observe.metrics import Metrics
    from passback.store.engine.database import Database
    from passback.web.messages import Receive

Page = Callable[[str, "Receive"], Awaitable[Response]]
"""Answers a request, given its method and body."""

_READING = ("GET", "HEAD")


def health_pages(database: Database, may_act: Callable[[], bool]) -> dict[str, Page]:
    """``/health/live``: the process answers. ``/health/ready``: it can serve, including its store.

    It cannot serve while `may_act` returns False: other processes would treat the work it begins as abandoned.
    """

    async def ready() -> Response:
        try:
            await database.read(lambda conn: conn.execute("SELECT 1").fetchone())
        except StoreUnavailable:
            return Response(503, b'{"status":"store unavailable"}', JSON)
        if not may_act():
            return Response(503, b'{"status":"joining again"}', JSON)
        return Response(200, b'{"status":"ready"}', JSON)

    async def live() -> Response:
        return Response(200, b'{"status":"live"}', JSON)

    return {"/health/live": read_only(live), "/health/ready": read_only(ready)}


def metrics_pages(metrics: Metrics) -> dict[str, Page]:
    """``/metrics``, for Prometheus."""

    async def answer() -> Response:
        # Imported when first asked for: the server starts without it.
        from passback.observe.exposition import CONTENT_TYPE, exposition

        return Response(200, await exposition(metrics, passback.__version__), CONTENT_TYPE)

    return {"/metrics": read_only(answer)}


_REFERENCE_FILES = {
    "index.html": b"text/html; charset=utf-8",
    "reference.css": b"text/css; charset=utf-8",
    "reference.js": b"text/javascript; charset=utf-8",
    "vendor/swagger-ui.css": b"text/css; charset=utf-8",
    "vendor/swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
}
# The page must not load anything from elsewhere; the vendored library sets styles and uses data: images.
_REFERENCE_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"public, max-age=3600"),
)


def reference_pages(*, sandbox: bool) -> dict[str, Page]:
    """``/openapi.json``, and ``/docs``, which shows it and works offline."""

    @cache
    def content() -> bytes:
        # Imported when first asked for: the server starts without it.
        from passback.wire.openapi.document import document

        return encode(document(passback.__version__, sandbox=sandbox))

    async def openapi() -> Response:
        return Response(200, content(), JSON)

    pages = {"/openapi.json": read_only(openapi)}
    for name, content_type in _REFERENCE_FILES.items():
        path = "/docs" if name == "index.html" else "/docs/" + name.rpartition("/")[2]
        pages[path] = _file(name, content_type)
    return pages


def read_only(answer: Callable[[], Awaitable[Response]]) -> Page:
    """A read-only page."""

    async def page(method: str, _receive: Receive) -> Response:
        return await answer() if method in _READING else not_allowed(*_READING)

    return page


def not_allowed(*allowed: str) -> Response:
    """405, with the methods that are allowed."""
    return Response(405, headers=((b"allow", ", ".join(allowed).encode()),))


def _file(name: str, content_type: bytes) -> Page:
    @cache
    def content() -> bytes:
        return files("passback.web").joinpath("reference", *name.split("/")).read_bytes()

    async def answer() -> Response:
        return Response(200, content(), content_type, _REFERENCE_HEADERS)

    return read_only(answer)
