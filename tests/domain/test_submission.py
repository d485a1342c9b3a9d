from __future__ import annotations

import pytest

from passback.domain.submission import FLAGS, flags_of

DUE = 100


@pytest.mark.parametrize(
    ("submitted", "graded", "excused", "now", "flags"),
    [
        (None, False, False, DUE, ()),
        (None, False, False, DUE + 1, ("missing",)),
        (None, True, False, DUE + 1, ()),
        (None, False, True, DUE + 1, ("excused",)),
        (DUE, False, False, DUE + 1, ()),
        (DUE + 1, False, False, DUE + 1, ("late",)),
        (DUE + 1, True, True, DUE + 9, ("excused", "late")),
    ],
)
def test_late_and_missing_follow_from_the_dates(
    submitted: int | None, graded: bool, excused: bool, now: int, flags: tuple[str, ...]
) -> None:
    assert flags_of(excused=excused, submitted=submitted, graded=graded, due_date=DUE, now=now) == flags


def test_without_a_due_date_nothing_is_late_or_missing() -> None:
    assert flags_of(excused=False, submitted=5, graded=False, due_date=None, now=10**12) == ()


def test_the_flags_are_the_published_ones() -> None:
    assert FLAGS == ("excused", "late", "missing")
