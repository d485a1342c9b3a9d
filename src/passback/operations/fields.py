"""The fields of a change as people read them, alike for what was sent and for what an LMS holds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from passback.domain.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.delivery import Delivery

LABELS = {
    "title": "Title",
    "description": "Description",
    "description_plaintext": "Description as plain text",
    "points_possible": "Points possible",
    "grading_type": "Graded by",
    "due_date": "Due",
    "start_date": "Starts",
    "display_date": "Shown from",
    "end_date": "Ends",
    "max_attempts": "Attempts allowed",
    "assignee_mode": "Given to",
    "assignee_ids": "Students",
    "submission_types": "Handed in as",
    "term_id": "Term",
    "published": "Published",
    "grade_points": "Points",
    "grade": "Grade",
    "grade_comment": "Comment",
    "grader_id": "Graded by",
    "state": "State",
    "flags": "Flags",
    "extra_attempts": "Extra attempts",
    "override_due_date": "Due for this student",
    "attachments": "Attachments",
}
"""By the names of fields, in the order in which they are shown."""

_DATES = frozenset({"due_date", "start_date", "display_date", "end_date", "override_due_date"})
_NUMBERS = frozenset({"points_possible", "grade_points"})
_PEOPLE = frozenset({"grader_id", "assignee_ids"})
_LONGEST = 600


def sent(delivery: Delivery) -> dict[str, Any]:
    """The fields that a delivery sets, in the order in which they are shown."""
    given = msgspec.json.decode(delivery.content)
    return {name: given[name] for name in LABELS if name in given} if isinstance(given, dict) else {}


def people_in(fields: Mapping[str, Any]) -> set[str]:
    """The ids of people among the values of fields."""
    ids = set()
    for name in _PEOPLE & fields.keys():
        ids |= {str(it) for it in _listed(fields[name])}
    return ids


def in_words(name: str, value: Any, names: Mapping[str, str]) -> str:
    """The value of a field as text; empty if there is none. `names` are those of people, by our ids."""
    if value is None or value in ("", [], ()):
        return ""
    if name in _DATES:
        return _date(value)
    if name in _NUMBERS:
        return _number(value)
    if name in _PEOPLE:
        return ", ".join(sorted(names.get(str(it)) or str(it) for it in _listed(value)))
    if name == "attachments":
        return "; ".join(_attachment(it) for it in _listed(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(sorted(map(str, value)))
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _date(value: Any) -> str:
    try:
        moment = (
            datetime.fromisoformat(value)
            if isinstance(value, str)
            else datetime.fromtimestamp(value / SECOND, UTC)
        )
    except (ValueError, OverflowError, OSError, TypeError):
        return str(value)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _number(value: Any) -> str:
    try:
        text = f"{Decimal(str(value)):f}"
    except InvalidOperation:
        return str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _attachment(value: Any) -> str:
    given = value if isinstance(value, dict) else {}
    shown = given.get("title") or given.get("url") or given.get("text") or ""
    return f"{given.get('type', '')} {shown}".strip()[:_LONGEST]
