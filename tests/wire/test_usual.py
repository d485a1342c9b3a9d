"""Usual bodies are read in one step, to what they would be read to as Go does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passback.wire import decode, usual
from passback.wire.errors import Refusal

KEYS = {
    decode.assignment_request: {
        "assignee_mode": "text", "attachments": "attachments", "description": "text", "due_date": "date",
        "end_date": "date", "max_attempts": "number", "points_possible": "number", "submission_types": "texts",
    },
    decode.submission_request: {
        "extra_attempts": "number", "flags": "texts", "grade": "text", "grade_points": "number",
        "override_due_date": "date",
    },
}  # fmt: skip
NUMBERS = [
    "0", "-0", "0.00", "-0.0", "3", "20.50", "-1", "0.1", "1e2", "1E+400", "1e-400", "1.5e3", "1" * 25, "0." + "1" * 25,
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "100000000000000000000", "3.5e38", "0.0000000001",
]  # fmt: skip
DATES = ["2099-06-01T23:59:00Z", "2099-06-01", "", "2099-02-30", "soon", "2099-06-01T23:59:00+02:00"]

texts = st.text(max_size=5) | st.sampled_from(
    ['"due_date":', '\\"points_possible"', "\ud800", "é😀", "<\b\n"]
)
jsons = {
    "text": texts.map(json.dumps),
    "texts": st.lists(texts, max_size=3).map(json.dumps),
    "date": st.sampled_from(DATES).map(json.dumps),
    "number": st.sampled_from(NUMBERS),
    "attachments": st.lists(
        st.dictionaries(
            st.sampled_from(["description", "text", "title", "type", "url", "Title", "size"]),
            texts,
            max_size=3,
        ),
        max_size=2,
    ).map(json.dumps),
}
odd = st.sampled_from(
    ["null", "true", "[null]", "[[]]", "{}", '[{"title":null}]', '[{"title":"a","title":"b"},null]']
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[Any, bytes]:
    """A decoder and a body for it: a few keys, which may come again, and at most one of them odd."""
    read, kinds = draw(st.sampled_from(list(KEYS.items())))
    few = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=3))
    keys = draw(st.lists(st.sampled_from(few), max_size=4))
    values = [draw(jsons[kinds[key]]) for key in keys]
    if keys:
        at = draw(st.integers(0, len(keys) - 1))
        values[at] = draw(st.one_of(st.just(values[at]), st.just(values[at]), odd, *jsons.values()))
        keys[at] = draw(
            st.sampled_from([keys[at]] * 4 + [keys[at].upper(), keys[at].replace("_", "\\u005f"), "x"])
        )
    blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
    members = (f'{blank}"{key}"{blank}:{value}{blank}' for key, value in zip(keys, values, strict=True))
    return read, ("{" + ",".join(members) + "}").encode("utf-8", "surrogatepass")


def outcome(read: Any, body: bytes) -> tuple[Any, str]:
    """What a body is read to, digit by digit, or why it is not."""
    try:
        found = read(body)
    except Refusal as refusal:
        return None, refusal.message
    return found, repr(found)


@given(bodies())
@example((decode.assignment_request, b'{"points_possible":0.00}'))
@example((decode.submission_request, b'{"grade_points":-0.0}'))
@example((decode.assignment_request, b'{"points_possible":1e400,"points_possible":1}'))
@example((decode.assignment_request, b'{"due_date":"soon","due_date":"2099-06-01"}'))
@example((decode.submission_request, b'{"grade\\u005fpoints":true,"grade_points":0}'))
def test_a_body_is_read_as_if_something_unusual_followed(drawn: tuple[Any, bytes]) -> None:
    read, body = drawn
    assert outcome(read, body) == outcome(read, body + b" x")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"title": "Essay 1", "due_date": "2099-06-01T23:59:00Z", "points_possible": 20.5, "max_attempts": 3}',
        b'{"description":"a\\nb","attachments":[{"type":"link","url":"http://a"}],"submission_types":["file","text"]}',
    ],
)
def test_a_usual_body_is_read(body: bytes) -> None:
    assert usual.ASSIGNMENT.read(body) == decode.assignment_request(body + b" x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{} x",
        b'{"title":null}',
        b'{"Title":"a"}',
        b'{"title":"a","x":1}',
        b'{"title":"\\u0061"}',
        b'{"title":"\xff"}',
        b'{"points_possible":"20"}',
        b'{"points_possible":1e2}',
        b'{"max_attempts":1.0}',
        b'{"due_date":"soon"}',
        b'{"due_date":"soon","due_date":"2099-06-01"}',
        b'{"points_possible":1e99,"points_possible":1}',
        b'{"attachments":[{"url":"a"}],"attachments":[{"title":"b"}]}',
    ],
)
def test_any_other_is_left_to_the_decoder(body: bytes) -> None:
    assert usual.ASSIGNMENT.read(body) is None
