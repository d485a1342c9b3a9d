"""What teachers, students and the registrar do in Schoology. See `passback_simulators.hands.Hand`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent, NotPossible
from passback_simulators.identities import ALGEBRA
from passback_simulators.schoology import seed
from passback_simulators.schoology.access import ACTIVE, enrollments
from passback_simulators.schoology.handlers.grades import EXCUSED, Rejected

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.app import SchoologySimulator


class Hand:
    """See `passback_simulators.hands.Hand`. Assignments are ``assignment/<id>`` or ``discussion/<id>/<grade item>``."""

    def __init__(self, lms: SchoologySimulator) -> None:
        self._lms = lms

    def gradebook(self, section: str) -> Gradebook:
        """See `Hand`."""
        members = [
            it for it in enrollments(self._lms, None, section) if not it["admin"] and it["status"] == ACTIVE
        ]
        students = {it["uid"]: _name(self._lms.records.get("users", it["uid"]) or {}) for it in members}
        items = [it for it in self._lms.records.all("grade_items") if it["section_id"] == section]
        columns = [
            Column(_id(it), it["title"], it["max_points"], it["due"] and it["due"] * 1000) for it in items
        ]
        handed_in = {(it["uid"], it["item"]) for it in self._lms.records.all("revisions") if not it["draft"]}
        cells = {}
        for item in items:
            for member in members:
                kept = self._lms.records.get("grades", f"{item['id']}/{member['id']}") or {}
                cell = Cell(
                    kept.get("grade"),
                    kept.get("comment") or None,
                    (member["uid"], item["id"]) in handed_in,
                    kept.get("exception") == EXCUSED,
                )
                if cell != NOTHING:
                    cells[member["uid"], _id(item)] = cell
        return Gradebook(students, columns, cells)

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._put(assignment, student, grade=points)

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._put(assignment, student, comment=text, comment_status=1)

    def edit(self, section: str, assignment: str, edit: Edit) -> None:  # noqa: ARG002
        """See `Hand`."""
        fields = {
            "title": edit.title,
            "max_points": edit.points_possible,
            "due": edit.due and edit.due // 1000,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        self._lms.ui_change_assignment(_item(assignment), **given)

    def delete(self, section: str, assignment: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._lms.ui_delete_assignment(_item(assignment))

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        item = self._lms.records.get("grade_items", _item(assignment)) or {}
        if item.get("type") != "assignment" or not item.get("allow_dropbox"):
            raise NotPossible("the assignment has no dropbox: nothing is handed in to Schoology")
        self._lms.ui_submit(_item(assignment), student, text)

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
            "uid": seed.person_lms_id(student.digits), "school_uid": student.sis_id, "name_first": student.first,
            "name_last": student.last, "primary_email": student.email(seed.DISTRICT_DIGITS),
            "username": f"student.{student.digits}",
        }  # fmt: skip
        self._lms.records.put("users", own["uid"], like | own)

    def _put(self, assignment: str, student: str, **given: Any) -> None:
        try:
            self._lms.ui_grade(_item(assignment), student, **given)
        except Rejected as rejected:
            raise NotPossible(rejected.message) from rejected


def _item(assignment: str) -> int:
    """The grade item of an assignment."""
    return int(assignment.rpartition("/")[2])


def _id(item: Record) -> str:
    if item["type"] == "discussion":
        return f"discussion/{item['discussion_id']}/{item['id']}"
    return f"assignment/{item['id']}"


def _name(user: Record) -> str:
    return f"{user['name_first']} {user['name_last']}"
