"""Assignments: between the gateway's and Google Classroom's course work."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import MINUTE, Instant
from passback.lms.google_classroom import dates
from passback.lms.google_classroom.errors import NAME
from passback.lms.interface import Gone, RefusedByLms, Unavailable, Unsupported
from passback.lms.toolkit import alike, unsupported_fields
from passback.lms.toolkit.html import html_to_text
from passback.lms.toolkit.json_fields import (
    Json,
    as_object,
    as_objects,
    id_of,
    instant,
    isoformat,
    number,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.notes import Note

NOTED_FIELDS = frozenset({"start_date", "end_date", "max_attempts", "submission_types", "term_id"})
"""Fields that Google Classroom has no place for; they are kept in notes."""
_RESTORED = NOTED_FIELDS | {"grading_type"}

_LONGEST_TITLE = 3000
_LONGEST_DESCRIPTION = 30_000
_MOST_MATERIALS = 20
_POINTS = {"percent": 100, "pass_fail": 1}
"""The points of a grading type if none are given."""

_ADDRESSES = (
    ("link", "url"),
    ("driveFile", "alternateLink"),
    ("youtubeVideo", "alternateLink"),
    ("youTubeVideo", "alternateLink"),  # so spelt in submissions
    ("form", "formUrl"),
)
"""The kinds of materials and attachments that have an address, and the name of the address."""

MASKED = ("title", "description", "dueDate", "dueTime", "maxPoints", "scheduledTime", "state")
"""The fields of course work that a PATCH can change, by naming them in its mask."""


class LmsAssignment(Struct, frozen=True):
    """An assignment as Classroom has it, with what grading needs."""

    content: Json
    assignment: Assignment

    @property
    def is_draft(self) -> bool:
        """Whether students cannot see it yet."""
        return text(self.content, "state") == "DRAFT"


def is_course_work(content: Json, id_: str) -> bool:
    """Whether an answer shows course work, the one with this id, and is not something else with a good status."""
    return text(content, "id") == id_ and bool(text(content, "state")) and bool(text(content, "title"))


def is_published(content: Json) -> bool:
    """Whether students see course work, or will see it at a set time."""
    return text(content, "state") != "DRAFT" or instant(content, "scheduledTime") is not None


def check_supported(fields: AssignmentFields) -> None:
    """Check that Classroom can store `fields`. Raises `RefusedByLms` and `Unsupported`."""
    if fields.grading_type == "letter_grade":
        raise Unsupported(NAME, "grading type of letter_grade")
    if fields.title is not None and len(fields.title) > _LONGEST_TITLE:
        raise RefusedByLms("INVALID_TITLE", f"{NAME} accepts titles of up to {_LONGEST_TITLE} characters")
    if len(_words(fields) or "") > _LONGEST_DESCRIPTION:
        raise RefusedByLms(
            "INVALID_DESCRIPTION", f"{NAME} accepts descriptions of up to {_LONGEST_DESCRIPTION} characters"
        )
    if fields.points_possible is not None and fields.points_possible != int(fields.points_possible):
        raise RefusedByLms("INVALID_POINTS", f"{NAME} accepts only whole points")
    if len(fields.attachments or ()) > _MOST_MATERIALS:
        raise RefusedByLms("INVALID_ATTACHMENT", f"{NAME} accepts up to {_MOST_MATERIALS} attachments")


def explain(refused: RefusedByLms, fields: AssignmentFields, now: Instant) -> RefusedByLms:
    """Return the likely reason for a refusal if Google gives none: it accepts no past due dates and no strangers."""
    if str(refused).startswith("REFUSED_BY_LMS"):
        if fields.due_date is not None and fields.due_date <= now:
            return RefusedByLms("INVALID_DUE_DATE", f"{NAME} accepts only due dates in the future")
        if fields.assignee_ids:
            return RefusedByLms("INVALID_ASSIGNEES", f"{NAME} does not accept the assignees")
    return refused


def _words(fields: AssignmentFields) -> str | None:
    """Return the description as Classroom shows it, without HTML; None if none is given."""
    if fields.description_plaintext:
        return fields.description_plaintext
    return None if fields.description is None else html_to_text(fields.description)


def to_lms(fields: AssignmentFields, *, new: bool) -> dict[str, Any]:
    """Return what Classroom is sent of the `fields` that can be changed later."""
    sent: dict[str, Any] = {}
    if fields.title is not None:
        sent["title"] = fields.title
    words = _words(fields)
    if words is not None:
        sent["description"] = words
    if fields.due_date is not None:
        sent |= dates.to_lms(fields.due_date)
    if fields.points_possible is not None:
        sent["maxPoints"] = int(fields.points_possible)
    elif new and fields.grading_type in _POINTS:
        sent["maxPoints"] = _POINTS[fields.grading_type]
    return sent


def creation_only(fields: AssignmentFields) -> dict[str, Any]:
    """Return what Classroom is sent of `fields` only when course work is created; later it needs other calls."""
    sent: dict[str, Any] = {"workType": "ASSIGNMENT", "state": "DRAFT"}
    if fields.attachments:
        sent["materials"] = [{"link": {"url": item.url}} for item in fields.attachments]
    if fields.assignee_mode == "individuals":
        sent["assigneeMode"] = "INDIVIDUAL_STUDENTS"
        sent["individualStudentsOptions"] = {"studentIds": list(fields.assignee_ids or ())}
    return sent


def publication(display_date: Instant | None, now: Instant) -> dict[str, Any]:
    """Return what makes a draft visible, at once or on its display date."""
    if display_date is not None and display_date > now:
        return {"scheduledTime": isoformat(display_date)}
    return {"state": "PUBLISHED"}


def changed_assignees(fields: AssignmentFields, before: Assignment) -> dict[str, Any] | None:
    """Return the change of assignees as Classroom takes it; None if there is none."""
    mode = fields.assignee_mode or before.assignee_mode
    if mode == "all":
        return None if before.assignee_mode == "all" else {"assigneeMode": "ALL_STUDENTS"}
    wanted = before.assignee_ids if fields.assignee_ids is None else fields.assignee_ids
    had = before.assignee_ids
    added = [student for student in wanted if student not in had]
    removed = [student for student in had if student not in wanted]
    if mode == before.assignee_mode and not added and not removed:
        return None
    options: dict[str, Any] = {"addStudentIds": added} if added else {}
    if removed:
        options["removeStudentIds"] = removed
    return {"assigneeMode": "INDIVIDUAL_STUDENTS", "modifyIndividualStudentsOptions": options}


def from_lms(content: Json, note: Note | None) -> LmsAssignment:
    """Return the assignment that Classroom answered, with what we keep of it. Raises `Gone`."""
    note = note or {}
    state, scheduled = text(content, "state"), instant(content, "scheduledTime")
    if state == "DELETED":
        raise Gone("assignment")  # its teachers can still read it
    points, due = number(content, "maxPoints"), dates.from_lms(content)
    if (points is None and content.get("maxPoints") is not None) or (points is not None and points < 0):
        raise Unavailable("the points of its course work are no number")
    if due is None and content.get("dueDate") is not None:
        raise Unavailable("the due date of its course work is none")
    words = text(content, "description") or ""
    ours = note.get("description") or (None, None)
    # Whoever it is for otherwise, such as a group, it is not for all.
    some = text(content, "assigneeMode") not in (None, "ALL_STUDENTS")
    assignees = texts(as_object(content.get("individualStudentsOptions") or {}), "studentIds")
    assignment = Assignment(
        lms_id=id_of(content),
        title=text(content, "title") or "",
        description=ours[0] if ours[0] is not None and ours[1] == words else words,
        description_plaintext=words,
        # Google leaves zeros out.
        points_possible=points or (Decimal(0) if note.get("no_points") else None),
        grading_type="points",
        submission_types=(),
        due_date=due,
        start_date=None,
        display_date=scheduled if state == "DRAFT" else note.get("display_date"),
        end_date=None,
        max_attempts=None,
        assignee_mode="individuals" if some else "all",
        assignee_ids=tuple(assignees) if some else (),
        attachments=_attachments(content, note),
        term_id=None,
        published=state != "DRAFT" or scheduled is not None,
        created=instant(content, "creationTime"),
        last_modified=instant(content, "updateTime"),
        category_id=text(as_object(content.get("gradeCategory") or {}), "id"),
    )
    return LmsAssignment(
        content,
        unsupported_fields.restore_dates(unsupported_fields.restore(assignment, note, _RESTORED), note),
    )


def _attachments(content: Json, note: Note) -> tuple[Attachment, ...]:
    """Return the materials: as they were sent, if Classroom still has the same addresses."""
    stored = tuple(
        found for it in as_objects(content.get("materials")) if (found := attachment(it)) is not None
    )
    sent = msgspec.convert(note.get("attachments") or [], tuple[Attachment, ...])
    return sent if [item.url for item in sent] == [item.url for item in stored] else stored


def attachment(item: Json) -> Attachment | None:
    """Return the gateway's form of a material or attachment; None for a kind without an address."""
    for name, address in _ADDRESSES:
        found = item.get(name)
        if not isinstance(found, dict):
            continue
        inner = found.get("driveFile")
        inner = inner if isinstance(inner, dict) else found  # a file's address is one level deeper
        url, title = text(inner, address), text(inner, "title")
        if url:
            return Attachment("link", url=url, title=None if title in (None, "", url) else title)
    return None


