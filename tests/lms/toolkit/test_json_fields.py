"""Reading an LMS's JSON: whatever it holds, what is read can be stored and sent on."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from passback.lms.http.reply import Reply
from passback.lms.interface import Unavailable
from passback.lms.toolkit.json_fields import id_of, instant, number, text, texts


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (rb'{"a": "x\ud800y"}', {"a": "x\ufffdy"}),
        (rb'["\uDfff", {"\ud83d": 1}]', ["\ufffd", {"\ufffd": 1}]),
        (b'"\xed\xa0\x80"', "\ufffd"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'"\\ud800"', r"\ud800"),
        (b'{"a": NaN, "b": Infinity, "c": -Infinity}', {"a": None, "b": None, "c": None}),
    ],
)
def test_what_is_no_text_or_number_is_read_as_what_can_be_stored(body: bytes, content: Any) -> None:
    reply = Reply(200, {}, body)
    assert reply.json() == reply.content() == content
    json.dumps(reply.json(), ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b'"\xff"', b"1" * 5000, b"[" * 100_000])
def test_what_cannot_be_read_at_all_is_an_answer_that_is_none(body: bytes) -> None:
    reply = Reply(200, {}, body)
    assert reply.content() is None
    with pytest.raises(Unavailable):
        reply.json()


def test_ids_keep_all_their_digits() -> None:
    long = 9_007_199_254_740_993
    assert [id_of({"id": long}), id_of({"id": str(long)})] == [str(long)] * 2


@pytest.mark.parametrize("value", [9.007199254740993e15, 1e999, None, True, "", [], {}])
def test_what_is_no_id_is_not_taken_for_one(value: Any) -> None:
    with pytest.raises(Unavailable):
        id_of({"id": value})


@pytest.mark.parametrize(
    "value",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "soon", 1e999, [], True],
)  # fmt: skip
def test_a_time_that_is_none_is_missing(value: Any) -> None:
    assert instant({"at": value}, "at") is None


@pytest.mark.parametrize("value", [float("nan"), 1e999, "1e999", "-Infinity", 10**40, True, "x", None])
def test_a_number_that_is_none_is_missing(value: Any) -> None:
    assert number({"n": value}, "n") is None


def test_numbers_are_read_as_they_are_written() -> None:
    assert [number({"n": it}, "n") for it in (0, "17.50", -3, 0.1)] == [
        0,
        Decimal("17.50"),
        -3,
        Decimal("0.1"),
    ]


@pytest.mark.parametrize("value", [float("inf"), True, None, []])
def test_what_is_no_text_is_missing(value: Any) -> None:
    assert text({"t": value}, "t") is None


def test_of_a_list_of_texts_the_texts_and_numbers_are_read() -> None:
    assert texts({"t": ["a", 7, True, None, {}]}, "t") == ["a", "7"]
