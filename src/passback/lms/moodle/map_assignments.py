"""Assignments: between the gateway's and Moodle's, whose web services show more than they can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import Assignment, plain_title
from passback.domain.clock import DAY, SECOND
from passback.lms.interface import RefusedByLms, Unavailable, Unsupported
from passback.lms.moodle.errors import NAME
from passback.lms.toolkit import alike, unsupported_fields
from passback.lms.toolkit.html import description_html, html_to_text
from passback.lms.toolkit.json_fields import (
    Json,
    as_objects,
    flag,
    id_of,
    integer,
    number,
    require_readable,
    text,
    unix_instant,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from passback.domain.assignment import AssignmentFields
    from passback.domain.clock import Instant
    from passback.lms.notes import Note

NOT_STORED = frozenset(
    {
        "attachments", "description", "display_date", "end_date", "grading_type", "max_attempts", "start_date",
        "submission_types", "term_id",
    }
)  # fmt: skip
"""Fields that the web services have no way to set; they are kept in notes."""
_RESTORED = NOT_STORED | {"created"}
_NOT_STORED_DUE = "NOT_STORED_BY_LMS:due_date"
_LONGEST_TITLE = 255
_LATEST = 253_402_300_799 * SECOND
_WORK = {"onlinetext": "text", "file": "file"}
"""The submission types that Moodle's plugins take."""


class LmsAssignment(Struct, frozen=True):
    """An assignment as Moodle has it, with what grading needs."""

    content: Json
    assignment: Assignment

    @property
    def id(self) -> str:
        return self.assignment.lms_id

    @property
    def cmid(self) -> str:
        return id_of(self.content, "cmid")

    @property
    def maximum(self) -> Decimal | None:
        """The most points; None if it is graded by a scale, and 0 if not at all."""
        points = number(self.content, "grade")
        return None if points is None or points < 0 else points

    @property
    def due(self) -> Instant | None:
        """When it is due in Moodle."""
        return due_of(self.content)

    @property
    def has_workflow(self) -> bool:
        """Whether grades show only once they are released."""
        return flag(self.content, "markingworkflow") is True

    @property
    def has_drafts(self) -> bool:
        """Whether students save drafts before they hand in, so that a draft need not be work that was given back."""
        return flag(self.content, "submissiondrafts") is True

    @property
    def attempts(self) -> int | None:
        """How many attempts a student has; None if there is no limit, and 0 if none is reopened by hand."""
        if text(self.content, "attemptreopenmethod") != "manual":
            return 0
        most = integer(self.content, "maxattempts")
        return most if most is not None and most > 0 else None

    @property
    def takes_comments(self) -> bool:
        """Whether feedback comments are on: otherwise Moodle drops them without a word."""
        return "comments" in _plugins(self.content, "assignfeedback")


def due_of(content: Json) -> Instant | None:
    """Return when an assignment is due in Moodle, which writes 0 for never."""
    return unix_instant(content, "duedate") or None


def _plugins(content: Json, subtype: str) -> list[str]:
    return [
        text(it, "plugin") or ""
        for it in as_objects(content.get("configs"))
        if text(it, "subtype") == subtype and text(it, "name") == "enabled" and text(it, "value") == "1"
    ]


def check_complete(content: Json) -> None:
    """Check that Moodle shows what is needed of an assignment. Raises `Unavailable`."""
    id_of(content)
    id_of(content, "cmid")
    for name in ("grade", "duedate"):
        if integer(content, name) is None:
            raise Unavailable(f"its answer has no {name}")
    require_readable(content, flag, "markingworkflow")
    if not isinstance(content.get("configs"), list):
        raise Unavailable("its answer does not tell the assignment's plugins")


def check(fields: AssignmentFields) -> None:
    """Check that Moodle can make an assignment so. Raises `RefusedByLms` and `Unsupported`."""
    if fields.assignee_mode == "individuals":
        # Everybody in the course would see it.
        raise Unsupported(NAME, "assignee_mode of individuals")
    if fields.published is False:
        raise Unsupported(NAME, "unpublished assignments")
    if fields.title is not None and not 0 < len(plain_title(fields.title)) <= _LONGEST_TITLE:
        raise RefusedByLms("INVALID_TITLE", f"Moodle takes titles of 1 to {_LONGEST_TITLE} characters")
    if fields.due_date is not None and not 0 < fields.due_date <= _LATEST:
        raise RefusedByLms("INVALID_DUE_DATE", "Moodle does not accept the due date")


