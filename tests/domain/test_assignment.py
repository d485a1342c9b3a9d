from __future__ import annotations

import pytest
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentState, misordered_dates

PLAIN = Assignment(
    lms_id="1",
    title="Essay",
    description="",
    description_plaintext=None,
    points_possible=None,
    grading_type="points",
    submission_types=(),
    due_date=500,
    start_date=None,
    display_date=None,
    end_date=None,
    max_attempts=None,
    assignee_mode="all",
    assignee_ids=(),
    attachments=(),
    term_id=None,
    published=True,
    created=0,
    last_modified=0,
)


@pytest.mark.parametrize(
    ("changes", "now", "state"),
    [
        ({}, 0, "open"),
        ({}, 501, "open"),
        ({"published": False, "end_date": 1}, 100, "draft"),
        ({"display_date": 100}, 99, "scheduled"),
        ({"display_date": 100}, 100, "open"),
        ({"end_date": 600}, 600, "open"),
        ({"end_date": 600}, 601, "locked"),
    ],
)
def test_state_follows_from_the_dates(changes: dict[str, int], now: int, state: AssignmentState) -> None:
    assert replace(PLAIN, **changes).state(now) == state


@pytest.mark.parametrize(
    ("start", "display", "due", "end", "pair"),
    [
        (1, 1, 1, 1, None),
        (None, None, None, None, None),
        (2, None, 1, None, ("start_date", "due_date")),
        (None, 2, 1, None, ("display_date", "due_date")),
        (None, None, 2, 1, ("due_date", "end_date")),
        (2, None, None, 1, ("start_date", "end_date")),
        (None, 2, None, 1, ("display_date", "end_date")),
        (5, 5, 4, 3, ("start_date", "due_date")),
    ],
)
def test_the_first_pair_out_of_order_is_named(
    start: int | None, display: int | None, due: int | None, end: int | None, pair: tuple[str, str] | None
) -> None:
    assert misordered_dates(start, display, due, end) == pair
