"""What an LMS answered, and how to read it: JSON that can be stored and sent on, and numbers in headers."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from passback.lms.http.gate import LONGEST_WAIT, usable
from passback.lms.interface import Gone, NotAllowed, RefusedByLms, Thing, Unavailable
from passback.network.retry_after import moment
from passback.network.retry_after import parse as parse_retry_after

_NUMBER = re.compile(r"\d{1,18}(\.\d{0,18})?", re.ASCII)
_RATE_LIMIT = re.compile("rate[ _]limit[ _]exceeded", re.IGNORECASE)
_UNSTORABLE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)|[\ud800-\udfff]")
"""What stands for, or may stand for, letters that `_CANNOT_STORE` finds."""
_ESCAPED = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
"""The same in an answer that is strictly encoded."""
_CANNOT_STORE = re.compile("[\ud800-\udfff\0]")
"""Halves of pairs of letters, which no encoding has, and the letter that no PostgreSQL stores."""

T = TypeVar("T")


class Reply(Struct, frozen=True):
    """What an LMS answered."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes
    doubtful: bool = False
    """Whether it answers a write that may have happened, so that an unusable answer leaves a doubt."""

    def good(self, gone: Thing = "assignment") -> Reply:
        """Return the reply, or raise for an HTTP error; `gone` names what a 404 means.

        Raises `NotAllowed` with 401 and 403, `Gone` with 404, `RefusedByLms` with any other from 400 on; with a 401 to
        a write that may have happened `Unavailable`, as the look whether it has tells what to think of the credentials.
        """
        if self.status == 401 and self.doubtful:
            raise self.useless("refuses our credentials")
        if self.status in (401, 403):
            refused = self.status == 401
            raise NotAllowed(f"it refuses our credentials (status {self.status})", credentials=refused)
        if self.status == 404:
            raise Gone(gone)
        if self.status >= 400:
            raise RefusedByLms("REFUSED_BY_LMS", "the LMS rejects the values")
        return self

    def content(self) -> Any:
        """The body, or None if it is not JSON."""
        try:
            return _decoded(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_page(self) -> bool:
        """Whether it is a page of HTML, as proxies answer for an LMS: what it says is no word of the LMS's API."""
        is_html = self.headers.get("content-type", "").lower().startswith("text/html")
        return is_html or self.body[:1000].lstrip().lower().startswith((b"<!doctype html", b"<html"))

    def json(self) -> Any:
        """The body. Raises `Unavailable` if it is not JSON, as when a proxy answers for the LMS."""
        try:
            return _decoded(self.body)
        except (ValueError, RecursionError):
            raise self.useless("is not JSON") from None

    def typed(self, kind: type[T]) -> T:
        """The body as `kind`: anything that msgspec decodes. Raises `Unavailable` if it does not decode."""
        try:
            return msgspec.convert(self.json(), type=kind)
        except (msgspec.MsgspecError, RecursionError):
            raise self.useless("is not as expected") from None

    def useless(self, why: str) -> Unavailable:
        """The error to raise for an answer that is not as expected, such as ``has no id``."""
        return Unavailable(f"its answer (status {self.status}) {why}", in_doubt=self.doubtful)


def _decoded(body: bytes) -> Any:
    """Decode JSON into what can be stored and sent on. Raises `ValueError` and `RecursionError`."""
    if not _ESCAPED.search(body):
        with contextlib.suppress(
            msgspec.DecodeError, UnicodeDecodeError
        ):  # it is stricter, and four times as fast
            return msgspec.json.decode(body)
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    # Numbers that are none are no JSON; and what is missing is better than what nothing can show.
    content = json.loads(text, parse_float=_finite, parse_constant=lambda _: None)
    return _storable(content) if _UNSTORABLE.search(text) else content


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _storable(content: Any) -> Any:
    match content:
        case str():
            return _CANNOT_STORE.sub("\ufffd", content)
        case list():
            return [_storable(one) for one in content]
        case dict():
            return {_storable(name): _storable(value) for name, value in content.items()}
        case _:
            return content


def is_throttled(reply: Reply) -> bool:
    """Whether a request was one too many, and so was not answered: with 429, or, as some LMSs do, with 403 in words."""
    if reply.status != 403:
        return reply.status == 429
    return _RATE_LIMIT.search(reply.body[:2000].decode("utf-8", "replace")) is not None


def throttled_for(reply: Reply, default: float) -> float | None:
    """Return the seconds to wait if a request was one too many, as `retry_after` has them; None if it was not."""
    return retry_after(reply, default) if is_throttled(reply) else None


def retry_after(reply: Reply, default: float) -> float:
    """Return the seconds of a ``Retry-After`` header, ten minutes at most; `default` if there is no sound one."""
    asked = parse_retry_after(reply.headers.get("retry-after", ""), reply.headers.get("date", ""))
    return default if asked is None else min(asked, LONGEST_WAIT)


def sent_at(reply: Reply) -> int | None:
    """Return when the LMS answered, by its own clock, in milliseconds since 1970; None if it does not say so."""
    when = moment(reply.headers.get("date", ""))
    return None if when is None else round(when.timestamp() * 1000)


def header_number(reply: Reply, name: str) -> float | None:
    """Return the number in a header; None if there is none, or it is negative, not finite, or several."""
    text = reply.headers.get(name, "")
    return usable(float(text), math.inf) if _NUMBER.fullmatch(text) else None
