"""Assignments: between the gateway's and Canvas's.

A Canvas assignment belongs to a course, not to a section. Who it is for, and with which dates, is said by overrides
if it is not for everyone in the course: one for the section, or one for the students who were chosen; and one for
each student with a due date of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields, ScaleEntry
from passback.domain.clock import HOUR, MINUTE, SECOND, Instant
from passback.lms.canvas.description import split_description, with_attachments
from passback.lms.canvas.errors import NAME
from passback.lms.canvas.overrides import Override, override_from_lms
from passback.lms.interface import RefusedByLms, Unsupported
from passback.lms.notes import Note
from passback.lms.toolkit import alike
from passback.lms.toolkit.html import description_html, html_to_text
from passback.lms.toolkit.json_fields import (
    Json,
    as_objects,
    id_of,
    instant,
    integer,
    number,
    text,
    texts,
)

_SUBMISSION_TYPES = {"link": "online_url", "file": "online_upload", "text": "online_text_entry",
                     "discussion": "discussion_topic"}  # fmt: skip
_THEIR_SUBMISSION_TYPES = {theirs: ours for ours, theirs in _SUBMISSION_TYPES.items()}
_GRADING_TYPES = {"points": "points", "percent": "percent", "pass_fail": "pass_fail", "letter_grade": "letter_grade",
                  "gpa_scale": "letter_grade", "not_graded": "points"}  # fmt: skip

_POINTS = {"percent": 100, "letter_grade": 100, "pass_fail": 1}
"""The points of a grading type if none are given: Canvas computes all grades in points."""


_SHOWN_ROUGHLY = ("attachments", "description", "grading_type", "submission_types")
"""Fields of which Canvas has more values than can be shown, such as ``gpa_scale`` and ``media_recording``."""


class LmsAssignment(Struct, frozen=True):
    """An assignment as Canvas has it, with what changing and grading it need."""

    id: str
    content: Json
    overrides: tuple[Override, ...]
    for_all: bool
    """Whether everyone in the course, or in the section, has it."""
    shared: Override | None
    """The override with the assignment's dates and its section or students; None if the assignment has its own."""
    due_date: Instant | None
    display_date: Instant | None
    end_date: Instant | None
    section: str
    """The section that it was read for."""

    @property
    def grading_type(self) -> str:
        return _GRADING_TYPES.get(str(self.content.get("grading_type")), "points")

    @property
    def points_possible(self) -> Decimal | None:
        return number(self.content, "points_possible")

    @property
    def published(self) -> bool:
        return self.content.get("published") is not False

    @property
    def assignees(self) -> tuple[str, ...]:
        """The students who have it; empty if all have it."""
        if self.for_all:
            return ()
        if not self.all_understood:
            return tuple(texts(self.content, "assignment_visibility"))
        found = (student for override in self.overrides for student in override.student_ids)
        return tuple(dict.fromkeys(found))

    @property
    def left(self) -> frozenset[str]:
        """The students whom overrides name, but of whom Canvas says that they do not have it: they left the course."""
        if "assignment_visibility" not in self.content:
            return frozenset()
        named = {student for override in self.overrides for student in override.student_ids}
        return frozenset(named.difference(texts(self.content, "assignment_visibility")))

    @property
    def by_overrides(self) -> bool:
        """Whether only those have it whom overrides give it to."""
        return self.content.get("only_visible_to_overrides") is True

    @property
    def graded_in_groups(self) -> bool:
        """Whether a grade of one student is a grade of their whole group."""
        of_groups = text(self.content, "group_category_id") is not None
        return of_groups and self.content.get("grade_group_students_individually") is not True

    @property
    def all_understood(self) -> bool:
        """Whether all of its overrides are of the kinds that we make."""
        hidden = self.by_overrides and not self.overrides  # somebody may have it by a mastery path
        return not hidden and all(override.understood for override in self.overrides)


def from_lms(content: Json, section: str, kept_due_date: Instant | None) -> LmsAssignment:
    """Return the assignment that Canvas answered, for one section.

    `kept_due_date` is the assignment's due date, for when every student who has it was given another.
    """
    overrides = tuple(override_from_lms(item) for item in as_objects(content.get("overrides")))
    base = {name: instant(content, name) for name in ("due_at", "unlock_at", "lock_at")}
    understood = [override for override in overrides if override.understood]
    mine = [override for override in understood if override.section_id == section]
    if content.get("only_visible_to_overrides") is not True:
        for_all, shared = True, mine[0] if mine else None
        if shared is not None:
            base = {name: getattr(shared, name) for name in base}
    else:
        course = [override for override in overrides if override.course]
        for_all = bool(mine or course)
        individual = [override for override in understood if override.student_ids]
        chosen = [override for override in individual if not override.own_due_date]
        shared = mine[0] if mine else max(chosen, key=lambda it: len(it.student_ids), default=None)
        if course and not mine:
            shared = None
            base = {name: getattr(course[0], name) for name in base}
        elif shared is not None:
            base = {name: getattr(shared, name) for name in base}
        elif individual:
            first = individual[0]
            base = {
                "due_at": kept_due_date or first.due_at,
                "unlock_at": first.unlock_at,
                "lock_at": first.lock_at,
            }
    return LmsAssignment(
        id=id_of(content),
        content=content,
        overrides=overrides,
        for_all=for_all,
        shared=shared,
        due_date=base["due_at"],
        display_date=base["unlock_at"],
        end_date=base["lock_at"],
        section=section,
    )


def noted_due_date(note: Note | None) -> Instant | None:
    """Return the assignment's due date that was kept because none of Canvas's dates holds it; None if there is none."""
    due = (note or {}).get("due_date")
    return due if isinstance(due, int) else None


