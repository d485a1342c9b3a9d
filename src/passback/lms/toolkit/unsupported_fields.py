"""Fields of an assignment that an LMS has no place for: kept in the connector's notes and given back from there."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import SECOND, Instant
from passback.lms.notes import Note, Notes

_TYPES = {field.name: field.type for field in structs.fields(Assignment)}
_DATES = ("due_date", "start_date", "display_date", "end_date")


def key(assignment: str) -> str:
    """The key of an assignment's note."""
    return f"assignment/{assignment}"


def note_of(fields: AssignmentFields, names: Collection[str], before: Note | None = None) -> dict[str, Any]:
    """What is to be kept of the fields with these `names`, over what was kept `before`."""
    given = {name: getattr(fields, name) for name in names}
    return {
        **(before or {}),
        **{name: msgspec.to_builtins(value) for name, value in given.items() if value is not None},
    }


async def read_note(
    notes: Notes, assignment: str, fields: AssignmentFields | None, names: Collection[str]
) -> Note:
    """An assignment's note, once what `fields` give of those with these `names` has been kept in it."""
    note = (await notes.read([key(assignment)])).get(key(assignment)) or {}
    if fields is not None:
        note = note_of(fields, names, note)
        await notes.write({key(assignment): note})
    return note


def with_noted(assignment: Assignment, note: Note | None, names: Collection[str]) -> Assignment:
    """The assignment with what was kept of the fields with these `names`."""
    known = {name: value for name, value in (note or {}).items() if name in names}
    return replace(
        assignment, **{name: msgspec.convert(value, _TYPES[name]) for name, value in known.items()}
    )


def bare(lms_id: str, title: str, due_date: Instant | None, points_possible: str | None) -> Assignment:
    """An assignment of an LMS that keeps only this of it; whatever else there is has been kept (`with_kept`)."""
    return Assignment(
        lms_id=lms_id,
        title=title,
        description="",
        description_plaintext=None,
        points_possible=None if points_possible is None else Decimal(points_possible),
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


def note_of_dates(fields: AssignmentFields, stored: Assignment, before: Note | None = None) -> dict[str, Any]:
    """A note that also says which dates an LMS rounded: those of `fields`, beside what it `stored` of them."""
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


def with_exact_dates(assignment: Assignment, note: Note | None) -> Assignment:
    """The assignment with the dates as they were sent, as long as the LMS has what it made of them."""
    dates = (note or {}).get("dates") or {}
    return replace(
        assignment, **{name: sent for name, (sent, has) in dates.items() if getattr(assignment, name) == has}
    )
