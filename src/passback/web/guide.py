"""The documentation's site, below ``/docs/guide/``, as `make site` packs it into ``guide.zip``."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

from passback.web.messages import TEXT, Request, Response
from passback.web.pages import READING, not_allowed, public_headers
from passback.wire import errors

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "png": b"image/png",
    "svg": b"image/svg+xml",
}
"""What browsers are told of a file, by how its name ends; any other is plain text."""
_HEADERS = public_headers(
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    b" form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NOT_BUILT = (
    b"This installation was made from a source tree without its documentation: run `make site` there,"
    b" or read the folder docs/.\n"
)


class Guide:
    """A folder's page, in the sense of `passback.web.pages`. The archive is read with the first request."""

    def __init__(self, path: bytes, archive: Traversable | None = None) -> None:
        """`path` is where it is served; a source tree may have no `archive`."""
        self._path = path
        self._archive = archive or files("passback.web").joinpath("guide.zip")

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Raises `Refusal` for a page that does not exist."""
        if request.path != self._path and not request.path.startswith(self._path + b"/"):
            raise errors.resource_not_found()
        if request.method not in READING:
            return not_allowed(*READING)
        if self._packed is None:
            return Response(404, _NOT_BUILT, TEXT)
        if request.path == self._path:  # links of a page lead from its folder
            return Response(302, headers=((b"location", self._path + b"/"),))
        name = request.path[len(self._path) + 1 :].decode("latin-1") or "index.html"
        try:
            content = self._packed.read(name)
        except KeyError:
            raise errors.resource_not_found() from None
        return Response(200, content, _TYPES.get(name.rpartition(".")[2], TEXT), _HEADERS)

    @cached_property
    def _packed(self) -> ZipFile | None:
        try:
            return ZipFile(BytesIO(self._archive.read_bytes()))
        except FileNotFoundError:
            return None
