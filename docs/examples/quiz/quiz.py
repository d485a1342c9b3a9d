"""A learning app in fifty lines: a quiz whose results go into the teacher's gradebook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from passback_client import Passback, Unavailable, errors
from passback_client.models import SubmissionChange


class Quiz:
    """A quiz that a class takes."""

    def __init__(self, passback: Passback, section: str, name: str, questions: int, due: datetime) -> None:
        self._passback, self._section = passback, section
        self.name, self.questions, self.due = name, questions, due
        self.assignment: str | None = None

    def announce(self) -> str:
        """Put it into the gradebook. The key makes it one assignment, however often this is called."""
        made = self._passback.assignments.create(
            self._section,
            title=self.name,
            description=f"{self.questions} questions",
            due_date=self.due,
            points_possible=self.questions,
            idempotency_key=f"quiz {self._section} {self.name}",
        )
        self.assignment = made.id
        return made.id

    def report(self, right: Mapping[str, int]) -> dict[str, str]:
        """Report how many answers of each student were right; returns why some were not taken, by student."""
        assert self.assignment is not None
        changes: dict[str, SubmissionChange] = {
            student: {"grade_points": count, "state": "returned"} for student, count in right.items()
        }
        submissions = self._passback.submissions
        try:
            outcomes = submissions.update_many(self._section, self.assignment, changes)
            later = {one.user_id: changes[one.user_id] for one in outcomes if one.status >= 500}
        except errors.AssignmentNotFound:
            return dict.fromkeys(right, "the teacher has deleted the quiz")
        except Unavailable:
            outcomes, later = (), changes
        if later:  # the LMS is down: Passback delivers them as soon as it is back
            submissions.update_many_in_background(self._section, self.assignment, later)
        return {one.user_id: one.message or "" for one in outcomes if 400 <= one.status < 500}
