"""Submissions: between the gateway's and Schoology's, which keeps grades by enrollment and work by uid."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from passback.domain.assignment import Attachment
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import CHANGED, SCORE_CHANGED, RefusedByLms, Unsupported
from passback.lms.schoology.api import one_or_more
from passback.lms.schoology.errors import NAME
from passback.lms.schoology.grading_setup import letter_of
from passback.lms.schoology.map_assignments import LmsAssignment
from passback.lms.states import NEEDS_GRADE, asked_state
from passback.lms.toolkit import alike
from passback.lms.toolkit.json_fields import Json, flag, integer, number, require_readable, text, unix_instant
from passback.lms.toolkit.points import grade_text, points_given
from passback.lms.toolkit.settling import Shown
from passback.lms.toolkit.transitions import is_transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Instant

EXCUSED, MISSING = 1, 3
"""Schoology's exceptions, as far as they are the gateway's flags; 2 is "incomplete"."""
WAITS = "GRADE_WAITS_FOR_SUBMISSION"
"""The warning that Schoology shows a grade only once the student has handed in, because the dropbox is on."""
UNSUPPORTED = frozenset({"extra_attempts", "override_due_date"})
_ROUNDED_BY = 0.01
"""By how much points may be rounded."""


class LmsSubmission(Struct, frozen=True):
    """One student's submission as Schoology has it: the grade, and the newest revision of the work."""

    grade: Json | None = None
    revision: Json | None = None

    @property
    def points(self) -> Decimal | None:
        return None if self.grade is None else number(self.grade, "grade")

    def require_readable(self) -> None:
        """Raise `Unavailable` if something of the grade cannot be read: it must not be taken for none."""
        grade = self.grade or {}
        require_readable(grade, number, "grade")
        require_readable(grade, integer, "exception")
        require_readable(grade, text, "comment")

    @property
    def exception(self) -> int:
        return 0 if self.grade is None else integer(self.grade, "exception") or 0

    @property
    def comment(self) -> str | None:
        found = None if self.grade is None else text(self.grade, "comment")
        return found if found and found.strip() else None

    @property
    def shown(self) -> Shown:
        """What tells the grade from what Schoology had before."""
        return Shown((self.points, self.exception, self.comment), unix_instant(self.grade or {}, "timestamp"))

    @property
    def is_graded(self) -> bool:
        return self.points is not None or self.exception == EXCUSED

    @property
    def revision_id(self) -> int:
        """The number of the newest revision, from 1; 0 without any."""
        return 0 if self.revision is None else integer(self.revision, "revision_id") or 0


def newest(revisions: Sequence[Json]) -> Json | None:
    """Return the newest revision that is not a draft."""
    handed_in = [it for it in revisions if not flag(it, "draft")]
    return max(handed_in, key=lambda it: integer(it, "revision_id") or 0, default=None)


def state_of(seen: LmsSubmission, stored: LmsAssignment) -> str:
    """Return the state of a submission; a grade that Schoology hides is not returned yet."""
    if seen.is_graded and stored.shows_grades:
        graded, handed_in = (
            unix_instant(seen.grade or {}, "timestamp"),
            unix_instant(seen.revision or {}, "created"),
        )
        if graded is None or handed_in is None or handed_in <= graded:
            return "returned"
    return "created" if seen.revision is None and not seen.is_graded else "submitted"


def grade_to_lms(fields: SubmissionFields, stored: LmsAssignment) -> dict[str, Any]:
    """Return what Schoology is sent for the grade and comment that `fields` give. Raises `RefusedByLms`."""
    sent: dict[str, Any] = {}
    if fields.grade is not None or fields.grade_points is not None:
        sent["grade"] = _grade(fields, stored)
        if sent["grade"] != "":
            sent["exception"] = 0  # an exception would suppress the grade
    if fields.grade_comment is not None:
        sent |= {"comment": fields.grade_comment, "comment_status": 1}
    return sent


def _grade(fields: SubmissionFields, stored: LmsAssignment) -> float | str:
    levels = stored.assignment.grading_scale
    if levels and fields.grade and fields.grade_points is None:
        if fields.grade not in {level.name for level in levels}:
            letters = " ".join(level.name for level in levels)
            raise RefusedByLms(
                "INVALID_GRADE", f"'{fields.grade[:40]}' is not a letter of the grading scale [{letters}]"
            )
        if stored.assignment.points_possible == 0:
            # Schoology keeps points, so every letter would become the lowest.
            raise RefusedByLms("INVALID_GRADE", "the assignment has no points to take a share of")
        return fields.grade
    points = points_given(fields, stored.assignment)
    return "" if points is None else float(points)


