"""Pages outside of the API that need no token: health, metrics and the reference."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import passback
from passback.store.engine.database import StoreUnavailable
from passback.web.messages import JSON, Request, Response
from passback.wire import errors
from passback.wire.encode import encode

if TYPE_CHECKING:
    from passback.observe.metrics import Metrics
    from passback.store.engine.database import Database
    from passback.web.messages import Header, Headers

Page = Callable[[Request], Awaitable[Response]]
"""Answers a request."""

READING = ("GET", "HEAD")
"""The methods of pages."""


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


def public_headers(policy: bytes) -> tuple[Header, ...]:
    """Those of a page that is the same for everybody; `policy` says what browsers may load for it."""
    return (
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"public, max-age=3600"),
    )


_REFERENCE_FILES = {
    "index.html": b"text/html; charset=utf-8",
    "mark.svg": b"image/svg+xml",
    "reference.css": b"text/css; charset=utf-8",
    "reference.js": b"text/javascript; charset=utf-8",
    "vendor/swagger-ui.css": b"text/css; charset=utf-8",
    "vendor/swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
}
# The page must not load anything from elsewhere; the vendored library sets styles and uses data: images.
_REFERENCE_HEADERS = public_headers(
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
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


class Guard:
    """Lets those read some pages who have a token: as ``Bearer``, or for browsers as the password of anybody."""

    def __init__(self, token: str, paths: Iterable[str]) -> None:
        """Without a token, everybody may read them."""
        self._token = token.encode()
        self._paths = frozenset(paths)

    def refusal(self, path: str, headers: Headers) -> Response | None:
        """The answer to a request without the token; None if it may go on."""
        if not self._token or path not in self._paths:
            return None
        given = headers.get(b"authorization", (b"",))
        if hmac.compare_digest(_secret_in(given[0]), self._token):
            return None
        challenge = (b"www-authenticate", b'Basic realm="Passback", charset="UTF-8"')
        return Response(
            401, b'{"message":"This page needs the token of the setting pages_token"}', JSON, (challenge,)
        )


def _secret_in(authorization: bytes) -> bytes:
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return value
    try:
        return (
            base64.b64decode(value, validate=True).partition(b":")[2] if scheme.lower() == b"basic" else b""
        )
    except binascii.Error:
        return b""


def read_only(answer: Callable[[], Awaitable[Response]]) -> Page:
    """A read-only page."""

    async def page(request: Request) -> Response:
        return await answer() if request.method in READING else not_allowed(*READING)

    return page


def lead_to(path: str) -> Page:
    """Sends browsers on to another page. Nothing is there for any other client, as in the contract."""

    async def page(request: Request) -> Response:
        wants_page = any(b"text/html" in value for value in request.values(b"accept"))
        if request.method not in READING or not wants_page:
            raise errors.resource_not_found()
        return Response(302, headers=((b"location", path.encode()),))

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
