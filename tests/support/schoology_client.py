"""Calling the Schoology simulator as an independent OAuth 1.0a client would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import schoolopy
from oauthlib import oauth1  # type: ignore[import-untyped]

from passback.testing.served import serving
from passback_simulators.schoology import seed
from passback_simulators.schoology.app import SchoologySimulator
from support.sandbox import SetClock
from support.simulators import Controlled

ALGEBRA = seed.SECTION_LMS_ID["000007"]
BIOLOGY = seed.SECTION_LMS_ID["000008"]
TEACHER = seed.person_lms_id("000001")
BIOLOGY_TEACHER = seed.person_lms_id("000002")
STUDENT = seed.person_lms_id("001001")
OTHER_STUDENT = seed.person_lms_id("001002")
ENROLLMENT = seed.enrollment_lms_id("000007", "001001")
OTHER_ENROLLMENT = seed.enrollment_lms_id("000007", "001002")
ASSIGNMENTS = f"sections/{ALGEBRA}/assignments"
GRADES = f"sections/{ALGEBRA}/grades"


@dataclass(frozen=True)
class Client:
    """A client that signs each request."""

    http: httpx2.Client
    url: str
    key: str = seed.CONSUMER_KEY
    secret: str = seed.CONSUMER_SECRET
    token: str | None = None
    token_secret: str | None = None
    run_as: str | None = None
    method: str = "HMAC-SHA1"

    def authorization(self, method: str, url: str) -> str:
        """The header that signs a request."""
        signer = oauth1.Client(
            self.key,
            self.secret,
            self.token,
            self.token_secret,
            signature_method=self.method,
            realm="Schoology API",
        )
        _, headers, _ = signer.sign(url, method)
        return str(headers["Authorization"])

    def __call__(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        """Send a request to a path below /v1/, or a whole address."""
        url = path if "://" in path else f"{self.url}/v1/{path}"
        own = {"accept": "application/json", "authorization": self.authorization(method, url)}
        if json is not None:
            options["json"] = json
        if self.run_as is not None:
            own["x-schoology-run-as"] = self.run_as
        return self.http.request(method, url, headers=own | (headers or {}), **options)

    def get(self, path: str) -> Any:
        """The content of a GET."""
        reply = self("GET", path)
        assert reply.status_code == 200, (reply.status_code, reply.text)
        return reply.json()


class SchoolopyAuth(schoolopy.Auth):  # type: ignore[misc]
    """schoolopy's credentials, which hard-code Schoology's address twice: as API_ROOT, and as a Host header."""

    def _request_header(self) -> dict[str, str]:
        header: dict[str, str] = super()._request_header()
        del header["Host"]
        return header


@contextlib.contextmanager
def schoolopy_of(url: str) -> Iterator[Any]:
    """The community's client with the district's key."""
    auth = SchoolopyAuth(seed.CONSUMER_KEY, seed.CONSUMER_SECRET)
    yield schoolopy.Schoology(auth, api_host=f"{url}/v1/")
    auth.oauth.close()


@dataclass(frozen=True)
class Schoology(Controlled):
    """The simulator, with a clock that tests set."""

    @property
    def lms(self) -> SchoologySimulator:
        assert isinstance(self.simulator, SchoologySimulator)
        return self.simulator

    @property
    def admin(self) -> Client:
        """The district's key."""
        return Client(self.http, self.url)

    @property
    def teacher(self) -> Client:
        """The district's key, running as Algebra's teacher."""
        return replace(self.admin, run_as=TEACHER)

    @property
    def app(self) -> Client:
        """The app, two-legged."""
        return Client(self.http, self.url, seed.APP_KEY, seed.APP_SECRET)

    def as_user(self, uid: str) -> Client:
        """A user who allowed the app."""
        token, secret = self.lms.issue_user_token(uid)
        return replace(self.app, token=token, token_secret=secret)

    def personal(self, uid: str) -> Client:
        """A user's own key."""
        return Client(self.http, self.url, *self.lms.issue_personal_key(uid))

    def set(self, **settings: Any) -> None:
        """Set settings."""
        self.control("PUT", "settings", settings)

    def assignment(self, **fields: Any) -> int:
        """Create an assignment in Algebra; returns its id."""
        reply = self.teacher("POST", ASSIGNMENTS, {"title": "Essay 1", "max_points": 20, **fields})
        assert reply.status_code == 201, reply.text
        return int(reply.json()["id"])


@contextlib.contextmanager
def serving_schoology() -> Iterator[Schoology]:
    """Serve the simulator."""
    simulator = SchoologySimulator(SetClock())
    simulator.start()
    with serving(simulator) as served, httpx2.Client() as http:
        yield Schoology(served.simulator, served.url, http)


def read(schoology: Schoology, id_: int, query: str = "") -> Any:
    """An assignment."""
    return schoology.teacher.get(f"{ASSIGNMENTS}/{id_}{query}")


def grade(schoology: Schoology, item: int, enrollment: str = ENROLLMENT, /, **given: Any) -> Any:
    """Set one grade; returns the reply's item."""
    one = {"type": "assignment", "assignment_id": item, "enrollment_id": enrollment, **given}
    reply = schoology.teacher("PUT", GRADES, {"grades": {"grade": [one]}})
    assert reply.status_code == 207, reply.text
    return reply.json()["grades"]["grade"][0]


def rows(schoology: Schoology, query: str = "") -> list[Any]:
    """The grades of a section."""
    found: list[Any] = schoology.teacher.get(f"{GRADES}{query}")["grades"]["grade"]
    return found


def stored(schoology: Schoology, item: int) -> Any:
    """The one grade that a student has on an assignment."""
    [row] = rows(schoology, f"?assignment_id={item}&enrollment_id={ENROLLMENT}")
    return row
