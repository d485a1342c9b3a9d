"""The simulated Canvas: its operations, and what they share."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import access, replies
from passback_simulators.canvas.access import Bucket, Caller
from passback_simulators.canvas.handlers import assignments, courses, files, submissions
from passback_simulators.canvas.replies import answer, not_found
from passback_simulators.canvas.sanitize import sanitized
from passback_simulators.canvas.seed import ADMIN_TOKEN, seed
from passback_simulators.reply import Reply, json_reply, text_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

if TYPE_CHECKING:
    from passback_simulators.clock import Clock
    from passback_simulators.records import Record
    from passback_simulators.state import Keep

_S = "/api/v1/sections/{section_id}"
_A = "/api/v1/courses/{course_id}/assignments/{assignment_id}"


class CanvasSimulator(Simulator):
    """See `passback_simulators.simulator.Simulator`."""

    name = "Canvas"

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self._bucket = Bucket(self)
        self._remaining = 600.0

    def own_settings(self) -> dict[str, Any]:
        return {
            # Rights of the administrator's role, and how the developer key is set up.
            "can_masquerade": True, "can_manage_sis": True, "can_read_sis": True, "can_submit_on_behalf": False,
            "enforce_scopes": False, "include_allowed": True,
            # How this Canvas answers: older ones say 401 where newer say 403, and 403 where newer say 429.
            "unauthorized_status": 403, "throttle_status": 429, "update_status": 200,
            "per_page_cap": 100, "bookmark_pages": False, "upload_redirects": True,
            # The limit: whether requests fill the bucket, and by how much each.
            "throttle": False, "cost": 5.0,
            # Whether grades stay hidden until the teacher posts them; whether the grading period is closed.
            "manual_post_policy": False, "closed_grading_period": False,
            # The bulk update: how often it must be asked about, and whether it fails.
            "bulk_polls": 1, "bulk_fails": False,
        }  # fmt: skip

    def routes(self) -> Sequence[Route]:
        operations: list[tuple[str, str, Any]] = [
            ("GET", "/login/oauth2/auth", access.authorize_page),
            ("POST", "/login/oauth2/accept", access.accept),
            ("POST", "/login/oauth2/token", access.token),
            ("DELETE", "/login/oauth2/token", access.revoke),
            ("POST", "/api/graphql", _graphql),
            ("GET", "/api/v1/accounts", courses.accounts),
            ("GET", "/api/v1/accounts/{account_id}", courses.account),
            ("GET", "/api/v1/accounts/{account_id}/terms", courses.terms),
            ("GET", "/api/v1/accounts/{account_id}/courses", courses.account_courses),
            ("GET", "/api/v1/accounts/{account_id}/users", courses.account_users),
            ("GET", "/api/v1/accounts/{account_id}/grading_standards", courses.account_standards),
            ("GET", "/api/v1/accounts/{account}/permissions", access.permissions),
            ("GET", "/api/v1/courses", courses.own_courses),
            ("GET", "/api/v1/courses/{course_id}", courses.course),
            ("GET", "/api/v1/courses/{course_id}/sections", courses.sections),
            ("GET", "/api/v1/courses/{course_id}/enrollments", courses.course_enrollments),
            ("GET", "/api/v1/courses/{course_id}/users", courses.course_users),
            ("GET", "/api/v1/courses/{course_id}/search_users", courses.course_users),
            ("GET", "/api/v1/courses/{course_id}/assignment_groups", courses.assignment_groups),
            ("GET", "/api/v1/courses/{course_id}/grading_standards", courses.course_standards),
            ("GET", "/api/v1/sections/{section_id}", courses.section),
            ("GET", "/api/v1/sections/{section_id}/enrollments", courses.section_enrollments),
            ("GET", "/api/v1/users/{user_id}", courses.user),
            ("GET", "/api/v1/courses/{course_id}/assignments", assignments.list_all),
            ("POST", "/api/v1/courses/{course_id}/assignments", assignments.create),
            ("GET", _A, assignments.read),
            ("PUT", _A, assignments.update),
            ("DELETE", _A, assignments.delete),
            ("GET", f"{_A}/overrides", assignments.overrides),
            ("POST", f"{_A}/overrides", assignments.create_override),
            ("GET", f"{_A}/overrides/{{override_id}}", assignments.read_override),
            ("PUT", f"{_A}/overrides/{{override_id}}", assignments.update_override),
            ("DELETE", f"{_A}/overrides/{{override_id}}", assignments.delete_override),
            ("POST", f"{_A}/extensions", submissions.extend),
            ("GET", f"{_A}/submissions", submissions.list_of_course),
            ("POST", f"{_A}/submissions", submissions.submit),
            ("POST", f"{_A}/submissions/update_grades", submissions.bulk),
            ("GET", f"{_A}/submissions/{{user_id}}", submissions.read),
            ("PUT", f"{_A}/submissions/{{user_id}}", submissions.grade),
            ("PUT", f"{_A}/submissions/{{user_id}}/comments/{{comment_id}}", submissions.edit_comment),
            ("DELETE", f"{_A}/submissions/{{user_id}}/comments/{{comment_id}}", submissions.edit_comment),
            ("POST", f"{_A}/submissions/{{user_id}}/files", files.begin),
            ("GET", f"{_S}/assignments/{{assignment_id}}/submissions", submissions.list_of_section),
            ("GET", "/api/v1/progress/{progress_id}", submissions.progress),
            ("POST", "/files_api", files.receive),
            ("GET", "/api/v1/files/{file_id}/create_success", files.confirm),
        ]  # fmt: skip
        return [route(method, path, partial(handler, self)) for method, path, handler in operations]

    def seed(self) -> None:
        seed(self.records)

    def connection_credentials(self, url: str) -> Mapping[str, str]:  # noqa: ARG002
        return {"access_token": ADMIN_TOKEN}

    def admit(self, request: Request) -> None:
        self._remaining = 600.0
        if request.path.startswith("/api/"):
            self._remaining = self._bucket.take(request)
            access.caller_of(self, request)

    def not_found(self, request: Request) -> Reply:
        if request.path.startswith("/api/"):
            return json_reply(404, {"errors": [{"message": "The specified resource does not exist."}]})
        return text_reply(404, "<!doctype html><title>Page Not Found</title>", "text/html; charset=utf-8")

    def fault_reply(self, fault: str, request: Request) -> Reply:  # noqa: ARG002
        match fault:
            case "throttled":
                return access.throttled(self.settings["throttle_status"])
            case "expired-credentials":
                return replies.unauthenticated("Expired access token.").reply
            case _:
                error = {"message": "An error occurred.", "error_code": "internal_server_error"}
                return json_reply(500, {"errors": [error], "error_report_id": 123})

    def finish(self, request: Request, reply: Reply) -> Reply:
        if not request.path.startswith("/api/") or (
            reply.status in (403, 429) and b"Rate Limit" in reply.body
        ):
            return reply
        return reply.with_headers(
            X_Request_Cost=str(self.settings["cost"]), X_Rate_Limit_Remaining=str(self._remaining)
        )

    # What the operations share.

    def caller(self, request: Request) -> Caller:
        """On whose behalf a request is made."""
        return access.caller_of(self, request)

    def included(self, request: Request) -> Collection[str]:
        """What ``include[]`` asks for; a developer key may have it ignored."""
        return (
            {*request.params("include[]"), *request.params("include")}
            if self.settings["include_allowed"]
            else set()
        )

    def page(self, request: Request, items: list[Any]) -> Reply:
        """A page of a list."""
        return replies.page(
            request, items, cap=self.settings["per_page_cap"], bookmarks=self.settings["bookmark_pages"]
        )

    def find_user(self, text: str) -> Record | None:
        """A user by id, SIS id or login."""
        kind, separator, value = text.partition(":")
        if not separator:
            return self.records.get("users", text)
        field = {"sis_user_id": "sis_user_id", "sis_login_id": "login_id"}.get(kind)
        return next((it for it in self.records.all("users") if field and it[field] == value), None)

    def _by_sis_id(self, table: str, field: str, text: str) -> Record | None:
        """A record by its id, or by ``sis_..._id:`` and its SIS id."""
        kind, separator, value = text.partition(":")
        if not separator:
            return self.records.get(table, text)
        return next((it for it in self.records.all(table) if kind == field and it[field] == value), None)

    def course(self, request: Request, text: str) -> Record:
        """A course that the caller may see. Raises `Refusal`."""
        found: Record | None = self._by_sis_id("courses", "sis_course_id", text)
        caller = self.caller(request)
        if found is None or found["workflow_state"] == "deleted":
            raise not_found()
        if not caller.admin and not self.enrollments(found["id"], user=caller.user):
            raise replies.unauthorized(self.settings["unauthorized_status"])
        return found

    def section(self, request: Request, text: str) -> Record:
        """A section that the caller may see. Raises `Refusal`."""
        found = self._by_sis_id("sections", "sis_section_id", text)
        if found is None:
            raise not_found()
        self.course(request, str(found["course_id"]))
        return found

    def enrollments(
        self, course: int, *, user: int | None = None, kinds: Collection[str] | None = None
    ) -> list[Record]:
        """The active enrollments of a course."""
        return [
            it
            for it in self.records.all("enrollments")
            if it["course_id"] == course
            and it["enrollment_state"] in ("active", "invited")
            and (user is None or it["user_id"] == user)
            and (kinds is None or it["type"] in kinds)
        ]

    def students(self, course: int, section: int | None) -> list[int]:
        """The students of a course or section, the test student included, as Canvas lists them."""
        kinds = ("StudentEnrollment", "StudentViewEnrollment")
        found = self.enrollments(course, kinds=kinds)
        return list(
            dict.fromkeys(it["user_id"] for it in found if section in (None, it["course_section_id"]))
        )

    def submissions_of(self, assignment: Record) -> list[Record]:
        """The submissions of an assignment to which something has happened."""
        return [it for it in self.records.all("submissions") if it["assignment_id"] == assignment["id"]]

    def work_of(self, kind: str, given: Mapping[str, Any], user: int) -> Record:
        """What a student hands in, as the fields of a submission. Raises `Refusal`."""
        work: Record = {"body": None, "url": None, "attachments": []}
        match kind:
            case "online_upload":
                return work | {"attachments": files.of_student(self, given["file_ids"], user)}
            case "online_url":
                url = str(given["url"])
                return work | {"url": url if "://" in url else f"http://{url}"}
            case _:
                return work | {"body": sanitized(str(given["body"]))}

    def shown_file(self, request: Request, file_id: int) -> Record:
        """A file as the API shows it."""
        record = self.records.get("files", file_id) or {}
        return {
            "id": file_id, "display_name": record.get("name"), "filename": record.get("name"),
            "content-type": "application/octet-stream", "size": record.get("size"), "thumbnail_url": None,
            "url": record.get("url") or f"{request.base_url}/files/{file_id}/download?download_frd=1",
        }  # fmt: skip

    # What people do in Canvas's own pages, and has no part in the API that we use.

    def issue_token(
        self, user_id: str, *, scopes: list[str] | None = None, expires: int | None = None
    ) -> str:
        """A token that a user makes by hand; `expires` is in milliseconds since 1970."""
        text = f"token-{self.records.next_number('tokens')}-of-{user_id}"
        self.records.put(
            "tokens", text, {"user": int(user_id), "expires": expires, "scopes": scopes, "refreshes": False}
        )
        return text

    def ui_revoke_token(self, text: str) -> None:
        """Take a token back."""
        record = self.records.get("tokens", text)
        if record is not None:
            self.records.put("tokens", text, {**record, "revoked": True})

    def ui_delete_assignment(self, assignment_id: str) -> None:
        """Delete an assignment, as a teacher does."""
        record = self.records.get("assignments", assignment_id)
        if record is not None:
            self.records.put("assignments", assignment_id, {**record, "deleted": True})

    def ui_change_assignment(self, assignment_id: str, **fields: Any) -> None:
        """Change an assignment's fields, as a teacher does."""
        record = self.records.get("assignments", assignment_id)
        assert record is not None
        self.records.put("assignments", assignment_id, {**record, **fields})

    def ui_end_enrollment(self, user_id: str, state: str = "completed") -> None:
        """End a user's enrollments."""
        for record in self.records.all("enrollments"):
            if str(record["user_id"]) == user_id:
                self.records.put("enrollments", record["id"], {**record, "enrollment_state": state})

    def ui_set_late_policy(self, course_id: str, percent: int) -> None:
        """Have a course deduct so much of the points for late work."""
        record = self.records.get("courses", course_id)
        assert record is not None
        self.records.put("courses", course_id, {**record, "late_deduction_percent": percent})


def _graphql(simulator: CanvasSimulator, request: Request) -> Reply:
    """``POST /api/graphql``: only to post an assignment's grades."""
    content = json.loads(request.body or b"{}")
    if "postAssignmentGrades" not in content.get("query", ""):
        return answer(request, 200, {"errors": [{"message": "Field doesn't exist on type 'Mutation'"}]})
    record = simulator.records.get("assignments", str((content.get("variables") or {}).get("assignment")))
    if record is None or record["deleted"]:
        return answer(request, 200, {"data": None, "errors": [{"message": "not found"}]})
    access.require_teacher(simulator, simulator.caller(request), record["course_id"])
    for submission in simulator.submissions_of(record):
        if submission["workflow_state"] == "graded" and submission["posted_at"] is None:
            changed = {**submission, "posted_at": simulator.clock()}
            simulator.records.put("submissions", f"{record['id']}/{submission['user_id']}", changed)
    return answer(request, 200, {"data": {"postAssignmentGrades": {"progress": {"state": "queued"}}}})
