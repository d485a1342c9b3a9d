"""The simulated Google Classroom: its routes, and the replies that belong to no route.

One server stands for classroom.googleapis.com (``/v1/...``, ``/batch``), oauth2.googleapis.com (``/token``,
``/revoke``, ``/tokeninfo``), www.googleapis.com (``/oauth2/v2/userinfo``) and accounts.google.com
(``/o/oauth2/v2/auth``). Each API's host describes itself at ``/$discovery/rest``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from passback_simulators.google_classroom import api, discovery, errors, seed, service_accounts, web_ui
from passback_simulators.google_classroom.call import Operation
from passback_simulators.google_classroom.handlers import (
    add_on_attachments,
    add_on_submissions,
    batch,
    consent,
    course_work,
    courses,
    grading_periods,
    oauth,
    registrations,
    rosters,
    rubrics,
    student_groups,
    submission_changes,
    submissions,
    topics,
)
from passback_simulators.google_classroom.seed import PROJECT, PROJECT_NUMBERS
from passback_simulators.google_classroom.state import ClassroomState
from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

_OAUTH_PATHS = ("/token", "/revoke")


class ClassroomSimulator(ClassroomState, Simulator):
    """Google Classroom as its API v1 and Google's OAuth show it."""

    name = "Google Classroom"

    @staticmethod
    def operations() -> Sequence[Operation]:
        """The methods of the API."""
        return (
            *courses.OPERATIONS, *topics.OPERATIONS, *grading_periods.OPERATIONS, *rosters.OPERATIONS,
            *student_groups.OPERATIONS,
            *course_work.OPERATIONS, *rubrics.OPERATIONS, *submissions.OPERATIONS, *submission_changes.OPERATIONS,
            *add_on_attachments.OPERATIONS, *add_on_submissions.OPERATIONS,
            *registrations.OPERATIONS,
        )  # fmt: skip

    def routes(self) -> Sequence[Route]:
        operations = self.operations()
        others = (
            ("POST", "/token", oauth.token),
            ("POST", "/revoke", oauth.revoke),
            ("GET", "/tokeninfo", oauth.tokeninfo),
            ("GET", "/oauth2/v2/userinfo", oauth.userinfo),
            ("GET", "/o/oauth2/v2/auth", consent.page),
            ("POST", "/o/oauth2/v2/auth", consent.decide),
            ("GET", "/$discovery/rest", partial(discovery.describe, operations)),
            (
                "GET",
                "/discovery/v1/apis/{api}/{version}/rest",
                partial(discovery.describe_centrally, operations),
            ),
        )
        return [
            route("POST", "/batch", partial(batch.batch, self.call)),
            *(route(one.method, one.path, partial(api.perform, self, one)) for one in operations),
            *(route(method, path, partial(handler, self)) for method, path, handler in others),
        ]

    def seed(self) -> None:
        seed.seed(self.records, self.clock())
        for project in self.private_keys:
            service_accounts.register(self, project)

    def forget_times(self) -> None:
        self.quotas.clear()

    def call(self, request: Request) -> Reply:
        """Answer one call of a batch."""
        if not request.path.startswith("/v1/"):
            return self.not_found(request)
        try:
            return self.handle(request)
        except Refusal as refusal:
            return refusal.reply

    def not_found(self, request: Request) -> Reply:
        return errors.no_such_path(request.path)

    def fault_reply(self, fault: str, request: Request) -> Reply:
        if request.path in _OAUTH_PATHS:
            return oauth.fault_reply(fault)
        match fault:
            case "throttled":
                return api.quota_exceeded(self, "Queries per minute per user", PROJECT_NUMBERS[PROJECT])
            case "expired-credentials":
                return errors.unauthenticated("ACCESS_TOKEN_EXPIRED")
            case _:
                return errors.unavailable(self.settings["error_status"])

    def finish(self, request: Request, reply: Reply) -> Reply:
        if not request.path.startswith("/v1/"):
            return reply
        return reply.with_headers(
            vary="Origin, X-Origin, Referer",
            cache_control="private",
            server="ESF",
            x_content_type_options="nosniff",
        )

    def own_control(self, request: Request) -> Reply | None:
        """What is handed out outside of the API, to those who name a ``project``.

        ``GET /_simulator/service-account-key``: a key file; see `service_account_key`.
        ``POST /_simulator/add-on-token?work=...&user=...``: what an add-on gets that the user opens on course work.
        """
        asked = (request.method, request.path.removeprefix("/_simulator/"))
        if asked not in (("GET", "service-account-key"), ("POST", "add-on-token")):
            return None
        project = request.param("project", PROJECT)
        if project not in PROJECT_NUMBERS:
            return json_reply(400, {"message": f"there is no project {project!r}"})
        if asked[0] == "GET":
            return json_reply(200, self.service_account_key(request.base_url, project))
        token = self.ui_open_add_on(request.param("work"), request.param("user"), project)
        return json_reply(200, {"addOnToken": token})

    def service_account_key(self, url: str, project: str = PROJECT) -> dict[str, Any]:
        """The key file of a project's service account, for a simulator served at `url`."""
        return service_accounts.service_account_key(self, url, project)

    def connection_credentials(self, url: str) -> dict[str, str]:
        """The service account's key, for a simulator served at `url`."""
        return {"service_account": msgspec.json.encode(self.service_account_key(url)).decode()}

    def connection_options(self, url: str) -> dict[str, str]:  # noqa: ARG002
        return {"admin_email": seed.person_email(seed.ADMIN)}

    # What people do in the web pages; see web_ui.py.

    issue_user_tokens = web_ui.issue_user_tokens
    ui_revoke_grants = web_ui.revoke_grants
    ui_create_user = web_ui.create_user
    ui_change_email = web_ui.change_email
    ui_delete_user = web_ui.delete_user
    ui_enroll = web_ui.enroll
    ui_unenroll = web_ui.unenroll
    ui_change_course = web_ui.change_course
    ui_create_assignment = web_ui.create_assignment
    ui_change_assignment = web_ui.change_assignment
    ui_delete_assignment = web_ui.delete_assignment
    ui_grade = web_ui.grade
    ui_grade_with_rubric = web_ui.grade_with_rubric
    ui_export_rubric = web_ui.export_rubric
    ui_mark_missing = web_ui.mark_missing
    ui_return = web_ui.return_work
    ui_open_add_on = web_ui.open_add_on
    ui_open = web_ui.open_assignment
    ui_turn_in = web_ui.turn_in
    ui_reclaim = web_ui.reclaim
