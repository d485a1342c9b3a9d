"""Submissions: between the gateway's and Canvas's."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct

from passback.domain.assignment import Attachment, GradingType
from passback.domain.grading import InvalidGrade, plain, points_of
from passback.domain.submission import FLAGS, Submission, SubmissionFields
from passback.lms.canvas.comments import newest_comment
from passback.lms.canvas.errors import NAME, WRONG_KIND
from passback.lms.canvas.map_assignments import LmsAssignment
from passback.lms.interface import RefusedByLms, Unavailable, Unsupported
from passback.lms.states import NEEDS_GRADE, asked_state
from passback.lms.toolkit import alike
from passback.lms.toolkit.html import html_to_text, text_to_html
from passback.lms.toolkit.json_fields import (
    Json,
    as_objects,
    instant,
    integer,
    number,
    require_readable,
    text,
    texts,
)
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.lms.canvas.schemes import Scheme


class Target(Struct, frozen=True):
    """Whose submission of which assignment is read or changed."""

    course: str
    item: LmsAssignment
    student: str

    @property
    def path(self) -> str:
        """The submission's path in the API."""
        return f"{self.assignment_path}/submissions/{self.student}"

    @property
    def assignment_path(self) -> str:
        """The assignment's path in the API."""
        return f"courses/{self.course}/assignments/{self.item.id}"

    @property
    def note_key(self) -> str:
        """The key of the submission's note."""
        return grade_key(self.item.id, self.student)


def grade_key(assignment: str, student: str) -> str:
    """Return the key of a submission's note."""
    return f"grade/{assignment}/{student}"


_PASS_OR_FAIL = ("complete", "incomplete")


class Grade(Struct, frozen=True):
    """What Canvas is sent to grade one student, and how to check that Canvas understood it."""

    posted: str | None
    """``posted_grade``; None if no grade is given."""
    points: Decimal | None = None
    """The points with which Canvas must enter it, if they are known."""

    @property
    def counts_as_points(self) -> bool:
        """Whether it is points even if the scheme has a level of that name."""
        return self.points is not None


def grade_to_lms(fields: SubmissionFields, item: LmsAssignment, scheme: Scheme | None) -> Grade:
    """Return the grade that `fields` give on an assignment. Raises `RefusedByLms`.

    If both are given, points count more than the text, being exact; but only the text says pass or fail, and only the
    text counts if there are no points to have. `scheme` is the one in force; None if it is unknown.
    """
    points, words, kind = fields.grade_points, fields.grade, cast("GradingType", item.grading_type)
    if points is None and words is None:
        return Grade(None)
    if words and kind in ("pass_fail", "letter_grade") and not item.points_possible:
        # For Canvas a share of nothing is nothing: only the word tells a pass from a fail, or an A from an F.
        return Grade(_word_of(words, kind, scheme))
    if points is not None and not (words and kind == "pass_fail"):
        if kind in ("pass_fail", "letter_grade") and not item.points_possible:
            raise _invalid("without points_possible only the text of a grade says what it is")
        if kind == "pass_fail" and points not in (0, item.points_possible):
            raise _invalid("Canvas grades pass or fail with all of the points or none")
        return Grade(plain(points), points)
    if not words:
        return Grade("")
    if kind == "letter_grade":
        return Grade(_word_of(words, kind, scheme))
    if kind == "percent" and not item.points_possible:
        raise _invalid("the assignment has no points to take a share of")
    try:
        worth = points_of(words, kind, item.points_possible)
    except InvalidGrade as error:
        raise _invalid(str(error)) from None
    # Canvas gives a percentage its own rounding.
    return Grade(words, worth if kind in ("points", "pass_fail") else None)


def _word_of(words: str, kind: GradingType, scheme: Scheme | None) -> str:
    """Return the word by which Canvas knows a grade. Raises `RefusedByLms`."""
    if kind == "letter_grade" and scheme is None:
        raise _invalid("Canvas does not show the grading scheme that is in force")
    if kind == "letter_grade" and scheme:
        if words not in {entry.name for entry in scheme}:
            letters = " ".join(entry.name for entry in scheme)
            raise _invalid(f"'{words[:40]}' is not a letter of the grading scale [{letters}]")
        return words
    try:
        points_of(words, kind, None)
    except InvalidGrade as error:
        raise _invalid(str(error)) from None
    return {"pass": "complete", "fail": "incomplete"}.get(words, words)


