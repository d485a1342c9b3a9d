"""What teachers and the registrar do in an LMS with LTI Advantage. See `passback_simulators.hands.Hand`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent, NotPossible
from passback_simulators.identities import ALGEBRA
from passback_simulators.lti import seed
from passback_simulators.lti.handlers import grades

if TYPE_CHECKING:
    from passback_simulators.lti.app import LtiSimulator
    from passback_simulators.records import Record


class Hand:
    """See `passback_simulators.hands.Hand`. An assignment is the address of a line item, below the LMS's own."""

    def __init__(self, lms: LtiSimulator) -> None:
        self._lms = lms

    def gradebook(self, section: str) -> Gradebook:
        """See `Hand`."""
        members = [
            it["user"]
            for it in self._lms.members(section)
            if it["status"] == "Active" and self._lms.is_gradable(None, section, it["user"])
        ]
        users = {it: self._lms.records.get("users", it) or {} for it in members}
        items = [it for it in self._lms.records.all("items") if it["course"] == section]
        columns = [Column(self._address(it), it["label"], it["scoreMaximum"], None) for it in items]
        cells = {}
        for item in items:
            for user in users:
                score = grades.score_of(self._lms, item["id"], user)
                cell = NOTHING if score is None else Cell(score["points"], _comment(score))
                if cell != NOTHING:
                    cells[user, self._address(item)] = cell
        return Gradebook({id_: f"{it['given']} {it['family']}" for id_, it in users.items()}, columns, cells)

    def grade(self, section: str, assignment: str, student: str, points: float | None) -> None:
        """See `Hand`."""
        item = self._item(section, assignment)
        self._lms.ui_grade(item, student, points, _comment(grades.score_of(self._lms, item, student) or {}))

    def comment(self, section: str, assignment: str, student: str, text: str) -> None:
        """See `Hand`."""
        item = self._item(section, assignment)
        score = grades.score_of(self._lms, item, student) or {}
        self._lms.ui_grade(item, student, score.get("points"), text)

    def edit(self, section: str, assignment: str, edit: Edit) -> None:
        """See `Hand`."""
        if edit.due is not None:
            raise NotPossible("a column of the gradebook has no due date")
        fields: dict[str, Any] = {"label": edit.title, "scoreMaximum": edit.points_possible}
        given = {name: value for name, value in fields.items() if value is not None}
        self._lms.ui_change_item(self._item(section, assignment), **given)

    def delete(self, section: str, assignment: str) -> None:
        """See `Hand`."""
        self._lms.ui_delete_item(self._item(section, assignment))

    def hand_in(self, section: str, assignment: str, student: str, text: str) -> None:  # noqa: ARG002
        """See `Hand`."""
        raise NotPossible("by LTI students hand in to the application itself, not to the LMS")

    def enroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        seed.join(self._lms.records, section, student, [seed.LEARNER])

    def unenroll(self, section: str, student: str) -> None:
        """See `Hand`."""
        self._lms.ui_unenroll(section, student)

    def add_student(self, student: NewStudent) -> None:
        """See `Hand`."""
        like = self._lms.records.get("users", seed.person_lms_id(ALGEBRA.students[0])) or {}
        own = {
            "id": seed.person_lms_id(student.digits), "given": student.first, "family": student.last,
            "sourcedid": student.sis_id, "email": student.email(seed.DISTRICT_DIGITS),
        }  # fmt: skip
        self._lms.records.put("users", own["id"], like | own)

    def _address(self, item: Record) -> str:
        return self._lms.path(self._lms.profile.item, course=item["course"], item=item["id"])

    def _item(self, section: str, assignment: str) -> str:
        """The id of a line item, by its address."""
        path = urlsplit(assignment).path
        for item in self._lms.records.all("items"):
            if item["course"] == section and urlsplit(self._address(item)).path == path:
                return str(item["id"])
        raise NotPossible("the column is no longer in the gradebook")


def _comment(score: Record) -> str | None:
    words = score.get("comments") or [score.get("comment")]
    return words[-1] or None
