"""What an LMS keeps instead of what it was sent is known when it is shown twice, and is not what was there before."""

from __future__ import annotations

import pytest

from passback.lms.toolkit.settling import LastShown, Shown
from support.sandbox import NOW

BEFORE = NOW - 60_000


@pytest.mark.parametrize(
    ("before", "shown", "kept"),
    [
        (Shown(3, BEFORE), Shown(15, NOW), True),
        (Shown(3, None), Shown(15, None), True),
        (Shown(3, BEFORE), Shown(3, BEFORE), False),  # it may only show it still
        (Shown(3, None), Shown(3, None), False),
        (Shown(15, BEFORE), Shown(15, NOW), True),  # it made the same of it once more
        (None, Shown(15, NOW - 1000), True),  # in whole seconds
        (None, Shown(15, BEFORE), False),
        (None, Shown(15, None), False),
    ],
)
def test_a_second_look_tells_what_is_kept_instead(before: Shown | None, shown: Shown, kept: bool) -> None:
    last = LastShown()
    if before is not None:
        last.note("a", before)
    settling = last.settling(["a", "b"], NOW)
    assert [settling.look("a", shown), settling.look("a", shown)] == [False, kept]


def test_what_is_shown_in_between_does_not_matter() -> None:
    last = LastShown()
    last.note("a", Shown(3, BEFORE))
    settling = last.settling(["a"], NOW)
    looks = [settling.look("a", it) for it in (Shown(15, NOW), Shown(3, BEFORE), Shown(15, NOW))]
    assert looks == [False, False, True]
    assert not settling.look("b", Shown(15, NOW))


def test_the_memory_is_bounded() -> None:
    last = LastShown()
    for key in range(20_001):
        last.note(str(key), Shown(key, None))
    settling = last.settling(["0", "20000"], NOW)
    assert [settling.look("0", Shown(1, None)), settling.look("0", Shown(1, None))] == [False, False]
    assert [settling.look("20000", Shown(1, None)), settling.look("20000", Shown(1, None))] == [False, True]
