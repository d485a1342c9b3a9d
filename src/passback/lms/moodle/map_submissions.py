"""Submissions: between the gateway's and Moodle's, which keeps a grade, its comment and the work in three places."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import Attachment
from passback.domain.clock import SECOND
from passback.domain.grading import rounded
from passback.domain.submission import Submission, flags_of
from passback.lms.interface import RefusedByLms, Unavailable, Unsupported
from passback.lms.moodle.errors import NAME
from passback.lms.states import NEEDS_GRADE, asked_state
from passback.lms.toolkit.html import html_to_text
from passback.lms.toolkit.json_fields import (
    Json,
    as_objects,
    flag,
    integer,
    number,
    number_or_none,
    require_readable,
    text,
    unix_instant,
)
from passback.lms.toolkit.points import grade_text, points_given, refuse_unsupported
from passback.lms.toolkit.settling import Shown
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from passback.domain.clock import Instant
    from passback.domain.submission import SubmissionFields
    from passback.lms.moodle.map_assignments import LmsAssignment

UNSUPPORTED = frozenset({"excused", "attachments"})
NO_GRADE = Decimal(-1)
_DIGITS = Decimal("0.00001")
"""Moodle keeps five decimals."""
_SUBMITTED = "submitted"
_REOPENED = "reopened"
_DRAFT = "draft"


class LmsSubmission(Struct, frozen=True):
    """One student's submission as Moodle has it: the gradebook's entry, the newest attempt, and the extension."""

    entry: Json
    attempt: Json | None = None
    extension: Instant | None = None

    @property
    def points(self) -> Decimal | None:
        """What the student sees in the gradebook. Raises `Unavailable` if it is no number."""
        return number_or_none(self.entry, "graderaw")

    @property
    def maximum(self) -> Decimal | None:
        """The most points that the gradebook counts; None if it does not say."""
        return number(self.entry, "grademax")

    @property
    def comment(self) -> str | None:
        found = text(self.entry, "feedback")
        return found if found and found.strip() else None

    @property
    def graded(self) -> Instant | None:
        return unix_instant(self.entry, "gradedategraded") or None

    @property
    def handed_in(self) -> Instant | None:
        """When the newest work was handed in."""
        if self.attempt is None or text(self.attempt, "status") != _SUBMITTED:
            return None
        return unix_instant(self.attempt, "timemodified")

    @property
    def further_attempts(self) -> int:
        """How many attempts have been opened after the first."""
        return 0 if self.attempt is None else integer(self.attempt, "attemptnumber") or 0

    def is_given_back(self, *, drafts: bool) -> bool:
        """Whether the student has the work again since the grade; `drafts` if a draft means that, too."""
        if self.attempt is None:
            return False
        status, changed = text(self.attempt, "status"), unix_instant(self.attempt, "timemodified")
        if status != _REOPENED and not (drafts and status == _DRAFT):
            return False
        return self.points is None or self.graded is None or changed is None or changed >= self.graded

    @property
    def shown(self) -> Shown:
        """What tells the grade from what Moodle had before."""
        return Shown((self.points, self.comment), self.graded)

    @property
    def closed(self) -> str | None:
        """Why the gradebook keeps the assignment's grade from being changed, if it does."""
        if flag(self.entry, "gradeislocked") is True:
            return "locked"
        return "overridden" if flag(self.entry, "gradeisoverridden") is True else None

    def require_readable(self) -> None:
        """Raise `Unavailable` if something of the grade cannot be read: it must not be taken for none."""
        require_readable(self.entry, text, "feedback")
        for name in ("graderaw", "gradeislocked", "gradeisoverridden"):
            if name not in self.entry:
                raise Unavailable(f"its report of a grade lacks {name}", in_doubt=True)


def without_same_date(fields: SubmissionFields, seen: LmsSubmission) -> SubmissionFields:
    """Return fields without the student's own due date if it is the one that there is.

    Since the teacher moved the assignment's, it may be too early to be given again.
    """
    given = fields.override_due_date
    same = given is not None and seen.extension is not None and given // SECOND == seen.extension // SECOND
    return replace(fields, override_due_date=None) if same else fields


def judge(fields: SubmissionFields, stored: LmsAssignment) -> Decimal | None:
    """Return the points that Moodle is sent for a change: -1 to remove the grade, None if it gives none.

    Raises `RefusedByLms` and `Unsupported`: Moodle itself answers nothing, whatever it makes of a grade.
    """
    refuse_unsupported(NAME, fields, UNSUPPORTED)
    if fields.grade_comment and not stored.takes_comments:
        raise RefusedByLms("COMMENTS_OFF", "in Moodle the assignment has no feedback comments")
    extension = fields.override_due_date
    if extension is not None and stored.due is not None and extension < stored.due:
        raise RefusedByLms(
            "INVALID_DUE_DATE", "Moodle only takes a student's due date after the assignment's"
        )
    if fields.grade is None and fields.grade_points is None:
        return None
    if not stored.maximum:
        raise RefusedByLms("NOT_GRADABLE", "in Moodle the assignment is not graded by points")
    points = points_given(fields, stored.assignment)
    if points is None:
        return NO_GRADE
    if points > stored.maximum or points < 0:
        raise RefusedByLms("INVALID_GRADE", f"Moodle takes 0 to {stored.maximum} points for this assignment")
    return rounded(points, _DIGITS)


