"""What Schoology keeps of an assignment that it is sent, by which one whose answer was lost is found again."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.lms.schoology import dates
from passback.lms.toolkit import alike
from passback.lms.toolkit.json_fields import Json, number, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stored(Struct, frozen=True):
    """An assignment in the form in which Schoology keeps it."""

    title: str
    due: str
    """Local time in the zone of the key's user; empty if it is never due."""
    points: Decimal | None
    """None if Schoology chooses them, by the category or else 100."""
    description: str
    assignees: frozenset[str]
    """Enrollments; none if it is for the whole section."""

    def may_be(self, content: Json) -> bool:
        """Whether `content`, an assignment that Schoology shows, may be this one, trimmed, cleaned up and rounded."""
        kept = set(texts(content, "assignees"))
        return (
            alike.same_title(text(content, "title") or "", self.title)
            and (text(content, "due") or "").strip() == self.due
            and (self.points is None or alike.same_points(number(content, "max_points"), self.points))
            and alike.may_be_left_of(_description(content), self.description)
            and bool(kept) == bool(self.assignees)
            and kept <= self.assignees
        )

    def has_words_of(self, content: Json) -> bool:
        """Whether it shows the same description."""
        return alike.same_words(_description(content), self.description)


def as_stored(sent: Mapping[str, Any], zone: str) -> Stored:
    """Return what Schoology will store of a new assignment that it is `sent`, if `zone` (IANA) is its user's.

    A due date in the hour that the user's clock skips in spring, which is possible if we write them in another zone, is
    put forward. Without points, Schoology chooses them.
    """
    due = sent.get("due") or ""
    when = dates.from_lms(due, zone) if due else None
    return Stored(
        title=sent["title"],
        due=due if when is None else dates.to_lms(when, zone),
        points=number(sent, "max_points"),
        description=_description(sent),
        assignees=frozenset(str(it) for it in sent.get("assignees", ())),
    )


def _description(content: Mapping[str, Any]) -> str:
    return text(content, "body" if "body" in content else "description") or ""
