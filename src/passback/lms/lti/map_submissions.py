"""Submissions: between the gateway's, and scores and results, which know only points and a comment."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.grading import plain
from passback.domain.submission import Submission, SubmissionFields, flags_of
from passback.lms.interface import SCORE_CHANGED, RefusedByLms, Unavailable, Unsupported
from passback.lms.lti.map_assignments import as_number
from passback.lms.states import asked_state
from passback.lms.toolkit.html import html_to_text, is_html
from passback.lms.toolkit.json_fields import Json, instant, number_or_none, require_readable, text
from passback.lms.toolkit.points import grade_text, points_given
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.lms.lti.families import Family
    from passback.lms.lti.map_assignments import LmsAssignment

UNSUPPORTED = frozenset({"excused", "extra_attempts", "override_due_date"})
_DUST = Decimal("0.00001")
"""By how much points may differ that were divided by one maximum and multiplied by another."""


class Result(Struct, frozen=True):
    """What the LMS has of a student's grade."""

    points: Decimal | None = None
    comment: str | None = None
    changed: Instant | None = None
    maximum: Decimal | None = None
    """Of what the points were a share, if the LMS says so."""


class Score(Struct, frozen=True):
    """What a student is to have."""

    points: Decimal | None
    comment: str | None
    """None for no comment; or for the one that is there, where the LMS adds comments."""
    handed_in: bool = False
    """Whether it only says that work was handed in."""

    @property
    def note(self) -> dict[str, Any]:
        """What is kept of it, to tell whether it is the same that was sent before."""
        points = None if self.points is None else plain(self.points)
        return {"points": points, "comment": self.comment, "handed_in": self.handed_in}

    @classmethod
    def from_note(cls, note: Mapping[str, Any]) -> Score:
        """Return the score of which this was kept."""
        points = note["points"]
        return cls(None if points is None else Decimal(points), note["comment"], handed_in=note["handed_in"])

    def is_of(self, result: Result, family: Family) -> bool:
        """Whether a result shows it."""
        same = are_alike(self.points, result.points)
        return same and (not family.shows_comments or is_same_comment(self.comment, result.comment))


def result_of(content: Json, stored: LmsAssignment) -> Result:
    """Return a student's result, in points of the assignment. Raises `Unavailable`."""
    require_readable(content, text, "comment")
    share, maximum = number_or_none(content, "resultScore"), number_or_none(content, "resultMaximum")
    points = None
    if share is not None:
        if maximum is not None and maximum <= 0:
            raise Unavailable("a result of it has no maximum", in_doubt=True)
        points = share * stored.points / (1 if maximum is None else maximum)
    comment = text(content, "comment")
    return Result(
        points,
        comment if comment and comment.strip() else None,
        instant(content, "timestamp"),
        maximum,
    )


def has_other_maximum(result: Result, stored: LmsAssignment) -> bool:
    """Whether a result is not of the points that the assignment had when it was read; of 1 it may always be."""
    return result.maximum not in (None, 1, stored.points)


def seen(result: Result | None, note: Mapping[str, Any] | None, family: Family) -> Result:
    """Return what a student has, by what the LMS shows and what we sent last."""
    sent = (note or {}).get("done") or {}
    last = None if sent.get("points") is None else Decimal(sent["points"])
    if result is None:
        return Result()
    points = result.points
    if points is None and last == 0 and result.changed is not None and not _shows_zero(note):
        points = last  # some Moodles do not show a grade of 0
    elif points is not None and last is not None and abs(points - last) <= max(_DUST, last * Decimal("1e-7")):
        points = last
    comment = result.comment if family.shows_comments else sent.get("comment")
    return Result(points, comment or None, result.changed)


def _shows_zero(note: Mapping[str, Any] | None) -> bool:
    """Whether the LMS showed the grade of 0 that we sent last: if it does not any more, a teacher has cleared it."""
    return ((note or {}).get("seen") or {}).get("points") is not None


def asked(fields: SubmissionFields, stored: LmsAssignment) -> dict[str, Any]:
    """Return what a change asks for that a score tells: what is left out is not said."""
    points = points_given(fields, stored.assignment)
    return {
        "points": "" if points is None and fields.grade == "" else None if points is None else plain(points),
        "comment": fields.grade_comment,
        "state": fields.state,
        "grader": fields.grader_id,
    }


def wanted_score(
    fields: SubmissionFields, now: Result, stored: LmsAssignment, family: Family
) -> Score | None:
    """Return what the student is to have after a change; None if nothing is to be sent. Raises `LmsError`."""
    points = points_given(fields, stored.assignment)
    removes = fields.grade == "" and fields.grade_points is None
    if points is None and not removes:
        if fields.grade_comment is None:
            return None
        points = now.points
        if points is None and not family.comment_alone:
            raise RefusedByLms("INVALID_COMMENT", f"{family.name} shows a comment only beside a grade")
    if removes:
        if now.points is None and fields.grade_comment is None:
            return None
        if not family.clears and now.points is not None:
            raise RefusedByLms("INVALID_GRADE", f"{family.name} keeps a grade, which can only be changed")
    if points is not None and points < 0:
        raise RefusedByLms("INVALID_GRADE", f"{family.name} takes no negative points")
    if fields.grade_comment is not None:
        return Score(points, _plain_words(fields.grade_comment))
    return Score(points, None if family.comments == "added" else now.comment)


