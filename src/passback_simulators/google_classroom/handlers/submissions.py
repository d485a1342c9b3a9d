"""Student submissions: Classroom makes one for each assigned student (courses.courseWork.studentSubmissions).

A submission is stored from its first change on; until then it is NEW, with initial values.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, wire, works
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

DRAFT_CHANGE = "DRAFT_GRADE_POINTS_EARNED_CHANGE"
ASSIGNED_CHANGE = "ASSIGNED_GRADE_POINTS_EARNED_CHANGE"
MAX_POINTS_CHANGE = "MAX_POINTS_CHANGE"

READ_SCOPES = (
    *works.READ_SCOPES_ME, *works.READ_SCOPES_STUDENTS, "classroom.student-submissions.me.readonly",
    "classroom.student-submissions.students.readonly",
)  # fmt: skip

_CONTENT = {
    "ASSIGNMENT": "assignmentSubmission",
    "SHORT_ANSWER_QUESTION": "shortAnswerSubmission",
    "MULTIPLE_CHOICE_QUESTION": "multipleChoiceSubmission",
}


def submission_id(work_id: str, user_id: str) -> str:
    """The id of a student's submission: opaque to clients, but always the same for a student and item."""
    numbers = _varint(int(user_id) % 2**40 + 2**40), _varint(int(work_id))
    pair = b"\x08" + numbers[0] + b"\x10" + numbers[1]
    return urlsafe_b64encode(b"\x0a" + bytes([len(pair)]) + pair).decode().rstrip("=")


def _varint(number: int) -> bytes:
    """A number as a protobuf varint."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def of(lms: ClassroomState, work: Record, user_id: str) -> Record:
    """A student's submission."""
    id_ = submission_id(work["id"], user_id)
    return lms.records.get("submissions", id_) or {
        "id": id_, "course_id": work["course_id"], "work_id": work["id"], "user_id": user_id, "state": "NEW",
        "created": None, "updated": None, "draft": None, "assigned": None, "attachments": [], "answer": None,
        "turned_in": None, "history": [], "missing": False, "draft_settled": False,
    }  # fmt: skip


def put(lms: ClassroomState, submission: Record) -> Record:
    """Store a changed submission."""
    now = lms.clock()
    changed = submission | {"created": submission["created"] or now, "updated": now}
    return lms.records.put("submissions", submission["id"], changed)


def enter(lms: ClassroomState, submission: Record, state: str, actor: str) -> Record:
    """The submission in another state, with its history entry; not stored yet."""
    entry = {"state": state, "actor": actor, "at": lms.clock()}
    return submission | {"state": state, "history": [*submission["history"], entry]}


def grade(
    lms: ClassroomState, work: Record, submission: Record, actor: str, grades: dict[str, float | None]
) -> Record:
    """The submission with other grades, ``draft`` or ``assigned``, and their history entries; not stored yet."""
    history = list(submission["history"])
    for name, kind in (("draft", DRAFT_CHANGE), ("assigned", ASSIGNED_CHANGE)):
        if name in grades and grades[name] != submission[name]:
            history.append(_grade_entry(lms, kind, grades[name], work["max_points"], actor))
    settled = {"draft_settled": True} if "draft" in grades else {}
    return submission | grades | settled | {"history": history}


def draft_grade(lms: ClassroomState, work: Record, submission: Record) -> float | None:
    """The draft grade as teachers see it: what somebody gave, or else the one that missing work gets by itself.

    It stays, also if the work is turned in late, until somebody sets or clears the draft grade (Classroom API:
    "Grades"). It is in no history, because nobody gave it.
    """
    given: float | None = submission["draft"]
    if given is not None or submission.get("draft_settled") or not work["max_points"]:
        return given
    default: float = lms.settings["missing_grade"]
    return default if default >= 0 and (submission.get("missing") or late(lms, work, submission)) else None


def _grade_entry(
    lms: ClassroomState, kind: str, points: float | None, maximum: int, actor: str
) -> dict[str, Any]:
    return {"grade_change": kind, "points": points, "max_points": maximum, "actor": actor, "at": lms.clock()}


def note_max_points(lms: ClassroomState, work: Record, actor: str) -> None:
    """Record a new maximum in the histories of graded submissions."""
    for one in lms.records.all("submissions"):
        if one["work_id"] == work["id"] and one["draft"] is not None:
            entry = _grade_entry(lms, MAX_POINTS_CHANGE, one["draft"], work["max_points"], actor)
            put(lms, one | {"history": [*one["history"], entry]})


def late(lms: ClassroomState, work: Record, submission: Record) -> bool:
    """Whether it was turned in after the due time, or is overdue."""
    if work["due"] is None:
        return False
    when = submission["turned_in"] if submission["turned_in"] is not None else lms.clock()
    return bool(when > work["due"])


def link(work: Record) -> str:
    """The address of course work in the web pages, to which more is appended."""
    kind = "a" if work["work_type"] == "ASSIGNMENT" else "sa"
    course = wire.id_in_links(work["course_id"])
    return f"https://classroom.google.com/c/{course}/{kind}/{wire.id_in_links(work['id'])}"