def _invalid(sentence: str) -> RefusedByLms:
    return RefusedByLms("INVALID_GRADE", sentence)


class NotTaken(RefusedByLms):
    """Canvas has no grade afterwards: it drops what it cannot interpret, without saying so."""

    def __init__(self) -> None:
        super().__init__("INVALID_GRADE", "Canvas does not accept the grade")


def check_taken(grade: Grade, answer: Json, *, answered: bool) -> None:
    """Check that Canvas has entered some grade if one was given; `answered` says that it is what it answers to that.

    Raises `NotTaken`, and `Unavailable` if Canvas does not say itself that there is no grade.
    """
    if not grade.posted or _entered(answer) is not None or _entered_word(answer) is not None:
        return
    _require_readable(answer)
    if answered and answer.get("entered_grade", answer.get("grade")) is None:
        raise NotTaken
    raise Unavailable("it answers without a grade", in_doubt=True)


def is_entered(grade: Grade, answer: Json) -> bool:
    """Whether Canvas has entered the very grade that was given, whatever it then makes of it."""
    entered = _entered(answer)
    if not grade.posted:
        return entered is None
    if grade.points is not None:
        return entered is not None and math.isclose(entered, grade.points, rel_tol=1e-7)
    if grade.posted in _PASS_OR_FAIL:
        return _entered_word(answer) == grade.posted
    # A letter's points are Canvas's business; the text is what was asked for.
    return same_grade(grade.posted, _entered_word(answer))


def is_entered_otherwise(grade: Grade, before: Json, answer: Json) -> bool:
    """Whether Canvas has entered other points than were given, and than it had before."""
    entered = _entered(answer)
    return bool(grade.posted) and grade.points is not None and entered not in (None, _entered(before))


def same_grade(given: str, shown: str | None) -> bool:
    """Whether two texts are the same grade: Canvas writes numbers and percentages its own way."""
    if shown is None or given == shown:
        return given == shown
    one, other = (_share(text_.removesuffix("%")) for text_ in (given, shown))
    return one is not None and one == other and given.endswith("%") == shown.endswith("%")


def _share(digits: str) -> Decimal | None:
    found = number({"it": digits}, "it")
    return None if found is None else round(found, 2)


def _entered(answer: Json) -> Decimal | None:
    return number(answer, "entered_score" if "entered_score" in answer else "score")


def _entered_word(answer: Json) -> str | None:
    return text(answer, "entered_grade") or text(answer, "grade")


def is_reduced(grade: Grade, answer: Json) -> bool:
    """Whether Canvas has entered the grade, and counts another, such as because the work is late."""
    if not grade.posted or not is_entered(grade, answer):
        return False
    return (number(answer, "score"), text(answer, "grade")) != (_entered(answer), _entered_word(answer))


def shows_grade(answer: Json) -> bool:
    """Whether it is a submission that says what the grade is, be it none."""
    try:
        _require_readable(answer)
    except Unavailable:
        return False
    return text(answer, "user_id") is not None and ("entered_grade" in answer or "grade" in answer)


def _require_readable(answer: Json) -> None:
    """Raise `Unavailable` if something of a grade cannot be read: it must not be taken for none."""
    require_readable(answer, number, "entered_score", "score")
    require_readable(answer, text, "entered_grade", "grade")


def check_whose(answer: Json, target: Target) -> None:
    """Check that a submission is the one that was asked for. Raises `Unavailable`."""
    wanted = {"user_id": target.student, "assignment_id": target.item.id}
    if any(text(answer, name) not in (None, wanted_id) for name, wanted_id in wanted.items()):
        raise Unavailable("it answers with another submission", in_doubt=True)


def is_assigned(answer: Json) -> bool:
    """Whether the student has the assignment: Canvas shows an unsaved submission for those who do not."""
    return text(answer, "id") is not None and answer.get("assignment_visible") is not False


