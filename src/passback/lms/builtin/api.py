"""The gradebook's store, read as an LMS would answer: what is not there is `Gone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone
from passback.store import gradebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.assignment import Assignment
    from passback.store.engine.database import Connection


def read_assignment(conn: Connection, section: str, assignment: str) -> Assignment:
    """An assignment of a section. Raises `Gone`."""
    found = gradebook.find_assignment(conn, section, assignment)
    if found is None:
        raise Gone("assignment")
    return found


def assigned(assignment: Assignment, students: Sequence[str]) -> Sequence[str]:
    """Those of some students of its section who have the assignment."""
    if assignment.assignee_mode == "all":
        return students
    return [student for student in students if student in assignment.assignee_ids]