def to_note(fields: AssignmentFields, content: Json, before: Note | None) -> dict[str, Any]:
    """Return the note of an assignment: what Classroom has no place for, or keeps only roughly."""
    note = unsupported_fields.keep(fields, _RESTORED, before)
    if fields.description is not None:
        words = text(content, "description") or ""
        # Words that Classroom has not taken are not shown as if it had.
        note["description"] = [
            fields.description,
            words if alike.same_title(words, _words(fields) or "") else None,
        ]
    if fields.points_possible is not None:
        note["no_points"] = fields.points_possible == 0
    if fields.attachments is not None:
        note["attachments"] = msgspec.to_builtins(fields.attachments)
    if fields.display_date is not None:
        note["display_date"] = fields.display_date
    return unsupported_fields.keep_dates(fields, from_lms(content, note).assignment, note)


class Stored(Struct, frozen=True):
    """What Classroom is expected to store of a new assignment, as far as it tells assignments apart."""

    title: str
    description: str
    """Plain text."""
    due: Instant | None
    """In whole seconds."""
    points: int
    """0 if it is not graded."""
    assignees: frozenset[str]
    """The students who were chosen; empty if all have it."""
    materials: int
    """How many: Classroom may turn a link into a file or video."""

    def fits(self, content: Json) -> bool:
        """Whether course work may be what Classroom made of it. Blanks may differ: Classroom trims."""
        options = as_object(content.get("individualStudentsOptions") or {})
        return (
            alike.same_title(text(content, "title") or "", self.title)
            and alike.same_title(text(content, "description") or "", self.description)
            and dates.from_lms(content) == self.due
            and (number(content, "maxPoints") or 0) == self.points
            and (text(content, "assigneeMode") == "INDIVIDUAL_STUDENTS") == bool(self.assignees)
            and self.assignees.issuperset(texts(options, "studentIds"))
            and len(as_objects(content.get("materials"))) == self.materials
        )


def as_stored(fields: AssignmentFields) -> Stored:
    """Return what Classroom is expected to store of a new assignment. Raises `RefusedByLms`."""
    sent = creation_only(fields) | to_lms(fields, new=True)
    return Stored(
        title=sent["title"],
        description=sent.get("description", ""),
        due=dates.from_lms(sent),
        points=sent.get("maxPoints", 0),
        assignees=frozenset(sent.get("individualStudentsOptions", {}).get("studentIds", ())),
        materials=len(sent.get("materials", ())),
    )


def may_be_made_since(content: Json, since: Instant) -> bool:
    """Whether we may have created course work since then. The LMS's clock is not ours."""
    created = instant(content, "creationTime")
    return content.get("associatedWithDeveloper") is True and (created is None or created >= since - MINUTE)


def mask_of(sent: Mapping[str, Any]) -> str:
    """Return the update mask that names what is sent."""
    return ",".join(name for name in MASKED if name in sent)
