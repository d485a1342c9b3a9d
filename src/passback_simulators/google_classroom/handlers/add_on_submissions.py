"""Students' work in an add-on's attachment, and its grades (courses.courseWork.addOnAttachments.studentSubmissions).

The grades of one attachment, the one with ``gradeSyncEnabled``, become draft grades of the course work. Nothing comes
back: a teacher who then changes the draft grade does not change the attachment's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, add_ons, errors, messages, parsing, wire, works
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.handlers import submissions
from passback_simulators.google_classroom.handlers.add_on_attachments import ATTACHMENT, submission_id
from passback_simulators.google_classroom.handlers.submission_changes import points
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record


def _key(attachment: Record, student: str) -> str:
    return f"{attachment['id']}/{student}"


def _shown(call: Call, course: Record, work: Record, attachment: Record, student: str) -> dict[str, Any]:
    submission = submissions.of(call.lms, work, student)
    kept = call.lms.records.get("add_on_grades", _key(attachment, student)) or {"points": None}
    named = access.role_in(call, course) == access.TEACHER and call.may(*submissions.READ_SCOPES)
    return {
        "id": submission_id(work["id"], student),
        "courseWorkSubmissionId": submission["id"],
        "postSubmissionState": submission["state"],
        "pointsEarned": wire.present(kept["points"]),
        "userId": student if named else None,
    }


def _find(call: Call, course_id: str, work_id: str, attachment_id: str) -> tuple[Record, Record, Record]:
    """The course, the work and an attachment with students' work; 404 for one that is only shown."""
    course = access.readable_course(call, course_id)
    add_ons.require_role_scope(call, course, *submissions.READ_SCOPES)
    work = add_ons.find_work(call, course, work_id)
    attachment = add_ons.find(call, work, attachment_id)
    if attachment["review_uri"] is None:
        raise errors.not_found()
    return course, work, attachment


def _student(call: Call, course: Record, work: Record, id_: str) -> str:
    """The student whose work has an id: everyone's for teachers, the caller's for a student."""
    for student in works.assignees(call, work):
        if submission_id(work["id"], student) == id_:
            if student != call.user["id"]:
                access.require_teacher(call, course)
            return student
    raise errors.not_found()


def _get(call: Call, course_id: str, work_id: str, attachment_id: str, id_: str) -> dict[str, Any]:
    course, work, attachment = _find(call, course_id, work_id, attachment_id)
    return _shown(call, course, work, attachment, _student(call, course, work, id_))


def _list(call: Call, course_id: str, work_id: str, attachment_id: str) -> dict[str, Any]:
    course, work, attachment = _find(call, course_id, work_id, attachment_id)
    students = works.assignees(call, work)
    if access.role_in(call, course) != access.TEACHER:
        students = [one for one in students if one == call.user["id"]]
    name = "addOnAttachmentStudentSubmissions"
    content = page(call, name, students)
    return content | {name: [_shown(call, course, work, attachment, one) for one in content[name]]}


def _patch(call: Call, course_id: str, work_id: str, attachment_id: str, id_: str) -> dict[str, Any]:
    """Set or clear the points; those of the synced attachment become the draft grade at once."""
    course, work, attachment = _find(call, course_id, work_id, attachment_id)
    access.require_teacher(call, course)
    parsing.update_mask(call.param("updateMask"), frozenset({"pointsEarned"}))
    earned = points(call.body.get("pointsEarned"), "add_on_attachment_student_submission.points_earned")
    if not attachment["max_points"]:
        raise errors.invalid(field="add_on_attachment_student_submission.points_earned")
    student = _student(call, course, work, id_)
    access.require_modifiable(course)
    call.lms.records.put("add_on_grades", _key(attachment, student), {"points": earned})
    if attachment["sync"]:
        submission = submissions.of(call.lms, work, student)
        graded = submissions.grade(call.lms, work, submission, call.user["id"], {"draft": earned})
        submissions.put(call.lms, graded)
    return _shown(call, course, work, attachment, student)


_SUBMISSIONS = f"{ATTACHMENT}/studentSubmissions"
_SUBMISSION = f"{_SUBMISSIONS}/{{submissionId}}"
_READ = (add_ons.STUDENT_SCOPE, add_ons.TEACHER_SCOPE, *submissions.READ_SCOPES)

OPERATIONS = (
    Operation("GET", _SUBMISSIONS, "AddOns.ListAddOnAttachmentStudentSubmissions", _READ, _list, PAGES,
              response=messages.ADD_ON_SUBMISSIONS),
    Operation("GET", _SUBMISSION, "AddOns.GetAddOnAttachmentStudentSubmission", _READ, _get, ("postId",),
              response=messages.ADD_ON_SUBMISSION),
    Operation("PATCH", _SUBMISSION, "AddOns.UpdateAddOnAttachmentStudentSubmission", (add_ons.TEACHER_SCOPE,), _patch,
              ("postId", "updateMask"), messages.ADD_ON_SUBMISSION, "add_on_attachment_student_submission",
              messages.ADD_ON_SUBMISSION),
)  # fmt: skip
