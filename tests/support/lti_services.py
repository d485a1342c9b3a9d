"""A tool that calls an LMS's services for LTI as it likes, in a simulated LMS and in Open edX."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from passback.testing.served import Served, serving
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from support.lti_lms import ALGEBRA_COURSE
from support.sandbox import SetClock

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
STUDENT = seed.person_lms_id("001001")
NEW = {"label": "Essay", "scoreMaximum": 20, "resourceId": "r-1", "tag": "t-1"}


class Tool:
    """A tool, known to an LMS by a client id and a key."""

    def __init__(
        self, http: httpx2.Client, key: RSAKey, client: str, *, token_url: str, items: str, members: str,
        student: str, now: Callable[[], int],
    ) -> None:  # fmt: skip
        """`items` and `members` are the addresses of a course's line items and members."""
        self.http, self.key, self.client, self.token_url = http, key, client, token_url
        self.items, self.members, self.student, self.now = items, members, student, now
        self.token = ""

    def ask_token(self, form: dict[str, str] | None = None, **claims: Any) -> httpx2.Response:
        now = self.now()
        said = {
            "iss": self.client, "sub": self.client, "aud": self.token_url, "iat": now, "exp": now + 60,
            "jti": str(uuid4()), **claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        given = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "RS256", "kid": self.key.kid}, said, self.key),
            "scope": " ".join(seed.ALL_SCOPES),
            **(form or {}),
        }
        return self.http.post(self.token_url, data=given)

    def call(self, method: str, url: str, content: Any = None, **headers: str) -> httpx2.Response:
        if not self.token:
            self.token = self.ask_token().json()["access_token"]
        sent = {"authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): it for name, it in headers.items()
        }
        body = None if content is None else json.dumps(content)
        return self.http.request(method, url, content=body, headers=sent)

    def create(self, **changes: Any) -> str:
        reply = self.call("POST", self.items, {**NEW, **changes}, content_type=ITEM)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def below(self, item: str, name: str) -> str:
        path, mark, query = item.partition("?")
        return f"{path}/{name}{mark}{query}"

    def score(self, item: str, seconds: float = 0, **changes: Any) -> httpx2.Response:
        body = {
            "timestamp": f"2026-01-01T00:00:{seconds:06.3f}Z", "userId": self.student, "scoreGiven": 10,
            "scoreMaximum": 20, "activityProgress": "Completed", "gradingProgress": "FullyGraded", **changes,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value != "left out"}
        return self.call("POST", self.below(item, "scores"), body, content_type=SCORE)

    def results(self, item: str, query: str = "") -> Any:
        url = self.below(item, "results")
        url += ("&" if "?" in url else "?") + query if query else ""
        return self.call("GET", url, accept=RESULTS).json()


class Simulated(Tool):
    """A tool in a simulated LMS."""

    def __init__(self, served: Served, http: httpx2.Client) -> None:
        assert isinstance(served.simulator, LtiSimulator)
        self.lms, self.url = served.simulator, served.url
        self.profile = self.lms.profile
        super().__init__(
            http,
            RSAKey.import_key(json.loads(self.lms.connection_credentials(served.url)["private_key"])),
            seed.CLIENT_ID,
            token_url=self.url + self.profile.grants,
            items=self.url + self.lms.path(self.profile.items, course=ALGEBRA_COURSE),
            members=self.url + self.profile.memberships.format(course=ALGEBRA_COURSE),
            student=STUDENT,
            now=lambda: self.lms.clock() // 1000,
        )

    def begin_again(self) -> None:
        """Put the LMS back to its start."""
        self.lms.records.replace({})
        self.lms.settings = self.lms.default_settings()
        self.lms.seed()
        self.token = ""


@contextlib.contextmanager
def serving_simulated(family: str) -> Iterator[Simulated]:
    """A tool in a simulated LMS of a family."""
    simulator = LtiSimulator(SetClock(), family=family)
    simulator.start()
    with serving(simulator) as running, httpx2.Client() as http:
        yield Simulated(running, http)


def machines_time() -> int:
    """Seconds since 1970 by the machine's clock."""
    return int(time.time())
