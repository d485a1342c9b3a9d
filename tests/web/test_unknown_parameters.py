"""Parameters of a query that an operation does not have are ignored, with a warning."""

from __future__ import annotations

import pytest

from passback.wire.operations import OPERATIONS, Operation
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, SECTION, STUDENT, Sandbox

VALUES = {
    "limit": "1",
    "role": "student",
    "state": "waiting",
    "record_type": "users",
    "ending_before": "last",
    "since": "2026-01-01T00:00:00Z",
    "wait": "0",
}
EXAMPLES = {"sections": SECTION, "users": STUDENT, "districts": DISTRICT}
LISTS = [it for it in OPERATIONS if it.query and "{assignment_id}" not in it.path]


def warnings(sandbox: Sandbox, path: str, method: str = "GET") -> str | None:
    reply = sandbox.call(method, path)
    assert reply.status == 200, reply
    return reply.headers.get("passback-warnings")


@pytest.mark.parametrize("operation", LISTS, ids=lambda it: it.name)
def test_what_a_list_is_described_with_is_known_to_it(sandbox: Sandbox, operation: Operation) -> None:
    parent = operation.path.split("/")[2]
    webhook = sandbox.post("/v3.1/webhooks", {"fetch": True}).data["id"] if parent == "webhooks" else ""
    path = operation.path.format(section_id=SECTION, id=EXAMPLES.get(parent, ""), webhook_id=webhook)
    given = "&".join(
        f"{it}={VALUES.get(it, '4fee004cca2e43cf27000007')}"
        for it in operation.query
        if it not in ("cursor", "starting_after")
    )
    assert warnings(sandbox, f"{path}?{given}", operation.method) is None
    assert warnings(sandbox, f"{path}?{given}&colour=blue", operation.method) == "UNKNOWN_PARAMETER:colour"


def test_every_operation_warns(sandbox: Sandbox) -> None:
    made = sandbox.post(f"{ASSIGNMENTS}?email=a@b.example", ESSAY)
    one = f"{ASSIGNMENTS}/{made.data['id']}"
    sandbox.names["app.example"] = ["127.0.0.1"]
    hook = f"/v3.1/webhooks/{sandbox.post('/v3.1/webhooks', {'url': 'https://app.example:1/'}).data['id']}"
    grade = {"grade_points": 1}
    replies = [
        made,
        sandbox.get(f"{one}?email=a@b.example"),
        sandbox.patch(f"{one}?email=a@b.example", {"title": "Essay 2"}),
        sandbox.get(f"{one}/submissions?email=a@b.example"),
        sandbox.get(f"{one}/submissions/{STUDENT}?email=a@b.example"),
        sandbox.patch(f"{one}/submissions/{STUDENT}?email=a@b.example", grade),
        sandbox.patch(
            f"{one}/submissions?email=a@b.example", {"submissions": [{"user_id": STUDENT, **grade}]}
        ),
        sandbox.patch(f"{hook}?email=a@b.example", {"disabled": True}),
        sandbox.post(f"{hook}/rotate?email=a@b.example", ""),
        sandbox.delete(f"{hook}?email=a@b.example"),
        sandbox.delete(f"{one}?email=a@b.example"),
        *(
            sandbox.get(f"/v3.1/{kind}s/{id_}?email=a@b.example")
            for kind, id_ in (("user", STUDENT), ("section", SECTION))
        ),
    ]
    assert [it.status for it in replies] == [200] * len(replies)
    assert {it.headers.get("passback-warnings") for it in replies} == {"UNKNOWN_PARAMETER:email"}


def test_a_change_in_the_background_warns(sandbox: Sandbox) -> None:
    reply = sandbox.call("POST", f"{ASSIGNMENTS}?email=x", ESSAY, {"Prefer": "respond-async"})
    assert (reply.status, reply.headers["passback-warnings"]) == (202, "UNKNOWN_PARAMETER:email")


def test_they_are_named_after_what_the_body_had(sandbox: Sandbox) -> None:
    reply = sandbox.post(f"{ASSIGNMENTS}?email=x", {**ESSAY, "colour": "blue"})
    assert reply.headers["passback-warnings"] == "UNKNOWN_FIELD:colour, UNKNOWN_PARAMETER:email"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("mail=ada@d.example&mail=ben@d.example", "mail"),
        ("Role=student", "Role"),
        ("where%5Bname%5D=Ada", "where%5Bname%5D"),
        ("a%0d%0aSet-Cookie:x=1", "a%0D%0ASet-Cookie%3Ax"),
        ("a,%20b=1", "a%2C%20b"),
        ("%ff=1", "%FF"),
        ("%zz=1", "%25zz"),
        ("a;b=1", "a%3Bb"),
        ("email=ada%", "email"),  # not read either
        ("role=student;", "role"),
        ("only-a-name", "only-a-name"),
        ("x" * 100 + "=1", "x" * 64),
    ],
)
def test_only_names_are_told_and_they_fit_in_a_header(sandbox: Sandbox, query: str, named: str) -> None:
    assert warnings(sandbox, f"/v3.1/users?limit=1&{query}") == f"UNKNOWN_PARAMETER:{named}"


@pytest.mark.parametrize("query", ["", "&", "=", "=ada", "&&=&"])
def test_a_parameter_without_a_name_is_none(sandbox: Sandbox, query: str) -> None:
    assert warnings(sandbox, f"/v3.1/users?limit=1&{query}") is None


def test_not_more_are_named_than_headers_hold(sandbox: Sandbox) -> None:
    told = warnings(sandbox, "/v3.1/users?limit=1&" + "&".join(f"p{it}=1" for it in range(500))) or ""
    assert told.split(", ") == [f"UNKNOWN_PARAMETER:p{it}" for it in range(16)]


def test_an_error_stays_as_it_is(sandbox: Sandbox) -> None:
    reply = sandbox.get(f"{ASSIGNMENTS}/x?email=a@b.example")
    assert (reply.status, reply.body) == (400, b'{"message":"INVALID_ID"}')
    assert "passback-warnings" not in reply.headers
