"""What is served beside the API without a token: health and the reference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from passback.store.database import StoreUnavailable
from passback.web.messages import JSON, Response

if TYPE_CHECKING:
    from passback.store.database import Database
    from passback.web.messages import Receive

Page = Callable[[str, "Receive"], Awaitable[Response]]
"""Answers a method and the request's body."""

_READING = ("GET", "HEAD")


def health_pages(database: Database) -> dict[str, Page]:
    """``/health/live``: the process answers. ``/health/ready``: it can serve, its store included."""

    async def ready() -> Response:
        try:
            await database.read(lambda conn: conn.execute("SELECT 1").fetchone())
        except StoreUnavailable:
            return Response(503, b'{"status":"store unavailable"}', JSON)
        return Response(200, b'{"status":"ready"}', JSON)

    async def live() -> Response:
        return Response(200, b'{"status":"live"}', JSON)

    return {"/health/live": reading(live), "/health/ready": reading(ready)}


def reference_pages() -> dict[str, Page]:
    """``/openapi.json``, and ``/docs`` that shows it without needing a network."""
    return {
        "/openapi.json": _file("passback.wire", "openapi.json", JSON),
        "/docs": _file("passback.web", "reference/index.html", b"text/html; charset=utf-8"),
        "/docs/reference.js": _file(
            "passback.web", "reference/reference.js", b"text/javascript; charset=utf-8"
        ),
        "/docs/reference.css": _file("passback.web", "reference/reference.css", b"text/css; charset=utf-8"),
    }


def reading(answer: Callable[[], Awaitable[Response]]) -> Page:
    """A page that can only be read."""

    async def page(method: str, _receive: Receive) -> Response:
        return await answer() if method in _READING else not_allowed(*_READING)

    return page


def not_allowed(*allowed: str) -> Response:
    """405, with the methods that are."""
    return Response(405, headers=((b"allow", ", ".join(allowed).encode()),))


def _file(package: str, name: str, content_type: bytes) -> Page:
    @cache
    def content() -> bytes:
        return files(package).joinpath(name).read_bytes()

    async def answer() -> Response:
        return Response(200, content(), content_type)

    return reading(answer)
