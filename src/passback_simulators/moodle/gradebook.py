"""The gradebook behind assignments: what of an assignment's grade reaches it, and what it keeps from being changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record


def entry(lms: MoodleState, item: int, user: int) -> Record:
    """What the gradebook has of one student in one column."""
    return lms.records.get("item_grades", f"{item}/{user}") or {
        "item": item, "user": user, "grade": None, "feedback": None, "overridden": False, "locked": False,
        "hidden": False, "time": None,
    }  # fmt: skip


def put(lms: MoodleState, row: Record) -> None:
    """Store what the gradebook has."""
    lms.records.put("item_grades", f"{row['item']}/{row['user']}", row)


def is_closed(lms: MoodleState, assign: int, user: int) -> bool:
    """Whether the gradebook keeps an assignment's grade from being changed: locked, or overridden by a teacher."""
    item = lms.item_of(assign)
    if item is None:
        return False
    row = entry(lms, item["id"], user)
    return bool(item["locked"] or row["locked"] or row["overridden"])


def push(lms: MoodleState, assign: Record, user: int) -> None:
    """Bring a student's newest grade into the gradebook, if there is a column for it and the workflow lets it out."""
    item, row = lms.item_of(assign["id"]), lms.latest("grades", assign["id"], user)
    if item is None or not assign["grade"] or row is None:
        return
    released = not assign["markingworkflow"] or lms.flags(assign["id"], user)["workflowstate"] == "released"
    shown = entry(lms, item["id"], user)
    shown["grade"] = row["grade"] if released and row["grade"] >= 0 else None
    shown["feedback"] = row["comment"] if released else None
    shown["time"] = lms.seconds
    put(lms, shown)