def shown(call: Call, course: Record, work: Record, submission: Record) -> dict[str, Any]:
    """A submission as the caller sees it: draft grades are only for teachers."""
    teacher = access.role_in(call, course) == access.TEACHER
    new = submission["state"] == "NEW"
    content: dict[str, Any] = {}
    if work["work_type"] == "ASSIGNMENT" and not new:
        content = {"attachments": submission["attachments"]}
    elif not new:
        content = {"answer": submission["answer"]}
    student_link = f"{link(work)}/submissions/student/{wire.id_in_links(submission['user_id'])}"
    return {
        "courseId": course["id"],
        "courseWorkId": work["id"],
        "id": submission["id"],
        "userId": submission["user_id"],
        "creationTime": wire.timestamp(submission["created"]),
        "updateTime": wire.timestamp(submission["updated"]),
        "state": submission["state"],
        "late": late(call.lms, work, submission),
        "draftGrade": wire.present(draft_grade(call.lms, work, submission)) if teacher else None,
        "assignedGrade": wire.present(submission["assigned"]),
        "draftRubricGrades": _rubric_grades(submission, "draft_rubric") if teacher else None,
        "assignedRubricGrades": _rubric_grades(submission, "assigned_rubric"),
        "alternateLink": student_link if access.sees_all(call, course) else f"{link(work)}/details",
        "courseWorkType": work["work_type"],
        "associatedWithDeveloper": work["project"] == call.grant.project,
        _CONTENT[work["work_type"]]: content,
        "submissionHistory": [
            _shown_entry(one)
            for one in submission["history"]
            if teacher or one.get("grade_change") != DRAFT_CHANGE
        ],
    }


def _rubric_grades(submission: Record, name: str) -> dict[str, Any] | None:
    """The rubric grades by criterion; None if there are none."""
    return {
        criterion: {
            "criterionId": criterion, "levelId": one["level"], "points": wire.present(one["points"]),
        }
        for criterion, one in submission.get(name, {}).items()
    } or None  # fmt: skip


def _shown_entry(entry: dict[str, Any]) -> dict[str, Any]:
    if "state" in entry:
        return {
            "stateHistory": {
                "state": entry["state"],
                "stateTimestamp": wire.timestamp(entry["at"]),
                "actorUserId": entry["actor"],
            }
        }
    return {
        "gradeHistory": {
            "pointsEarned": entry["points"],
            "maxPoints": entry["max_points"],
            "gradeTimestamp": wire.timestamp(entry["at"]),
            "actorUserId": entry["actor"],
            "gradeChangeType": entry["grade_change"],
        }
    }


def _published_work(call: Call, course: Record, work_id: str) -> Record:
    """Course work whose submissions exist: those of a deleted item are gone. Raises `Refusal`."""
    work = works.find(call, course, work_id)
    if work["state"] == "DELETED":
        raise errors.not_found()
    return work


def find(call: Call, course: Record, work_id: str, id_: str) -> tuple[Record, Record]:
    """Course work and one of its submissions; 404 if the student is no longer assigned or enrolled."""
    work = _published_work(call, course, work_id)
    for student in works.assignees(call, work):
        if submission_id(work["id"], student) == id_:
            if student != call.user["id"] and not access.sees_all(call, course):
                raise errors.denied()
            return work, of(call.lms, work, student)
    raise errors.not_found()


def _get(call: Call, course_id: str, work_id: str, submission_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    works.require_scope(call, course, READ_SCOPES)
    work, submission = find(call, course, work_id, submission_id)
    return shown(call, course, work, submission)


def _list(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    works.require_scope(call, course, READ_SCOPES)
    states = call.choices("states", messages.SUBMISSION_STATE)
    lateness = (call.choices("late", messages.LATE_VALUES) or [""])[-1]
    user = access.existing_user(call, call.param("userId")) if call.param("userId") else None
    if work_id == "-":
        asked = [one for one in works.of_course(call.lms, course["id"]) if works.visible(call, course, one)]
    else:
        asked = [_published_work(call, course, work_id)]
        if not works.visible(call, course, asked[0]):
            raise errors.denied()
    found = [(work, of(call.lms, work, student)) for work in asked for student in works.assignees(call, work)]
    if not access.sees_all(call, course):
        found = [(work, one) for work, one in found if one["user_id"] == call.user["id"]]
    if user is not None:
        found = [(work, one) for work, one in found if one["user_id"] == user["id"]]
    if states:
        found = [(work, one) for work, one in found if one["state"] in states]
    if lateness:
        wanted = lateness == "LATE_ONLY"
        found = [(work, one) for work, one in found if late(call.lms, work, one) == wanted]
    content = page(call, "studentSubmissions", found)
    rows = [shown(call, course, work, one) for work, one in content["studentSubmissions"]]
    return content | {"studentSubmissions": rows}


SUBMISSIONS = "/v1/courses/{courseId}/courseWork/{courseWorkId}/studentSubmissions"
SUBMISSION = f"{SUBMISSIONS}/{{id}}"

OPERATIONS = (
    Operation("GET", SUBMISSIONS, "StudentSubmissions.ListStudentSubmissions", READ_SCOPES, _list,
              (*PAGES, "userId", "states", "late"), response=messages.STUDENT_SUBMISSIONS),
    Operation("GET", SUBMISSION, "StudentSubmissions.GetStudentSubmission", READ_SCOPES, _get,
              response=messages.STUDENT_SUBMISSION),
)  # fmt: skip
