"""The error messages of Go's JSON scanner for a body that is not JSON.

Only used to word an error: the compiled decoder (`decode`) decides first whether a body is JSON. The scanner never
recurses, and it looks only at the first value: anything after it is ignored (wire rule: body decoding).
"""

from __future__ import annotations

import re

from passback.wire.errors import Refusal, bad_request, invalid_escape
from passback.wire.quote import quoted_byte

MAX_DEPTH = 10_000
"""The maximum number of arrays and objects open at once."""

# Possessive quantifiers (a + after another) rule out backtracking into runs of characters: nothing else could match.
_SPACE = rb"[ \t\r\n]*+"
_TEXT = rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*'
_STRING = rb'"' + _TEXT + rb'"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SCALAR = rb"(?:" + _STRING + rb"|" + _NUMBER + rb"|true|false|null)"
_KEY = _STRING + _SPACE + rb":" + _SPACE

_skip_space = re.compile(_SPACE).match
_match_text = re.compile(_TEXT).match
_match_number = re.compile(_NUMBER).match
_match_scalar = re.compile(_SCALAR).match
_match_key = re.compile(_KEY).match
_match_hex = re.compile(rb"[0-9a-fA-F]{0,4}").match
# Skip whole members and elements in one step; bounded, so that a long body takes no memory.
_match_members = re.compile(rb"(?:" + _KEY + _SCALAR + _SPACE + rb"," + _SPACE + rb"){0,64}").match
_match_elements = re.compile(rb"(?:" + _SCALAR + _SPACE + rb"," + _SPACE + rb"){0,64}").match

_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_NUMBER_STARTS = b"-0123456789"
_OBJECT, _ARRAY = b"{["
_CLOSING = {_OBJECT: ord("}"), _ARRAY: ord("]")}
_AFTER = {_OBJECT: "after object key:value pair", _ARRAY: "after array element"}


def syntax_error(body: bytes) -> Refusal | None:  # noqa: C901 - one state for each character, as Go has it
    """The syntax error of the first JSON value in `body`, in Go's words; None if that value is well formed."""
    at = _end(_skip_space(body))
    if at == len(body):
        return bad_request("EOF")
    opened = bytearray()
    closed = False  # whether a value ends just before `at`
    while True:
        if not closed:
            # A value must start here or, in an object, a key and its value.
            inside = opened[-1] if opened else None
            if inside == _OBJECT:
                at = _end(_match_members(body, at))
                key = _match_key(body, at)
                if key is None:
                    return _key_error(body, at)
                at = key.end()
            elif inside == _ARRAY:
                at = _end(_match_elements(body, at))
            if at == len(body):
                return _unexpected_end()
            byte = body[at]
            if byte in _CLOSING:
                if len(opened) == MAX_DEPTH:
                    return _invalid(byte, "exceeded max depth")
                at = _end(_skip_space(body, at + 1))
                opened.append(byte)
                if body[at : at + 1] != _CLOSING[byte].to_bytes():
                    continue
                opened.pop()
                at += 1
            else:
                scalar = _match_scalar(body, at)
                error = _scalar_error(body, at)
                if scalar is None or error is not None:
                    return error
                at = scalar.end()
            closed = True
        if not opened:
            return None
        at = _end(_skip_space(body, at))
        if at == len(body):
            return _unexpected_end()
        byte, inside = body[at], opened[-1]
        if byte == _CLOSING[inside]:
            opened.pop()
            at += 1
        elif byte == ord(","):
            at = _end(_skip_space(body, at + 1))
            closed = False
        else:
            return _invalid(byte, _AFTER[inside])


def _key_error(body: bytes, at: int) -> Refusal:
    """The error of the invalid key or missing colon at `at`."""
    if at == len(body):
        return _unexpected_end()
    if body[at] != ord('"'):
        return _invalid(body[at], "looking for beginning of object key string")
    error = _string_error(body, at)
    if error is not None:
        return error
    at = _end(_skip_space(body, _end(_match_text(body, at + 1)) + 1))
    return _unexpected_end() if at == len(body) else _invalid(body[at], "after object key")


def _scalar_error(body: bytes, at: int) -> Refusal | None:
    """The error of the string, number or literal at `at`; None if it is well formed."""
    byte = body[at]
    if byte == ord('"'):
        return _string_error(body, at)
    if byte in _NUMBER_STARTS:
        return _number_error(body, at)
    literal = _LITERALS.get(byte)
    if literal is None:
        return _invalid(byte, "looking for beginning of value")
    if body.startswith(literal, at):
        return None
    for i in range(1, len(literal)):
        if at + i == len(body):
            break
        if body[at + i] != literal[i]:
            return _invalid(body[at + i], f"in literal {literal.decode()} (expecting '{chr(literal[i])}')")
    return _unexpected_end()


def _string_error(body: bytes, at: int) -> Refusal | None:
    at = _end(_match_text(body, at + 1))
    if at == len(body):
        return _unexpected_end()
    byte = body[at]
    if byte == ord('"'):
        return None
    if byte != ord("\\"):
        return _invalid(byte, "in string literal")
    if at + 1 == len(body):
        return _unexpected_end()
    if body[at + 1] != ord("u"):
        return invalid_escape(quoted_byte(body[at + 1]))
    at = _end(_match_hex(body, at + 2))
    return _unexpected_end() if at == len(body) else _invalid(body[at], "in \\u hexadecimal character escape")


def _number_error(body: bytes, at: int) -> Refusal | None:
    number = _match_number(body, at)
    if number is None:
        at, context = at + 1, "in numeric literal"  # a minus without a digit
    else:
        seen, at = number.group(), number.end()
        rest = body[at : at + 2]
        exponent = b"e" in seen or b"E" in seen
        if rest[:1] == b"." and b"." not in seen and not exponent:
            at, context = at + 1, "after decimal point in numeric literal"
        elif rest[:1] in (b"e", b"E") and not exponent:
            at, context = at + (2 if rest[1:] in (b"+", b"-") else 1), "in exponent of numeric literal"
        else:
            return None
    return _unexpected_end() if at == len(body) else _invalid(body[at], context)


def _invalid(byte: int, context: str) -> Refusal:
    return bad_request(f"invalid character {quoted_byte(byte)} {context}")


def _unexpected_end() -> Refusal:
    return bad_request("unexpected EOF")


def _end(match: re.Match[bytes] | None) -> int:
    """The end of a match whose pattern always matches."""
    assert match is not None
    return match.end()
