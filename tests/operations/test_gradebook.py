"""A teacher's operations in the built-in gradebook. `tests/cli/test_commands.py` has those that the API sees."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.builtin.map_assignments import new_assignment
from passback.operations import gradebook
from passback.operations.errors import NotFound, OperationError
from passback.store import assignments, roster_events
from passback.store import gradebook as stored
from passback.store.engine.database import Connection, Opened
from support.sandbox import (
    BIOLOGY_STUDENT,
    BIOLOGY_TEACHER,
    DISTRICT,
    NOW,
    SECTION,
    STUDENT,
    STUDENTS,
    TEACHER,
)

TITLE = AssignmentFields(title="Edited")
COMMENT = SubmissionFields(grade_comment="Good")


def clock() -> int:
    return NOW


def test_what_does_not_exist_is_not_found(database: Opened) -> None:
    tried: list[tuple[Coroutine[Any, Any, Any], str]] = [
        (gradebook.list_assignments(database, "x"), "section"),
        (gradebook.find_assignment(database, "x", clock), "assignment"),
        (gradebook.edit(database, "x", TITLE, clock), "assignment"),
        (gradebook.grade(database, "x", STUDENT, COMMENT, clock), "assignment"),
        (gradebook.delete(database, "x", clock), "assignment"),
        (gradebook.enroll(database, "x", STUDENT, clock), "section"),
        (gradebook.enroll(database, SECTION, "x", clock), "user"),
        (gradebook.unenroll(database, "x", STUDENT, clock), "section"),
    ]
    for one, what in tried:
        with pytest.raises(NotFound, match=f"there is no {what} x"):
            asyncio.run(one)
    with pytest.raises(NotFound, match="is not a member of section"):
        asyncio.run(gradebook.unenroll(database, SECTION, BIOLOGY_STUDENT, clock))


def add(database: Opened, *, in_gradebook: bool = True, **fields: Any) -> None:
    """Add the assignment ``a`` of the section."""
    made = new_assignment(
        AssignmentFields(title="Essay", description="Two pages", due_date=NOW, **fields), "g", NOW
    )

    def write(conn: Connection) -> None:
        assignments.add(conn, assignment_id="a", section_id=SECTION, lms_id="g")
        if in_gradebook:
            stored.insert_assignment(conn, SECTION, made)

    database.write_now(write)


def test_an_assignment_is_changed_graded_and_deleted(database: Opened) -> None:
    add(database)
    asyncio.run(gradebook.edit(database, "a", TITLE, clock))
    asyncio.run(gradebook.grade(database, "a", STUDENT, COMMENT, clock))
    [listed] = asyncio.run(gradebook.list_assignments(database, SECTION))
    assert (listed.id, listed.assignment.title) == ("a", "Edited")
    found = asyncio.run(gradebook.find_assignment(database, "a", clock))
    assert [it.grade_comment for it in found.submissions if it.student_id == STUDENT] == ["Good"]
    asyncio.run(gradebook.delete(database, "a", clock))
    assert asyncio.run(gradebook.list_assignments(database, SECTION)) == []
    assert not database.write_now(lambda conn: assignments.mark_gone(conn, "a", NOW))  # that is known


def test_those_it_is_not_assigned_to_have_no_submission(database: Opened) -> None:
    add(database, assignee_mode="individuals", assignee_ids=(STUDENT,))
    found = asyncio.run(gradebook.find_assignment(database, "a", clock))
    assert [it.student_id for it in found.submissions] == [STUDENT]
    with pytest.raises(OperationError, match="the assignment is not for this student"):
        asyncio.run(gradebook.grade(database, "a", STUDENTS[1], COMMENT, clock))


def test_what_the_gradebook_refuses_changes_nothing(database: Opened) -> None:
    add(database)
    with pytest.raises(OperationError, match="the due date must not be after the end date"):
        asyncio.run(gradebook.edit(database, "a", AssignmentFields(end_date=NOW - 1), clock))
    with pytest.raises(OperationError, match=r"U\+0000"):
        asyncio.run(gradebook.edit(database, "a", AssignmentFields(title="a\0b"), clock))
    [listed] = asyncio.run(gradebook.list_assignments(database, SECTION))
    assert (listed.assignment.title, listed.assignment.end_date) == ("Essay", None)


def test_an_assignment_that_left_the_gradebook_is_said_to(database: Opened) -> None:
    add(database, in_gradebook=False)
    tried: list[Coroutine[Any, Any, Any]] = [
        gradebook.find_assignment(database, "a", clock),
        gradebook.edit(database, "a", TITLE, clock),
        gradebook.grade(database, "a", STUDENT, COMMENT, clock),
        gradebook.delete(database, "a", clock),
    ]
    for one in tried:
        with pytest.raises(OperationError, match="the assignment is no longer in the gradebook"):
            asyncio.run(one)
    assert asyncio.run(gradebook.list_assignments(database, SECTION)) == []


def test_a_change_must_change_something(database: Opened) -> None:
    with pytest.raises(OperationError, match="nothing to change"):
        asyncio.run(gradebook.edit(database, "x", AssignmentFields(), clock))
    with pytest.raises(OperationError, match="nothing to change"):
        asyncio.run(gradebook.grade(database, "x", STUDENT, SubmissionFields(), clock))


def events(database: Opened) -> list[tuple[str, str, dict[str, Any]]]:
    page = database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=99))
    return [(f"{it.kind}.{it.what}", it.object_id, it.previous) for it in page.items]


def modified(database: Opened) -> list[int]:
    """When the section was changed, and which version of the district's roster this is."""
    rows = database.read_now(
        lambda conn: conn.execute(
            "SELECT sections.last_modified, roster_version FROM sections JOIN districts"
            " ON districts.id = district_id WHERE sections.id = :id",
            {"id": SECTION},
        ).fetchall()
    )
    return list(rows[0])


def later() -> int:
    return NOW + DAY


def test_a_change_of_members_is_an_event_with_those_before(database: Opened) -> None:
    version = modified(database)[1]
    asyncio.run(gradebook.unenroll(database, SECTION, STUDENT, later))
    asyncio.run(gradebook.enroll(database, SECTION, STUDENT, later))
    assert events(database) == [
        ("sections.updated", SECTION, {"students": STUDENTS}),
        ("sections.updated", SECTION, {"students": STUDENTS[1:]}),
    ]
    assert modified(database) == [NOW + DAY, version + 2]


def test_a_change_of_the_first_teacher_is_told_too(database: Opened) -> None:
    asyncio.run(gradebook.enroll(database, SECTION, BIOLOGY_TEACHER, later))
    asyncio.run(gradebook.unenroll(database, SECTION, TEACHER, later))
    assert [previous for _, _, previous in events(database)] == [
        {"teachers": [TEACHER]},
        {"teachers": [TEACHER, BIOLOGY_TEACHER], "teacher": TEACHER},
    ]


def test_what_changes_no_member_is_no_event(database: Opened) -> None:
    before = modified(database)
    asyncio.run(gradebook.enroll(database, SECTION, STUDENT, later))
    with pytest.raises(NotFound):
        asyncio.run(gradebook.unenroll(database, SECTION, BIOLOGY_STUDENT, later))
    assert (events(database), modified(database)) == ([], before)