def check_state(
    fields: SubmissionFields, seen: LmsSubmission, stored: LmsAssignment, note: Mapping[str, Any] | None
) -> bool:
    """Whether work is given back to the student. Raises `RefusedByLms` and `Unsupported` for what Moodle cannot do."""
    state = state_of(seen, stored, note)
    if not is_transition(state, asked_state(fields, state, other_work=False)):
        return False
    if fields.state == "reclaimed":
        return True
    if fields.state != "returned":
        # Only the student hands in.
        raise Unsupported(NAME, f"state of {fields.state}")
    if judge(fields, stored) in (None, NO_GRADE):  # one that is there is of earlier work
        raise RefusedByLms("INVALID_STATE", f"Moodle {NEEDS_GRADE}")
    return False


def opens_attempt(fields: SubmissionFields, seen: LmsSubmission, stored: LmsAssignment) -> bool:
    """Whether another attempt is to be opened for a student. Raises `RefusedByLms` and `Unsupported`.

    Moodle opens one after the other, once the last one has been handed in, and takes none back.
    """
    wanted, opened = fields.extra_attempts, seen.further_attempts
    if wanted is None or wanted == opened:
        return False
    if stored.attempts == 0:
        raise Unsupported(NAME, "extra_attempts, unless the assignment's attempts are reopened manually")
    if wanted != opened + 1 or (stored.attempts is not None and wanted >= stored.attempts):
        most = "" if stored.attempts is None else f" and allows {stored.attempts} in all"
        raise RefusedByLms(
            "INVALID_ATTEMPTS", f"Moodle opens one attempt after the other{most}: {opened} have been added"
        )
    if seen.handed_in is None:
        raise RefusedByLms("INVALID_ATTEMPTS", "in Moodle the student has not handed in the last attempt yet")
    return True


def state_of(seen: LmsSubmission, stored: LmsAssignment, note: Mapping[str, Any] | None) -> str:
    """Return the state of a submission; `note` is what we keep of it."""
    if seen.is_given_back(drafts=not stored.has_drafts or bool((note or {}).get("given_back"))):
        return "reclaimed"
    if seen.points is not None:
        graded, handed_in = seen.graded, seen.handed_in
        if graded is None or handed_in is None or handed_in <= graded:
            return "returned"
    return "created" if seen.handed_in is None else "submitted"


def same_points(shown: Decimal | None, sent: Decimal) -> bool:
    """Whether Moodle shows the points that it was sent."""
    if shown is None or sent == NO_GRADE:
        return shown is None and sent == NO_GRADE
    return abs(shown - sent) < _DIGITS


def to_submission(
    student: str, seen: LmsSubmission, stored: LmsAssignment, note: Mapping[str, Any] | None, now: Instant
) -> Submission:
    """Return the gateway's form of a submission; `note` is what we keep of it. Raises `Unavailable`."""
    seen.require_readable()
    assignment, points = stored.assignment, seen.points
    times = [it for it in (seen.graded, seen.handed_in, assignment.created) if it is not None]
    return Submission(
        student_id=student,
        state=state_of(seen, stored, note),
        flags=flags_of(
            excused=False,
            submitted=seen.handed_in,
            graded=points is not None,
            due_date=seen.extension or stored.due,
            now=now,
        ),
        grade=grade_text(points, assignment),
        grade_points=points,
        grade_comment=_comment(seen, note),
        grader_id=(note or {}).get("grader"),
        extra_attempts=(note or {}).get("attempts"),
        override_due_date=_as_sent(seen.extension, note),
        attachments=_work(seen),
        created=assignment.created,
        last_modified=max(times, default=None),
    )


def _comment(seen: LmsSubmission, note: Mapping[str, Any] | None) -> str | None:
    """The comment: in plain text if it was sent so, and Moodle still has the HTML that was made of it."""
    sent, markup = (note or {}).get("comment") or (None, None)
    return sent if sent is not None and markup == seen.comment else seen.comment


def _as_sent(extension: Instant | None, note: Mapping[str, Any] | None) -> Instant | None:
    """An extension to the millisecond, if Moodle still has what it rounded."""
    sent = (note or {}).get("extension")
    return (
        sent
        if extension is not None and sent is not None and sent // SECOND * SECOND == extension
        else extension
    )


def extension_of(content: Json) -> Instant | None:
    """Return a student's own due date; Moodle writes 0 for none. Raises `Unavailable` if it cannot be read."""
    require_readable(content, integer, "extensionduedate")
    return unix_instant(content, "extensionduedate") or None


def _work(seen: LmsSubmission) -> tuple[Attachment, ...]:
    """The student's work: texts, and the files that Moodle has."""
    if seen.handed_in is None or seen.attempt is None:
        return ()
    found = []
    for plugin in as_objects(seen.attempt.get("plugins")):
        texts = [text(it, "text") or "" for it in as_objects(plugin.get("editorfields"))]
        found += [Attachment("text", text=words) for words in texts if html_to_text(words)]
        for area in as_objects(plugin.get("fileareas")):
            found += [
                Attachment("file", url=text(it, "fileurl"), title=text(it, "filename"))
                for it in as_objects(area.get("files"))
            ]
    return tuple(found)