def _plain_words(comment: str) -> str:
    """Return a comment as the standard has it, which knows no HTML: people would see the tags."""
    return html_to_text(comment) if is_html(comment) else comment


def handed_in_score(fields: SubmissionFields, now: Result, family: Family) -> Score | None:
    """Return what says that work was handed in; None if the LMS has no place for it, or shows a grade already."""
    if fields.state != "submitted" or now.points is not None or not family.shows_progress:
        return None
    return Score(None, now.comment, handed_in=True)


def check_state(fields: SubmissionFields, shown: Submission, now: Result, family: Family) -> bool:
    """Whether the state changes. Raises `RefusedByLms` and `Unsupported`."""
    for item in fields.attachments or ():
        raise Unsupported(family.name, f"submission type of {item.type}")
    moves = is_transition(shown.state, asked_state(fields, shown.state, other_work=False))
    if moves and fields.state == "returned" and not fields.gives_grade and now.points is None:
        raise RefusedByLms("INVALID_STATE", f"{family.name} returns work only with a grade")
    return moves


def body_of(
    score: Score,
    student: str,
    stored: LmsAssignment,
    stamp: Instant,
    grader: str | None,
    family: Family,
) -> dict[str, Any]:
    """Return the score that is sent, without its comment."""
    body: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="milliseconds"),
        "userId": student,
        "activityProgress": "Submitted" if score.handed_in else "Completed",
        "gradingProgress": "PendingManual" if score.handed_in else "FullyGraded",
        **family.more,
    }
    if score.points is not None:
        body |= {"scoreGiven": as_number(score.points), "scoreMaximum": as_number(stored.points)}
    if grader is not None:
        body["scoringUserId"] = grader
    return body


def comment_of(score: Score, family: Family) -> dict[str, Any]:
    """Return the member of a score that holds the comment, if it needs one."""
    if score.comment:
        return {"comment": score.comment}
    return {"comment": None} if family.comments == "kept" else {}


def to_note(
    fields: SubmissionFields, now: Result, before: Mapping[str, Any], stamp: Instant, *, moves: bool
) -> dict[str, Any]:
    """Return the note of a submission after a change; `now` is what the LMS shows of it."""
    note = dict(before)
    if fields.grader_id is not None:
        note["grader"] = fields.grader_id
    if moves and fields.state in ("submitted", "reclaimed"):
        points = None if now.points is None else plain(now.points)
        note |= {"state": fields.state, "state_points": points}
        note |= {"handed_in": stamp if fields.state == "submitted" else None}
    elif fields.gives_grade or fields.state == "returned":
        note.pop("state", None)
    return note


def to_submission(
    student: str, now: Result, stored: LmsAssignment, note: Mapping[str, Any] | None, at: Instant
) -> Submission:
    """Return the gateway's form of a submission; `note` is what we keep of it."""
    note, assignment = note or {}, stored.assignment
    changed = [it for it in (now.changed, note.get("modified"), assignment.created) if isinstance(it, int)]
    return Submission(
        student_id=student,
        state=_state(now, note),
        flags=flags_of(
            excused=False,
            submitted=note.get("handed_in"),
            graded=now.points is not None,
            due_date=assignment.due_date,
            now=at,
        ),
        grade=grade_text(now.points, assignment),
        grade_points=now.points,
        grade_comment=now.comment,
        grader_id=note.get("grader"),
        created=assignment.created,
        last_modified=max(changed, default=None),
    )


def _state(now: Result, note: Mapping[str, Any]) -> str:
    """The state that we keep, unless the student has got another grade since."""
    kept, points = note.get("state"), None if now.points is None else plain(now.points)
    if kept in ("submitted", "reclaimed") and (points is None or points == note.get("state_points")):
        return str(kept)
    if points is not None:
        return "returned"
    return "submitted" if note.get("handed_in") else "created"


def warnings_of(score: Score | None, stored: LmsAssignment, family: Family) -> tuple[str, ...]:
    """Return the warnings about points of which the gradebook has others than results show."""
    over = score is not None and score.points is not None and score.points > stored.points
    return (SCORE_CHANGED,) if over and family.caps_unseen else ()


def is_same_comment(one: str | None, other: str | None) -> bool:
    """Whether two comments are the same, but for what is blank around them: Open edX leaves that away."""
    return (one or "").strip() == (other or "").strip()


def capped(score: Score, stored: LmsAssignment) -> Decimal | None:
    """Return the points of a score, or the maximum if they are more."""
    return None if score.points is None else min(score.points, stored.points)


def are_alike(one: Decimal | None, other: Decimal | None) -> bool:
    """Whether points are the same, but for what dividing and multiplying leaves."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(_DUST, abs(one) * Decimal("1e-7"))
