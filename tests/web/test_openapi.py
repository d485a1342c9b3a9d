"""The OpenAPI document and its page are served, and real answers match the document."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from passback.sandbox.people_pages import ENDPOINTS
from passback.store import deep_links, launches, tokens
from passback.store.engine.database import Connection
from passback.wire.openapi.examples import ANSWERS, BODIES
from passback.wire.operations import OPERATIONS
from support.openapi import DOCUMENT, closed, resolved
from support.sandbox import (
    ASSIGNMENTS,
    DISTRICT,
    ESSAY,
    SECTION,
    STUDENT,
    TEACHER,
    TOKEN,
    Reply,
    Sandbox,
    serving,
)

CLOSED = closed(DOCUMENT)
USER = ANSWERS["User"]
REFERENCE = files("passback.web").joinpath("reference")


def test_it_is_served_without_a_token(sandbox: Sandbox) -> None:
    assert sandbox.client(None).get("/openapi.json").json == DOCUMENT


@pytest.mark.parametrize("path", ["assignments", "webhooks", "launch_address"])
def test_the_examples_of_a_sandbox_create_something_as_they_are(path: str) -> None:
    with serving(allow_private_webhooks=False) as sandbox:
        document = sandbox.client(None).get("/openapi.json").json
        whole = f"/v3.1/sections/{{section_id}}/{path}" if path == "assignments" else f"/v3.1/{path}"
        body = document["paths"][whole]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert sandbox.post(whole.format(section_id=SECTION), body).status == 200


class Described:
    """Calls operations by name, and validates every answer against the document."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.seen: set[str] = set()

    def __call__(
        self, name: str, body: Any = None, status: Any = 200, query: str = "", **values: str
    ) -> Reply:
        (operation,) = (each for each in OPERATIONS if each.name == name)
        headers = {"Prefer": "respond-async"} if status == 202 else {}
        path = operation.path.format(**values) + query
        reply = self.sandbox.call(operation.method, path, body, headers)
        assert reply.status == status, reply
        responses = CLOSED["paths"][operation.path][operation.method.lower()]["responses"]
        described = resolved(responses[str(status)])
        sometimes = {"passback-warnings", "idempotent-replayed"}
        assert {header.lower() for header in described["headers"]} - sometimes <= {*reply.headers}
        if "content" in described:
            schema = described["content"]["application/json"]["schema"]
            whole = {**schema, "components": CLOSED["components"]}
            assert list(Draft202012Validator(whole).iter_errors(reply.json)) == [], name
        else:
            assert reply.body == b""
        self.seen.add(name)
        return reply


@pytest.fixture
def described(sandbox: Sandbox) -> Described:
    sandbox.names |= {"app.example": ["127.0.0.1"]}
    return Described(sandbox)


def _launched(sandbox: Sandbox) -> str:
    """The code of a launch of the application whose token the tests use."""
    launch = launches.Launch(
        launched=sandbox.clock(),
        lms_section_id="1",
        lms_user_id="2",
        section_id=SECTION,
        user_id=STUDENT,
        role="student",
        link_id="3",
        link_title="Fractions",
        target="https://gateway.example/lti/launch",
        custom={"activity": "fractions-3"},
        is_choosing=True,
    )

    def add(conn: Connection) -> None:
        token = tokens.find_by_secret(conn, TOKEN.encode())
        assert token is not None
        launches.add(
            conn,
            "a-code",
            launch,
            district_id=DISTRICT,
            application=token.application,
            expires=sandbox.clock() + 1,
        )
        deep_links.add(
            conn,
            "a-code",
            deep_links.Request(
                issuer="https://lms.example", client_id="1", deployment_id="1", lms_section_id="1",
                return_url="https://lms.example/return", data=None, takes_columns=True,
            ),
            district_id=DISTRICT,
            application=token.application,
            expires=sandbox.clock() + 1,
        )  # fmt: skip

    sandbox.write(add)
    return "a-code"


