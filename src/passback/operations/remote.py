"""Asking a running gateway over HTTP, as an application does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 60.0
_LARGEST_ANSWER = 8 * 1024 * 1024
_NO_GATEWAY = "what answers is no gateway: is its address right?"
_Kind = TypeVar("_Kind")


class NoAnswer(OperationError):
    """The gateway, or whoever is asked, gives no answer."""


class Answered(Struct, frozen=True):
    """An answer."""

    status: int
    content: Any
    """The body's JSON; None if there is no body, and text if it is no JSON."""
    headers: Mapping[str, str]
    """By lower-case names."""

    @property
    def data(self) -> Any:
        """What was asked for, if that is something. Raises `OperationError` for an error, and if no gateway answers."""
        if self.status >= 300:
            raise OperationError(f"the gateway answers {self.status}: {self.message or 'nothing more'}")
        if self.content is not None and not isinstance(self.content, dict):
            raise OperationError(_NO_GATEWAY)
        return self.content and self.content.get("data")

    @property
    def record(self) -> dict[str, Any]:
        """The object that was asked for. Raises as `data`."""
        return self._of(dict)

    @property
    def records(self) -> list[Any]:
        """The list that was asked for. Raises as `data`."""
        return self._of(list)

    def _of(self, kind: type[_Kind]) -> _Kind:
        found = self.data
        if not isinstance(found, kind):
            raise OperationError(_NO_GATEWAY)
        return found

    @property
    def message(self) -> str:
        """What an error says."""
        return str(self.content.get("message", "")) if isinstance(self.content, dict) else ""


class Api:
    """A gateway's API, for the application of a token."""

    def __init__(self, url: str, token: str) -> None:
        """`url` may end with the path of the API, as documents show it."""
        self.url = url.rstrip("/").removesuffix("/v3.1")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Send a request to a path. Raises `NoAnswer`."""
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            return await send(method, self.url + path, {**self._headers, **(headers or {})}, content)
        except NoAnswer as error:
            raise NoAnswer(f"no answer from the gateway at {self.url}: {error}") from None


async def send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
    """Send a request, and read the answer. Raises `NoAnswer`."""
    from passback.network.addresses import Unreachable
    from passback.network.client import Client, Failed

    client = Client(_SECONDS)
    try:
        async with asyncio.timeout(_SECONDS), client.asking(method, url, headers, body) as response:
            found = b""
            async for part in response.parts():
                found += part
                if len(found) > _LARGEST_ANSWER:
                    raise NoAnswer("the answer is too long")
            return Answered(response.status, _json(found), response.headers)
    except TimeoutError:
        raise NoAnswer("it took too long") from None
    except (Failed, Unreachable) as error:
        raise NoAnswer(str(error)) from None
    finally:
        await client.close()


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")
