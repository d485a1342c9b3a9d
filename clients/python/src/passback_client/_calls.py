"""What does not depend on whether the client waits: a request's parts, and what its answer means."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx2
import msgspec
from msgspec import Struct

from passback_client.errors import Unavailable, refused, seconds
from passback_client.models import Accepted, Delivery, Model

T = TypeVar("T")

__version__ = "0.1.0"
LONGEST_WAIT = 60.0
"""How many seconds the client waits before another try, at most."""
KEY = "Idempotency-Key"
DIRECT: Mapping[str, None] = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
"""What is asked past a proxy that the environment names: none of them reaches this machine as itself."""
_FIRST_WAIT = 0.5
_AGAIN = frozenset({409, 429, 500, 502, 503, 504})
_NOTHING_DONE = frozenset({429, 503})
"""The answers after which anything may be sent again."""


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """A request, and the type of its answer."""

    method: str
    path: str
    kind: Any = None
    """What ``data`` of the answer is; None if there is none."""
    query: Mapping[str, Any] = {}
    body: Any = None
    headers: Mapping[str, str] = {}
    safe: bool = True
    """Whether it takes effect once, however often it is sent."""

    @property
    def content(self) -> bytes | None:
        """The body as JSON."""
        return None if self.body is None else msgspec.json.encode(self.body)


class Reply(Struct, frozen=True):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes


def base_of(url: str) -> str:
    """The gateway's address without the API's base path. Raises `ValueError` if it is no web address."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"{url!r} is not the address of a gateway: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"{url!r} is not the address of a gateway: it begins with https:// (or http://)")
    if parts.userinfo or parts.query or parts.fragment:
        raise ValueError("the address of a gateway has no user, query or fragment: the token says who asks")
    return url.rstrip("/").removesuffix("/v3.1")


def in_header(text: str, what: str) -> str:
    """What a header is to hold, as it is. Raises `ValueError` if it is empty or no printable ASCII."""
    if not (text.isascii() and text.isprintable() and text.strip()):
        raise ValueError(f"{what} is printable ASCII characters, and not empty")
    return text


def path(*parts: str) -> str:
    """A path below the API's base; each part is quoted. Raises `ValueError` for one that would lead elsewhere."""
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("an id is empty or no id")
    return "/v3.1/" + "/".join(quote(part, safe="") for part in parts)


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value, as JSON has them.

    Raises `ValueError` for what JSON cannot say: a time without a zone, a number that is none.
    """
    return {name: _plain(value) for name, value in fields.items() if value is not None}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            if value.tzinfo is None:
                raise ValueError("a time needs a zone, such as datetime.now(UTC)")
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that can be sent")
        case Model():
            return given(value.to_dict())
        case Mapping():
            return given(value)
        case list() | tuple():
            return [_plain(one) for one in value]
        case set() | frozenset():
            return sorted(value)
        case _:
            return value


def create_headers(idempotency_key: str | None, *, background: bool) -> dict[str, str]:
    """The headers of a create: with a key, so that it creates one thing, however often it is sent."""
    key = str(uuid4()) if idempotency_key is None else in_header(idempotency_key, "an idempotency key")
    return {KEY: key, **change_headers(background=background)}


def change_headers(*, background: bool) -> dict[str, str]:
    """The headers of a change."""
    return {"Prefer": "respond-async"} if background else {}


def headers_of(call: Call[Any], token: str) -> dict[str, str]:
    """All headers of a request."""
    own = {
        "Authorization": f"Bearer {token}",
        "User-Agent": f"passback-client/{__version__}",
        "Accept": "application/json",
    }
    content = {} if call.body is None else {"Content-Type": "application/json"}
    return {**own, **content, **call.headers}


def again(call: Call[Any], reply: Reply | None, tries: int, most: int, *, sent: bool = True) -> float | None:
    """After how many seconds to try again; None if not. `reply` is None if there was no answer.

    A refusal is final, but for a rate limit and a key whose first request is still under way. `sent` is whether the
    gateway may have got it.
    """
    if tries > most or (reply is not None and reply.status not in _AGAIN):
        return None
    if not call.safe and may_have_happened(reply, sent=sent):
        return None
    if reply is not None and reply.status == 409 and "retry-after" not in reply.headers:
        return None
    wait = min(LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)  # noqa: S311 - jitter
    asked = None if reply is None else seconds(reply.headers.get("retry-after"))
    if asked is None:
        return wait
    return None if asked > LONGEST_WAIT else max(wait, asked)


def may_have_happened(reply: Reply | None, *, sent: bool) -> bool:
    """Whether a try that failed may have taken effect."""
    return sent if reply is None else reply.status >= 500 and reply.status not in _NOTHING_DONE


def content_of(reply: Reply) -> Any:
    """The answer's JSON. Raises `Refused` and `Unavailable`."""
    if 300 <= reply.status < 400:
        where = reply.headers.get("location", "nowhere")
        raise Unavailable(f"the gateway's address leads on to {where}: use that", status=reply.status)
    if reply.status < 300:
        try:
            return msgspec.json.decode(reply.body) if reply.body.strip() else None
        except (msgspec.DecodeError, RecursionError) as error:
            raise Unavailable(f"the answer is not JSON: {error}", status=reply.status) from None
    message = message_of(reply)
    if reply.status < 500:
        raise refused(reply.status, message, reply.headers)
    raise Unavailable(
        message or f"status {reply.status}",
        status=reply.status,
        retry_after=seconds(reply.headers.get("retry-after")),
        request_id=reply.headers.get("x-request-id", ""),
    )