def test_real_answers_are_as_described(sandbox: Sandbox, described: Described) -> None:
    letters = {"grading_type": "letter_grade", "assignee_mode": "individuals", "assignee_ids": [STUDENT]}
    link = {"type": "link", "url": "https://app.example/x", "title": "Sources"}
    section = {"section_id": SECTION}
    essay = section | {"assignment_id": described("create_assignment", ESSAY, **section).data["id"]}
    described("create_assignment", {**ESSAY, **letters, "attachments": [link], "max_attempts": 2}, **section)
    described("create_assignment", ESSAY, 202, **section)
    described("create_assignment", {}, 400, **section)
    described("read_assignment", **essay)
    described("update_assignment", {"title": "Essay 2", "end_date": "2030-07-01"}, **essay)
    described("list_assignments", **section)
    described("list_assignments", query="?limit=1", **section)
    student = essay | {"user_id": STUDENT}
    graded = {"grade_points": 18, "grade_comment": "Good", "grader_id": TEACHER, "flags": ["excused"]}
    described("update_submission", {**graded, "attachments": [link], "state": "returned"}, **student)
    described("update_submission", {"override_due_date": "2030-08-01T00:00:00Z"}, **student)
    location = described("update_submission", {"grade_points": 1}, 202, **student).headers["location"]
    described("read_submission", **student)
    described("list_submissions", **essay)
    parts = [{"user_id": STUDENT, "grade_points": 3}, {"user_id": "x"}]
    described("update_submissions", {"submissions": parts}, **essay)
    described("update_submissions", {"submissions": parts}, 202, **essay)
    described("list_deliveries")
    described("read_delivery", delivery_id=location.rpartition("/")[2])
    described("delete_assignment", **essay)
    described("read_assignment", status=404, **essay)
    hook = {"webhook_id": described("create_webhook", {"url": "https://app.example:1/"}).data["id"]}
    described("read_webhook", **hook)
    described("list_webhooks")
    described("update_webhook", {"disabled": True}, **hook)
    described("rotate_webhook", **hook)
    described("test_webhook", **hook)
    described("update_webhook", {"disabled": False}, **hook)
    described("fetch_webhook_messages", status=400, **hook)
    kept = {"webhook_id": described("create_webhook", {"fetch": True}).data["id"]}
    message = kept | {"message_id": described("test_webhook", **kept).data["id"]}
    described("list_webhook_messages", query="?limit=1", **kept)
    described("read_webhook_message", **message)
    described("resend_webhook_message", **message)
    described("resend_webhook_messages", query="?since=2026-01-01T00:00:00Z", **kept)
    described("resend_webhook_messages", status=400, **kept)
    described("fetch_webhook_messages", **kept)
    described("delete_webhook", **hook)
    described("create_launch_address", {"url": "https://app.example/launch"})
    described("create_launch_address", {"url": "http://app.example/launch"}, 400)
    described("read_launch_address")
    described("exchange_launch", code=_launched(sandbox))
    described("exchange_launch", status=404, code="x")
    described(
        "create_deep_link", {"title": "Fractions", "points_possible": 20, "activity": "3"}, code="a-code"
    )
    described("create_deep_link", {}, 400, code="a-code")
    described("create_deep_link", {"title": "Fractions"}, 404, code="a-code")
    described("delete_launch_address")
    described("delete_launch_address", status=404)
    sandbox.write(
        lambda conn: conn.execute(
            "INSERT INTO roster_events (district_id, seq, kind, what, object_id, created, previous)"
            " VALUES (:district, 1, 'users', 'updated', :user, 0, :previous)",
            {"district": DISTRICT, "user": STUDENT, "previous": '{"synced_in_lms":false}'},
        )
    )
    for kind in ("districts", "schools", "terms", "courses", "sections", "users", "events"):
        first = described(f"list_{kind}").data[0]["data"]
        described(f"list_{kind}", query="?limit=1")
        described(f"read_{kind[:-1]}", id=first["id"])
    for name, query in (
        ("list_users", f"?email={USER['email']}"),
        ("list_users", f"?sis_id={USER['roles']['student']['sis_id']}"),
        ("list_users", f"?student_number={USER['roles']['student']['student_number']}"),
        ("list_sections", f"?sis_id={ANSWERS['Section']['sis_id']}"),
    ):
        assert len(described(name, query=query).data) == 1, query
    for name in ("list_section_students", "list_section_teachers"):
        described(name, query="?limit=1", id=SECTION)
        described(name, status=404, id="x")
    described("list_user_sections", id=STUDENT)
    described("list_user_sections", status=404, id="x")
    assert described.seen == {operation.name for operation in OPERATIONS}


