"""Moodle's web services as the connector uses them: one address, parameters as PHP writes them, errors with status 200.

Source: Moodle's developer documentation, "Web services".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback.lms.http.client import LmsClient
from passback.lms.http.reply import throttled_for
from passback.lms.interface import LmsError, NotAllowed
from passback.lms.moodle import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from passback.lms.http.reply import Reply
    from passback.lms.interface import LmsConnection, Thing

SITE_INFO = "core_webservice_get_site_info"
"""What every token may call."""
_SERVER = "webservice/rest/server.php"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_AT_ONCE = 4
_WAIT_SECONDS = 5.0
_CLASHES = (0.2, 1.0)
"""The seconds before each further try of what the database did not write."""


class MoodleManners:
    """Moodle takes its token as a parameter, and answers with status 200. See `passback.lms.http.client.Manners`."""

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def refused_credentials(self, reply: Reply) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def throttled(self, reply: Reply) -> float | None:
        return throttled_for(reply, default=_WAIT_SECONDS)

    def room(self, reply: Reply) -> float | None:  # noqa: ARG002 - it never says
        return None

    def own_refusal(self, reply: Reply) -> bool:  # noqa: ARG002 - any other status is of what is before it
        return False


class MoodleApi:
    """Calls to one Moodle."""

    def __init__(self, connection: LmsConnection) -> None:
        self._token = connection.credentials.get("token", "")
        self._timer = connection.timer
        self._client = LmsClient(connection, MoodleManners(), most_at_once=_AT_ONCE)

    async def read(self, function: str, gone: Thing = "assignment", /, **params: Any) -> Any:
        """Return what a function that only reads answers. Raises `LmsError`; `gone` is what may not exist."""
        reply = await self._client.send(
            "POST", _SERVER, content=self._form(function, params), headers=_FORM, reads=True
        )
        try:
            return _content(reply, function, gone, reads=True)
        except errors.NoAccess as error:
            raise await self._explained(error, function) from None

    async def write(
        self, function: str, gone: Thing = "assignment", /, *, safe: bool = True, **params: Any
    ) -> tuple[Reply, Any]:
        """Call a function that changes something; returns the answer. Raises `LmsError`.

        If `safe`, what the database did not write is sent again.
        """
        for seconds in (*_CLASHES, None):
            reply = await self._client.send(
                "POST", _SERVER, content=self._form(function, params), headers=_FORM, safe=safe
            )
            try:
                return reply, _content(reply, function, gone, reads=False)
            except errors.NoAccess as error:
                raise await self._explained(error, function) from None
            except errors.Clash:
                if seconds is None or not safe:
                    raise
                await self._timer.sleep(seconds)
        raise AssertionError

    async def change(self, function: str, gone: Thing = "assignment", /, **params: Any) -> None:
        """Call a function that changes something and answers nothing; parameters as for `write`. Raises `LmsError`."""
        reply, content = await self.write(function, gone, **params)
        if content is not None:
            raise reply.useless("is not empty")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _explained(self, error: errors.NoAccess, function: str) -> LmsError:
        """Return what it means that access to a function is refused, by whether any other works."""
        if function == SITE_INFO:
            return error.of_token
        try:
            await self.read(SITE_INFO, "section")
        except NotAllowed:
            return error.of_token
        except LmsError:
            return error
        return error

    def _form(self, function: str, params: Mapping[str, Any]) -> bytes:
        own = {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json"}
        return urlencode([*own.items(), *_flat(params)]).encode()


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The parameters as PHP writes them: ``grades[0][userid]``."""
    for name, value in params.items():
        key = f"{prefix}[{name}]" if prefix else name
        match value:
            case dict():
                yield from _flat(value, key)
            case list() | tuple():
                yield from _flat({str(at): one for at, one in enumerate(value)}, key)
            case bool():
                yield key, str(int(value))
            case Decimal():
                yield key, format(value, "f")
            case _:
                yield key, str(value)


def _content(reply: Reply, function: str, gone: Thing, *, reads: bool) -> Any:
    content = reply.json()
    if errors.is_refusal(content):
        raise errors.refusal(content, function, gone, reads=reads, doubtful=reply.doubtful)
    return content
