"""What Schoology keeps of an assignment that it is sent, by which one whose answer was lost is found again."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.lms.schoology import dates
from passback.lms.toolkit.html import html_to_text
from passback.lms.toolkit.json_fields import Json, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_HIDDEN_TAG = re.compile(r"</?(?:script|style)\b[^>]*>", re.IGNORECASE)
_CENT = Decimal("0.01")
_LARGEST_ROUNDED = Decimal(10) ** 12


class Stored(Struct, frozen=True):
    """An assignment in the form in which Schoology keeps it."""

    title: str
    due: str
    """Local time in the zone of the key's user; empty if it is never due."""
    points: Decimal | None
    """To two decimals; None if Schoology chooses them, by the category or else 100."""
    texts: frozenset[str]
    """What a reader may see of the description, by how its HTML is cleaned up."""
    assignees: frozenset[str]
    """Enrollments; none if it is for the whole section."""

    def is_kept_as(self, content: Json) -> bool:
        """Whether `content`, an assignment that Schoology shows, may be this one."""
        body = "body" if "body" in content else "description"
        return (
            self.title == _one_line(text(content, "title") or "")
            and self.due == (text(content, "due") or "").strip()
            and self.points in (None, _rounded(number(content, "max_points")))
            and bool(self.texts & _texts(text(content, body) or ""))
            and self.assignees == set(texts(content, "assignees"))
        )


def as_stored(sent: Mapping[str, Any], zone: str) -> Stored:
    """Return what Schoology will store of a new assignment that it is `sent`, if `zone` (IANA) is its user's.

    Schoology trims titles and cleans up HTML. A due date in the hour that the user's clock skips in spring, possible if
    we write them in another zone, is put forward. Points may be rounded; without any, Schoology chooses them.
    """
    due = sent.get("due") or ""
    when = dates.from_lms(due, zone) if due else None
    return Stored(
        title=_one_line(sent["title"]),
        due=due if when is None else dates.to_lms(when, zone),
        points=_rounded(number({"points": sent.get("max_points")}, "points")),
        texts=_texts(sent.get("body") or sent.get("description") or ""),
        assignees=frozenset(str(it) for it in sent.get("assignees", ())),
    )


def _one_line(title: str) -> str:
    return " ".join(title.split())


def _texts(markup: str) -> frozenset[str]:
    """Return the text of HTML, without scripts and styles and, as some filters drop only the tags, with them."""
    return frozenset({html_to_text(markup), html_to_text(_HIDDEN_TAG.sub("", markup))})


def _rounded(points: Decimal | None) -> Decimal | None:
    if points is None or abs(points) > _LARGEST_ROUNDED:
        return points
    return points.quantize(_CENT, ROUND_HALF_EVEN).normalize()