def message_of(reply: Reply) -> str:
    """The message of an error."""
    try:
        found = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError):
        return reply.body.decode("utf-8", "replace").strip()[:500]
    return str(found.get("message", "")) if isinstance(found, dict) else ""


def answer(call: Call[T], reply: Reply) -> Any:
    """What the answer holds: `Accepted` with status 202, else what the call is for. Raises as `content_of`."""
    content = content_of(reply)
    if call.kind is None:
        return None
    data = content.get("data") if isinstance(content, dict) else None
    if reply.status == 202:
        return Accepted(delivery=converted(data, Delivery), warnings=warnings_of(reply))
    return converted(data, call.kind)


def converted(data: Any, kind: Any) -> Any:
    """What was decoded, as a type. Raises `Unavailable` if it is something else."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Unavailable(f"the answer is not as documented: {error}") from None


def page(call: Call[T], reply: Reply) -> tuple[list[T], str | None]:
    """The items of a page, of which there may be none, and the address of the next, if there is one.

    Raises as `content_of`.
    """
    content = content_of(reply)
    items = content.get("data") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise Unavailable("the answer is not a list", status=reply.status)
    # Lists of the roster wrap each item in an object.
    plain = [one["data"] if isinstance(one, dict) and one.keys() == {"data"} else one for one in items]
    links: list[dict[str, Any]] = converted(content.get("links") or [], list[dict[str, Any]])
    following = [str(it.get("uri")) for it in links if it.get("rel") == "next"]
    found: list[T] = converted(plain, list[call.kind])  # type: ignore[name-defined]
    return found, following[0] if following else None


def next_call(call: Call[T], uri: str) -> Call[T]:
    """The request for the next page. Raises `Unavailable` for an address that is not the gateway's own, or the same."""
    parts = urlsplit(uri)
    if uri == call.path:
        raise Unavailable("a page leads to itself")
    if parts.scheme or parts.netloc or not parts.path.startswith("/v3.1/"):
        raise Unavailable("a link leads to another server")
    return msgspec.structs.replace(call, path=uri, query={})


def warnings_of(reply: Reply) -> tuple[str, ...]:
    """The codes of what the gateway did not use as it was sent."""
    return tuple(filter(None, (it.strip() for it in reply.headers.get("passback-warnings", "").split(","))))
