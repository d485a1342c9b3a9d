"""What people do in the web pages of an LMS with LTI Advantage: methods of `LtiSimulator`, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.lti.handlers import grades, line_items
from passback_simulators.lti.seed import CLIENT_ID

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record


def unenroll(lms: LtiState, course: str, user: str) -> None:
    """Somebody leaves a course."""
    lms.records.remove("members", f"{course}/{user}")


def add_link(lms: LtiState, course: str, title: str, maximum: float = 100.0, client: str = CLIENT_ID) -> str:
    """A teacher adds an activity of a tool, with its column; returns the id of the column."""
    link = str(lms.records.next_number("links", 901))
    lms.records.put("links", link, {"id": link, "course": course, "client": client, "title": title})
    item = str(lms.records.next_number("items", 501))
    lms.records.put("items", item, {
        "id": item, "course": course, "client": client, "label": title, "scoreMaximum": maximum, "resourceId": None,
        "tag": None, "resourceLinkId": link, "dates": {},
    })  # fmt: skip
    return item


def change_item(lms: LtiState, item: str, **fields: Any) -> None:
    """A teacher changes a column: its ``label``, or that it is ``locked``."""
    found = lms.records.get("items", item)
    assert found is not None, f"no line item {item}"
    lms.records.put("items", item, found | fields)


def delete_item(lms: LtiState, item: str) -> None:
    """A teacher deletes a column."""
    line_items.delete(lms, item)


def grade(lms: LtiState, item: str, user: str, points: float | None, comment: str | None = None) -> None:
    """A teacher grades in the gradebook, by hand; that counts as changed now."""
    fields = {"points": points, "published": points, "comment": comment, "maximum": None}
    grades.put(lms, item, user, stamp=lms.clock(), overridden=True, **fields)


def grade_shown(lms: LtiState, item: str, user: str) -> Record:
    """What the gradebook holds of somebody."""
    return grades.score_of(lms, item, user) or {}
