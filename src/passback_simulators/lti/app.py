"""The simulated LMS with LTI Advantage: its routes, and the replies that belong to no route."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from passback_simulators.lti import keys, seed, web_ui
from passback_simulators.lti.handlers import (
    deep_links,
    grades,
    launches,
    line_items,
    memberships,
    openedx,
    registration,
    tokens,
)
from passback_simulators.lti.replies import refused, refused_token
from passback_simulators.lti.state import LtiState
from passback_simulators.reply import Reply, json_reply, text_reply
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

if TYPE_CHECKING:
    from passback_simulators.request import Request

_OUTAGE = "<html><head><title>Error</title></head><body><h1>Service unavailable</h1></body></html>"


class LtiSimulator(LtiState, Simulator):
    """The services of an LMS of one family: grades (AGS 2.0), class lists (NRPS 2.0), and tokens for them."""

    @property
    def name(self) -> str:  # type: ignore[override]  # it depends on the family
        """As people call it."""
        return f"{self.profile.name} (LTI Advantage)"

    def routes(self) -> Sequence[Route]:
        profile = self.profile
        paths = {
            "items": profile.items,
            "item": profile.item,
            "memberships": profile.memberships,
            "scores": f"{profile.item}/scores",
            "results": f"{profile.item}/results",
            "result": f"{profile.item}/results/{{user}}",
        }
        operations = (*line_items.OPERATIONS, *grades.OPERATIONS, *memberships.OPERATIONS)
        if profile.family == "openedx":
            operations = openedx.OPERATIONS
        return [
            route("POST", profile.grants, partial(tokens.token, self)),
            route("GET", profile.keys, partial(launches.published_keys, self)),
            route("GET", profile.authorize, partial(launches.authorize, self)),
            route("POST", profile.authorize, partial(launches.authorize, self)),
            route("POST", launches.RETURN, partial(deep_links.take_back, self)),
            route("GET", profile.configuration, partial(registration.configuration, self)),
            route("POST", profile.registration, partial(registration.register, self)),
            *(route(method, paths[name], partial(handler, self)) for method, name, handler in operations),
        ]

    def seed(self) -> None:
        seed.seed(self.records)
        for client in self.private_keys:
            keys.register(self, client)

    async def answer(self, request: Request) -> Reply:
        await keys.learn(self, request)
        return await super().answer(request)

    def own_control(self, request: Request) -> Reply | None:
        match request.method, request.path.removeprefix("/_simulator/"):
            case "GET", "open":
                return launches.open_link(self, request)
            case "GET", "register":
                return registration.open_registration(self, request)
            case "PUT", "tool":
                return registration.put_tool(self, request)
            case "POST", "rotate_keys":
                keys.rotate(self)
                return json_reply(200, {})
        return None

    def not_found(self, request: Request) -> Reply:
        if request.method == "HEAD" and self.profile.family == "moodle":
            return refused(self.profile, request, 400, "Bad Request: No handler found").reply
        methods = {one.method for one in self._routes if one.pattern.fullmatch(request.path)}
        if methods:
            return refused(self.profile, request, 405, "Method Not Allowed").reply
        return text_reply(404, "<!DOCTYPE html><html><h1>Not found</h1></html>", "text/html; charset=utf-8")

    def fault_reply(self, fault: str, request: Request) -> Reply:
        match fault:
            case "throttled":
                if self.profile.family == "canvas":
                    return text_reply(403, "403 Forbidden (Rate Limit Exceeded)\n")
                return text_reply(429, "Too Many Requests")
            case "expired-credentials" if request.path == self.profile.grants:
                return tokens.refusal(self, "invalid_client", "unknown client")
            case "expired-credentials":
                return refused_token(self.profile, request).reply
            case _:
                return text_reply(self.settings["error_status"], _OUTAGE, "text/html")

    def connection_credentials(self, url: str) -> dict[str, str]:  # noqa: ARG002
        """The key by which the LMS knows the gateway."""
        return {"private_key": keys.private_key(self, seed.CLIENT_ID)}

    def connection_options(self, url: str) -> dict[str, str]:
        return {
            "family": self.profile.family,
            "client_id": seed.CLIENT_ID,
            "deployment_ids": seed.DEPLOYMENT_ID,
            # Of LMSs that are one for all customers, the gateway knows the real ones'.
            "issuer": url,
            "token_audience": f"{url}{self.profile.grants}",
            "token_url": self.profile.grants,
            "auth_login_url": self.profile.authorize,
            "jwks_url": self.profile.keys,
        }

    # What people do in the web pages; see web_ui.py.

    ui_unenroll = web_ui.unenroll
    ui_add_link = web_ui.add_link
    ui_change_item = web_ui.change_item
    ui_delete_item = web_ui.delete_item
    ui_grade = web_ui.grade
    ui_grade_shown = web_ui.grade_shown
