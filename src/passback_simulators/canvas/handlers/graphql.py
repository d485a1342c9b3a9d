"""Canvas's GraphQL, reduced to posting an assignment's grades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas.access import require_teacher
from passback_simulators.canvas.replies import answer, body_of, object_in
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def graphql(lms: CanvasState, request: Request) -> Reply:
    """``POST /api/graphql``: post an assignment's grades."""
    content = body_of(request)
    if "postAssignmentGrades" not in str(content.get("query")):
        return answer(request, 200, {"errors": [{"message": "Field doesn't exist on type 'Mutation'"}]})
    record = lms.records.get("assignments", str(object_in(content, "variables").get("assignment")))
    if record is None or record["deleted"]:
        return answer(request, 200, {"data": None, "errors": [{"message": "not found"}]})
    try:
        require_teacher(lms, request, record["course_id"], "manage_grades")
    except Refusal:  # this API hides what nobody may do
        return answer(
            request, 200, {"data": {"postAssignmentGrades": None}, "errors": [{"message": "not found"}]}
        )
    for submission in lms.submissions_of(record):
        if submission["workflow_state"] == "graded" and submission["posted_at"] is None:
            changed = {**submission, "posted_at": lms.clock()}
            lms.records.put("submissions", f"{record['id']}/{submission['user_id']}", changed)
    return answer(request, 200, {"data": {"postAssignmentGrades": {"progress": {"state": "queued"}}}})
