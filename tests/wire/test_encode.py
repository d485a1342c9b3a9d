"""Answers are written as Go writes them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.wire import errors
from passback.wire.encode import encode, error_body, names_json, number


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<a> & b", rb"\u003ca\u003e \u0026 b"),
        ("\u2028\u2029", rb"\u2028\u2029"),
        ("\b\f\n\r\t", rb"\u0008\u000c\n\r\t"),
        ("\\b\\\b", rb"\\b\\\u0008"),
        ("\x00\x1f\x7f", b"\\u0000\\u001f\x7f"),
        ('"/é😀', '\\"/é😀'.encode()),
        ("a\udcff", "a\ufffd".encode()),
    ],
)
def test_text(text: str, written: bytes) -> None:
    assert encode({"a": text}) == b'{"a":"' + written + b'"}'


@given(st.text())
def test_what_is_written_is_read_back(text: str) -> None:
    readable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if text else text
    assert json.loads(encode({"a": readable})) == {"a": readable}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("0", "0"), ("-0", "-0"), ("0.000", "0"), ("20", "20"), ("20.50", "20.5"), ("1E+2", "100"), ("100", "100"),
        ("0.1", "0.1"), ("0.000001", "0.000001"), ("0.0000001", "1e-7"), ("0.00000123", "0.00000123"),
        ("0.000000123", "1.23e-7"), ("1E-10", "1e-10"), ("100000000000000000000", "100000000000000000000"),
        ("1000000000000000000000", "1e+21"), ("1234567890123456789012", "1.234567890123456789012e+21"),
        ("-1.5", "-1.5"), ("1E+38", "1e+38"), ("16777217", "16777217"), ("123456789.123456789123456789", "123456789.123456789123456789"),
    ],
)  # fmt: skip
def test_numbers(value: str, written: str) -> None:
    assert bytes(number(Decimal(value))).decode() == written


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_back_in_full(value: Decimal) -> None:
    assert Decimal(bytes(number(value)).decode()) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_look_as_floats_do_in_go(value: float) -> None:
    written = bytes(number(Decimal(repr(value)))).decode()
    assert float(written) == value
    assert ("e" in written) == (value != 0 and not 1e-6 <= abs(value) < 1e21)


@pytest.mark.parametrize(
    ("refusal", "accept", "body"),
    [
        (errors.empty_body(), b"", b'{"message":"request body is required, but was empty"}'),
        (errors.no_authorization(), b"", b'{"message": "No authorization provided"}'),
        (errors.token_refused(), b"*/*", b'{"message": "Could not authorize token"}'),
        (errors.invalid_escape("' '"), b"*/*", b"Invalid character ' ' in string escape code"),
        (errors.invalid_escape("'x'"), None, b"Invalid character 'x' in string escape code"),
        (
            errors.invalid_escape("'<'"),
            b"text/html, Application/JSON;q=0.5",
            b'{"message":"Invalid character \'\\u003c\' in string escape code"}',
        ),
    ],
)
def test_errors_are_enveloped_as_published(
    refusal: errors.Refusal, accept: bytes | None, body: bytes
) -> None:
    written, content_type = error_body(refusal, accept)
    assert written == body
    assert content_type == (b"application/json" if body.startswith(b"{") else b"text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("accept", "named"),
    [
        (b"application/json", True), (b"text/html,application/json", True), (b"APPLICATION/JSON ; charset=utf-8", True),
        (b"application/json;q=0", False), (b"application/json;q=0.0", False), (b"application/json;q=0.1", True),
        (b"", False), (b"*/*", False), (b"application/*", False), (b"application/jsonx", False),
        (b"application/problem+json", False), (b"x-application/json", False), (b",;,", False),
    ],
)  # fmt: skip
def test_whether_an_accept_header_names_json(accept: bytes, named: bool) -> None:
    assert names_json(accept) is named