def to_submission(
    answer: Json, student: str, item: LmsAssignment, note: Mapping[str, Any] | None
) -> Submission:
    """Return the gateway's form of a submission; `note` is what we keep of it."""
    _require_readable(answer)
    grade = text(answer, "grade")
    if grade in ("complete", "incomplete"):
        grade = "pass" if grade == "complete" else "fail"
    due = instant(answer, "cached_due_date")
    submitted = instant(answer, "submitted_at")
    dates = [submitted, instant(answer, "graded_at"), instant(answer, "posted_at")]
    created = instant(item.content, "created_at")
    own = (note or {}).get("override_due_date")
    override = due if due is not None and due != item.due_date else None
    if own and due is not None and due == own[1]:
        override = own[0]  # as it was given; also if it is that of the assignment
    return Submission(
        student_id=student,
        state=state_of(answer),
        flags=tuple(flag for flag in FLAGS if answer.get(flag) is True),
        grade=grade,
        grade_points=number(answer, "score"),
        grade_comment=newest_comment(answer, student),
        grader_id=_grader(answer, note),
        extra_attempts=integer(answer, "extra_attempts"),
        override_due_date=override,
        attachments=attachments_of(answer, note),
        created=created,
        last_modified=max((date for date in [created, *dates] if date is not None), default=None),
    )


def state_of(answer: Json) -> str:
    """Return the state of a submission; a grade that Canvas hides is not returned yet."""
    if answer.get("redo_request") is True:
        return "reclaimed"
    match answer.get("workflow_state"):
        case "graded" if answer.get("posted_at"):
            return "returned"
        case "submitted" | "pending_review":
            return "submitted"
        case _:
            return "submitted" if answer.get("submitted_at") else "created"


def check_transition(
    fields: SubmissionFields, answer: Json, note: Mapping[str, Any] | None, now: Instant, item: LmsAssignment
) -> bool:
    """Whether work is to be handed in. Raises `RefusedByLms` and `Unsupported` if the state cannot be reached."""
    state = state_of(answer)
    handing_in = bool(fields.attachments) and fields.attachments != attachments_of(answer, note)
    wanted = asked_state(fields, state, other_work=handing_in)
    if is_transition(state, wanted):
        if wanted == "reclaimed":
            raise Unsupported(NAME, "state of reclaimed")
        if wanted == "submitted" and not fields.attachments:
            raise RefusedByLms("INVALID_ATTACHMENT", "Canvas accepts work only with an attachment")
        if wanted == "returned" and not _graded(fields, answer):
            raise RefusedByLms("INVALID_STATE", f"Canvas {NEEDS_GRADE}")
        handing_in = handing_in or wanted == "submitted"
    if handing_in:
        if wanted == "returned" and not fields.gives_grade_or_excuse:
            raise RefusedByLms("INVALID_STATE", f"Canvas {NEEDS_GRADE}")
        _check_attempts(fields, answer, now, item)
    return handing_in


def _graded(fields: SubmissionFields, answer: Json) -> bool:
    if answer.get("workflow_state") in ("submitted", "pending_review"):
        return fields.gives_grade_or_excuse  # a grade that is there is of earlier work
    return fields.gives_grade_or_excuse or is_graded(answer)


def is_graded(answer: Json) -> bool:
    """Whether the student has a grade, or is excused."""
    return number(answer, "score") is not None or answer.get("excused") is True


def _check_attempts(fields: SubmissionFields, answer: Json, now: Instant, item: LmsAssignment) -> None:
    allowed, used = integer(item.content, "allowed_attempts"), integer(answer, "attempt") or 0
    extra = integer(answer, "extra_attempts") if fields.extra_attempts is None else fields.extra_attempts
    if allowed is not None and allowed > 0 and used >= allowed + (extra or 0):
        raise RefusedByLms("NO_ATTEMPTS_LEFT", f"the student has used all {used} attempts")
    if item.end_date is not None and now > item.end_date:
        raise RefusedByLms("ASSIGNMENT_LOCKED", "the assignment no longer accepts work")
    if item.display_date is not None and now < item.display_date:
        raise RefusedByLms("ASSIGNMENT_LOCKED", "the assignment does not accept work yet")


class Work(Struct, frozen=True):
    """The work that a student hands in, of one kind, as Canvas takes it."""

    kind: str
    body: str | None = None
    url: str | None = None
    files: tuple[Attachment, ...] = ()


