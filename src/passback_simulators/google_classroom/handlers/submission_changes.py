"""Changing submissions: teachers grade and return, students attach, turn in and reclaim.

All of this is open only to the Cloud project that created the course work. Grades are also open to that of the add-on
whose grades are synced.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, add_ons, errors, materials, messages, parsing, works
from passback_simulators.google_classroom.call import Operation
from passback_simulators.google_classroom.handlers import submissions
from passback_simulators.google_classroom.handlers.submissions import SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

_GRADES = {"draftGrade": "draft", "assignedGrade": "assigned"}
_TOO_MANY_POINTS = 10**12


def _of_teacher(
    call: Call,
    course_id: str,
    work_id: str,
    id_: str,
    project: Callable[[Call, Record], None] = works.require_project,
) -> tuple[Record, Record, Record]:
    """The course, work and submission for a change by a teacher. `project`: refuses other projects."""
    course = access.readable_course(call, course_id)
    work, submission = submissions.find(call, course, work_id, id_)
    access.require_teacher(call, course)
    project(call, work)
    access.require_modifiable(course)
    return course, work, submission


def _of_student(call: Call, course_id: str, work_id: str, id_: str) -> tuple[Record, Record, Record]:
    """The course, work and submission for a change by the student who owns it. Raises `Refusal`."""
    course = access.readable_course(call, course_id)
    work, submission = submissions.find(call, course, work_id, id_)
    if submission["user_id"] != call.user["id"]:
        raise errors.denied()
    works.require_project(call, work)
    access.require_modifiable(course)
    return course, work, submission


# Teachers.


def _patch(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    """Set or clear the draft grade, the assigned grade, or both. The state does not change."""
    mask = parsing.update_mask(call.param("updateMask"), frozenset(_GRADES))
    course, work, submission = _of_teacher(
        call, course_id, work_id, submission_id, add_ons.require_grading_project
    )
    grades = {
        _GRADES[name]: points(call.body.get(name), f"student_submission.{parsing.snake(name)}")
        for name in mask
    }
    if any(one is not None for one in grades.values()) and not work["max_points"]:
        raise errors.failed_precondition()
    draft = grades.get("draft", submissions.draft_grade(call.lms, work, submission))
    if grades.get("assigned") is not None and draft is None:
        raise errors.invalid(field="student_submission.assigned_grade")
    changed = submissions.grade(call.lms, work, submission, call.user["id"], grades)
    return submissions.shown(call, course, work, submissions.put(call.lms, changed))


def points(given: float | None, field: str) -> float | None:
    """Points as stored: not negative, with two decimals. More than the maximum is extra credit."""
    if given is None:
        return None
    if not 0 <= given < _TOO_MANY_POINTS:
        raise errors.invalid(field=field)
    return float(Decimal(str(given)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _return(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    """Return work. Unlike Return in the web page, this leaves the grades alone."""
    _, _, submission = _of_teacher(call, course_id, work_id, submission_id)
    if submission["state"] != "TURNED_IN" and not (
        submission["state"] == "RETURNED" and call.lms.settings["return_again"]
    ):
        raise errors.failed_precondition()
    submissions.put(call.lms, submissions.enter(call.lms, submission, "RETURNED", call.user["id"]))
    return {}


# Students.


def turn_in(lms: ClassroomState, submission: Record) -> Record:
    """The submission as turned in by its student; not stored yet."""
    student = submission["user_id"]
    if submission["state"] == "NEW":
        submission = submissions.enter(lms, submission, "CREATED", student)
    return submissions.enter(lms, submission, "TURNED_IN", student) | {"turned_in": lms.clock()}


def reclaim(lms: ClassroomState, submission: Record) -> Record:
    """The submission as reclaimed by its student; not stored yet."""
    changed = submissions.enter(lms, submission, "RECLAIMED_BY_STUDENT", submission["user_id"])
    return changed | {"turned_in": None}


def _turn_in(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    _, _, submission = _of_student(call, course_id, work_id, submission_id)
    if submission["state"] == "TURNED_IN":
        raise errors.failed_precondition()
    submissions.put(call.lms, turn_in(call.lms, submission))
    return {}


def _reclaim(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    _, _, submission = _of_student(call, course_id, work_id, submission_id)
    if submission["state"] != "TURNED_IN":
        raise errors.failed_precondition()
    submissions.put(call.lms, reclaim(call.lms, submission))
    return {}


def _modify_attachments(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    """Add attachments; there is no way to remove one."""
    course, work, submission = _of_student(call, course_id, work_id, submission_id)
    added = call.body.get("addAttachments", [])
    kept = submission["attachments"]
    if work["work_type"] != "ASSIGNMENT" or not added or len(kept) + len(added) > materials.MOST:
        raise errors.invalid(field="add_attachments")
    attachments = [*kept, *(materials.attachment(call.lms, one, call.user["id"]) for one in added)]
    if submission["state"] == "TURNED_IN" and work["modification_mode"] != "MODIFIABLE":
        raise errors.failed_precondition()
    if submission["state"] == "NEW":
        submission = submissions.enter(call.lms, submission, "CREATED", call.user["id"])
    changed = submissions.put(call.lms, submission | {"attachments": attachments})
    return submissions.shown(call, course, work, changed)


_ME = ("classroom.coursework.me",)
_STUDENTS = ("classroom.coursework.students",)

OPERATIONS = (
    Operation("PATCH", SUBMISSION, "StudentSubmissions.UpdateStudentSubmission", (*_ME, *_STUDENTS), _patch,
              ("updateMask",), messages.STUDENT_SUBMISSION, "student_submission",
              messages.STUDENT_SUBMISSION),
    Operation("POST", f"{SUBMISSION}:return", "StudentSubmissions.ReturnStudentSubmission", _STUDENTS, _return,
              message=messages.RETURN),
    Operation("POST", f"{SUBMISSION}:turnIn", "StudentSubmissions.TurnInStudentSubmission", _ME, _turn_in,
              message=messages.TURN_IN),
    Operation("POST", f"{SUBMISSION}:reclaim", "StudentSubmissions.ReclaimStudentSubmission", _ME, _reclaim,
              message=messages.RECLAIM),
    Operation("POST", f"{SUBMISSION}:modifyAttachments", "StudentSubmissions.ModifyAttachments", (*_ME, *_STUDENTS),
              _modify_attachments, message=messages.MODIFY_ATTACHMENTS,
              response=messages.STUDENT_SUBMISSION),
)  # fmt: skip
