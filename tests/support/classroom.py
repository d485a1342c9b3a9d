"""Calling the Google Classroom simulator: by plain HTTP, and with Google's own client."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
import httpx2
import jsonschema
import pytest
from google.auth import _helpers
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from passback.testing.served import serving
from passback_simulators.google_classroom import seed
from passback_simulators.google_classroom.app import ClassroomSimulator
from support.google import KEYS
from support.sandbox import SetClock
from support.simulators import Controlled

SCOPES = "https://www.googleapis.com/auth/"
ALGEBRA = seed.SECTION_LMS_ID["000007"]
BIOLOGY = seed.SECTION_LMS_ID["000008"]
TEACHER, BIOLOGY_TEACHER, STUDENT, OTHER_STUDENT, BIOLOGY_STUDENT = (
    "000001", "000002", "001001", "001002", "001031"
)  # fmt: skip
"""The digits of some people."""
TEACHER_ID, STUDENT_ID, OTHER_STUDENT_ID = (
    seed.person_lms_id(one) for one in (TEACHER, STUDENT, OTHER_STUDENT)
)
WORKS = f"courses/{ALGEBRA}/courseWork"
ESSAY: Mapping[str, Any] = {
    "title": "Essay", "workType": "ASSIGNMENT", "state": "PUBLISHED", "maxPoints": 20,
    "dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {"hours": 18, "seconds": 24},
}  # fmt: skip
ESSAY_DUE = int(datetime(2026, 1, 28, 18, 0, 24, tzinfo=UTC).timestamp()) * 1000


@dataclass(frozen=True)
class Caller:
    """A user with an access token."""

    http: httpx2.Client
    url: str
    token: str

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> httpx2.Response:
        """Send a request to a path below /v1/."""
        if json is not None:
            options["json"] = json
        headers = {"authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.http.request(method, f"{self.url}/v1/{path}", headers=headers, **options)

    def done(self, method: str, path: str, json: Any = None) -> Any:
        """The content of a successful reply."""
        reply = self(method, path, json)
        assert reply.status_code == 200, (reply.status_code, reply.text)
        return reply.json()

    def get(self, path: str) -> Any:
        return self.done("GET", path)

    def refused(self, method: str, path: str, json: Any = None) -> str:
        """The status of the error that a request gets, with the error's name, if it has one."""
        return error_of(self(method, path, json))


def error_of(reply: httpx2.Response) -> str:
    """The canonical status of an error, and its name, if it has one."""
    assert reply.status_code >= 400, (reply.status_code, reply.text)
    error = reply.json()["error"]
    assert error["code"] == reply.status_code
    name = re.match(r"@\w+(?= )", error["message"])
    return f"{error['status']} {name[0]}" if name else str(error["status"])


@dataclass(frozen=True)
class Classroom(Controlled):
    """The simulator, with a clock that tests set."""

    @property
    def lms(self) -> ClassroomSimulator:
        assert isinstance(self.simulator, ClassroomSimulator)
        return self.simulator

    def set(self, **settings: Any) -> None:
        """Set settings."""
        self.control("PUT", "settings", settings)

    def as_user(self, digits: str, *scopes: str, client: str = seed.CLIENT_ID) -> Caller:
        """A user who consented to these scopes (without their prefix), or to all."""
        asked = [SCOPES + one for one in scopes] or list(seed.ALL_SCOPES)
        content = self.lms.issue_user_tokens(seed.person_email(digits), asked, client)
        return Caller(self.http, self.url, content["access_token"])

    @property
    def teacher(self) -> Caller:
        return self.as_user(TEACHER)

    @property
    def student(self) -> Caller:
        return self.as_user(STUDENT)

    @property
    def admin(self) -> Caller:
        return self.as_user(seed.ADMIN)

    @property
    def stranger(self) -> Caller:
        """Algebra's teacher, through the other project."""
        return self.as_user(TEACHER, client=seed.OTHER_CLIENT_ID)

    def work(self, **fields: Any) -> str:
        """The path of new course work in Algebra: published, due, worth 20 points."""
        return f"{WORKS}/{self.teacher.done('POST', WORKS, {**ESSAY, **fields})['id']}"

    def submission(self, work: str, student_id: str = STUDENT_ID) -> str:
        """The path of a student's submission."""
        [found] = self.teacher.get(f"{work}/studentSubmissions?userId={student_id}")["studentSubmissions"]
        return f"{work}/studentSubmissions/{found['id']}"


@contextlib.contextmanager
def serving_classroom() -> Iterator[Classroom]:
    """Serve the simulator."""
    simulator = ClassroomSimulator(SetClock())
    simulator.private_keys = KEYS
    simulator.start()
    with serving(simulator) as served, httpx2.Client() as http:
        yield Classroom(served.simulator, served.url, http)


# Google's own client.


