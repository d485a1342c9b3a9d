"""The simulator of Schoology: which requests it answers, and as whom."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.identities import STUDENTS
from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.schoology import access, seed, web_ui, xml_form
from passback_simulators.schoology.access import Actor
from passback_simulators.schoology.handlers import (
    assignments,
    discussions,
    dropbox,
    files,
    grade_setup,
    grades,
    multiget,
    oauth,
    roster,
    triggers,
)
from passback_simulators.schoology.handlers.oauth import Credentials, Nonces
from passback_simulators.simulator import Simulator

if TYPE_CHECKING:
    from passback_simulators.clock import Clock
    from passback_simulators.records import Change
    from passback_simulators.state import Keep

WINDOW_MS = 5000
"""The length of the window in which requests are counted."""

_ERROR_PAGE = (
    "<html><head><title>500 Internal Server Error</title></head>\r\n<body>\r\n<center><h1>500 Internal Server Error"
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class SchoologySimulator(Simulator):
    """Schoology as its REST API v1 (under ``/v1/``) and its OAuth page (``/oauth/authorize``) show it."""

    name = "Schoology"

    actor: Actor
    """Whose rights the request that is being handled has."""
    credentials: Credentials
    """Who signed it."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self.nonces = Nonces()
        self._students_have_tokens = False
        self._recent: dict[str, deque[int]] = {}
        self._posting: asyncio.Task[int] | None = None

    def own_settings(self) -> dict[str, Any]:
        return {
            # Whether administrators may run as others (User Management > Permissions > Impersonation), and as whom.
            "run_as_allowed": True,
            "run_as_roles": ["School Admin", "Teacher"],
            # Whether they may run as students, too.
            "student_run_as": False,
            # Whether a student must have opened the app once (and so have an access token) before an administrator
            # who runs as her can hand in: otherwise 500.
            "submission_needs_token": True,
            # How many requests each credentials may make in 5 seconds: 15 and 50 were seen; 0 is no limit.
            "requests_in_5_seconds": 0,
            # The largest page of a list; a larger ``limit`` is cut without a word.
            "largest_page": 200,
            # By how much a timestamp may lie before the latest of the same credentials.
            "timestamp_skew_seconds": 600,
            # Whether signatures by PLAINTEXT are accepted, and if so, whether only with ``realm="Schoology%20API"``, a
            # literal ``&`` and no ``oauth_token``; otherwise the answer is the one for a used nonce.
            "accept_plaintext": True,
            "plaintext_literal_only": False,
            # Whether the app may make two-legged calls: since June 2025 Schoology must have approved it.
            "app_approved": True,
            # Whether the API takes exception 3, missing, which is not documented.
            "grade_exception_missing": True,
            # Whether the API makes grading categories; in some districts only the web pages do.
            "categories_can_be_created": True,
            # Whether links in answers begin with http, even where the API is reached by https.
            "http_links": True,
            # Whether a list of one is shown as the object itself.
            "single_as_object": False,
            # Whether lists have ``total``, and ``links.next`` where there is more.
            "total_in_lists": True,
            "next_in_lists": True,
            # The answer to grades: 207 with an item for each, or 200 or 204 without a body.
            "bulk_grades_status": 207,
            # The answers to an update (200 with the object, or 204) and to a creation.
            "update_status": 204,
            "create_returns_body": True,
            # The zone of users who have not chosen one, in which dates without a zone are read and written.
            "due_zone": "America/New_York",
            # Whether sections whose grading periods have ended refuse changes.
            "past_sections_read_only": True,
            # Whether a user's grades need ``section_id``: otherwise 403.
            "user_grades_need_section": False,
            # Whether events are posted after each request. Otherwise only `post_triggers` does it.
            "triggers_post_themselves": False,
        }

    def routes(self) -> Sequence[Route]:
        web = [
            route("GET", "/oauth/authorize", partial(oauth.authorize_page, self)),
            route("POST", "/oauth/authorize", partial(oauth.authorize, self)),
        ]
        api = (
            ("GET", "/oauth/request_token", oauth.request_token),
            ("GET", "/oauth/access_token", oauth.access_token),
            *roster.ROUTES, *grade_setup.ROUTES, *assignments.ROUTES, *discussions.ROUTES, *grades.ROUTES,
            *dropbox.ROUTES, *files.ROUTES, *triggers.ROUTES, *multiget.ROUTES,
        )  # fmt: skip
        return [*web, *(route(method, f"/v1{path}", partial(handler, self)) for method, path, handler in api)]

    def seed(self) -> None:
        seed.seed(self.records, self.clock())
        self._sign_students_in()

    def start(self, saved: Sequence[Change] = ()) -> None:
        super().start(saved)
        self._sign_students_in()

    async def reset(self) -> None:
        self.nonces.clear()
        self._recent.clear()
        await super().reset()

    def admit(self, request: Request) -> None:
        if not request.path.startswith("/v1/"):
            return
        self.credentials = oauth.verify(self, request)
        self._count(self.credentials.name)
        self.actor = access.actor(self, request, self.credentials)

    def _count(self, credentials: str) -> None:
        """Refuse what is more than the limit. What is refused does not count."""
        limit = self.settings["requests_in_5_seconds"]
        if not limit:
            return
        now = self.clock()
        recent = self._recent.setdefault(credentials, deque())
        while recent and recent[0] <= now - WINDOW_MS:
            recent.popleft()
        if len(recent) >= limit:
            raise Refusal(_too_many())
        recent.append(now)

    def not_found(self, request: Request) -> Reply:
        """404, or 405 where the path has other methods, which OPTIONS tells."""
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
                return oauth.revoked(request)
            case _:
                return text_reply(500, _ERROR_PAGE, "text/html")

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
        """The administrator's key, and for each of the sandbox's students the token that signing in would give."""
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

    def connection_options(self) -> dict[str, str]:
        # It sets no limit of itself, so nobody need wait for one.
        return {"requests_in_5_seconds": "1000"}

    def _sign_students_in(self) -> None:
        """See that the tokens are good which `connection_credentials` has given."""
        for digits in STUDENTS if self._students_have_tokens else ():
            token, secret = seed.student_token(digits)
            if self.records.get("tokens", token) is None:
                oauth.issue(
                    self, seed.APP_KEY, "access", seed.person_lms_id(digits), name=token, secret=secret
                )

    async def post_triggers(self) -> int:
        """Post the events whose time has come to their targets; how many arrived."""
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
    ui_delete_assignment = web_ui.delete_assignment
    ui_grade = web_ui.grade
    ui_submit = web_ui.submit
    ui_comment = web_ui.comment


def _too_many() -> Reply:
    return text_reply(429, "Too Many Requests")
