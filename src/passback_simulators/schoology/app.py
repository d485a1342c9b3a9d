"""The simulated Schoology: its routes, and the replies that belong to no route."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from passback_simulators.identities import STUDENTS
from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.schoology import access, seed, web_ui, xml_form
from passback_simulators.schoology.handlers import (
    assignments,
    attendance,
    completion,
    discussions,
    dropbox,
    events,
    files,
    grade_setup,
    grades,
    likes,
    multiget,
    oauth,
    roster,
    triggers,
    updates,
)
from passback_simulators.schoology.signatures import revoked, verify
from passback_simulators.schoology.state import SchoologyState
from passback_simulators.schoology.tokens import issue
from passback_simulators.simulator import Simulator
from passback_simulators.window import MovingWindow

if TYPE_CHECKING:
    from passback_simulators.clock import Clock
    from passback_simulators.records import Change
    from passback_simulators.state import Keep

WINDOW_MS = 5000
"""The window in which requests are counted for the limit."""

_ERROR_PAGE = (
    "<html><head><title>500 Internal Server Error</title></head>\r\n<body>\r\n<center><h1>500 Internal Server Error"
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class SchoologySimulator(SchoologyState, Simulator):
    """Schoology as its REST API v1 (under ``/v1/``) and its OAuth page (``/oauth/authorize``) show it."""

    name = "Schoology"

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self._students_have_tokens = False
        self._window = MovingWindow(WINDOW_MS)
        self._posting: asyncio.Task[int] | None = None

    def routes(self) -> Sequence[Route]:
        web = [
            route("GET", "/oauth/authorize", partial(oauth.authorize_page, self)),
            route("POST", "/oauth/authorize", partial(oauth.authorize, self)),
        ]
        api = (
            ("GET", "/oauth/request_token", oauth.request_token),
            ("GET", "/oauth/access_token", oauth.access_token),
            *roster.ROUTES, *grade_setup.ROUTES, *assignments.ROUTES, *discussions.ROUTES, *grades.ROUTES,
            *dropbox.ROUTES, *files.ROUTES, *triggers.ROUTES, *updates.ROUTES, *likes.ROUTES, *events.ROUTES,
            *attendance.ROUTES, *completion.ROUTES,
        )  # fmt: skip
        several = route("POST", "/v1/multiget", partial(multiget.multiget, self.handle))
        return [
            *web,
            several,
            *(route(method, f"/v1{path}", partial(handler, self)) for method, path, handler in api),
        ]

    def seed(self) -> None:
        seed.seed(self.records, self.clock())
        self._sign_students_in()

    def start(self, saved: Sequence[Change] = ()) -> None:
        super().start(saved)
        self._sign_students_in()

    def forget_times(self) -> None:
        self.nonces.clear()
        self._window.clear()

    def admit(self, request: Request) -> None:
        if not request.path.startswith("/v1/"):
            return
        self.credentials = verify(self, request)
        self._count(self.credentials.name)
        self.actor = access.actor(self, request, self.credentials)

    def _count(self, credentials: str) -> None:
        """Refuse requests beyond the limit. Refused requests do not count."""
        limit = self.settings["requests_in_5_seconds"]
        if not limit:
            return
        now = self.clock()
        if not self._window.has_room(credentials, limit, now):
            raise Refusal(_too_many())
        self._window.count(credentials, now)

    def not_found(self, request: Request) -> Reply:
        """404, or 405 if the path has other methods, which OPTIONS lists."""
        methods = sorted({one.method for one in self._routes if one.pattern.fullmatch(request.path)})
        if methods and request.method == "OPTIONS":
            return Reply(200, b"", (("allow", ", ".join(methods)),))
        if methods:
            return Reply(405, b"", (("allow", ", ".join(methods)),))
        return text_reply(404, "<html><body><h1>Not Found</h1></body></html>", "text/html; charset=utf-8")

    def fault_reply(self, fault: str, request: Request) -> Reply:
        match fault:
            case "throttled":
                return _too_many()
            case "expired-credentials":
                return revoked(request)
            case _:
                return text_reply(self.settings["error_status"], _ERROR_PAGE, "text/html")

    def finish(self, request: Request, reply: Reply) -> Reply:
        """Answer in XML unless JSON is asked for."""
        accept = request.headers.get("accept", "")
        kind = dict(reply.headers).get("content-type", "")
        if "json" in accept or not kind.startswith("application/json"):
            return reply
        body = xml_form.write(json.loads(reply.body))
        return Reply(reply.status, body, (("content-type", "text/xml; charset=utf-8"),))

    async def answer(self, request: Request) -> Reply:
        reply = await super().answer(request)
        if self.settings["triggers_post_themselves"] and (self._posting is None or self._posting.done()):
            self._posting = asyncio.create_task(self.post_triggers())
        return reply

    def connection_credentials(self, url: str) -> dict[str, str]:  # noqa: ARG002
        """The administrator's key, and for each of the sandbox's students the token that signing in would issue."""
        self._students_have_tokens = True
        self._sign_students_in()
        students = {
            f"student:{seed.person_lms_id(digits)}": ":".join(seed.student_token(digits))
            for digits in STUDENTS
        }
        return {
            "consumer_key": seed.CONSUMER_KEY,
            "consumer_secret": seed.CONSUMER_SECRET,
            "app_key": seed.APP_KEY,
            "app_secret": seed.APP_SECRET,
            **students,
        }

    def connection_options(self, url: str) -> dict[str, str]:  # noqa: ARG002
        # The simulator has no limit by default, so there is nothing to wait for.
        return {"requests_in_5_seconds": "1000"}

    def _sign_students_in(self) -> None:
        """Make sure that the tokens returned by `connection_credentials` are valid."""
        for digits in STUDENTS if self._students_have_tokens else ():
            token, secret = seed.student_token(digits)
            if self.records.get("tokens", token) is None:
                issue(self, seed.APP_KEY, "access", seed.person_lms_id(digits), name=token, secret=secret)

    async def post_triggers(self) -> int:
        """Post the events that are due to their targets; returns how many arrived."""
        return await triggers.post(self)

    # What people do in the web pages; see web_ui.py.

    issue_user_token = web_ui.issue_user_token
    issue_personal_key = web_ui.issue_personal_key
    ui_revoke_token = web_ui.revoke_token
    ui_enroll = web_ui.enroll
    ui_unenroll = web_ui.unenroll
    ui_delete_user = web_ui.delete_user
    ui_set_time_zone = web_ui.set_time_zone
    ui_end_section = web_ui.end_section
    ui_create_category = web_ui.create_category
    ui_create_test = web_ui.create_test
    ui_change_assignment = web_ui.change_assignment
    ui_close_assignment = web_ui.close_assignment
    ui_delete_assignment = web_ui.delete_assignment
    ui_grade_shown = web_ui.grade_shown
    ui_grade = web_ui.grade
    ui_submit = web_ui.submit
    ui_comment = web_ui.comment
    ui_set_completion_rules = web_ui.set_completion_rules
    ui_meet_completion_rules = web_ui.meet_completion_rules


def _too_many() -> Reply:
    return text_reply(429, "Too Many Requests")
