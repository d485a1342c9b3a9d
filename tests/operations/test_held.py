"""What was sent beside what is held, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from passback.operations.held import compared


@pytest.mark.parametrize(
    ("name", "sent", "held", "verdict"),
    [
        ("grade_points", "7.50", 7.5, "the same"),
        ("grade_points", "7", 8, "differs"),
        ("grade_points", "7", None, "the LMS shows nothing"),
        ("grade", "", None, "the same"),
        ("grade_comment", "Well  done", "well done", "the same"),
        ("grade_comment", "Well done", "Done", "the newest comment in the LMS is another"),
        ("description", "<p>Two &amp; two</p>", "Two & two", "the same"),
        ("due_date", 1906588740000, "2030-06-01T23:59:00.000Z", "the same"),
        ("due_date", 1906588740000, "2030-06-02T23:59:00.000Z", "differs"),
        ("flags", ["excused"], ["excused", "late"], "the same"),
        ("flags", [], ["missing"], "the same"),
        ("flags", ["excused"], ["late"], "differs"),
        ("assignee_ids", ["u2", "u1"], ["u1", "u2"], "the same"),
        ("published", True, None, "not read back from an LMS"),
    ],
)
def test_fields_are_compared_as_people_would(name: str, sent: Any, held: Any, verdict: str) -> None:
    [row] = [it for it in compared({name: sent}, {name: held}, {"u1": "Ada"}) if it.verdict]
    assert row.verdict == verdict


def test_what_was_not_sent_is_shown_and_not_compared() -> None:
    [row] = compared({}, {"grade_points": 8, "last_modified": "2026-01-01T00:00:00Z"}, {})
    assert (row.label, row.sent, row.held, row.verdict, row.is_other) == ("Points", "", "8", "", False)
