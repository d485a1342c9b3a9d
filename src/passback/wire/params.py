"""Path and query parameters: how they are read and validated (wire rule: parameters)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from passback.wire.errors import bad_request
from passback.wire.quote import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_is_mongo_id = re.compile(r"[0-9a-fA-F]{24}").fullmatch
_is_integer = re.compile(r"[+-]?[0-9]+").fullmatch
_match_digits = re.compile(r"[+-]?0*([0-9]*)").match
_has_broken_escape = re.compile(rb"%(?![0-9a-fA-F]{2})").search

_INT64 = 2**63
_UINT64 = 2**64
_MOST_DIGITS = 20
"""The number of digits of the greatest 64-bit number; anything longer is out of range."""
_MOST_UNKNOWN = 16
"""How many unknown parameters are named: more would not fit in the headers that clients read."""
_LONGEST_UNKNOWN = 64


def check_section_id(value: str) -> None:
    """Raise `Refusal` unless `value` is 24 hexadecimal digits."""
    if not _is_mongo_id(value):
        raise bad_request(f"section_id in path must be of type mongo-id: {quoted(value)}")


def check_user_id(value: str) -> None:
    """Raise `Refusal` unless `value` is 24 hexadecimal digits."""
    if not _is_mongo_id(value):
        raise bad_request(f"user_id in path must be of type mongo-id: {quoted(value)}")


def query_value(query: bytes, name: str) -> str | None:
    """The first value of the parameter `name` in a raw query (see `query_values`); None if it is absent."""
    return next(query_values(query, name), None)


def query_values(query: bytes, name: str) -> Iterator[str]:
    """The values of the parameter `name` in a raw query.

    Pairs with a ``;`` or an invalid ``%`` are ignored, as in Go. Bytes that are not UTF-8 become surrogates.
    """
    if not query:
        return
    wanted = name.encode()
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        if _is_broken(pair):
            continue
        if _unescaped(key) == wanted:
            yield _unescaped(value).decode("utf-8", "surrogateescape")


def unknown_parameters(query: bytes, known: Collection[str]) -> tuple[str, ...]:
    """The names in a raw query that are not used, each once: the first 16, at most 64 bytes of each.

    These are the names that are not `known`, and those of pairs that `query_values` ignores. They are percent-encoded,
    so that they fit in a header. Values are left out: they may be a student's.
    """
    if not query:
        return ()
    found: dict[str, None] = {}
    for pair in query.split(b"&"):
        name = _unescaped(pair.partition(b"=")[0])
        if name and (name not in map(str.encode, known) or _is_broken(pair)):
            found[quote(name[:_LONGEST_UNKNOWN], safe="")] = None
            if len(found) == _MOST_UNKNOWN:
                break
    return tuple(found)


def convert_wait(text: str, most: int) -> int:
    """Convert `text` to a number of seconds up to `most`. Raises `Refusal`."""
    seconds = convert_limit(text)
    if not 0 <= seconds <= most:
        raise bad_request(f"wait in query should be from 0 to {most}")
    return seconds


def convert_limit(text: str) -> int:
    """Convert `text` to a number. Raises `Refusal` with the text of Go's `strconv.ParseInt`."""
    match = _match_digits(text)
    assert match is not None
    digits = match[1]
    size = _UINT64 if len(digits) > _MOST_DIGITS else int(digits or "0")
    # Go reads from the left and stops when 64 bits are full, before it gets to anything that is not a digit.
    if size < _UINT64 and not _is_integer(text):
        raise bad_request(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax")
    limit = -size if text[0] == "-" else size
    if not -_INT64 <= limit < _INT64:
        raise bad_request(f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
    return limit


def check_limit(limit: int, maximum: int = 100) -> None:
    """Raise `Refusal` unless `limit` is from 1 to `maximum`."""
    if limit > maximum:
        raise bad_request(f"limit in query should be less than or equal to {maximum}")
    if limit < 1:
        raise bad_request("limit in query should be greater than or equal to 1")


def _is_broken(pair: bytes) -> bool:
    return b";" in pair or _has_broken_escape(pair) is not None


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
