"""Keeping fields of an assignment that an LMS has no place for in the connector's notes, and restoring them from there.

Keep only fields that are for display. A change that affects a student and that the LMS cannot store must be refused
(`passback.lms.toolkit.points.refuse_unsupported`), never kept in a note.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import SECOND, Instant
from passback.lms.interface import Unavailable
from passback.lms.notes import Note, Notes
from passback.lms.toolkit.json_fields import number

_TYPES = {field.name: field.type for field in structs.fields(Assignment)}
_TOO_LARGE = 2**53
"""Milliseconds that no calendar has, and that are no whole number everywhere."""
_DATES = ("due_date", "start_date", "display_date", "end_date")


def note_key(assignment: str) -> str:
    """Return the key of the note of an assignment, given by its id in the LMS."""
    return f"assignment/{assignment}"


async def read_note(notes: Notes, assignment: str) -> Note:
    """Read the note of an assignment, given by its id in the LMS; empty if there is none."""
    key = note_key(assignment)
    return (await notes.read([key])).get(key) or {}


async def write_note(notes: Notes, assignment: str, fields: AssignmentFields, names: Collection[str]) -> Note:
    """Keep those of `fields` that `names` lists in the assignment's note, and return the whole note."""
    note = keep(fields, names, await read_note(notes, assignment))
    await notes.write({note_key(assignment): note})
    return note


def keep(fields: AssignmentFields, names: Collection[str], before: Note | None = None) -> dict[str, Any]:
    """Return the note `before` with those of `fields` that `names` lists and that are given (not None)."""
    given = {name: getattr(fields, name) for name in names}
    return {
        **(before or {}),
        **{name: msgspec.to_builtins(value) for name, value in given.items() if value is not None},
    }


def restore(assignment: Assignment, note: Note | None, names: Collection[str]) -> Assignment:
    """Return the assignment with those of its fields that `names` lists as the note has them, if it has them."""
    kept = {name: value for name, value in (note or {}).items() if name in names}
    return replace(assignment, **{name: msgspec.convert(value, _TYPES[name]) for name, value in kept.items()})


def keep_dates(fields: AssignmentFields, stored: Assignment, before: Note | None = None) -> dict[str, Any]:
    """Return the note `before` with the exact dates of `fields` that the LMS rounded (by less than a second).

    `stored` is the assignment as the LMS shows it after the change.
    """
    note = dict(before or {})
    dates = dict(note.get("dates") or {})
    for name in _DATES:
        sent, has = getattr(fields, name), getattr(stored, name)
        if sent is None:
            continue
        dates.pop(name, None)
        if has is not None and sent != has and abs(sent - has) < SECOND:
            dates[name] = [sent, has]
    if dates or "dates" in note:
        note["dates"] = dates
    return note


def restore_dates(assignment: Assignment, note: Note | None) -> Assignment:
    """Return the assignment with its exact dates, where the LMS still has what it rounded them to."""
    dates = (note or {}).get("dates") or {}
    return replace(
        assignment, **{name: sent for name, (sent, has) in dates.items() if getattr(assignment, name) == has}
    )


def bare_assignment(
    lms_id: str, title: str, due_date: Instant | None, points_possible: str | None
) -> Assignment:
    """Return the assignment of an LMS that stores only this much of it; `restore` adds what was kept in the note.

    Raises `Unavailable` if the points are no number, or the due date is in no calendar.
    """
    if due_date is not None and abs(due_date) >= _TOO_LARGE:
        raise Unavailable("its answer has a due date that is in no calendar")
    return Assignment(
        lms_id=lms_id,
        title=title,
        description="",
        description_plaintext=None,
        points_possible=None if points_possible is None else _points(points_possible),
        grading_type="points",
        submission_types=(),
        due_date=due_date,
        start_date=None,
        display_date=None,
        end_date=None,
        max_attempts=None,
        assignee_mode="all",
        assignee_ids=(),
        attachments=(),
        term_id=None,
        published=True,
        created=None,
        last_modified=None,
    )


def _points(text: str) -> Decimal:
    found = number({"points": text}, "points")
    if found is None or found < 0:
        raise Unavailable("its answer has points that are no number")
    return found
