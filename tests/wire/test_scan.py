"""Go's words for a body that is not JSON, and that the scanner and the compiled decoder accept the same bodies."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passback.wire.decode import assignment_request
from passback.wire.errors import Refusal
from passback.wire.scan import MAX_DEPTH, syntax_error

BEGINNING = "looking for beginning of value"
KEY = "looking for beginning of object key string"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" \t\r\n", "EOF"),
        (b"{", "unexpected EOF"),
        (b'{"a', "unexpected EOF"),
        (b'{"a":"\\', "unexpected EOF"),
        (b'{"a":"\\u12', "unexpected EOF"),
        (b'{"a":tr', "unexpected EOF"),
        (b'{"a":-', "unexpected EOF"),
        (b'{"a":1.', "unexpected EOF"),
        (b'{"a":1e', "unexpected EOF"),
        (b'{"a":1e+', "unexpected EOF"),
        (b'{"a":1', "unexpected EOF"),
        (b"[1,", "unexpected EOF"),
        (b'{"a": ,}', f"invalid character ',' {BEGINNING}"),
        (b"[1,]", f"invalid character ']' {BEGINNING}"),
        (b'{"a":}', f"invalid character '}}' {BEGINNING}"),
        (b"a=b", f"invalid character 'a' {BEGINNING}"),
        (b"'x'", rf"invalid character '\'' {BEGINNING}"),
        (b"\xef\xbb\xbf{}", f"invalid character 'ï' {BEGINNING}"),
        (b"\xe2\x82\xac", f"invalid character 'â' {BEGINNING}"),
        (b"\x00", rf"invalid character '\x00' {BEGINNING}"),
        (b"\x7f", rf"invalid character '\x7f' {BEGINNING}"),
        (b"\x85", rf"invalid character '\u0085' {BEGINNING}"),
        (b"\xa0", rf"invalid character '\u00a0' {BEGINNING}"),
        (b"\xad", rf"invalid character '\u00ad' {BEGINNING}"),
        (b"NaN", f"invalid character 'N' {BEGINNING}"),
        (b"[-Infinity]", "invalid character 'I' in numeric literal"),
        (b"{1:2}", f"invalid character '1' {KEY}"),
        (b'{"a":1,}', f"invalid character '}}' {KEY}"),
        (b"{'a':1}", rf"invalid character '\'' {KEY}"),
        (b"{,}", f"invalid character ',' {KEY}"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a"}', "invalid character '}' after object key"),
        (b'{"a":"b" : 1}', "invalid character ':' after object key:value pair"),
        (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        (b'{"a":01}', "invalid character '1' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'["a":', "invalid character ':' after array element"),
        (b'{"a":"b\nc"}', r"invalid character '\n' in string literal"),
        (b'{"a":"\x01"}', r"invalid character '\x01' in string literal"),
        (b'{"a\tb":1}', r"invalid character '\t' in string literal"),
        (b'{"a":"a\\ b"}', "Invalid character ' ' in string escape code"),
        (b'{"a":"\\U"}', "Invalid character 'U' in string escape code"),
        (b'{"a\\x":1}', "Invalid character 'x' in string escape code"),
        (b'{"a":"\\u12g4"}', r"invalid character 'g' in \u hexadecimal character escape"),
        (b'{"a":"\\u"}', "invalid character '\"' in \\u hexadecimal character escape"),
        (b"[-x]", "invalid character 'x' in numeric literal"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"[1ex]", "invalid character 'x' in exponent of numeric literal"),
        (b'{"a":1e+}', "invalid character '}' in exponent of numeric literal"),
        (b'{"a":txue}', "invalid character 'x' in literal true (expecting 'r')"),
        (b"[trux]", "invalid character 'x' in literal true (expecting 'e')"),
        (b"[fx]", "invalid character 'x' in literal false (expecting 'a')"),
        (b"[nulL]", "invalid character 'L' in literal null (expecting 'l')"),
    ],
)
def test_words(body: bytes, message: str) -> None:
    refusal = syntax_error(body)
    assert refusal is not None
    assert refusal.message == message


@pytest.mark.parametrize(
    "body", [b"{} x", b"{}{", b"{}]", b"nullx", b"truex", b"01", b'"a" b', b"1e5x", b"[] \x00\xff", b"-0-"]
)
def test_what_follows_the_first_value_is_ignored(body: bytes) -> None:
    assert syntax_error(body) is None


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_values_nest_ten_thousand_deep_and_no_deeper(opening: bytes) -> None:
    depth = MAX_DEPTH // (opening.count(b"[") + opening.count(b"{"))
    closing = b"".join({"[": b"]", "{": b"}"}[chr(byte)] for byte in reversed(opening) if byte in b"[{")
    deepest = opening * depth + b"1" + closing * depth
    too_deep = b"[" + deepest + b"]"
    refusal = syntax_error(too_deep)
    assert syntax_error(deepest) is None
    assert refusal is not None
    assert refusal.message.endswith("exceeded max depth")


ALPHABET = b'{}[]:,"\\ \n\x00\x1f\x7f\x80\xc3\xa9\xff-+.eE0123456789truefalsnNaIiy/bu'
NOISE = st.lists(st.sampled_from([bytes([byte]) for byte in ALPHABET]), max_size=24).map(b"".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """JSON with a few bytes removed or inserted."""
    body = bytearray(
        json.dumps(draw(VALUES), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    )
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 2))] = draw(NOISE)[:2]
    return bytes(body)


def is_json(body: bytes) -> bool:
    """Whether `body` starts with a value, as another function of the standard library sees it."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.JSONDecoder(parse_constant=refuse).raw_decode(body.decode("latin-1").lstrip(" \t\r\n"))
    except ValueError:
        return False
    return True


@given(damaged() | NOISE)
@example(b'["\xed\xa0\x80"]')
@example(b"[1.5.5]")
@example(b'{"a":1,"a":2}')
def test_the_scanner_accepts_what_the_standard_library_does(body: bytes) -> None:
    if re.match(rb"[ \t\r\n]*-?\d", body):
        body = b"[" + body + b"]"  # inside an array, a number cannot end early
    assert (syntax_error(body) is None) == is_json(body)


@given(damaged() | NOISE)
@example(b"1.")
@example(b"[NaN]")
@example(b"-Infinity")
@example(b'{"a":"\\ud800"}')
def test_the_binder_refuses_a_syntax_error_just_where_the_scanner_sees_one(body: bytes) -> None:
    seen = syntax_error(body)
    found: str | None = None
    try:
        assignment_request(body)
    except Refusal as refusal:
        found = refusal.message
    if seen is not None and body:
        assert found == seen.message
    else:
        assert found is None or found.startswith(
            ("json: cannot unmarshal", "parsing time", "request body is required")
        )
