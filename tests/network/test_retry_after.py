"""The ``Retry-After`` header: every form that it may have, and what is none."""

from __future__ import annotations

import pytest

from passback.network.retry_after import parse

SENT = "Sun, 06 Nov 1994 08:49:07 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("0", 0), (" 7 ", 7), ("1.5", 1.5), ("2.", 2),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
        ("Sun Nov  6 08:49:37 1994", 30),
        ("Sun, 06 Nov 1994 08:48:00 GMT", 0),
        ("Mon, 06 Nov 2394 08:49:07 GMT", 146_097 * 86_400),
    ],
)  # fmt: skip
def test_every_form_is_read(text: str, seconds: float) -> None:
    assert parse(text, SENT) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1", "+5", "NaN", "nan", "inf", "Infinity", "1e400", "1e3", "1_0", "0x10", "5, 10", "٣", "9" * 400,
     "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 -9999999999", "\x00", "Sun, " * 1000],
)  # fmt: skip
def test_anything_else_is_ignored(text: str) -> None:
    assert parse(text, SENT) is None


def test_without_a_date_of_the_answer_the_wait_is_counted_from_now() -> None:
    assert parse("Sun, 06 Nov 1994 08:49:37 GMT", "nonsense") == 0
