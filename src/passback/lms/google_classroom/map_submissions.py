"""Submissions: between the gateway's and Google Classroom's."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.grading import plain, rounded
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.google_classroom.errors import NAME
from passback.lms.google_classroom.map_assignments import LmsAssignment, attachment
from passback.lms.interface import RefusedByLms, Unsupported
from passback.lms.states import asked_state
from passback.lms.toolkit.json_fields import Json, as_objects, instant, number, number_or_none, text
from passback.lms.toolkit.points import grade_text, points_given
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Attachment
    from passback.domain.clock import Instant

UNSUPPORTED = frozenset({"excused", "grade_comment", "extra_attempts", "override_due_date"})
_MOST_ATTACHMENTS = 20
_CENT = Decimal("0.01")
_DRAFT_CHANGE = "DRAFT_GRADE_POINTS_EARNED_CHANGE"

_STATES = {"TURNED_IN": "submitted", "RETURNED": "returned", "RECLAIMED_BY_STUDENT": "reclaimed"}


class Target(Struct, frozen=True):
    """Whose submission of which assignment is read or changed."""

    course: str
    stored: LmsAssignment
    student: str

    @property
    def note_key(self) -> str:
        """The key of the submission's note."""
        return grade_key(self.stored, self.student)

    def path(self, submission: str) -> str:
        """Return the path of the submission with this id in the API."""
        return f"{submissions_path(self.course, self.stored)}/{submission}"


def grade_key(stored: LmsAssignment, student: str) -> str:
    """Return the key of a submission's note."""
    return f"grade/{stored.assignment.lms_id}/{student}"


def submissions_path(course: str, stored: LmsAssignment) -> str:
    """Return the path of an assignment's submissions in the API."""
    return f"courses/{course}/courseWork/{stored.assignment.lms_id}/studentSubmissions"


def belongs_to(answer: Json, stored: LmsAssignment) -> bool:
    """Whether a submission is one of an assignment."""
    return text(answer, "courseWorkId") == stored.assignment.lms_id


def is_submission(answer: Json, id_: str, student: str) -> bool:
    """Whether an answer shows a student's submission, and is not something else that came with a good status."""
    grades = [answer.get(name) for name in ("draftGrade", "assignedGrade")]
    readable = all(it is None or number({"it": it}, "it") is not None for it in grades)
    return readable and (text(answer, "id"), text(answer, "userId")) == (id_, student)


def is_reckoned_otherwise(fields: SubmissionFields, answer: Json, stored: LmsAssignment) -> bool:
    """Whether a grade that was given as text was reckoned from other points than the assignment has."""
    changes = _history(answer, "gradeHistory")
    if fields.grade_points is not None or not fields.grade or not changes:
        return False
    return number(changes[-1], "maxPoints") not in (None, stored.assignment.points_possible)


def untouched(student: str, stored: LmsAssignment) -> Submission:
    """Return the submission of an assignment that students cannot see yet: Classroom creates it when publishing."""
    assignment = stored.assignment
    return Submission(student, "created", (), created=assignment.created, last_modified=assignment.created)


def state_of(answer: Json) -> str:
    """Return the state of a submission. A grade that its student sees is returned, even if nothing was turned in."""
    state = _STATES.get(text(answer, "state") or "")
    if state is not None:
        return state
    return "created" if number_or_none(answer, "assignedGrade") is None else "returned"


def points_to_lms(fields: SubmissionFields, stored: LmsAssignment) -> Decimal | None:
    """Return the points that `fields` give, to two decimals as Classroom keeps them; None if they give none.

    Raises `RefusedByLms`.
    """
    points = points_given(fields, stored.assignment)
    if points is not None and not stored.assignment.points_possible:
        raise RefusedByLms("NOT_GRADED", f"{NAME} grades only assignments that have points_possible")
    return None if points is None else rounded(points, _CENT)


def given_draft(answer: Json, note: Mapping[str, Any] | None) -> Decimal | None:
    """Return the draft grade that somebody gave, or None.

    Work that is missing gets a draft grade from Classroom itself: 0, unless the teacher chose another number. Nothing
    says so of a submission, but its history names who gave a grade, and nobody gave that one. What we gave ourselves
    is in the note while it is only a draft.
    """
    draft = number_or_none(answer, "draftGrade")
    if draft is None or plain(draft) == (note or {}).get("draft"):
        return draft
    changes = [it for it in _history(answer, "gradeHistory") if text(it, "gradeChangeType") == _DRAFT_CHANGE]
    # Google leaves zeros out.
    if changes and text(changes[-1], "actorUserId") and (number(changes[-1], "pointsEarned") or 0) == draft:
        return draft
    return None


def is_missing_draft(answer: Json, note: Mapping[str, Any] | None) -> bool:
    """Whether Classroom set the draft grade by itself, because the work is missing."""
    return number(answer, "draftGrade") is not None and given_draft(answer, note) is None


def needs_a_look(fields: SubmissionFields) -> bool:
    """Whether the submission must be read before it is changed; a grade alone can be set blindly."""
    return bool(
        fields.state is not None
        or fields.attachments is not None
        or (fields.grade_points is None and not fields.grade)
    )


