"""What an auditor looks for: answers that nobody keeps, and refused tokens in the log."""

from __future__ import annotations

import base64
import logging

import pytest

from passback.web.messages import Request
from passback.web.refused_tokens import EVERY_SECONDS, MOST_PEERS, RefusedTokens
from passback.wire import errors
from support.observe import logged
from support.sandbox import ASSIGNMENTS, ESSAY, NO_SUCH_ASSIGNMENT, Client, Sandbox, serving


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("GET", ASSIGNMENTS, "DEMO_TOKEN"),
        ("POST", ASSIGNMENTS, "DEMO_TOKEN"),
        ("GET", "/v3.1/users", "DEMO_TOKEN"),
        ("GET", "/v3.1/users", None),
        ("GET", "/v3.1/users", "WRONG"),
        ("PUT", ASSIGNMENTS, "DEMO_TOKEN"),
        ("GET", f"{ASSIGNMENTS}/{NO_SUCH_ASSIGNMENT}", "DEMO_TOKEN"),
        ("GET", "/v3.1/nothing", None),
        ("GET", "/v3.1/%zz", None),
    ],
)
def test_nobody_may_keep_an_answer(sandbox: Sandbox, method: str, path: str, token: str | None) -> None:
    reply = sandbox.client(token).call(method, path, dict(ESSAY) if method == "POST" else None)
    assert (reply.headers["cache-control"], reply.headers["x-content-type-options"]) == (
        "no-store",
        "nosniff",
    )


def test_the_reference_may_be_kept(sandbox: Sandbox) -> None:
    assert sandbox.get("/docs").headers["cache-control"].startswith("public")


def test_refused_tokens_are_logged_with_the_peer_and_without_the_token() -> None:
    with serving() as sandbox, logged(level=logging.WARNING) as log:
        for token in ("SECRET_GUESS", None, "OTHER_GUESS"):
            client = Client(sandbox.port, token)
            client.get(ASSIGNMENTS, **{"X-Forwarded-For": "192.0.2.7, \x85"})
            client.close()
    [line] = log.getvalue().splitlines()
    assert line.partition(" ")[2].startswith(
        "WARNING passback.web.refused_tokens: refused a request with 403: no valid token, from 127.0.0.1"
    )
    assert "192.0.2.7, \\x85;" in line
    assert "GUESS" not in line


def test_refused_tokens_do_not_fill_the_log() -> None:
    now = 0.0
    refused = RefusedTokens(lambda: now)
    refusal = errors.token_refused()

    def attempt(peer: str) -> None:
        refused.note(Request("GET", b"/", b"", {}, peer), refusal)

    with logged() as log:
        for _ in range(100):
            attempt("192.0.2.7")
        attempt("192.0.2.8")
        assert log.getvalue().count("\n") == 2
        now = EVERY_SECONDS + 1
        attempt("192.0.2.7")
        assert "99 more since" in log.getvalue().splitlines()[-1]
        for number in range(3 * MOST_PEERS):
            attempt(f"peer {number}")
        assert log.getvalue().count("\n") <= MOST_PEERS + 5


PAGES = ("/metrics", "/docs", "/docs/reference.js", "/openapi.json")


def test_pages_may_need_a_token() -> None:
    with serving(pages_token="page-token") as sandbox:
        other = sandbox.client(None)
        basic = base64.b64encode(b"anybody:page-token").decode()
        wrong = base64.b64encode(b"page-token:anybody").decode()
        for path in PAGES:
            for header in (
                {},
                {"Authorization": "Bearer DEMO_TOKEN"},
                {"Authorization": f"Basic {wrong}"},
                {"Authorization": "Basic !"},
            ):
                refused = other.get(path, **header)
                assert (refused.status, refused.headers["www-authenticate"][:5]) == (401, "Basic")
            for header in ({"Authorization": "Bearer page-token"}, {"Authorization": f"Basic {basic}"}):
                assert other.get(path, **header).status == 200
        assert other.get("/docs/guide/").status == 401
        # Health is for whoever watches, and the API has tokens of its own.
        assert other.get("/health/ready").status == 200
        assert sandbox.get(ASSIGNMENTS).status == 200


def test_pages_need_no_token_unless_one_is_set(sandbox: Sandbox) -> None:
    assert [sandbox.client(None).get(path).status for path in PAGES] == [200] * 4