def check_change(fields: AssignmentFields, stored: LmsAssignment) -> None:
    """Check that Moodle can change an assignment so. Raises `RefusedByLms` and `Unsupported`."""
    check(fields)
    if fields.points_possible is not None and fields.points_possible != stored.maximum:
        raise RefusedByLms(
            "INVALID_POINTS", "Moodle's web services cannot change the points of an assignment"
        )
    check_dates(fields, stored.content)


def check_dates(fields: AssignmentFields, content: Json) -> None:
    """Check a due date against Moodle's other dates, which cannot be changed. Raises `RefusedByLms`."""
    opens, closes = unix_instant(content, "allowsubmissionsfromdate"), unix_instant(content, "cutoffdate")
    due = fields.due_date
    if due is not None and ((opens and due < opens) or (closes and due > closes)):
        raise RefusedByLms(
            "INVALID_DUE_DATE", "in Moodle the assignment opens later than that, or closes earlier"
        )


def from_lms(content: Json, note: Note | None, *, visible: bool) -> LmsAssignment:
    """Return the assignment that Moodle answered, with what we keep of it."""
    check_complete(content)
    note = note or {}
    points = number(content, "grade")
    shown = due_of(content)
    sent, then = note.get("due") or (None, None)
    is_ours = sent is not None and then == shown
    warnings = (_NOT_STORED_DUE,) if sent is not None and is_ours and _differ(sent, shown) else ()
    attempts = integer(content, "maxattempts")
    assignment = Assignment(
        lms_id=id_of(content),
        title=text(content, "name") or "",
        description=text(content, "intro") or "",
        description_plaintext=None,
        points_possible=points if points is not None and points >= 0 else None,
        grading_type="points",
        submission_types=tuple(_WORK[it] for it in _plugins(content, "assignsubmission") if it in _WORK),
        due_date=sent if is_ours else shown,
        start_date=None,
        display_date=None,
        end_date=None,
        max_attempts=attempts if attempts is not None and 0 < attempts < 2**31 else None,
        assignee_mode="all",
        assignee_ids=(),
        attachments=(),
        term_id=None,
        published=visible,
        created=None,
        last_modified=unix_instant(content, "timemodified"),
        warnings=warnings,
    )
    assignment = unsupported_fields.restore(assignment, note, _RESTORED)
    plain = html_to_text(assignment.description)
    return LmsAssignment(content, replace(assignment, description_plaintext=plain))


def _differ(sent: Instant, shown: Instant | None) -> bool:
    return shown is None or abs(sent - shown) >= SECOND


def to_note(
    fields: AssignmentFields, due: Instant | None, before: Note | None, now: Instant
) -> dict[str, Any]:
    """Return the note of an assignment that is now `due` in Moodle: what it has no place for."""
    note = unsupported_fields.keep(fields, NOT_STORED, before)
    if (description := description_html(fields)) is not None:
        note["description"] = description
    note.setdefault("created", now)
    if fields.due_date is not None:
        note["due"] = [fields.due_date, due]
    return note


def template_for(listed: Sequence[Json], name: str, points: Decimal | None, fields: AssignmentFields) -> Json:
    """Return the assignment of a course that a new one is copied from: with these points, or the first.

    Raises `RefusedByLms` if there is none.
    """
    named = [it for it in listed if text(it, "name") == name and (number(it, "grade") or 0) > 0]
    if not named:
        raise RefusedByLms(
            "NO_TEMPLATE",
            f"Moodle's web services can only copy assignments, and the course has none with the name '{name}'",
        )
    fitting = [it for it in named if points is None or number(it, "grade") == points]
    if not fitting:
        there = " ".join(sorted({text(it, "grade") or "" for it in named}, key=float))
        raise RefusedByLms(
            "INVALID_POINTS",
            f"Moodle's web services cannot set points, and the course's templates have others [{there}]",
        )
    check_dates(fields, fitting[0])
    return fitting[0]


def is_named(content: Json, template: Json, fields: AssignmentFields) -> bool:
    """Whether an assignment may be a copy of a template that was made for these fields."""
    due = due_of(content)
    fits = due is None or fields.due_date is None or abs(due - fields.due_date) < DAY
    title = text(content, "name") or ""
    return fits and _is_like(content, template) and alike.same_title(title, fields.title or "")


def _is_like(content: Json, template: Json) -> bool:
    return all(number(content, it) == number(template, it) for it in ("grade", "markingworkflow"))


def is_copy(content: Json, template: Json) -> bool:
    """Whether an assignment may be a copy of a template that nobody has renamed yet."""
    title, name = text(content, "name") or "", text(template, "name") or ""
    rest = title.removeprefix(name).lstrip()
    return (
        _is_like(content, template)
        and title != name
        and title.startswith(name)
        and rest.startswith(("(", "\uff08"))
    )
