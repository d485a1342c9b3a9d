"""The gradebook's store, read as an LMS would answer: what is not there is `Gone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone
from passback.store import enrollments, gradebook

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment
    from passback.store.engine.database import Connection


def read_assignment(conn: Connection, section: str, assignment: str) -> Assignment:
    """An assignment of a section. Raises `Gone`."""
    found = gradebook.find_assignment(conn, section, assignment)
    if found is None:
        raise Gone("assignment")
    return found


def is_assigned(conn: Connection, section: str, assignment: Assignment, student: str) -> bool:
    """Whether a student of the section has the assignment."""
    if assignment.assignee_mode == "individuals" and student not in assignment.assignee_ids:
        return False
    return enrollments.is_enrolled(conn, section, "student", student)