@cache
def document() -> dict[str, Any]:
    """The discovery document that comes with Google's client."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    content: dict[str, Any] = json.loads((folder / "classroom.v1.json").read_text())
    return content


def methods(resource: Mapping[str, Any] | None = None) -> Iterator[Mapping[str, Any]]:
    """Every method of the API."""
    resource = document() if resource is None else resource
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from methods(inner)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    """A validator for a message, which allows only what the discovery document does."""
    definitions = {one: _json_schema(schema) for one, schema in document()["schemas"].items()}
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a discovery document's schema."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    result = {name: schema[name] for name in ("type", "enum") if name in schema}
    if schema.get("format") == "google-datetime":
        result["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}){0,3}Z$"
    if "items" in schema:
        result["items"] = _json_schema(schema["items"])
    if schema["type"] == "object":
        result["properties"] = {
            name: _json_schema(inner) for name, inner in schema.get("properties", {}).items()
        }
        anything = schema.get("additionalProperties")
        result["additionalProperties"] = _json_schema(anything) if anything else False
    return result


_METHODS = {one["id"]: one for one in methods()}


def check_answer(method_id: str, content: Any) -> None:
    """Fail unless a reply matches the discovery document and proto3's JSON mapping."""
    _validator(_METHODS[method_id]["response"]["$ref"]).validate(content)
    _check_omission(content)


def _check_omission(content: Any, name: str = "") -> None:
    if isinstance(content, dict):
        for key, value in content.items():
            _check_omission(value, key)
    elif isinstance(content, list):
        assert content, f"{name} is an empty list"
        for one in content:
            _check_omission(one)
    else:
        assert content or name in {"draftGrade", "assignedGrade", "points", "pointsEarned"}, (
            f"{name} is {content!r}"
        )


class CheckedRequest(HttpRequest):  # type: ignore[misc]
    """A request of Google's client whose reply is checked against the discovery document."""

    def __init__(self, http: Any, postproc: Callable[..., Any], *args: Any, **options: Any) -> None:
        def checked(*answer: Any) -> Any:
            content = postproc(*answer)
            check_answer(str(self.methodId), content or {})
            return content

        super().__init__(http, checked, *args, **options)


class Clients:
    """Google's clients, each with the service account key of a project and acting as a user."""

    def __init__(self, classroom: Classroom) -> None:
        self.classroom = classroom
        self._built: dict[tuple[str, ...], Any] = {}

    def credentials(self, email: str, *scopes: str, project: str = seed.PROJECT) -> Any:
        """Credentials for these scopes (without their prefix), or for all."""
        key = self.classroom.lms.service_account_key(self.classroom.url, project)
        credentials = service_account.Credentials.from_service_account_info(key)  # type: ignore[no-untyped-call]
        asked = [SCOPES + one for one in scopes] or list(seed.ALL_SCOPES)
        return credentials.with_subject(email).with_scopes(asked)

    def as_user(self, digits: str, *scopes: str, project: str = seed.PROJECT) -> Any:
        """A client as Google documents it, except for the address; shared by all tests, as it is slow to build."""
        key = (project, digits, *scopes)
        if key not in self._built:
            self._built[key] = self._build(digits, *scopes, project=project)
        return self._built[key]

    def _build(self, digits: str, *scopes: str, project: str) -> Any:
        credentials = self.credentials(seed.person_email(digits), *scopes, project=project)
        options = {"api_endpoint": self.classroom.url}
        return build(
            "classroom", "v1", credentials=credentials, client_options=options, static_discovery=True,
            requestBuilder=CheckedRequest, cache_discovery=False,
        )  # fmt: skip

    def close(self) -> None:
        """Close the clients' connections; they open new ones when they are used again."""
        for one in self._built.values():
            one.close()


@contextlib.contextmanager
def serving_clients() -> Iterator[Clients]:
    """Serve the simulator for Google's clients, which use the simulator's clock."""
    with serving_classroom() as classroom, pytest.MonkeyPatch.context() as patched:

        def utcnow() -> datetime:
            return datetime.fromtimestamp(classroom.clock.now / 1000, UTC).replace(tzinfo=None)

        patched.setattr(_helpers, "utcnow", utcnow)
        with contextlib.closing(Clients(classroom)) as clients:
            yield clients


def create(teacher: Any, **fields: Any) -> Any:
    """Create course work in Algebra."""
    return teacher.courses().courseWork().create(courseId=ALGEBRA, body={**ESSAY, **fields}).execute()


def read(client: Any, work: Any) -> Any:
    """Course work as a client's user sees it."""
    return client.courses().courseWork().get(courseId=ALGEBRA, id=work["id"]).execute()


def submissions(client: Any) -> Any:
    """The operations on submissions."""
    return client.courses().courseWork().studentSubmissions()


def submission(client: Any, work: Any, user: str = STUDENT_ID) -> Any:
    """A student's submission as a client's user sees it."""
    listed = submissions(client).list(courseId=ALGEBRA, courseWorkId=work["id"], userId=user).execute()
    [found] = listed["studentSubmissions"]
    return found


def refused(request: Any) -> tuple[int, str]:
    """The code of the error that a client's request gets, and the name at its beginning or else the whole message."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    reason = str(caught.value.reason)
    return int(caught.value.status_code), reason.split(" ")[0] if reason.startswith("@") else reason
