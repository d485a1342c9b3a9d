"""Overrides: dates of an assignment for some of its students, or for a section."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.replies import date, invalid, messages, refuse

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

DATES = ("due_at", "unlock_at", "lock_at")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def dates_for(lms: CanvasState, assignment: Record, user: int) -> Record:
    """The record whose dates apply to a user: an override, the closest to them of several, or the assignment."""
    mine = _of_user(lms, assignment, user)
    return min((it for it in mine if it.get("noop_id") is None), key=_rank, default=assignment)


def is_assigned(lms: CanvasState, assignment: Record, user: int) -> bool:
    """Whether a student of the course has the assignment."""
    mine = _of_user(lms, assignment, user)
    if any(it.get("unassign_item") for it in mine):
        return False
    return not assignment["only_visible_to_overrides"] or bool(mine)


def assigned_to(lms: CanvasState, assignment: Record) -> list[int]:
    """The students of the course who have the assignment."""
    students = lms.students(assignment["course_id"])
    if not assignment["only_visible_to_overrides"] and not assignment["overrides"]:
        return students
    return [it for it in students if is_assigned(lms, assignment, it)]


def _of_user(lms: CanvasState, assignment: Record, user: int) -> list[Record]:
    """The overrides that apply to a user; mastery paths let those have it who have reached it."""
    found = assignment["overrides"]
    if not found:
        return []
    sections: set[int] = set()
    if any(it["course_section_id"] is not None for it in found):
        mine = lms.enrollments(assignment["course_id"], user=user)
        sections = {it["course_section_id"] for it in mine}
    groups: set[int] = set()
    if any(it["group_id"] is not None for it in found):
        groups = {it["id"] for it in lms.records.all("student_groups") if user in it["members"]}
    return [
        it
        for it in found
        if user in it["student_ids"]
        or it["course_section_id"] in sections
        or (it["group_id"] is not None and int(it["group_id"]) in groups)
        or it.get("course_id") is not None
        or user in it.get("reached_by", ())
    ]


def _rank(override: Record) -> int:
    """Which of several overrides of a user counts: the closest to them."""
    if override["student_ids"]:
        return 0
    return 2 if override.get("course_id") is not None else 1


def group_named(lms: CanvasState, assignment: Record, user: int) -> Record | None:
    """The group that a user is in for a group assignment."""
    category = assignment.get("group_category_id")
    if category is None:
        return None
    groups = (it for it in lms.records.all("student_groups") if str(it["group_category_id"]) == str(category))
    return next((it for it in groups if user in it["members"]), None)


def group_of(lms: CanvasState, assignment: Record, user: int) -> list[int]:
    """Those who are graded together with a user, with the user: all of their group, unless graded individually."""
    if assignment.get("grade_group_students_individually"):
        return [user]
    group = group_named(lms, assignment, user)
    return [user] if group is None else group["members"]


def with_dates(lms: CanvasState, assignment: Record, override: Record, given: Record) -> Record:
    """An override with other dates, and a title if one is given. Raises `Refusal`."""
    dates = {name: stored_date(lms, assignment["course_id"], given.get(name), name) for name in DATES}
    titled = given.get("title") if override["student_ids"] else None
    made = {**override, **dates, "title": titled or override["title"]}
    check_order(made)
    return made


def new(lms: CanvasState, assignment: Record, given: Record, others: list[Record]) -> Record:
    """A new override. Raises `Refusal`, with a list of texts."""
    made: Record = {
        "id": lms.records.next_number("overrides", 90), "assignment_id": assignment.get("id"), "title": None,
        "student_ids": [], "course_section_id": None, "group_id": None,
        **{name: stored_date(lms, assignment["course_id"], given.get(name), name) for name in DATES},
    }  # fmt: skip
    if given.get("student_ids"):
        made["student_ids"] = _students(lms, assignment, given["student_ids"])
        if any(set(made["student_ids"]) & set(other["student_ids"]) for other in others):
            raise refuse(400, {"errors": ["invalid student_ids: already in another override"]})
        made["title"] = given.get("title") or f"{len(made['student_ids'])} students"
    elif given.get("course_section_id"):
        section = lms.records.get("sections", given["course_section_id"])
        if section is None or section["course_id"] != assignment["course_id"]:
            raise refuse(400, {"errors": [f"unknown section id {given['course_section_id']}"]})
        made |= {"course_section_id": section["id"], "title": section["name"]}
    elif given.get("group_id"):
        group = lms.records.get("student_groups", given["group_id"])
        category = assignment.get("group_category_id")
        if group is None or str(group["group_category_id"]) != str(category):
            raise refuse(400, {"errors": [f"unknown group id {given['group_id']}"]})
        made |= {"group_id": group["id"], "title": group["name"]}
    else:
        raise refuse(400, {"errors": ["one of student_ids, group_id, or course_section_id is required"]})
    check_order(made)
    return made


def _students(lms: CanvasState, assignment: Record, ids: list[Any]) -> list[int]:
    """The users of those ids, all of them students of the course. Raises `Refusal`."""
    students = {
        it["user_id"] for it in lms.enrollments(assignment["course_id"], kinds=("StudentEnrollment",))
    }
    found = [lms.find_user(str(it)) for it in ids]
    unknown = [
        str(sent) for sent, it in zip(ids, found, strict=True) if it is None or it["id"] not in students
    ]
    if unknown:
        raise refuse(400, {"errors": [f"unknown student ids: {json.dumps(unknown)}"]})
    return [it["id"] for it in found if it is not None]


def shown(override: Record) -> Record:
    """An override as the API shows it."""
    content = {name: value for name, value in override.items() if value is not None and name != "reached_by"}
    return content | {name: date(override[name]) for name in DATES} | {"all_day": False}


def instant(text: Any, field: str) -> int | None:
    """Read a date, in milliseconds since 1970. Raises `Refusal` for one without seconds or zone."""
    if text in (None, ""):
        return None
    if not isinstance(text, str) or not _ISO.fullmatch(text):
        raise messages(400, f"Invalid datetime for {field}")
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1000


def stored_date(lms: CanvasState, course: int, text: Any, field: str) -> int | None:
    """A date as Canvas stores it: due or locked at midnight means the end of the day that begins. Raises `Refusal`."""
    found = instant(text, field)
    if found is None or field == "unlock_at":
        return found
    local = datetime.fromtimestamp(found // 1000, lms.zone_of(course))
    if (local.hour, local.minute) != (0, 0):
        return found
    return int(local.replace(hour=23, minute=59, second=59).timestamp()) * 1000


def check_order(dated: Record) -> None:
    """Refuse dates of an assignment or override that are not in order."""
    in_order = [dated[name] for name in ("unlock_at", "due_at", "lock_at") if dated[name] is not None]
    if in_order != sorted(in_order):
        raise invalid("due_at", "due_at", "must be between availability dates")
