"""What teachers, students and the registrar do in Canvas. See `passback_simulators.hands.Hand`.

What the API offers too is asked of it with the teacher's or student's own token, so that Canvas's own rules hold.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import seed, works
from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent
from passback_simulators.identities import ALGEBRA
from passback_simulators.request import Request

if TYPE_CHECKING:
    from passback_simulators.canvas.app import CanvasSimulator

_TEACHERS = ("TeacherEnrollment",)


class Hand:
    """See `passback_simulators.hands.Hand`. A section is ``<course>/<section>``."""

    def __init__(self, lms: CanvasSimulator) -> None:
        self._lms = lms

    def gradebook(self, section: str) -> Gradebook:
        """See `Hand`."""
        course, number = _ids(section)
        enrolled = self._lms.enrollments(course, kinds=("StudentEnrollment",))
        ids = dict.fromkeys(it["user_id"] for it in enrolled if it["course_section_id"] == number)
        users = [self._lms.records.get("users", it) or {} for it in ids]
        records = [it for it in self._lms.assignments_of(course) if it.get("workflow_state") != "deleted"]
        columns = [Column(str(it["id"]), it["name"], it["points_possible"], it["due_at"]) for it in records]
        cells = {}
        for record in records:
            for user in users:
                found = works.submission_of(self._lms, record, user["id"])
                words = [it["comment"] for it in found["comments"]]
                cell = Cell(
                    found["score"],
                    words[-1] if words else None,
                    found["submitted_at"] is not None,
                    found["excused"],
                )
                if cell != NOTHING:
                    cells[str(user["id"]), str(record["id"])] = cell
        return Gradebook({str(it["id"]): it["name"] for it in users}, columns, cells)

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:
        """See `Hand`."""
        posted = "" if points is None else repr(points)
        self._teach(
            section, "PUT", f"{assignment}/submissions/{student}", {"submission": {"posted_grade": posted}}
        )

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:
        """See `Hand`."""
        self._teach(
            section, "PUT", f"{assignment}/submissions/{student}", {"comment": {"text_comment": text}}
        )

    def edit(self, section: str, assignment: str, edit: Edit) -> None:
        """See `Hand`."""
        fields: dict[str, Any] = {"name": edit.title, "points_possible": edit.points_possible}
        if edit.due is not None:
            fields["due_at"] = datetime.fromtimestamp(edit.due / 1000, UTC).isoformat()
        given = {name: value for name, value in fields.items() if value is not None}
        self._teach(section, "PUT", assignment, {"assignment": given})

    def delete(self, section: str, assignment: str) -> None:
        """See `Hand`."""
        self._teach(section, "DELETE", assignment)

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:
        """See `Hand`."""
        content = {"submission": {"submission_type": "online_text_entry", "body": text}}
        self._ask(int(student), section, "POST", f"{assignment}/submissions", content)

    def enroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        course, number = _ids(section)
        for record in self._lms.records.all("enrollments"):
            if (record["course_section_id"], record["user_id"]) == (number, int(student)):
                self._lms.records.put("enrollments", record["id"], {**record, "enrollment_state": "active"})
                return
        seed.enroll(self._lms.records, course, number, int(student), "StudentEnrollment")

    def unenroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        _, number = _ids(section)
        for record in self._lms.records.all("enrollments"):
            if (record["course_section_id"], record["user_id"]) == (number, int(student)):
                self._lms.records.put("enrollments", record["id"], {**record, "enrollment_state": "deleted"})

    def add_student(self, student: NewStudent) -> None:
        """See `Hand`."""
        like = self._lms.records.get("users", seed.person_lms_id(ALGEBRA.students[0])) or {}
        id_, name = int(seed.person_lms_id(student.digits)), f"{student.first} {student.last}"
        email = student.email(seed.DISTRICT_DIGITS)
        own = {
            "id": id_, "name": name, "sortable_name": f"{student.last}, {student.first}", "short_name": name,
            "login_id": email, "email": email, "sis_user_id": student.sis_id,
        }  # fmt: skip
        self._lms.records.put("users", id_, like | own)

    def _teach(self, section: str, method: str, path: str, content: Any = None) -> None:
        course, _ = _ids(section)
        teacher = self._lms.enrollments(course, kinds=_TEACHERS)[0]["user_id"]
        self._ask(teacher, section, method, path, content)

    def _ask(self, user: int, section: str, method: str, path: str, content: Any = None) -> None:
        """Ask the API about an assignment, as a user. Raises `Refusal`."""
        token = f"hand-of-{user}"
        if self._lms.records.get("tokens", token) is None:
            kept = {"user": user, "expires": None, "scopes": None, "refreshes": False}
            self._lms.records.put("tokens", token, kept)
        address = f"/api/v1/courses/{_ids(section)[0]}/assignments/{path}"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        body = json.dumps(content or {}).encode()
        self._lms.handle(Request(method, "http://canvas.example", address, address, "", headers, body))


def _ids(section: str) -> tuple[int, int]:
    course, _, number = section.partition("/")
    return int(course), int(number)
