"""What teachers, students and the registrar do in Classroom. See `passback_simulators.hands.Hand`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, seed, works
from passback_simulators.google_classroom.handlers import submissions
from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent, NotPossible
from passback_simulators.identities import ALGEBRA

if TYPE_CHECKING:
    from passback_simulators.google_classroom.app import ClassroomSimulator

_HANDED_IN = ("TURNED_IN", "RETURNED")


class Hand:
    """See `passback_simulators.hands.Hand`. A section is a course."""

    def __init__(self, lms: ClassroomSimulator) -> None:
        self._lms = lms

    def gradebook(self, section: str) -> Gradebook:
        """See `Hand`. Grades are the drafts that teachers see."""
        members = [it["user_id"] for it in self._lms.members(section, access.STUDENT)]
        users = {it: self._lms.records.get("users", it) or {} for it in members}
        items = [it for it in works.of_course(self._lms, section) if it["state"] != "DELETED"]
        columns = [Column(it["id"], it["title"], it["max_points"], it["due"]) for it in items]
        cells = {}
        for work in items:
            for user in users:
                found = submissions.of(self._lms, work, user)
                draft = submissions.draft_grade(self._lms, work, found)
                points = found["assigned"] if draft is None else draft
                cell = Cell(points, handed_in=found["turned_in"] is not None and found["state"] in _HANDED_IN)
                if cell != NOTHING:
                    cells[user, work["id"]] = cell
        return Gradebook({id_: f"{it['given']} {it['family']}" for id_, it in users.items()}, columns, cells)

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._lms.ui_grade(assignment, student, points)

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        raise NotPossible("private comments of Classroom's pages do not reach its API")

    def edit(self, section: str, assignment: str, edit: Edit) -> None:  # noqa: ARG002
        """See `Hand`."""
        fields: dict[str, Any] = {"title": edit.title, "max_points": edit.points_possible, "due": edit.due}
        given = {name: value for name, value in fields.items() if value is not None}
        self._lms.ui_change_assignment(assignment, **given)

    def delete(self, section: str, assignment: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._lms.ui_delete_assignment(assignment)

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`. Work is turned in as it is; the text is not kept."""
        self._lms.ui_turn_in(assignment, student)

    def enroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        self._lms.ui_enroll(section, student)

    def unenroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        self._lms.ui_unenroll(section, student)

    def add_student(self, student: NewStudent) -> None:
        """See `Hand`."""
        like = self._lms.records.get("users", seed.person_lms_id(ALGEBRA.students[0])) or {}
        own = {
            "id": seed.person_lms_id(student.digits), "email": student.email(seed.DISTRICT_DIGITS),
            "given": student.first, "family": student.last,
        }  # fmt: skip
        self._lms.records.put("users", own["id"], like | own)
