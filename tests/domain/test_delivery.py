"""Which deliveries come first, what a newer one makes needless, and how long to wait."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from passback.domain.clock import MINUTE, SECOND
from passback.domain.delivery import (
    Delivery,
    covers,
    first_to_deliver,
    lane_of,
    summed,
    wait_after,
    without,
)
from support.delivery import delivery


def grade(number: int, /, **content: Any) -> Delivery:
    return delivery(f"d{number}", content=content, rank=number)


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        ({"grade_points": "5"}, {"grade_points": "6"}, True),
        ({"grade": "B"}, {"grade_points": "6"}, True),
        ({"grade_points": "5"}, {"grade_points": "6", "grade_comment": "x"}, True),
        ({"grade_points": "5", "flags": []}, {"grade_points": "6"}, False),
        ({"grade_points": "5", "grader_id": "t"}, {"grade_points": "6"}, False),
        ({"grade_comment": "a"}, {"grade_comment": "b"}, False),
        ({"state": "submitted"}, {"state": "returned"}, False),
        ({"attachments": []}, {"attachments": []}, False),
    ],
)
def test_an_older_value_need_not_come_first_where_a_newer_one_takes_its_place(
    older: dict[str, Any], newer: dict[str, Any], expected: bool
) -> None:
    assert covers(grade(2, **newer), grade(1, **older)) is expected


@pytest.mark.parametrize(
    ("older", "done", "left"),
    [
        ({"grade_points": "5"}, {"grade_points": "6"}, None),
        ({"grade": "B", "grader_id": "t"}, {"grade_points": "6"}, None),
        ({"grade_points": "5", "grade_comment": "a"}, {"grade_points": "6", "grade_comment": "b"},
         {"grade_comment": "a"}),
        ({"grade_points": "5", "extra_attempts": 1}, {"grade_points": "6"}, {"extra_attempts": 1}),
        ({"state": "submitted", "attachments": [1]}, {"state": "returned"}, {"attachments": [1]}),
        ({"grade_points": "5"}, {"flags": []}, {"grade_points": "5"}),
    ],
)  # fmt: skip
def test_what_a_newer_one_has_set_is_not_set_any_more(
    older: dict[str, Any], done: dict[str, Any], left: dict[str, Any] | None
) -> None:
    rest = without(grade(1, **older), grade(2, **done))
    assert (None if rest is None else msgspec.json.decode(rest)) == left


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "grade_points": st.integers(0, 9),
        "extra_attempts": st.integers(0, 9),
        "override_due_date": st.integers(0, 9),
        "grade_comment": st.text("abc", min_size=1, max_size=1),
    },
)


@given(st.lists(VALUES, min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_whatever_fails_and_is_repeated_the_newest_values_and_all_comments_arrive(
    wanted: list[dict[str, Any]], in_order: list[bool]
) -> None:
    """A lane is worked off by the rules, while some go past the others, as those do whose clients wait."""
    lane = [grade(number, **content) for number, content in enumerate(wanted)]
    arrived: dict[str, Any] = {}
    comments: list[str] = []
    for by_the_rules in in_order:
        if not lane:
            break
        chosen = first_to_deliver(lane) if by_the_rules else lane[-1]
        content = msgspec.json.decode(chosen.content)
        comments += [content.pop("grade_comment")] if "grade_comment" in content else []
        arrived |= content
        before = [(one, without(one, chosen)) for one in lane if one is not chosen and one.rank < chosen.rank]
        after = [one for one in lane if one.rank > chosen.rank]
        lane = [
            msgspec.structs.replace(one, content=left) for one, left in before if left is not None
        ] + after
    assert not lane
    expected: dict[str, Any] = {}
    for content in wanted:
        expected |= {name: value for name, value in content.items() if name != "grade_comment"}
    assert arrived == expected
    assert sorted(comments) == sorted(one["grade_comment"] for one in wanted if "grade_comment" in one)


def test_those_of_one_submission_share_a_lane_and_no_others() -> None:
    assert lane_of("update_submission", "d1", "a", "u") == lane_of("update_submission", "d2", "a", "u")
    assert lane_of("update_submission", "d1", "a", "u") != lane_of("update_submission", "d1", "a", "v")
    assert lane_of("update_assignment", "d1", "a", None) == lane_of("delete_assignment", "d2", "a", None)
    assert lane_of("create_assignment", "d1", None, None) != lane_of("create_assignment", "d2", None, None)


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 1), (2, 1.5), (5, 5.0625), (10, 38.443), (20, 900), (500, 900)]
)
def test_the_wait_grows_up_to_a_quarter_of_an_hour_and_is_spread(attempts: int, longest: float) -> None:
    waits = [wait_after(attempts) for _ in range(200)]
    assert longest * SECOND / 2 - 1 <= min(waits) <= max(waits) <= longest * SECOND
    assert len(set(waits)) > 50


def test_the_wait_that_is_asked_for_is_heeded_within_reason() -> None:
    assert wait_after(1, asked=60) == 60 * SECOND
    assert wait_after(1, asked=10**9) == 15 * MINUTE


def test_a_delivery_for_many_says_what_its_parts_say() -> None:
    parts = [
        replace(grade(1), state="delivered", attempts=1, warnings=("A", "B")),
        replace(grade(2), state="delivered", attempts=3, warnings=("B", "C")),
        replace(grade(3), state="refused", attempts=1, warnings=("D",)),
        replace(grade(4), state="waiting", attempts=2, due=90, warnings=("E",)),
        replace(grade(5), state="waiting", attempts=2, due=70),
    ]
    whole = replace(grade(0), operation="update_submissions", due=None)
    told = summed(whole, parts)
    assert (told.attempts, told.due, told.warnings) == (3, 70, ("A", "B", "C", "E"))
    assert summed(whole, []) == replace(whole, attempts=0)
