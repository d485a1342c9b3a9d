"""Changes that a connector makes, and how to see what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Connector, LmsError, Unsupported
from passback.testing.clock import NOW
from passback.testing.lms import ESSAY, LINK, TEXT, Lms
from passback.testing.suite.checks import verified, writes

LATER = NOW + 9 * DAY
MARKS = (str(uuid7()),)
"""The mark of the delivery whose comment is left, in each of its tries."""


@dataclass(frozen=True)
class Operation:
    """A change, and how to see in the LMS what became of it."""

    name: str
    prepare: Callable[[Lms], Any]
    """What the change is about."""
    act: Callable[[Lms, Connector, Any], Any]
    """Make the change; returns what the client would see."""
    seen: Callable[[Lms, Any], Any]
    """What the LMS has."""
    done: Callable[[Any], bool]
    """Whether what was seen, or returned, is what was asked for."""
    once: Callable[[Lms, Any], bool] = lambda lms, about: True
    """Whether the LMS has it once, however often the change came."""
    keeps: bool = False
    """Whether it keeps something that may have to be read first: then each list that is read is emptied, too."""


def essay(lms: Lms) -> str:
    return lms.ready() if lms.ready is not None else lms.create().lms_id


def _graded(lms: Lms) -> str:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(3))
    return assignment


def _work(lms: Lms) -> Attachment:
    return LINK if "text" in lms.unsupported else TEXT


def _for_work(lms: Lms) -> str:
    return lms.create(submission_types=("text", "link")).lms_id


def _hand_in(lms: Lms, connector: Connector, assignment: str) -> Any:
    change = SubmissionFields(state="submitted", attachments=(_work(lms),))
    return lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))


def _is_handed_in(it: Any) -> bool:
    return it.state == "submitted" and [work.text or work.url for work in it.attachments] in (
        [TEXT.text],
        [LINK.url],
    )


def _commented(lms: Lms) -> str:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(3), grade_comment="Good")
    return assignment


def _comments_are(*words: str) -> Callable[[Lms, str], bool]:
    """Whether these are the comments, the last of them alone if the LMS keeps one."""

    def holds(lms: Lms, assignment: str) -> bool:
        return (
            lms.all_comments(assignment) == [*words][0 if lms.connector.capabilities.adds_comments else -1 :]
        )

    return holds


def _for_attempts(lms: Lms) -> str:
    return lms.create(submission_types=("text",), max_attempts=1).lms_id


def grading(**fields: Any) -> Callable[[Lms, Connector, str], Any]:
    def act(lms: Lms, connector: Connector, assignment: str) -> Any:
        given = {"grader_id": lms.teacher, **fields} if "state" not in fields else fields
        change = SubmissionFields(**given)
        return lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))

    return act


def _bulk(lms: Lms, connector: Connector, assignment: str) -> Any:
    changes = [
        (student, SubmissionFields(grade_points=Decimal(10 + at)))
        for at, student in enumerate(lms.students[:2])
    ]
    outcomes = lms.run(connector.update_submissions(lms.section, assignment, changes))
    for outcome in outcomes:
        if isinstance(outcome, LmsError):
            raise outcome
    return outcomes


def _bulk_seen(lms: Lms, assignment: str) -> Any:
    students = lms.students[:2]
    found = lms.run(lms.connector.read_submissions(lms.section, assignment, students))
    return [found.get(student) for student in students]


def _submission(lms: Lms, assignment: str) -> Any:
    return lms.read(assignment)


def _change(lms: Lms, connector: Connector, assignment: str) -> Any:
    points = None if "points_possible" in lms.unsupported else Decimal(30)
    fields = AssignmentFields(title="Second essay", points_possible=points)
    return lms.run(connector.update_assignment(lms.section, assignment, fields))


def _change_dates(lms: Lms, connector: Connector, assignment: str) -> Any:
    return lms.run(connector.update_assignment(lms.section, assignment, AssignmentFields(due_date=LATER)))


def _delete(lms: Lms, connector: Connector, assignment: str) -> Any:
    return lms.run(connector.delete_assignment(lms.section, assignment))


def _exists(lms: Lms, assignment: str) -> Any:
    return assignment in lms.run(lms.connector.read_assignments(lms.section, [assignment]))


OPERATIONS = [
    Operation(
        "change", essay, _change, lambda lms, it: lms.assignment(it),
        lambda it: it.title == "Second essay" and it.points_possible in (30, ESSAY.points_possible),
    ),
    Operation("delete", essay, _delete, _exists, lambda it: not it),
    Operation(
        "grade", essay, grading(grade_points=Decimal("17.5")), _submission,
        lambda it: it.grade_points == Decimal("17.5"),
    ),
    Operation(
        "grade again", _graded, grading(grade_points=Decimal(4)), _submission, lambda it: it.grade_points == 4
    ),
    Operation(
        "grade beside a comment", _commented, grading(grade_points=Decimal(4)), _submission,
        lambda it: (it.grade_points, it.grade_comment) == (4, "Good"), _comments_are("Good"), keeps=True,
    ),
    Operation(
        "comment beside a grade", _graded, grading(grade_comment="Good", comment_since=NOW, comment_marks=MARKS), _submission,
        lambda it: (it.grade_points, it.grade_comment) == (3, "Good"), _comments_are("Good"), keeps=True,
    ),
    Operation(
        "clear a grade", _graded, grading(grade=""), _submission, lambda it: it.grade_points is None,
    ),
    Operation(
        "comment", essay, grading(grade_points=Decimal(5), grade_comment="Good", comment_since=NOW, comment_marks=MARKS), _submission,
        lambda it: (it.grade_points, it.grade_comment) == (5, "Good"), _comments_are("Good"),
    ),
    Operation(
        "excuse", essay, grading(flags=frozenset({"excused"})), _submission, lambda it: "excused" in it.flags
    ),
    Operation(
        "hand in", _for_work, _hand_in, _submission, _is_handed_in, lambda lms, it: len(lms.all_work(it)) == 1
    ),
    Operation(
        "comment again", _commented, grading(grade_comment="Better", comment_since=NOW, comment_marks=MARKS), _submission,
        lambda it: it.grade_comment == "Better", _comments_are("Good", "Better"),
    ),
    Operation(
        "give attempts", _for_attempts, grading(extra_attempts=2), _submission, lambda it: it.extra_attempts == 2
    ),
    Operation(
        "give a due date", essay, grading(override_due_date=LATER), _submission,
        lambda it: it.override_due_date == LATER,
    ),
    Operation(
        "change dates", essay, _change_dates, lambda lms, it: lms.assignment(it), lambda it: it.due_date == LATER
    ),
    Operation(
        "bulk", essay, _bulk, _bulk_seen, lambda them: [it.grade_points for it in them] == [10, 11]
    ),
]  # fmt: skip

NEEDS = {
    "comment": "grade_comment", "comment again": "grade_comment", "excuse": "excused",
    "give attempts": "extra_attempts", "give a due date": "override_due_date",
}  # fmt: skip


def refused(lms: Lms, operation: Operation) -> bool:
    """Whether the LMS has no place for what the operation changes, and the connector says so without a write."""
    if operation.keeps and "grade_comment" in lms.unsupported:
        return True  # there is nothing beside it
    if operation.name == "hand in":
        supported = not {"text", "link"} <= lms.unsupported
    else:
        supported = NEEDS.get(operation.name) not in lms.unsupported
    if supported:
        return False
    about = essay(lms)
    with verified(lms) as connector:
        lms.calls()
        with pytest.raises(Unsupported):
            operation.act(lms, connector, about)
    assert writes(lms.calls()) == []
    return True


def warm(lms: Lms, connector: Connector, assignment: str) -> None:
    """Let a connector learn what it keeps for a while, as that of a running gateway has."""
    lms.run(connector.read_submissions(lms.section, assignment, lms.students))
