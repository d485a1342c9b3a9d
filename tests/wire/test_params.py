from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.wire.errors import Refusal
from passback.wire.params import check_limit, check_section_id, check_user_id, convert_limit, query_value


@pytest.mark.parametrize("value", ["58da8c65d7dc0ca068000001", "A" * 24, "0" * 24])
def test_24_hexadecimal_digits_are_an_id(value: str) -> None:
    check_section_id(value)
    check_user_id(value)


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("x", "x"), ("0" * 23, "0" * 23), ("0" * 25, "0" * 25), ("g" * 24, "g" * 24), ('"q"', r"\"q\""), ("a\\b", r"a\\b"),
        ("\n", r"\n"), ("\x00", r"\x00"), ("\x7f", r"\x7f"), ("\udcff", r"\xff"), ("\u2028", r"\u2028"), ("😀", "😀"),
        ("\xa0", r"\u00a0"), ("\U000e0001", r"\U000e0001"), ("é", "é"), ("\u0660" * 24, "\u0660" * 24), ("0" * 24 + "\n", "0" * 24 + r"\n"),
    ],
)  # fmt: skip
def test_what_is_no_id_is_quoted_as_go_quotes(value: str, quoted: str) -> None:
    for name, check in (("section_id", check_section_id), ("user_id", check_user_id)):
        with pytest.raises(Refusal) as caught:
            check(value)
        assert caught.value.message == f'{name} in path must be of type mongo-id: "{quoted}"'


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", None), (b"limit=5", "5"), (b"limit", ""), (b"limit=", ""), (b"LIMIT=5", None), (b"a=1&limit=5&limit=6", "5"),
        (b"limit=+5", " 5"), (b"limit=%2B5", "+5"), (b"limit=%35", "5"), (b"l%69mit=5", "5"), (b"limit=%zz", None),
        (b"limit=%zz&limit=5", "5"), (b"limit=5;x", None), (b"limit=5%", None), (b"limit=a=b", "a=b"), (b"limit=%ff", "\udcff"),
        (b"&&limit=5", "5"), (b"=5", None),
    ],
)  # fmt: skip
def test_the_first_sound_pair_counts(query: bytes, value: str | None) -> None:
    assert query_value(query, "limit") == value


@given(st.text())
def test_any_value_comes_through(value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    assert query_value(f"cursor={quote_plus(value)}".encode(), "cursor") == value


@pytest.mark.parametrize(
    ("text", "limit"),
    [("5", 5), ("+5", 5), ("-5", -5), ("05", 5), ("-0", 0), ("9223372036854775807", 2**63 - 1)],
)
def test_what_is_an_integer(text: str, limit: int) -> None:
    assert convert_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    [
        "", "abc", "1.5", "1e2", "0x10", "1_0", " 5", "5 ", "+", "-", "٥", "--5", "é",
        "00x", "9223372036854775808x", "18446744073709551615x",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        convert_limit(text)
    assert caught.value.message == f'strconv.ParseInt: parsing "{text}": invalid syntax'


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775808", "-9223372036854775809", "18446744073709551615", "9" * 10_000, "-" + "9" * 10_000,
        # Go stops when 64 bits are full, before it gets to the letter.
        "18446744073709551616x", "+99999999999999999999.5", "0099999999999999999999_",
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_what_is_out_of_range(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        convert_limit(text)
    assert caught.value.message == f'strconv.ParseInt: parsing "{text}": value out of range'


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (0, "greater than or equal to 1"),
        (-5, "greater than or equal to 1"),
        (101, "less than or equal to 100"),
    ],
)
def test_bounds(limit: int, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_limit(limit)
    assert caught.value.message == f"limit in query should be {message}"


VECTORS = map(json.loads, (Path(__file__).parent / "vectors-http.jsonl").read_text("utf-8").splitlines())
GETS = [
    vector
    for vector in VECTORS
    if vector["method"] == "GET"
    and vector["target"].startswith("/")
    and (vector["status"] == 200 or (vector["status"] == 400 and vector["response_body"].startswith("{")))
]
"""The vectors decided by their parameters: accepted, or refused by the service rather than by the server in front of it."""


def judge(target: str) -> str | None:
    """The error in the parameters of a GET, in the order of the checks."""
    path, _, query = target.partition("?")
    ids = [unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in path.split("/")[2:]]
    text = query_value(query.encode(), "limit") if ids[-1] == "submissions" else None
    try:
        limit = None if text is None else convert_limit(text)
        check_section_id(ids[1])
        if len(ids) == 6:
            check_user_id(ids[5])
        if limit is not None:
            check_limit(limit)
    except Refusal as refusal:
        return refusal.message
    return None


@pytest.mark.parametrize("vector", GETS, ids=lambda vector: vector["tag"])
def test_parameters_are_judged_as_published(vector: dict[str, Any]) -> None:
    expected = json.loads(vector["response_body"])["message"] if vector["status"] == 400 else None
    assert judge(vector["target"]) == expected
