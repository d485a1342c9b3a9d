"""How teachers set up courses, in the web pages and through the API alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import late_policy, works
from passback_simulators.canvas.grades import after_policy

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState


def change_course(lms: CanvasState, course_id: str, **fields: Any) -> None:
    """Change a course's settings, such as its ``time_zone``, ``grading_standard_id`` or ``workflow_state``."""
    record = lms.records.get("courses", course_id)
    assert record is not None
    lms.records.put("courses", course_id, {**record, **fields})


def add_group(lms: CanvasState, course_id: str, category: int, members: list[str]) -> int:
    """Put students into a new group of a group set; returns the group's id."""
    number = lms.records.next_number("student_groups", 71)
    group = {"id": number, "course_id": int(course_id), "group_category_id": category, "name": f"Group {number}",
             "members": [int(it) for it in members]}  # fmt: skip
    lms.records.put("student_groups", number, group)
    return number


def cross_list(lms: CanvasState, section_id: str, course_id: str) -> None:
    """Move a section to another course, with its enrollments."""
    section = lms.records.get("sections", section_id)
    assert section is not None
    origin = section.get("nonxlist_course_id") or section["course_id"]
    moved = {"course_id": int(course_id), "nonxlist_course_id": origin}
    lms.records.put("sections", section_id, {**section, **moved})
    for it in lms.records.all("enrollments"):
        if it["course_section_id"] == section["id"]:
            lms.records.put("enrollments", it["id"], {**it, "course_id": int(course_id)})


def set_late_policy(lms: CanvasState, course_id: str, **fields: Any) -> None:
    """Set fields of a course's policy for late and missing work, by the API's names; given grades change with it."""
    late_policy.keep(lms, int(course_id), fields)
    for record in lms.assignments_of(int(course_id)):
        for it in lms.submissions_of(record):
            if it["entered_score"] is not None:
                works.keep(lms, record, it | after_policy(lms, record, it))
