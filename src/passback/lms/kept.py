"""Fields of an assignment that an LMS has no place for: kept in the connector's notes and given back from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.lms.notes import Note


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
