"""The simulated Moodle: one address for all functions of its web services."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access, errors, php, seed, web_ui, xml_form
from passback_simulators.moodle.handlers import (
    assignments,
    courses,
    editing,
    grading,
    people,
    reports,
    site,
)
from passback_simulators.moodle.params import validated
from passback_simulators.moodle.state import MoodleState
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

if TYPE_CHECKING:
    from passback_simulators.request import Request

SERVER = "/webservice/rest/server.php"
FUNCTIONS = {
    **site.FUNCTIONS, **courses.FUNCTIONS, **people.FUNCTIONS, **assignments.FUNCTIONS, **grading.FUNCTIONS,
    **editing.FUNCTIONS, **reports.FUNCTIONS,
}  # fmt: skip
_OWN = ("wstoken", "wsfunction", "moodlewsrestformat", "moodlewssettingraw", "moodlewssettingfilter",
        "moodlewssettingfileurl", "moodlewssettinglang")  # fmt: skip
"""Parameters of the server itself."""

_MAINTENANCE = (
    "<!DOCTYPE html><html><head><title>Site is undergoing maintenance</title></head><body><h1>This site is undergoing "
    "maintenance and is currently not available</h1></body></html>"
)


class MoodleSimulator(MoodleState, Simulator):
    """Moodle as ``webservice/rest/server.php`` shows it: status 200, whatever the answer."""

    name = "Moodle"

    def routes(self) -> Sequence[Route]:
        # PHP takes parameters from the query and the form alike.
        return [
            route("GET", SERVER, self._call),
            route("POST", SERVER, self._call),
            route("POST", "/login/token.php", partial(_no_token, self)),
        ]

    def seed(self) -> None:
        seed.seed(self.records, self.clock())

    def admit(self, request: Request) -> None:  # noqa: ARG002
        if self.settings["maintenance"]:
            raise Refusal(text_reply(503, _MAINTENANCE, "text/html; charset=utf-8"))

    def not_found(self, request: Request) -> Reply:  # noqa: ARG002
        return text_reply(404, "<!DOCTYPE html><h1>Not Found</h1>", "text/html; charset=utf-8")

    def fault_reply(self, fault: str, request: Request) -> Reply:  # noqa: ARG002
        match fault:
            case "throttled":  # Moodle has no limit; a site's own front has
                return text_reply(429, "<html><h1>Too Many Requests</h1></html>", "text/html")
            case "expired-credentials":
                return errors.bad_token().reply
            case _:
                return text_reply(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html")

    def named(self, request: Request) -> tuple[str, str]:
        """The function is part of the path, and what only reads is a GET: all are POSTs to one address."""
        if request.path != SERVER:
            return request.method, request.path
        given = dict(_given(request))
        function = FUNCTIONS.get(given.get("wsfunction", ""))
        path = "/".join((SERVER, given.get("wsfunction", ""), *([it] if (it := given.get("action")) else [])))
        return "GET" if function is not None and function.reads else "POST", path

    def connection_credentials(self, url: str) -> dict[str, str]:  # noqa: ARG002
        return {"token": seed.TOKEN}

    def connection_options(self, url: str) -> dict[str, str]:  # noqa: ARG002
        return {"template": seed.TEMPLATE}

    def finish(self, request: Request, reply: Reply) -> Reply:
        """Answer in XML unless JSON is asked for."""
        kind = dict(reply.headers).get("content-type", "")
        own = request.path == SERVER and kind.startswith("application/json")
        if not own or dict(_given(request)).get("moodlewsrestformat") == "json":
            return reply
        body = xml_form.write(json.loads(reply.body))
        return Reply(reply.status, body, (("content-type", "application/xml; charset=utf-8"),))

    def _call(self, request: Request) -> Reply:
        given = php.nested(_given(request), self.settings["max_input_vars"])
        name = str(given.get("wsfunction", ""))
        own = access.token(self, str(given.get("wstoken", "")), name) if name in FUNCTIONS else None
        if own is None:
            access.token(self, str(given.get("wstoken", "")), site.SITE_INFO)
            raise errors.no_record("external_functions")
        self.userid = own["userid"]
        function = FUNCTIONS[name]
        values = validated(function.spec, {it: value for it, value in given.items() if it not in _OWN})
        if request.fault is not None:
            self._pretend(request.fault, values)
        if name == site.SITE_INFO:
            allowed = own["functions"] if own["functions"] is not None else FUNCTIONS
            return _answer(site.site_info(self, allowed))
        answer: Any = function.handler(self, **values)
        if request.fault == "not-enrolled" and name == "core_enrol_get_enrolled_users":
            answer = [it for it in answer if it.get("roles", [{}])[0].get("shortname") != "student"]
        if request.fault == "deleted" and name == "mod_assign_get_assignments":
            for course in answer["courses"]:
                course["assignments"] = []
        return _answer(answer)

    def _pretend(self, fault: str, values: dict[str, Any]) -> None:
        """Refuse what is about an assignment, as if it were deleted."""
        if fault != "deleted":
            return
        if "assignmentid" in values or "assignid" in values:
            raise errors.no_record("assign")
        if "cmids" in values or "cmid" in values:
            raise errors.no_module()

    # What people do in the web pages; see web_ui.py.

    ui_create_assignment = web_ui.create_assignment
    ui_change_assignment = web_ui.change_assignment
    ui_delete_assignment = web_ui.delete_assignment
    ui_unenroll = web_ui.unenroll
    ui_suspend = web_ui.suspend
    ui_delete_user = web_ui.delete_user
    ui_submit = web_ui.submit
    ui_override = web_ui.override
    ui_lock_grade = web_ui.lock_grade
    ui_gradebook_entry = web_ui.gradebook_entry


def _given(request: Request) -> list[tuple[str, str]]:
    """The parameters of a request: JSON bodies are not read."""
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    body = request.body.decode("utf-8", "replace") if form else ""
    return [*php.pairs(request.query_string), *php.pairs(body)]


def _answer(content: Any) -> Reply:
    return json_reply(200, content, "application/json")


def _no_token(lms: MoodleSimulator, request: Request) -> Reply:
    """``login/token.php``, which the integration user may not use."""
    content = {"error": "Can not create token", "errorcode": "cannotcreatetoken", "stacktrace": None}
    return json_reply(200, content, "application/json; charset=utf-8")
