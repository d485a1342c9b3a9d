"""Speaking to the Google Classroom simulator as others' clients would."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import google.oauth2.credentials
import googleapiclient.discovery
import httpx2
import jsonschema
from google.auth import crypt, jwt

from google_support import private_key
from passback.sandbox.identities import ALGEBRA
from passback.sandbox.simulators.google_classroom import seed
from passback.sandbox.simulators.google_classroom.simulator import ClassroomSimulator
from simulator_support import Served, serving
from support import NOW, SetClock

COURSE = seed.SECTION_LMS_ID[ALGEBRA.digits]
TEACHER = seed.person_email(ALGEBRA.teacher)
STUDENT = seed.person_email(ALGEBRA.students[0])
STUDENT_ID = seed.person_lms_id(ALGEBRA.students[0])
OTHER_STUDENT_ID = seed.person_lms_id(ALGEBRA.students[1])
ADMIN = seed.person_email(seed.ADMIN)
ALL = tuple(scope for scope in seed.ALL_SCOPES if "/auth/" in scope)
WORK = {"title": "Week 12", "workType": "ASSIGNMENT", "state": "PUBLISHED", "maxPoints": 10}


@cache
def document() -> Mapping[str, Any]:
    """The discovery document that Google's client brings with it."""
    path = files("googleapiclient") / "discovery_cache" / "documents" / "classroom.v1.json"
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@cache
def _schemas() -> Mapping[str, Any]:
    """Its schemas as JSON Schema, in which nothing that they do not name may occur."""
    return {name: _strict(schema) for name, schema in document()["schemas"].items()}


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name in ("type", "enum", "items", "properties")}
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    if "items" in kept:
        kept["items"] = _strict(kept["items"])
    if kept.get("type") == "object":
        kept["properties"] = {name: _strict(value) for name, value in kept.get("properties", {}).items()}
        kept["additionalProperties"] = False
    return kept


def _response_of(method_id: str) -> str:
    """The name of the schema of a method's answer."""
    node: Any = document()
    *resources, method = method_id.split(".")[1:]
    for resource in resources:
        node = node["resources"][resource]
    return str(node["methods"][method]["response"]["$ref"])


def valid(content: Any, schema: str) -> Any:
    """`content`, which must be as the schema says."""
    jsonschema.validate(content, {"$ref": f"#/$defs/{schema}", "$defs": _schemas()})
    return content


def answer(request: Any) -> Any:
    """The answer to a request of Google's client, which must be as its discovery document says."""
    return valid(request.execute(), _response_of(request.methodId))


@dataclass(frozen=True)
class Classroom(Served):
    """The simulator, with a clock that tests set."""

    stack: contextlib.ExitStack
    http: httpx2.Client

    @property
    def lms(self) -> ClassroomSimulator:
        assert isinstance(self.simulator, ClassroomSimulator)
        return self.simulator

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.simulator.clock, SetClock)
        return self.simulator.clock

    def set(self, **settings: Any) -> None:
        """Set settings."""
        self.control("PUT", "settings", settings)

    def key(self, project: str = seed.PROJECT) -> dict[str, Any]:
        """The key file of a service account."""
        return self.lms.service_account_key(self.url, project)

    def client(self, email: str, project: str = seed.PROJECT, scopes: tuple[str, ...] = ALL) -> Any:
        """Google's own client, acting as someone."""
        credentials = google.oauth2.credentials.Credentials(  # type: ignore[no-untyped-call]
            self.token(email, scopes, project)
        )
        return self.stack.enter_context(
            googleapiclient.discovery.build(
                "classroom", "v1", credentials=credentials, static_discovery=True,
                client_options={"api_endpoint": self.url},
            )
        )  # fmt: skip

    def assertion(
        self, subject: str | None, project: str = seed.PROJECT, scopes: tuple[str, ...] = ALL, **claims: Any
    ) -> str:
        """What a service account signs to act as someone."""
        key = self.key(project)
        now = NOW // 1000
        payload = {"iss": key["client_email"], "scope": " ".join(scopes), "aud": key["token_uri"], "iat": now,
                   "exp": now + 3600, **({"sub": subject} if subject else {}), **claims}  # fmt: skip
        signer = crypt.RSASigner.from_service_account_info(key)  # type: ignore[no-untyped-call]
        signed: bytes = jwt.encode(signer, payload)  # type: ignore[no-untyped-call]
        return signed.decode()

    def grant(self, **form: str) -> httpx2.Response:
        """Ask for a token."""
        return self.http.post(f"{self.url}/token", data=form)

    def token(self, email: str, scopes: tuple[str, ...] = ALL, project: str = seed.PROJECT) -> str:
        """An access token, acting as someone."""
        reply = self.grant(
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion=self.assertion(email, project, scopes),
        )
        assert reply.status_code == 200, reply.text
        return str(reply.json()["access_token"])

    def call(self, method: str, path: str, token: str, content: Any = None) -> httpx2.Response:
        """Send a request below ``/v1/``."""
        headers = {"authorization": f"Bearer {token}"}
        return self.http.request(method, f"{self.url}/v1/{path}", headers=headers, json=content)

    def work(self, token: str, **fields: Any) -> str:
        """New course work in Algebra; its id."""
        reply = self.call("POST", f"courses/{COURSE}/courseWork", token, WORK | fields)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])


@contextlib.contextmanager
def serving_classroom() -> Iterator[Classroom]:
    """Serve the simulator."""
    simulator = ClassroomSimulator(SetClock())
    for project in seed.PROJECT_NUMBERS:
        simulator.private_keys[project] = private_key()
    simulator.start()
    with serving(simulator) as served, httpx2.Client() as http, contextlib.ExitStack() as stack:
        yield Classroom(served.simulator, served.url, stack, http)
