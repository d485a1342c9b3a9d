"""Overrides: whom a Canvas assignment is for and with which dates, if not for everyone with its own dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.clock import Instant
from passback.lms.toolkit.json_fields import Json, instant, isoformat, text, texts

if TYPE_CHECKING:
    from passback.lms.canvas.api import CanvasApi

OWN_DUE_DATE = "Own due date"
"""The title of the overrides that give one student a due date."""


class Override(Struct, frozen=True):
    """Dates for some of a course's students."""

    id: str | None
    title: str
    student_ids: tuple[str, ...]
    section_id: str | None
    due_at: Instant | None
    unlock_at: Instant | None
    lock_at: Instant | None
    group_id: str | None = None
    understood: bool = True
    """Whether it says no more than this: for students or a section. Those of groups, of the whole course or of mastery
    paths are the teacher's business."""
    course: bool = False
    """Whether it is for everyone in the course."""

    @property
    def own_due_date(self) -> bool:
        """Whether it gives one student a due date."""
        return self.title == OWN_DUE_DATE

    def to_lms(self) -> dict[str, Any]:
        """Return the override as Canvas takes it."""
        for_whom: dict[str, Any] = {"student_ids": list(self.student_ids), "title": self.title}
        if self.section_id is not None:
            for_whom = {"course_section_id": self.section_id}
        elif self.group_id is not None:
            for_whom = {"group_id": self.group_id}
        dates = {name: isoformat(getattr(self, name)) for name in ("due_at", "unlock_at", "lock_at")}
        return for_whom | dates | ({"id": self.id} if self.id else {})


def override_from_lms(item: Json) -> Override:
    """Return an override as Canvas shows it."""
    student_ids = tuple(texts(item, "student_ids"))
    section_id = text(item, "course_section_id")
    return Override(
        id=text(item, "id"),
        title=text(item, "title") or "",
        student_ids=student_ids,
        section_id=section_id,
        due_at=instant(item, "due_at"),
        unlock_at=instant(item, "unlock_at"),
        lock_at=instant(item, "lock_at"),
        group_id=text(item, "group_id"),
        understood=bool(student_ids or section_id) and item.get("unassign_item") is not True,
        course=text(item, "course_id") is not None,
    )


async def send_override(api: CanvasApi, assignment_path: str, override: Override) -> None:
    """Make an override, or change the dates of one that has an id; all others stay as they are. Raises `LmsError`."""
    content = override.to_lms()
    if override.id is None:
        path = f"{assignment_path}/overrides"
        await api.send("POST", path, {"assignment_override": content}, safe=False)
        return
    # A date that is left out would be cleared.
    dates = {name: content[name] for name in ("due_at", "unlock_at", "lock_at")}
    path = f"{assignment_path}/overrides/{override.id}"
    await api.send("PUT", path, {"assignment_override": dates}, safe=True)
