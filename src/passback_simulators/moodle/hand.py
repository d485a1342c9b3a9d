"""What teachers, students and the registrar do in Moodle. See `passback_simulators.hands.Hand`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent, NotPossible
from passback_simulators.identities import ALGEBRA
from passback_simulators.moodle import gradebook, seed
from passback_simulators.moodle.handlers import grading
from passback_simulators.moodle.handlers.grading import NO_GRADE

if TYPE_CHECKING:
    from passback_simulators.moodle.app import MoodleSimulator
    from passback_simulators.records import Record


class Hand:
    """See `passback_simulators.hands.Hand`. A section is a course."""

    def __init__(self, lms: MoodleSimulator) -> None:
        self._lms = lms

    def gradebook(self, section: str) -> Gradebook:
        """See `Hand`. The templates, which no student sees, are left out."""
        course = int(section)
        members = [it["user"] for it in self._enrolments(course, seed.STUDENT) if it["status"] == 0]
        users = {it: self._lms.records.get("users", it) or {} for it in members}
        assigns = [it for it in self._lms.assigns_of(course) if it["name"] != seed.TEMPLATE]
        columns = [
            Column(str(it["id"]), it["name"], max(0, it["grade"]), it["duedate"] * 1000 or None)
            for it in assigns
        ]
        cells = {}
        for assign in assigns:
            item = self._lms.item_of(assign["id"])
            for user in users:
                row = {} if item is None else gradebook.entry(self._lms, item["id"], user)
                sent = self._lms.latest("submissions", assign["id"], user)
                handed_in = sent is not None and sent["status"] == "submitted"
                cell = Cell(row.get("grade"), row.get("feedback") or None, handed_in)
                if cell != NOTHING:
                    cells[str(user), str(assign["id"])] = cell
        names = {str(id_): f"{it['firstname']} {it['lastname']}" for id_, it in users.items()}
        return Gradebook(names, columns, cells)

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:
        """See `Hand`."""
        row = self._lms.latest("grades", int(assignment), int(student)) or {}
        self._save(section, assignment, student, NO_GRADE if points is None else points, row.get("comment"))

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:
        """See `Hand`."""
        row = self._lms.latest("grades", int(assignment), int(student)) or {}
        self._save(section, assignment, student, row.get("grade", NO_GRADE), text)

    def edit(self, section: str, assignment: str, edit: Edit) -> None:  # noqa: ARG002
        """See `Hand`."""
        fields = {
            "name": edit.title,
            "grade": None if edit.points_possible is None else int(edit.points_possible),
            "duedate": None if edit.due is None else edit.due // 1000,
        }
        given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        self._lms.ui_change_assignment(int(assignment), **given)
        item = self._lms.item_of(int(assignment))
        if item is not None:
            column = {"itemname": given.get("name"), "grademax": given.get("grade")}
            changed = {name: value for name, value in column.items() if value is not None}
            self._lms.records.put("items", item["id"], item | changed)

    def delete(self, section: str, assignment: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._lms.ui_delete_assignment(int(assignment))

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        self._lms.ui_submit(int(assignment), int(student), text)

    def enroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        row = {"course": int(section), "user": int(student), "role": list(seed.STUDENT), "status": 0}
        self._lms.records.put("enrolments", f"{section}/{student}", row)

    def unenroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        self._lms.ui_unenroll(int(section), int(student))

    def add_student(self, student: NewStudent) -> None:
        """See `Hand`."""
        like = self._lms.records.get("users", seed.person_lms_id(ALGEBRA.students[0])) or {}
        id_ = int(seed.person_lms_id(student.digits))
        own = {
            "id": id_, "username": f"student.{student.digits}", "firstname": student.first,
            "lastname": student.last, "email": student.email(seed.DISTRICT_DIGITS), "idnumber": student.sis_id,
        }  # fmt: skip
        self._lms.records.put("users", id_, like | own)

    def _save(self, section: str, assignment: str, student: str, points: float, comment: str | None) -> None:
        """The grading page: its grade and comment are saved together."""
        assign = self._lms.assign(int(assignment)) or {}
        if points > assign.get("grade", 0):
            raise NotPossible(f"the grade must be between 0 and {assign.get('grade', 0)}")
        if gradebook.is_closed(self._lms, int(assignment), int(student)):
            raise NotPossible("the grade is locked or overridden in the gradebook")
        self._lms.userid = self._enrolments(int(section), seed.EDITING_TEACHER)[0]["user"]
        words = {"assignfeedbackcomments_editor": {"text": comment or "", "format": 1}}
        grading.save_grade(
            self._lms, int(assignment), userid=int(student), grade=points, attemptnumber=-1, addattempt=False,
            workflowstate="released", plugindata=words, applytoall=False,
        )  # fmt: skip

    def _enrolments(self, course: int, role: tuple[int, str]) -> list[Record]:
        found = self._lms.records.all("enrolments")
        return [it for it in found if it["course"] == course and it["role"] == list(role)]