def work_to_lms(attachments: Collection[Attachment], item: LmsAssignment) -> Work:
    """Return the work that attachments make. Raises `RefusedByLms` if Canvas does not accept them, or not together."""
    kinds = {it.type for it in attachments}
    if len(kinds) != 1:
        raise RefusedByLms(
            "INVALID_ATTACHMENT", "Canvas accepts one kind of work at a time: texts, files or a link"
        )
    match kinds.pop():
        case "text":
            body = "".join(_markup(it.text or "") for it in attachments)
            work = Work("online_text_entry", body=body)
        case "file":
            work = Work("online_upload", files=tuple(attachments))
        case _ if len(attachments) > 1:
            raise RefusedByLms("INVALID_ATTACHMENT", "Canvas accepts one link at a time")
        case _:
            work = Work("online_url", url=next(iter(attachments)).url)
    if work.kind not in texts(item.content, "submission_types") and "submission_types" in item.content:
        raise RefusedByLms("INVALID_ATTACHMENT", WRONG_KIND)
    if work.body == "":
        raise RefusedByLms("INVALID_ATTACHMENT", "Canvas does not accept an empty text")
    return work


def attachments_of(answer: Json, note: Mapping[str, Any] | None) -> tuple[Attachment, ...]:
    """Return the newest attempt's work: as it was handed in through us, or else as Canvas shows it."""
    attempt, theirs = integer(answer, "attempt"), _newest_attachments(answer)
    work, sending = ((note or {}).get(name) or {} for name in ("work", "sending"))
    for ours, since in ((work, 0), (sending, 1)):
        if ours and attempt is not None and attempt == (ours.get("attempt") or 0) + since:
            given = msgspec.convert(ours["attachments"], tuple[Attachment, ...])
            if _is_shown(given, theirs):
                return given
    return theirs


def _is_shown(given: tuple[Attachment, ...], shown: tuple[Attachment, ...]) -> bool:
    """Whether what Canvas shows is what was handed in."""
    if {it.type for it in given} != {it.type for it in shown}:
        return False
    match shown[0].type:
        case "link":
            return [it.url for it in given] == [it.url for it in shown]
        case "text":
            sent = "".join(_markup(it.text or "") for it in given)
            return alike.same_words(shown[0].text or "", sent)
        case _:
            return len(given) == len(shown)


def _newest_attachments(answer: Json) -> tuple[Attachment, ...]:
    """Return the newest attempt's work as Canvas shows it."""
    match answer.get("submission_type"):
        case "online_text_entry":
            body = text(answer, "body") or ""
            words = html_to_text(body)
            return (Attachment(type="text", text=words if text_to_html(words) == body else body),)
        case "online_url":
            return (Attachment(type="link", url=text(answer, "url")),)
        case "online_upload":
            files = as_objects(answer.get("attachments"))
            return tuple(
                Attachment(type="file", url=text(it, "url"), title=text(it, "display_name")) for it in files
            )
        case _:
            return ()


def _markup(words: str) -> str:
    return words if words.lstrip().startswith("<") else text_to_html(words)


def flags_to_lms(fields: SubmissionFields, answer: Json) -> dict[str, Any]:
    """Return what Canvas is sent for the flags that `fields` give, if `answer` shows others. Raises `RefusedByLms`."""
    if fields.flags is None:
        return {}
    sent: dict[str, Any] = {}
    late_or_missing = fields.flags & {"late", "missing"}
    if len(late_or_missing) == 2:
        raise RefusedByLms("INVALID_FLAGS", "Canvas marks work as late or as missing, not as both")
    if "excused" in fields.flags and answer.get("excused") is not True:
        sent["excuse"] = True
    before = {flag for flag in ("late", "missing") if answer.get(flag) is True}
    if late_or_missing != before:
        sent["late_policy_status"] = next(iter(late_or_missing), "none")
    return sent


def grader_note(grader: str | None, answer: Json) -> dict[str, Any] | None:
    """Return what to note of the grader if Canvas has recorded someone else; None if it has the right one."""
    told = text(answer, "grader_id")
    return {"grader": grader, "graded_as": told} if grader is not None and told != grader else None


def _grader(answer: Json, note: Mapping[str, Any] | None) -> str | None:
    """Return the grader, also if we sent the grade as someone else."""
    grader = text(answer, "grader_id")
    if note and grader is not None and note.get("graded_as") == grader:
        return str(note["grader"])
    # Canvas's own graders (quizzes, tools) have negative ids.
    return grader if grader is not None and not grader.startswith("-") else None
