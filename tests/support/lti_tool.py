"""A tool that others wrote, PyLTI1p3next, in a simulated LMS with LTI Advantage.

PyLTI1p3next is how the authors of PyLTI1p3 go on with it: the package of that name has had no release since 2022.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import requests
from pylti1p3.session import SessionService
from pylti1p3.tool_config.dict import ToolConfDict

from passback.testing.served import Served
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from support.lti import Platform, form_of, key
from support.lti_lms import ALGEBRA_COURSE
from support.pylti1p3_adapter import LAUNCH, LOGIN, Connector, Cookies, Launch, Login, Registration, Visit


@dataclass
class Tool:
    """The tool, and somebody's browser."""

    served: Served
    browser: httpx2.Client
    connections: requests.Session
    keys: Platform
    """Publishes the tool's."""
    platform: dict[str, Any] = field(default_factory=dict)
    """What the tool knows of the LMS."""
    session: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def lms(self) -> LtiSimulator:
        assert isinstance(self.served.simulator, LtiSimulator)
        return self.served.simulator

    @property
    def items(self) -> str:
        """The address of Algebra's line items."""
        return self.served.url + self.lms.path(self.lms.profile.items, course=ALGEBRA_COURSE)

    @property
    def members(self) -> str:
        """The address of Algebra's members."""
        return self.served.url + self.lms.profile.memberships.format(course=ALGEBRA_COURSE)

    def config(self) -> ToolConfDict:
        url = self.served.url
        config = ToolConfDict({url: self.platform})  # type: ignore[dict-item]  # it is a TypedDict to the library
        config.set_private_key(url, key("tool").as_pem(private=True).decode())
        config.set_public_key(url, key("tool").as_pem(private=False).decode())
        return config

    def enter(self) -> None:
        """An administrator enters the tool in the LMS by hand, with the gateway's client id."""
        url, profile = self.served.url, self.lms.profile
        self.platform = {
            "client_id": seed.CLIENT_ID, "auth_login_url": url + profile.authorize,
            "auth_token_url": url + profile.grants, "key_set_url": url + profile.keys,
            "deployment_ids": [seed.DEPLOYMENT_ID],
        }  # fmt: skip
        self.keys.document = json.dumps(self.config().get_jwks()).encode()
        self.served.control("PUT", "tool", {"login": LOGIN, "launch": LAUNCH, "keys_url": self.keys.jwks_url})

    def register(self, scopes: Sequence[str] = seed.ALL_SCOPES) -> None:
        """An administrator opens the tool's link for dynamic registration."""
        link = urlencode({"url": "https://tool.test/register"})
        sent = self.browser.get(f"{self.served.url}/_simulator/register?{link}")
        told = dict(parse_qsl(sent.headers["location"].partition("?")[2]))
        self.platform = Registration(told, self.keys.jwks_url, scopes).register()

    def open(self, user: str, **given: str) -> Launch:
        """Somebody opens the tool in the LMS: the launch, which the tool has validated."""
        client = self.platform["client_id"]
        query = {"user": user, "course": ALGEBRA_COURSE, "client": client, **given}
        sent = self.browser.get(f"{self.served.url}/_simulator/open?{urlencode(query)}")
        login, _, told = sent.headers["location"].partition("?")
        assert (sent.status_code, login) == (302, LOGIN)
        back = self._login(dict(parse_qsl(told))).redirect(LAUNCH)
        page = self.browser.get(back)
        assert page.status_code == 200, page.text
        action, fields = form_of(page.text)
        assert action == LAUNCH
        visit = Visit(fields, self.session)
        launch = Launch(
            visit, self.config(), session_service=SessionService(visit), cookie_service=Cookies(self.cookies),
            requests_session=self.connections, service_connector_cls=Connector,
        )  # fmt: skip
        launch.validate()
        return launch

    def _login(self, told: Mapping[str, str]) -> Login:
        visit = Visit(told, self.session)
        return Login(
            visit, self.config(), session_service=SessionService(visit), cookie_service=Cookies(self.cookies)
        )

    def add_link(self, title: str = "Fractions") -> tuple[str, str]:
        """A teacher adds an activity of the tool: the ids of its link, and of its column."""
        item = self.lms.ui_add_link(ALGEBRA_COURSE, title, client=self.platform["client_id"])
        return str(self.lms.records.all("links")[-1]["id"]), item
