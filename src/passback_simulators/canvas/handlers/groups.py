"""How a teacher sets up a course: groups of students, and cross-listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import setup, shapes
from passback_simulators.canvas.access import require_teacher, visible_course, visible_section
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, not_found

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def course_groups(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/groups``."""
    course = visible_course(lms, request, course_id)
    found = [it for it in lms.records.all("student_groups") if it["course_id"] == course["id"]]
    return page(lms, request, [_shown(it) for it in found])


def create(lms: CanvasState, request: Request, category_id: str) -> Reply:
    """``POST /group_categories/:id/groups``; the simulator takes the ``course_id`` from the content."""
    given = body_of(request)
    course = visible_course(lms, request, str(given.get("course_id")))
    require_teacher(lms, request, course["id"])
    number = setup.add_group(lms, str(course["id"]), int(category_id), [])
    return answer(request, 200, _shown(_group(lms, str(number))))


def users(lms: CanvasState, request: Request, group_id: str) -> Reply:
    """``GET /groups/:id/users``."""
    group = _group(lms, group_id)
    require_teacher(lms, request, group["course_id"])
    found = [lms.records.get("users", it) for it in group["members"]]
    return page(lms, request, [shapes.user(lms, it, request) for it in found if it is not None])


def join(lms: CanvasState, request: Request, group_id: str) -> Reply:
    """``POST /groups/:id/memberships``: a student joins a group."""
    group = _group(lms, group_id)
    require_teacher(lms, request, group["course_id"])
    user = lms.find_user(str(body_of(request).get("user_id")))
    if user is None:
        raise not_found()
    members = [*(it for it in group["members"] if it != user["id"]), user["id"]]
    lms.records.put("student_groups", group["id"], {**group, "members": members})
    return answer(
        request, 200, {"group_id": group["id"], "user_id": user["id"], "workflow_state": "accepted"}
    )


def cross_list(lms: CanvasState, request: Request, section_id: str, course_id: str) -> Reply:
    """``POST /sections/:id/crosslist/:new_course_id``."""
    section = visible_section(lms, request, section_id)
    course = visible_course(lms, request, course_id)
    require_teacher(lms, request, course["id"])
    setup.cross_list(lms, str(section["id"]), str(course["id"]))
    return answer(request, 200, lms.records.get("sections", section["id"]))


def _group(lms: CanvasState, group_id: str) -> Record:
    found = lms.records.get("student_groups", group_id)
    if found is None:
        raise not_found()
    return found


def _shown(group: Record) -> Record:
    shown = {name: value for name, value in group.items() if name != "members"}
    return {**shown, "members_count": len(group["members"])}