def test_202_is_described_only_where_it_is_answered(sandbox: Sandbox) -> None:
    sandbox.names |= {"app.example": ["127.0.0.1"]}
    webhook = sandbox.post("/v3.1/webhooks", {"url": "https://app.example/"}).data["id"]
    delivery = sandbox.call("POST", ASSIGNMENTS, json.dumps(dict(ESSAY)), {"Prefer": "respond-async"}).data[
        "id"
    ]
    answered, described = set(), set()
    for operation in OPERATIONS:
        assignment = sandbox.create().rpartition("/")[2]
        ids = {
            "section_id": SECTION, "assignment_id": assignment, "user_id": STUDENT, "webhook_id": webhook,
            "delivery_id": delivery, "id": SECTION, "code": "x", "message_id": delivery,
        }  # fmt: skip
        body = BODIES.get(operation.name, ("", None))[1]
        path = operation.path.format(**ids)
        sent = None if body is None else json.dumps(body)
        if sandbox.call(operation.method, path, sent, {"Prefer": "respond-async"}).status == 202:
            answered.add(operation.name)
        told = DOCUMENT["paths"][operation.path][operation.method.lower()]
        prefers = any(it["name"] == "Prefer" for it in told["parameters"])
        assert prefers == ("202" in told["responses"]), operation.name
        if prefers:
            described.add(operation.name)
    assert answered == described
    assert answered == {"create_assignment", "update_assignment", "update_submission", "update_submissions"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_errors_are_as_described(sandbox: Sandbox, method: str) -> None:
    reply = sandbox.client("WRONG").call(method, ASSIGNMENTS)
    schema = {**CLOSED["components"]["schemas"]["Forbidden"], "components": CLOSED["components"]}
    assert reply.status == 403
    Draft202012Validator(schema).validate(reply.json)


def test_the_page_and_all_it_loads_are_served(sandbox: Sandbox) -> None:
    anyone = sandbox.client(None)
    page = anyone.get("/docs")
    loaded = {*re.findall(r'(?:src|<link [^>]*href)="([^"]+)"', page.body.decode())}
    style = anyone.get("/docs/reference.css").body.decode()
    loaded |= {"docs/" + it for it in re.findall(r'@import url\("([^"]+)"\)', style)}
    assert {anyone.get("/" + address).status for address in loaded} == {200}
    assert len(loaded) == 5
    linked = {*re.findall(r'<a [^>]*href="([^"#]+)"', page.body.decode())}
    assert linked == {"docs", "docs/guide/", "console", "openapi.json"}
    # The guide is not there in a source tree before `make site`.
    assert all(anyone.get("/" + address).status < 400 for address in linked - {"docs/guide/"})


def test_the_page_may_load_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).get("/docs")
    assert reply.headers["content-security-policy"].startswith("default-src 'self';")
    assert b"//" not in reply.body.replace(b"<!doctype", b"")
    assert b"DEMO_" not in reply.body  # as it is the page of production, too


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    vendor = REFERENCE.joinpath("vendor")
    manifest = json.loads(vendor.joinpath("manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == digest


def test_every_call_of_the_sandbox_is_described_and_there(sandbox: Sandbox) -> None:
    paths = {path: {*methods} for path, methods in DOCUMENT["paths"].items() if path.startswith("/sandbox/")}
    assert paths.keys() >= ENDPOINTS.keys()
    for path, methods in paths.items():
        concrete = re.sub(r"\{.*?\}", "1", path)
        allowed = sandbox.client(None).call("BREW", concrete).headers["allow"]
        assert methods == {it.lower() for it in allowed.split(", ")} - {"head"}, path