def flags_to_lms(fields: SubmissionFields, seen: LmsSubmission, *, write_missing: bool) -> dict[str, Any]:
    """Return what Schoology is sent for the flags that `fields` give, if it has others. Raises `RefusedByLms`."""
    if fields.flags is None:
        return {}
    wanted = 0
    if "excused" in fields.flags:
        wanted = EXCUSED
    elif "missing" in fields.flags and write_missing:
        wanted = MISSING
    if wanted and fields.gives_grade:
        raise RefusedByLms("INVALID_GRADE", "Schoology cannot grade and excuse a student at once")
    flagged = seen.exception if seen.exception in (EXCUSED, MISSING if write_missing else EXCUSED) else 0
    return {} if wanted == flagged else {"exception": wanted}


def shows(sent: Mapping[str, Any], seen: LmsSubmission, stored: LmsAssignment) -> bool:
    """Whether Schoology shows what it was sent, at most rounded."""
    changed = changed_by_lms(sent, seen, stored)
    return changed is not None and (not changed or (changed == (SCORE_CHANGED,) and _is_rounded(sent, seen)))


def changed_by_lms(
    sent: Mapping[str, Any], seen: LmsSubmission, stored: LmsAssignment
) -> tuple[str, ...] | None:
    """Return the warnings about what Schoology has instead of what it was sent; None if it has nothing of it."""
    grade, comment = sent.get("grade"), sent.get("comment")
    given = grade not in (None, "")
    if sent.get("exception", seen.exception) != seen.exception:
        return None
    if (grade == "" and seen.points is not None) or (given and seen.points is None):
        return None
    if comment is not None and bool(comment.strip()) != bool(seen.comment):
        return None
    changed = []
    if isinstance(grade, float):
        if not math.isclose(float(seen.points or 0), grade, rel_tol=1e-7):
            changed.append(SCORE_CHANGED)
    elif given and grade not in _letters(seen.points, stored):
        changed.append(SCORE_CHANGED)
    if comment and not alike.same_words(seen.comment or "", comment):
        changed.append(f"{CHANGED}grade_comment")
    return tuple(changed)


def _is_rounded(sent: Mapping[str, Any], seen: LmsSubmission) -> bool:
    grade = sent.get("grade")
    return isinstance(grade, float) and abs(float(seen.points or 0) - grade) <= _ROUNDED_BY


def is_of_other_points(fields: SubmissionFields, seen: LmsSubmission, stored: LmsAssignment) -> bool:
    """Whether a share of points was taken of other points than Schoology shows beside the grade."""
    possible = None if seen.grade is None else number(seen.grade, "max_points")
    known = stored.assignment.points_possible
    relative = bool(fields.grade) and fields.grade_points is None
    return relative and possible is not None and known is not None and possible != known


def _letters(points: Decimal | None, stored: LmsAssignment) -> set[str | None]:
    """Return the grades that points may stand for, as they may have been rounded."""
    if points is None:
        return set()
    cent = Decimal(str(_ROUNDED_BY))
    return {_letter(points + by, stored) for by in (-cent, Decimal(0), cent)}


def _letter(points: Decimal | None, stored: LmsAssignment) -> str | None:
    """Return the grade that points earn on the assignment's own scale."""
    if points is None:
        return None
    possible = stored.assignment.points_possible or Decimal(100)
    return letter_of(points * 100 / possible, stored.assignment.grading_scale)


def check_transition(
    fields: SubmissionFields, seen: LmsSubmission, shown: Submission, stored: LmsAssignment
) -> bool:
    """Whether work is to be handed in. Raises `RefusedByLms` and `Unsupported` if the state cannot be reached."""
    handing_in = bool(fields.attachments) and fields.attachments != shown.attachments
    wanted = asked_state(fields, shown.state, other_work=handing_in)
    if is_transition(shown.state, wanted):
        if wanted == "reclaimed":
            raise Unsupported(NAME, "state of reclaimed")
        if wanted == "submitted" and not fields.attachments:
            raise RefusedByLms("INVALID_ATTACHMENT", "Schoology accepts work only with an attachment")
        if wanted == "returned":
            _check_return(fields, seen, stored)
        handing_in = handing_in or wanted == "submitted"
    if handing_in:
        if wanted == "returned" and not fields.gives_grade_or_excuse:
            raise RefusedByLms("INVALID_STATE", f"Schoology {NEEDS_GRADE}")
        _check_work(seen, stored)
    return handing_in


