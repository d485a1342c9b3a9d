"""What is read of an answer: JSON in each form that LMSs send, as something that can be stored and sent on."""

from __future__ import annotations

from typing import Any

import pytest

from passback.lms.http.reply import Reply


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b'{"a": 1, "a": 2, "b": [true, null, "\xc3\xa9"]}', {"a": 2, "b": [True, None, "é"]}),
        (b"[0.1, 1.0, -0.0, 1e3, 123456789012345678901]", [0.1, 1.0, -0.0, 1000.0, 123456789012345678901]),
        (b"[NaN, -Infinity, 1e999, -1e999, 1]", [None, None, None, None, 1]),
        (rb'["\ud83d\ude00", "\ud800x", "a\u0000b"]', ["\U0001f600", "\ufffdx", "a\ufffdb"]),
        (b'"\xed\xa0\x80"', "\ufffd"),
        ('{"a": "ü"}'.encode("utf-8-sig"), {"a": "ü"}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        (b"", None),
        (b"<html>", None),
        (b"{} {}", None),
        (b'"\xff"', None),
        (b"[" * 100_000, None),
    ],
)
def test_what_cannot_be_stored_or_sent_on_is_replaced(body: bytes, content: Any) -> None:
    assert Reply(200, {}, body).content() == content
