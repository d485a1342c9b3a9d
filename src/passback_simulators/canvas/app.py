"""The simulated Canvas: its routes, and the replies that belong to no route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import access, replies, setup, web_ui
from passback_simulators.canvas.handlers import (
    assignment_groups,
    assignments,
    courses,
    enrollments,
    files,
    gradeable_students,
    grading,
    grading_periods,
    graphql,
    groups,
    handing_in,
    late_policies,
    oauth,
    overrides,
    progress,
    rubric_assessments,
    rubrics,
    sections,
    student_submissions,
    submissions,
    users,
)
from passback_simulators.canvas.seed import ADMIN_TOKEN, seed
from passback_simulators.canvas.state import CanvasState
from passback_simulators.canvas.throttling import FULL, Bucket, throttled
from passback_simulators.reply import Reply, json_reply, text_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

if TYPE_CHECKING:
    from passback_simulators.clock import Clock
    from passback_simulators.state import Keep

_S = "/api/v1/sections/{section_id}"
_A = "/api/v1/courses/{course_id}/assignments/{assignment_id}"


_RESOURCES: tuple[tuple[str, str, Any], ...] = (
    *users.ROUTES, *enrollments.ROUTES, *student_submissions.ROUTES, *gradeable_students.ROUTES, *sections.ROUTES,
    *assignment_groups.ROUTES, *grading_periods.ROUTES, *late_policies.ROUTES, *rubrics.ROUTES,
    *rubric_assessments.ROUTES,
)  # fmt: skip


class CanvasSimulator(CanvasState, Simulator):
    """See `passback_simulators.simulator.Simulator`."""

    name = "Canvas"

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self._bucket = Bucket(self)
        self._remaining = FULL

    def routes(self) -> Sequence[Route]:
        operations: list[tuple[str, str, Any]] = [
            ("GET", "/login/oauth2/auth", oauth.authorize_page),
            ("POST", "/login/oauth2/accept", oauth.accept),
            ("POST", "/login/oauth2/token", oauth.token),
            ("DELETE", "/login/oauth2/token", oauth.revoke),
            ("POST", "/api/graphql", graphql.graphql),
            ("GET", "/api/v1/accounts", courses.accounts),
            ("GET", "/api/v1/accounts/{account_id}", courses.account),
            ("GET", "/api/v1/accounts/{account_id}/terms", courses.terms),
            ("GET", "/api/v1/accounts/{account_id}/courses", courses.account_courses),
            ("GET", "/api/v1/accounts/{account_id}/grading_standards", courses.account_standards),
            ("POST", "/api/v1/accounts/{account_id}/grading_standards", courses.create_account_standard),
            ("POST", "/api/v1/courses/{course_id}/grading_standards", courses.create_course_standard),
            ("GET", "/api/v1/accounts/{account}/permissions", courses.permissions),
            ("GET", "/api/v1/courses", courses.own_courses),
            ("GET", "/api/v1/courses/{course_id}", courses.course),
            ("PUT", "/api/v1/courses/{course_id}", courses.update_course),
            ("GET", "/api/v1/courses/{course_id}/permissions", courses.course_permissions),
            ("GET", "/api/v1/courses/{course_id}/sections", courses.sections),
            ("GET", "/api/v1/courses/{course_id}/sections/{section_id}", courses.course_section),
            ("GET", "/api/v1/users/{user_id}/courses", courses.user_courses),
            ("GET", "/api/v1/courses/{course_id}/grading_standards", courses.course_standards),
            ("GET", "/api/v1/courses/{course_id}/groups", groups.course_groups),
            ("POST", "/api/v1/group_categories/{category_id}/groups", groups.create),
            ("GET", "/api/v1/groups/{group_id}/users", groups.users),
            ("POST", "/api/v1/groups/{group_id}/memberships", groups.join),
            ("POST", f"{_S}/crosslist/{{course_id}}", groups.cross_list),
            ("GET", "/api/v1/sections/{section_id}", courses.section),
            ("GET", "/api/v1/courses/{course_id}/assignments", assignments.list_all),
            ("POST", "/api/v1/courses/{course_id}/assignments", assignments.create),
            ("GET", _A, assignments.read),
            ("PUT", _A, assignments.update),
            ("DELETE", _A, assignments.delete),
            ("GET", f"{_A}/overrides", overrides.list_all),
            ("POST", f"{_A}/overrides", overrides.create),
            ("GET", f"{_A}/overrides/{{override_id}}", overrides.read),
            ("PUT", f"{_A}/overrides/{{override_id}}", overrides.update),
            ("DELETE", f"{_A}/overrides/{{override_id}}", overrides.delete),
            ("POST", f"{_A}/extensions", grading.extend),
            ("GET", f"{_A}/submissions", submissions.list_of_course),
            ("POST", f"{_A}/submissions", handing_in.submit),
            ("POST", f"{_A}/submissions/update_grades", progress.bulk),
            ("GET", f"{_A}/submissions/{{user_id}}", submissions.read),
            ("PUT", f"{_A}/submissions/{{user_id}}", grading.grade),
            ("PUT", f"{_A}/submissions/{{user_id}}/comments/{{comment_id}}", grading.edit_comment),
            ("DELETE", f"{_A}/submissions/{{user_id}}/comments/{{comment_id}}", grading.edit_comment),
            ("POST", f"{_A}/submissions/{{user_id}}/files", files.begin),
            ("POST", f"{_A}/submissions/{{user_id}}/comments/files", files.begin_for_comment),
            ("POST", "/api/v1/courses/{course_id}/submissions/update_grades", progress.bulk_of_course),
            ("POST", f"{_S}/submissions/update_grades", progress.bulk_of_section),
            ("POST", f"{_S}/assignments/{{assignment_id}}/submissions/update_grades",
             progress.bulk_of_section_assignment),
            ("GET", f"{_S}/assignments/{{assignment_id}}/submissions", submissions.list_of_section),
            ("GET", "/api/v1/progress/{progress_id}", progress.progress),
            ("POST", "/files_api", files.receive),
            ("GET", "/api/v1/files/{file_id}", files.read),
            ("GET", "/api/v1/files/{file_id}/create_success", files.confirm),
        ]  # fmt: skip
        operations = [
            *((method, f"/api/v1{path}", handler) for method, path, handler in _RESOURCES),
            *operations,
        ]
        return [route(method, path, partial(handler, self)) for method, path, handler in operations]

    def seed(self) -> None:
        seed(self.records)

    def forget_times(self) -> None:
        self._bucket.empty()

    def connection_credentials(self, url: str) -> Mapping[str, str]:  # noqa: ARG002
        return {"access_token": ADMIN_TOKEN}

    async def respond(self, request: Request) -> Reply | None:
        with self._bucket.reserved(request):
            return await super().respond(request)

    def admit(self, request: Request) -> None:
        self._remaining = FULL
        if request.path.startswith("/api/"):
            self._remaining = self._bucket.take(request)
            if not request.path.endswith("/create_success"):
                access.caller_of(self, request)

    def not_found(self, request: Request) -> Reply:
        if request.path.startswith("/api/"):
            return json_reply(404, {"errors": [{"message": "The specified resource does not exist."}]})
        return text_reply(404, "<!doctype html><title>Page Not Found</title>", "text/html; charset=utf-8")

    def fault_reply(self, fault: str, request: Request) -> Reply:  # noqa: ARG002
        match fault:
            case "throttled":
                return throttled(self)
            case "expired-credentials":
                return replies.unauthenticated("Expired access token.").reply
            case _:
                error = {"message": "An error occurred.", "error_code": "internal_server_error"}
                return json_reply(self.settings["error_status"], {"errors": [error], "error_report_id": 123})

    def finish(self, request: Request, reply: Reply) -> Reply:
        if not request.path.startswith("/api/") or "X-Rate-Limit-Remaining" in dict(reply.headers):
            return reply
        return reply.with_headers(
            X_Request_Cost=str(self.settings["cost"]), X_Rate_Limit_Remaining=str(self._remaining)
        )

    # What people do in the web pages; see web_ui.py and setup.py.

    issue_token = web_ui.issue_token
    ui_revoke_token = web_ui.revoke_token
    ui_delete_assignment = web_ui.delete_assignment
    ui_change_assignment = web_ui.change_assignment
    ui_add_group = setup.add_group
    ui_add_override = web_ui.add_override
    ui_cross_list = setup.cross_list
    ui_change_account = web_ui.change_account
    ui_change_course = setup.change_course
    ui_end_enrollment = web_ui.end_enrollment
    ui_set_late_policy = setup.set_late_policy