def to_assignment(item: LmsAssignment, scale: Sequence[ScaleEntry]) -> Assignment:
    """Return the gateway's form of an assignment; `scale` is its grading scale, empty if it has none of its own."""
    content = item.content
    description, attachments = split_description(text(content, "description") or "")
    attempts = integer(content, "allowed_attempts")
    return Assignment(
        lms_id=item.id,
        title=text(content, "name") or "",
        description=description,
        description_plaintext=html_to_text(description),
        points_possible=item.points_possible,
        grading_type=item.grading_type,
        submission_types=tuple(
            _THEIR_SUBMISSION_TYPES[kind]
            for kind in texts(content, "submission_types")
            if kind in _THEIR_SUBMISSION_TYPES
        ),
        due_date=item.due_date,
        start_date=None,
        display_date=item.display_date,
        end_date=item.end_date,
        max_attempts=attempts if attempts is not None and attempts > 0 else None,
        assignee_mode="all" if item.for_all else "individuals",
        assignee_ids=item.assignees,
        attachments=attachments,
        term_id=None,
        published=item.published,
        created=instant(content, "created_at"),
        last_modified=instant(content, "updated_at"),
        category_id=text(content, "assignment_group_id"),
        grading_scale=tuple(scale),
    )


def to_lms(fields: AssignmentFields, before: Assignment | None = None) -> dict[str, Any]:
    """Return what Canvas is sent of `fields`, without dates and assignees.

    `before` is the assignment to change: its attachments are in the description. Raises `RefusedByLms` and
    `Unsupported`.
    """
    if before is not None:
        fields = _changes(fields, before)
    sent: dict[str, Any] = {"notify_of_update": False}
    if fields.title is not None:
        if len(fields.title) > 255:
            raise RefusedByLms("INVALID_TITLE", "Canvas accepts titles of up to 255 characters")
        sent["name"] = fields.title
    description = description_html(fields)
    if description is not None or fields.attachments is not None:
        sent["description"] = with_attachments(description, fields.attachments, before)
    if fields.points_possible is not None:
        sent["points_possible"] = float(fields.points_possible)
    elif before is None:
        sent["points_possible"] = _POINTS.get(fields.grading_type or "", 0)
    if fields.grading_type is not None:
        sent["grading_type"] = fields.grading_type
    elif before is None:
        sent["grading_type"] = "points"
    if fields.submission_types is not None or before is None:
        sent["submission_types"] = _submission_types(fields.submission_types or ())
    if fields.max_attempts is not None:
        sent["allowed_attempts"] = fields.max_attempts
    return sent


def _changes(fields: AssignmentFields, before: Assignment) -> AssignmentFields:
    """Return fields without those that say what is shown: a teacher may have chosen what can only be shown roughly."""
    same: dict[str, None] = {
        name: None for name in _SHOWN_ROUGHLY if getattr(fields, name) == getattr(before, name)
    }
    if fields.description is not None:
        same["description_plaintext"] = None
    return replace(fields, **same)


class Stored(Struct, frozen=True):
    """What Canvas is expected to store of a new assignment, as far as it tells assignments apart."""

    title: str
    description: str
    """As it is sent, with the attachments: Canvas removes from it what it does not allow."""
    points_possible: float
    grading_type: str
    due_at: tuple[Instant, ...]
    """The instants of which it stores one, in whole seconds."""
    assignees: tuple[str, ...]
    """The students who were chosen; empty if all have it."""

    def fits(self, item: LmsAssignment) -> bool:
        """Whether an assignment may be what Canvas made of it."""
        description = text(item.content, "description") or ""
        return (
            alike.same_title(title(item), self.title)
            and alike.same_points(item.points_possible, self.points_possible)
            and item.grading_type == self.grading_type
            and item.due_date in self.due_at
            and item.for_all == (not self.assignees)
            and set(item.assignees) <= set(self.assignees)
            and alike.may_be_left_of(description, self.description)
        )

    def has_words_of(self, item: LmsAssignment) -> bool:
        """Whether a reader sees the same description."""
        return alike.same_words(text(item.content, "description") or "", self.description)


def as_stored(fields: AssignmentFields) -> Stored:
    """Return what Canvas is expected to store of a new assignment. Raises `RefusedByLms` and `Unsupported`."""
    sent = to_lms(fields)
    assert fields.due_date is not None
    return Stored(
        title=sent["name"],
        description=sent["description"],
        points_possible=sent["points_possible"],
        grading_type=sent["grading_type"],
        due_at=stored_due(fields.due_date),
        assignees=(fields.assignee_ids or ()) if fields.assignee_mode == "individuals" else (),
    )


def stored_due(due: Instant) -> tuple[Instant, ...]:
    """Return the instants of which Canvas stores one for a due date: midnight becomes the end of the day that begins.

    It goes by the zone of the course or of the token's user. Every zone's midnight is at a quarter of an hour in UTC,
    and a day has 23 to 25 hours (some in half hours), so what the zone is need not be known.
    """
    whole = due - due % SECOND
    if whole % (15 * MINUTE) >= MINUTE:
        return (whole,)
    midnight = whole - whole % MINUTE
    return whole, *(midnight + halves * HOUR // 2 - SECOND for halves in range(46, 51))


def _submission_types(ours: Sequence[str]) -> list[str]:
    if "discussion" in ours and len(ours) > 1:
        raise Unsupported(NAME, "submission type of discussion together with others")
    return [_SUBMISSION_TYPES[kind] for kind in ours] or ["none"]


def title(item: LmsAssignment) -> str:
    """The assignment's title."""
    return text(item.content, "name") or ""


def created(item: LmsAssignment) -> Instant | None:
    """When the assignment was made."""
    return instant(item.content, "created_at")
