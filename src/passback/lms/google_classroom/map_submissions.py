"""Submissions: between the gateway's and Google Classroom's."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.google_classroom.errors import NAME
from passback.lms.google_classroom.map_assignments import LmsAssignment, attachment
from passback.lms.interface import RefusedByLms, Unsupported
from passback.lms.toolkit.json_fields import Json, as_objects, instant, number, text
from passback.lms.toolkit.points import grade_text, points_given
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Attachment
    from passback.domain.clock import Instant

UNSUPPORTED = frozenset({"excused", "grade_comment", "extra_attempts", "override_due_date"})
_MOST_ATTACHMENTS = 20
_CENT = Decimal("0.01")

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


def untouched(student: str, stored: LmsAssignment) -> Submission:
    """Return the submission of an assignment that students cannot see yet: Classroom creates it when publishing."""
    assignment = stored.assignment
    return Submission(student, "created", (), created=assignment.created, last_modified=assignment.created)


def state_of(answer: Json) -> str:
    """Return the state of a submission. A grade that its student sees is returned, even if nothing was turned in."""
    state = _STATES.get(text(answer, "state") or "")
    if state is not None:
        return state
    return "created" if number(answer, "assignedGrade") is None else "returned"


def points_to_lms(fields: SubmissionFields, stored: LmsAssignment) -> Decimal | None:
    """Return the points that `fields` give, to two decimals as Classroom keeps them; None removes the grade.

    Raises `Refused`.
    """
    points = points_given(fields, stored.assignment)
    if points is not None and not stored.assignment.points_possible:
        raise RefusedByLms("NOT_GRADED", f"{NAME} grades only assignments that have points_possible")
    return None if points is None else points.quantize(_CENT, ROUND_HALF_UP)


def gives_grade(fields: SubmissionFields) -> bool:
    """Whether a grade is given or removed."""
    return fields.grade is not None or fields.grade_points is not None


def check_transition(fields: SubmissionFields, answer: Json) -> bool:
    """Whether the submission has to change its state. Raises `Refused` if it cannot reach `fields.state`."""
    moves = is_transition(state_of(answer), fields.state)
    if moves and fields.state == "returned" and state_of(answer) == "created":
        graded = (
            bool(fields.grade) or fields.grade_points is not None or number(answer, "draftGrade") is not None
        )
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
    assigned = number(answer, "assignedGrade")
    draft = number(answer, "draftGrade")
    points = assigned if draft is None else draft
    exact = (note or {}).get("points")
    if exact and points is not None and Decimal(exact[1]) == points:
        points = Decimal(exact[0])
    return Submission(
        student_id=student,
        state=state_of(answer),
        flags=_flags(answer, points, stored, now),
        grade=grade_text(points, assignment),
        grade_points=points,
        grader_id=_grader(answer, note),
        attachments=attachments_of(answer),
        created=instant(answer, "creationTime") or assignment.created,
        last_modified=instant(answer, "updateTime") or assignment.created,
    )


def _flags(answer: Json, points: Decimal | None, stored: LmsAssignment, now: Instant) -> tuple[str, ...]:
    """Return the flags. Only turned-in work is late; Classroom also calls work late that is missing here."""
    handed_in = text(answer, "state") in ("TURNED_IN", "RETURNED") and _was_turned_in(answer)
    due = stored.assignment.due_date
    flags = ["late"] if handed_in and answer.get("late") is True else []
    if due is not None and now > due and not handed_in and points is None:
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
