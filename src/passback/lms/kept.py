"""Fields of an assignment that an LMS has no place for: kept in the connector's notes and given back from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import SECOND
from passback.lms.notes import Note

_DATES = ("due_date", "start_date", "display_date", "end_date")


def key(assignment: str) -> str:
    """The key of an assignment's note."""
    return f"assignment/{assignment}"


def kept(fields: AssignmentFields, names: Collection[str], before: Note | None = None) -> dict[str, Any]:
    """What is to be kept of the fields with these `names`, over what was kept `before`."""
    given = {name: getattr(fields, name) for name in names}
    return {**(before or {}), **{name: value for name, value in given.items() if value is not None}}


def with_kept(assignment: Assignment, note: Mapping[str, Any] | None, names: Collection[str]) -> Assignment:
    """The assignment with what was kept of the fields with these `names`."""
    known = {name: value for name, value in (note or {}).items() if name in names}
    return replace(
        assignment,
        **{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()},
    )


def exact(fields: AssignmentFields, stored: Assignment, before: Note | None = None) -> dict[str, Any]:
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


def with_exact(assignment: Assignment, note: Note | None) -> Assignment:
    """The assignment with the dates as they were sent, as long as the LMS has what it made of them."""
    dates = (note or {}).get("dates") or {}
    return replace(
        assignment, **{name: sent for name, (sent, has) in dates.items() if getattr(assignment, name) == has}
    )