def removes_grade(fields: SubmissionFields, answer: Json, note: Mapping[str, Any] | None) -> bool:
    """Whether a grade is to be removed, and there is one: the draft grade of missing work is none."""
    if fields.grade is None or fields.grade or fields.grade_points is not None:
        return False
    return number(answer, "assignedGrade") is not None or not is_missing_draft(answer, note)


def hidden_grade(answer: Json, note: Mapping[str, Any] | None) -> Decimal | None:
    """Return the grade that somebody gave and that its student does not see yet, or None."""
    draft = given_draft(answer, note)
    return None if draft == number(answer, "assignedGrade") else draft


def check_transition(fields: SubmissionFields, answer: Json, note: Mapping[str, Any] | None) -> bool:
    """Whether the submission has to change its state. Raises `RefusedByLms` if it cannot reach `fields.state`."""
    state = state_of(answer)
    moves = is_transition(state, asked_state(fields, state, other_work=bool(new_links(fields, answer))))
    if moves and fields.state == "returned" and state == "created":
        graded = fields.gives_grade or given_draft(answer, note) is not None
        if not graded:
            raise RefusedByLms(
                "INVALID_STATE", f"{NAME} returns work only with a grade, or once it has been turned in"
            )
    return moves


def new_links(fields: SubmissionFields, answer: Json) -> list[str]:
    """Return the addresses that are not attached yet: Classroom would attach the others twice. Raises `LmsError`."""
    wanted = fields.attachments or ()
    if any(item.type == "text" for item in wanted):
        raise Unsupported(NAME, "submission type of text")
    if len(wanted) > _MOST_ATTACHMENTS:
        raise RefusedByLms("INVALID_ATTACHMENT", f"{NAME} accepts up to {_MOST_ATTACHMENTS} attachments")
    attached = {item.url for item in attachments_of(answer)}
    return list(dict.fromkeys(item.url for item in wanted if item.url and item.url not in attached))


def attachments_of(answer: Json) -> tuple[Attachment, ...]:
    """Return the attachments of a submission."""
    submission = answer.get("assignmentSubmission")
    attached = as_objects(submission.get("attachments")) if isinstance(submission, dict) else []
    return tuple(found for it in attached if (found := attachment(it)) is not None)


def to_submission(
    answer: Json, student: str, stored: LmsAssignment, note: Mapping[str, Any] | None, now: Instant
) -> Submission:
    """Return the gateway's form of a submission; `note` is what we keep of it."""
    assignment = stored.assignment
    draft = given_draft(answer, note)
    points = number_or_none(answer, "assignedGrade") if draft is None else draft
    exact = (note or {}).get("points")
    if exact and points is not None and Decimal(exact[1]) == points:
        points = Decimal(exact[0])
    return Submission(
        student_id=student,
        state=state_of(answer),
        flags=_flags(answer, points, stored, now, marked=is_missing_draft(answer, note)),
        grade=grade_text(points, assignment),
        grade_points=points,
        grader_id=_grader(answer, note),
        attachments=attachments_of(answer),
        created=instant(answer, "creationTime") or assignment.created,
        last_modified=instant(answer, "updateTime") or assignment.created,
    )


def to_note(
    fields: SubmissionFields,
    points: Decimal | None,
    told: str | None,
    before: Mapping[str, Any] | None,
    *,
    visible: bool,
) -> dict[str, Any]:
    """Return the note of a submission: points that Google rounded, a draft that we gave, and who graded.

    `points` is what was sent, `visible` to the student or not. `told` is whom Classroom calls the grader: the teacher
    as whom we sent it.
    """
    note = dict(before or {})
    if fields.grade is not None or fields.grade_points is not None:
        note.pop("points", None)
        note.pop("draft", None)
    if points is not None:
        if fields.grade_points is not None and fields.grade_points != points:
            note["points"] = [plain(fields.grade_points), plain(points)]
        if not visible:
            note["draft"] = plain(points)
    if fields.grader_id is not None:
        note.pop("grader", None)
        if told != fields.grader_id:
            note |= {"grader": fields.grader_id, "graded_as": told}
    return note


def _flags(
    answer: Json, points: Decimal | None, stored: LmsAssignment, now: Instant, *, marked: bool
) -> tuple[str, ...]:
    """Return the flags. Only turned-in work is late; Classroom also calls work late that is missing here.

    `marked` if Classroom treats the work as missing, which teachers can also decide before it is due.
    """
    handed_in = text(answer, "state") in ("TURNED_IN", "RETURNED") and _was_turned_in(answer)
    due = stored.assignment.due_date
    flags = ["late"] if handed_in and answer.get("late") is True else []
    overdue = marked or (due is not None and now > due)
    if overdue and not handed_in and points is None:
        flags.append("missing")
    return tuple(flags)


def _history(answer: Json, name: str) -> Sequence[Json]:
    return [it[name] for it in as_objects(answer.get("submissionHistory")) if isinstance(it.get(name), dict)]


def _was_turned_in(answer: Json) -> bool:
    states = _history(answer, "stateHistory")
    return not states or any(text(it, "state") == "TURNED_IN" for it in states)


def _grader(answer: Json, note: Mapping[str, Any] | None) -> str | None:
    """Return who graded last, also if we sent the grade as someone else."""
    grades = _history(answer, "gradeHistory")
    actor = text(grades[-1], "actorUserId") if grades else None
    if note and note.get("grader") and note.get("graded_as") == actor:
        return str(note["grader"])
    return actor
