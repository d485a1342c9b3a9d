"""What teachers, students and the registrar do in a simulated LMS, in one form for all of them.

Each simulated LMS has a module ``hand`` with a class `Hand`. Ids are those that connectors know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class NotPossible(Exception):
    """It cannot be done in this LMS, or not now; the message says why."""


class Column(Struct, frozen=True):
    """An assignment of a section."""

    id: str
    title: str
    points_possible: float | None
    due: int | None
    """Milliseconds since 1970."""


class Cell(Struct, frozen=True):
    """What a gradebook has of a student and an assignment."""

    points: float | None = None
    comment: str | None = None
    handed_in: bool = False
    excused: bool = False


NOTHING = Cell()


class Gradebook(Struct, frozen=True):
    """A section's gradebook, as its teacher sees it."""

    students: Mapping[str, str]
    """Their names by their ids."""
    columns: Sequence[Column]
    cells: Mapping[tuple[str, str], Cell]
    """By the ids of student and assignment; without those that have nothing."""


class Edit(Struct, frozen=True):
    """New values of an assignment; None leaves one as it is."""

    title: str | None = None
    points_possible: float | None = None
    due: int | None = None


class NewStudent(Struct, frozen=True):
    """Somebody who comes to the district."""

    digits: str
    """The six digits in all of their ids."""
    first: str
    last: str

    @property
    def sis_id(self) -> str:
        """Their id in the roster's files."""
        return f"student-{self.digits}"

    def email(self, district: str) -> str:
        """Their address in a district, by its two digits."""
        return f"student.{self.digits}@district-{district}.example"


class Hand(Protocol):
    """What people do in one LMS. Whatever it refuses raises `NotPossible`, or its own `Refusal`."""

    def gradebook(self, section: str) -> Gradebook:
        """The gradebook of a section."""
        ...

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:
        """The teacher gives a grade; None takes it away."""
        ...

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:
        """The teacher comments."""
        ...

    def edit(self, section: str, assignment: str, edit: Edit) -> None:
        """The teacher changes an assignment."""
        ...

    def delete(self, section: str, assignment: str) -> None:
        """The teacher deletes an assignment."""
        ...

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:
        """The student hands in."""
        ...

    def enroll(self, section: str, student: str) -> None:
        """The registrar enrolls a student, possibly again."""
        ...

    def unenroll(self, section: str, student: str) -> None:
        """The registrar ends a student's enrollment."""
        ...

    def add_student(self, student: NewStudent) -> None:
        """The registrar adds a student, under the id that the seed gives to these digits."""
        ...