def _check_return(fields: SubmissionFields, seen: LmsSubmission, stored: LmsAssignment) -> None:
    # If grades are shown and it is not returned, a grade that is there is of earlier work.
    if not fields.gives_grade_or_excuse and (stored.shows_grades or not seen.is_graded):
        raise RefusedByLms("INVALID_STATE", f"Schoology {NEEDS_GRADE}")
    if not stored.shows_grades:
        raise RefusedByLms(
            "NOT_POSTED", "Schoology hides this assignment's grades until the teacher shows them"
        )


def _check_work(seen: LmsSubmission, stored: LmsAssignment) -> None:
    if not stored.takes_work:
        raise RefusedByLms("NO_SUBMISSIONS", "the assignment does not accept work in Schoology")
    if stored.is_locked:
        raise RefusedByLms("ASSIGNMENT_LOCKED", "the assignment no longer accepts work")
    allowed = stored.assignment.max_attempts
    if allowed is not None and seen.revision_id >= allowed:
        raise RefusedByLms("NO_ATTEMPTS_LEFT", f"the student has used all {allowed} attempts")


def to_submission(
    student: str, seen: LmsSubmission, stored: LmsAssignment, note: Mapping[str, Any] | None, now: Instant
) -> Submission:
    """Return the gateway's form of a submission; `note` is what we keep of it. Raises `Unavailable`."""
    seen.require_readable()
    assignment, points = stored.assignment, seen.points
    waits = stored.takes_work and seen.revision is None and (points is not None or seen.exception != 0)
    grade = _letter(points, stored) if assignment.grading_scale else grade_text(points, assignment)
    times = [
        at
        for item, name in ((seen.grade, "timestamp"), (seen.revision, "created"))
        if item is not None and (at := unix_instant(item, name)) is not None
    ]
    return Submission(
        student_id=student,
        state=state_of(seen, stored),
        flags=_flags(seen, stored, now),
        grade=grade,
        grade_points=points,
        grade_comment=seen.comment,
        grader_id=(note or {}).get("grader"),
        attachments=_attachments_of(seen, note),
        created=assignment.created,
        last_modified=max([*times, *([assignment.created] if assignment.created else [])], default=None),
        warnings=((WAITS,) if waits else ()) + (assignment.warnings if points is not None else ()),
    )


def _flags(seen: LmsSubmission, stored: LmsAssignment, now: Instant) -> tuple[str, ...]:
    flags = ["excused"] if seen.exception == EXCUSED else []
    if seen.revision is not None and flag(seen.revision, "late"):
        flags.append("late")
    due = stored.assignment.due_date
    overdue = stored.takes_work and due is not None and now > due
    nothing = seen.revision is None and seen.points is None and not seen.exception
    if seen.exception == MISSING or (overdue and nothing):
        flags.append("missing")
    return tuple(flags)


def _attachments_of(seen: LmsSubmission, note: Mapping[str, Any] | None) -> tuple[Attachment, ...]:
    """Return the newest revision's work: as it was handed in through us, or else the files that Schoology has."""
    if seen.revision is None:
        return ()
    files = files_of(seen.revision)
    ours = (note or {}).get("work") or {}
    if ours.get("revision") == seen.revision_id:
        work = msgspec.convert(ours["attachments"], tuple[Attachment, ...])
        if len(files) >= files_for(work):
            return work
    return tuple(
        Attachment("file", url=text(it, "download_path"), title=text(it, "filename")) for it in files
    )


def files_of(revision: Json) -> list[Json]:
    """Return the files of a revision; texts are among them, as HTML."""
    groups = revision.get("attachments")
    files = groups.get("files") if isinstance(groups, dict) else None
    return one_or_more(files.get("file") if isinstance(files, dict) else files)


def files_for(work: Sequence[Attachment]) -> int:
    """Return how many files work becomes: all its texts together are one."""
    return len([it for it in work if it.type != "text"]) or min(len(work), 1)
