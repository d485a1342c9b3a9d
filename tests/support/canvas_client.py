"""The community's own client of Canvas, on the simulated one."""

from __future__ import annotations

from typing import Any

import pytest
from canvasapi import Canvas

from passback.testing.served import Served
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.seed import ADMIN_TOKEN, PARENT, enroll, person_lms_id
from support.sandbox import SetClock

WARNINGS = [
    pytest.mark.filterwarnings("ignore:Canvas may respond unexpectedly when making requests to HTTP"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # its connections are never closed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""What the client warns of, and is not our business."""

ALGEBRA, BIOLOGY = 107, 108
ALGEBRA_SECTION = 207
STUDENT, TEACHER = int(person_lms_id("001001")), int(person_lms_id("000001"))
OTHER = STUDENT + 1
OBSERVER = PARENT
"""Observes `STUDENT`."""
ASSISTANT = int(person_lms_id("000002"))
"""Teaches Biology; `assisting` makes them a teaching assistant of Algebra."""
ESSAY = {"name": "Essay", "points_possible": 20, "published": True, "submission_types": ["online_text_entry"],
         "due_at": "2026-02-01T12:00:00Z"}  # fmt: skip


def canvas_of(served: Served) -> CanvasSimulator:
    assert isinstance(served.simulator, CanvasSimulator)
    return served.simulator


def as_admin(served: Served) -> Canvas:
    return Canvas(served.url, ADMIN_TOKEN)


def as_user(served: Served, user: int) -> Canvas:
    return Canvas(served.url, canvas_of(served).issue_token(str(user)))


def assisting(served: Served) -> Canvas:
    enroll(canvas_of(served).records, ALGEBRA, ALGEBRA_SECTION, ASSISTANT, "TaEnrollment")
    return as_user(served, ASSISTANT)


def clock_of(served: Served) -> SetClock:
    assert isinstance(served.simulator.clock, SetClock)
    return served.simulator.clock


def graded(course: Any, scores: dict[int, str], **fields: Any) -> Any:
    """A new assignment of a course in which these students have these grades."""
    assignment = course.create_assignment({**ESSAY, **fields})
    for student, posted in scores.items():
        assignment.get_submission(student).edit(submission={"posted_grade": posted})
    return assignment
