"""Assignments: between the gateway's and line items, which have little more than a title and points.

An assignment's id here is the address of its line item, below the LMS's own, so that it stays what it is if that
changes. What launches have told of is known by the whole address, which stands for the same.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields
from passback.lms.interface import Gone, RefusedByLms, Unavailable, Unsupported
from passback.lms.toolkit import alike, unsupported_fields
from passback.lms.toolkit.json_fields import Json, id_of, isoformat, number, text
from passback.lms.toolkit.unsupported_fields import bare_assignment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.lti.families import Family
    from passback.lms.notes import Note

NOTED_FIELDS = frozenset(
    {
        "description", "description_plaintext", "grading_type", "submission_types", "due_date", "start_date",
        "display_date", "end_date", "max_attempts", "assignee_mode", "assignee_ids", "attachments", "term_id",
    }
)  # fmt: skip
"""Fields that a line item has no place for; they are kept in notes."""
_RESTORED = NOTED_FIELDS | {"created", "last_modified"}

_LONGEST_TITLE = 255
"""Moodle fails for a longer one, as if it were out of order."""
_USUAL_POINTS = {"pass_fail": Decimal(1)}
_HUNDRED = Decimal(100)


class LmsAssignment(Struct, frozen=True):
    """An assignment as the LMS has it, with what grading needs."""

    content: Json
    assignment: Assignment
    path: str
    """The address of its line item: its id, unless the LMS has moved it."""
    stamped: int = 0
    """When the LMS marked all its grades as changed last, in milliseconds since 1970, if it did."""

    @property
    def points(self) -> Decimal:
        """The maximum."""
        assert self.assignment.points_possible is not None
        return self.assignment.points_possible


def id_from(url: str, address: str) -> str:
    """Return the id of an assignment by the address of its line item; `address` is the LMS's."""
    try:
        given, own = urlsplit(url), urlsplit(address)
    except ValueError:
        return url
    if (given.scheme, given.netloc.lower()) != (own.scheme, own.netloc.lower()):
        return url
    return _below_host(given)


def _below_host(url: SplitResult) -> str:
    return url._replace(scheme="", netloc="", fragment="").geturl()


def path_of(lms_id: str) -> str:
    """Return the address of an assignment's line item. Raises `Gone` for what is none."""
    if not lms_id.startswith(("/", "https://", "http://")):
        raise Gone("assignment")
    return lms_id


def to_lms(fields: AssignmentFields, family: Family) -> dict[str, Any]:
    """Return the members of a line item for `fields`. Raises `RefusedByLms` and `Unsupported`."""
    if fields.grading_type == "letter_grade":
        raise Unsupported(family.name, "grading_type of letter_grade")
    sent: dict[str, Any] = {}
    if fields.title is not None:
        if not fields.title.strip() or len(fields.title) > _LONGEST_TITLE:
            raise RefusedByLms(
                "INVALID_TITLE", f"{family.name} takes titles of 1 to {_LONGEST_TITLE} letters"
            )
        sent["label"] = fields.title
    if fields.points_possible is not None:
        sent["scoreMaximum"] = _maximum(fields.points_possible, family)
    if family.keeps_dates:
        dates = {"startDateTime": fields.display_date, "endDateTime": fields.due_date or fields.end_date}
        sent |= {name: isoformat(when) for name, when in dates.items() if when is not None}
    return sent


def new_defaults(fields: AssignmentFields) -> dict[str, Any]:
    """Return the members of a new line item that `fields` do not give."""
    return {"scoreMaximum": as_number(_USUAL_POINTS.get(fields.grading_type or "", _HUNDRED))}


def _maximum(points: Decimal, family: Family) -> int | float:
    if points <= 0:
        raise RefusedByLms("INVALID_POINTS", f"{family.name} takes only points_possible above 0")
    return as_number(points)


def as_number(points: Decimal) -> int | float:
    """Return points as JSON has them; whole ones without a fraction, which some LMSs insist on."""
    return int(points) if points == int(points) else float(points)


def from_lms(content: Json, note: Note | None, lms_id: str, path: str = "") -> LmsAssignment:
    """Return the assignment of a line item, with what we keep of it. Raises `Unavailable`.

    `path` is where the line item is, if that is not its id.
    """
    points = _points_of(content)
    if points is None:
        raise Unavailable("its line item has no scoreMaximum")
    bare = bare_assignment(lms_id, text(content, "label") or "", None, str(points))
    stamped = (note or {}).get("stamped")
    return LmsAssignment(
        content,
        unsupported_fields.restore(bare, note, _RESTORED),
        path or lms_id,
        stamped if isinstance(stamped, int) else 0,
    )


def _points_of(content: Json) -> Decimal | None:
    """Return the maximum of a line item; None if it has none.

    In Open edX it is the whole part of an activity's weight, and so 0 for less than a point. Such a one counts as of 1.
    """
    points = number(content, "scoreMaximum")
    return None if points is None or points < 0 else points or Decimal(1)


def check_item(content: Json, lms_id: str) -> None:
    """Raise `Unavailable` if an answer is not the line item that was asked for."""
    if not is_item(content, lms_id):
        raise Unavailable("it shows something else than was asked for")


def is_item(content: Any, lms_id: str) -> bool:
    """Whether an answer is a line item, and the one that was asked for."""
    if not isinstance(content, dict) or text(content, "label") is None:
        return False
    if _points_of(content) is None:
        return False
    shown = text(content, "id") or ""
    try:  # Canvas names what it was asked for by another of its hosts
        return _below_host(urlsplit(shown)) == _below_host(urlsplit(lms_id))
    except ValueError:
        return shown == lms_id


def has_mark(content: Json, mark: str) -> bool:
    """Whether a line item bears a mark."""
    return mark in (text(content, "resourceId"), text(content, "tag"))


def age(lms_id: str) -> list[int]:
    """Return what sorts line items of one course by their age: LMSs count them."""
    return [int(it) for it in re.findall(r"\d{1,18}", lms_id, re.ASCII)]


def may_be(content: Json, wanted: Mapping[str, Any], *, marked: bool) -> bool:
    """Whether a line item may be one that was sent with a mark: if it is not `marked`, the LMS has dropped that."""
    names = ("resourceLinkId",) if marked else ("resourceId", "tag", "resourceLinkId")
    return (
        not any(text(content, name) for name in names)
        and alike.same_title(text(content, "label") or "", wanted["label"])
        and alike.same_points(number(content, "scoreMaximum"), wanted["scoreMaximum"])
    )


def item_id(content: Json, address: str, asked: str) -> str:
    """Return the id of the assignment of a line item, which is in the list at the address `asked`.

    Canvas may name it by another of its hosts than was asked, which need not be one that we may ask. Raises
    `Unavailable`.
    """
    shown = id_of(content)
    try:
        whole, listed = urlsplit(shown), urlsplit(urljoin(address, asked))
    except ValueError:
        return shown
    if whole.netloc and whole.path.startswith(f"{listed.path.rstrip('/')}/"):
        whole = whole._replace(scheme=listed.scheme, netloc=listed.netloc)
    return id_from(whole.geturl(), address)


def to_note(fields: AssignmentFields, before: Mapping[str, Any] | None, now: int) -> dict[str, Any]:
    """Return the note of an assignment after a change: all that a line item has no place for."""
    note = unsupported_fields.keep(fields, NOTED_FIELDS, before)
    note.setdefault("created", now)
    note["last_modified"] = now
    return note
