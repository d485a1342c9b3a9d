"""Which answer wins where several things are wrong with a request."""

from __future__ import annotations

import pytest

from support.sandbox import (
    ASSIGNMENTS,
    BIOLOGY,
    BIOLOGY_STUDENT,
    ELSEWHERE_SECTION,
    ESSAY,
    NO_SUCH_ASSIGNMENT,
    NO_SUCH_ID,
    SECTION,
    STUDENT,
    Sandbox,
    serving,
)

SPACED_401 = b'{"message": "No authorization provided"}'


def test_an_unknown_path_comes_before_the_token(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).get("/v3.1/nowhere")
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')


def test_the_token_comes_before_the_method(sandbox: Sandbox) -> None:
    assert sandbox.client(None).call("PUT", ASSIGNMENTS).body == SPACED_401


def test_the_token_comes_before_the_body(sandbox: Sandbox) -> None:
    assert sandbox.client("WRONG").post(ASSIGNMENTS, "").status == 403


def test_the_limit_comes_before_the_method() -> None:
    with serving(rate_limit=1) as sandbox:
        sandbox.get(ASSIGNMENTS)
        assert sandbox.call("PUT", ASSIGNMENTS).status == 429


def test_the_method_comes_before_the_ids(sandbox: Sandbox) -> None:
    assert sandbox.call("PUT", "/v3.1/sections/bad/assignments").status == 405


def test_a_body_that_is_too_long_comes_before_the_section(sandbox: Sandbox) -> None:
    reply = sandbox.post("/v3.1/sections/bad/assignments", " " * (1024 * 1024 + 1))
    assert (reply.status, reply.body) == (413, b'{"message":"request body too large"}')


def test_a_body_of_just_the_limit_is_read(sandbox: Sandbox) -> None:
    assert sandbox.post(ASSIGNMENTS, " " * (1024 * 1024)).json["message"] == "EOF"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/v3.1/sections/bad/assignments", '{"due_date":"nope"}', 'parsing time "nope" as "2006-01-02"'),
        ("POST", "/v3.1/sections/bad/assignments", '{"assignee_mode":"x"}', "section_id in path must be of type"),
        ("POST", f"/v3.1/sections/{NO_SUCH_ID}/assignments", '{"assignee_mode":"x"}', "validation failure list"),
        ("POST", f"/v3.1/sections/{NO_SUCH_ID}/assignments", "{}", "missing required field(s)"),
        (
            "POST", ASSIGNMENTS,
            '{"title":"a","description":"b","due_date":"2020-01-01","points_possible":-1}',
            "due_date must be in the future",
        ),
        (
            "POST", ASSIGNMENTS,
            '{"title":"a","description":"b","due_date":"2030-01-01","points_possible":-1,"end_date":"2029-01-01"}',
            "validation failure list:\npoints_possible in body should be greater than or equal to 0",
        ),
        (
            "POST", ASSIGNMENTS,
            '{"title":"a","description":"b","due_date":"2030-01-01","end_date":"2029-01-01",'
            '"assignee_mode":"individuals"}',
            "due_date must not be after end_date",
        ),
        ("GET", f"/v3.1/sections/{NO_SUCH_ID}/assignments/not-an-id", None, "Resource not found"),
        ("GET", f"{ASSIGNMENTS}/not-an-id/submissions/{BIOLOGY_STUDENT}", None, "INVALID_ID"),
        ("GET", f"{ASSIGNMENTS}/{NO_SUCH_ASSIGNMENT}/submissions/{BIOLOGY_STUDENT}", None, "Assignment does not exist"),
        ("GET", f"{ASSIGNMENTS}/not-an-id/submissions/bad", None, "user_id in path must be of type"),
        ("GET", f"/v3.1/sections/{NO_SUCH_ID}/assignments/not-an-id/submissions?limit=0", None, "limit in query"),
        ("GET", "/v3.1/sections/bad/assignments/not-an-id/submissions?limit=x", None, "strconv.ParseInt"),
        ("PATCH", f"{ASSIGNMENTS}/not-an-id", '{"due_date":"2020-01-01"}', 'parsing time "2020-01-01": day out'),
    ],
)  # fmt: skip
def test_order(sandbox: Sandbox, method: str, path: str, body: str | None, message: str) -> None:
    assert sandbox.call(method, path, body).json["message"].startswith(message)


def test_the_user_comes_before_the_grader(sandbox: Sandbox) -> None:
    reply = sandbox.patch(f"{sandbox.create()}/submissions/{BIOLOGY_STUDENT}", {"grader_id": NO_SUCH_ID})
    assert (reply.status, reply.json["message"]) == (404, "User not found")


def test_a_deleted_assignment_comes_before_the_grader(sandbox: Sandbox) -> None:
    gone = sandbox.create()
    sandbox.delete(gone)
    reply = sandbox.patch(f"{gone}/submissions/{STUDENT}", {"grader_id": NO_SUCH_ID})
    assert (reply.status, reply.json["message"]) == (404, "Assignment does not exist")


def test_the_grader_comes_before_what_the_lms_says_of_the_values(sandbox: Sandbox) -> None:
    reply = sandbox.patch(
        f"{sandbox.create()}/submissions/{STUDENT}", {"grader_id": NO_SUCH_ID, "state": "reclaimed"}
    )
    assert reply.json["message"].startswith("NOT_FOUND: Person")


@pytest.mark.parametrize("section", [NO_SUCH_ID, ELSEWHERE_SECTION])
def test_another_districts_section_is_as_unknown_as_one_that_does_not_exist(
    sandbox: Sandbox, section: str
) -> None:
    reply = sandbox.post(f"/v3.1/sections/{section}/assignments", ESSAY)
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')


def test_an_assignment_of_another_section_does_not_exist(sandbox: Sandbox) -> None:
    elsewhere = sandbox.create().replace(SECTION, BIOLOGY)
    assert sandbox.get(elsewhere).json["message"] == "Assignment does not exist"


@pytest.mark.parametrize(
    "path",
    [
        f"{ASSIGNMENTS}/", f"/v3.1//sections/{SECTION}/assignments", f"/v3.1/sections/x/../{SECTION}/assignments",
        f"/v3.1/sections/./{SECTION}/assignments", f"/v3.1/sections/{SECTION}/assignments%2F", "/v3.1", "/v3.1/",
        f"/V3.1/sections/{SECTION}/assignments", f"/v3.1/sections/{SECTION}/assignments/..",
        f"/v3.1/sections/{SECTION}/assignments/%2e%2e",
    ],
)  # fmt: skip
def test_paths_that_are_not_tidy_are_unknown(sandbox: Sandbox, path: str) -> None:
    reply = sandbox.get(path)
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')
