"""Pages that a developer visits in a browser: they may not change the sandbox, which no token keeps them from."""

from __future__ import annotations

import pytest

from passback.wire.openapi.sandbox import sandbox_paths
from support.sandbox import Sandbox

CHANGES = [
    (method.upper(), path)
    for path, operations in sandbox_paths().items()
    for method in operations
    if method != "get"
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_no_change_is_made_for_a_page_of_another_site(sandbox: Sandbox, method: str, path: str) -> None:
    reply = sandbox.client(None).call(method, path, b"", {"Sec-Fetch-Site": "cross-site"})
    assert (reply.status, reply.json) == (
        403, {"message": "a page of another site must not change the sandbox"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere.example"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 200),
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://elsewhere.example", "Host": "localhost"}, 403),
    ],
    ids=str,
)
def test_browsers_say_whose_page_it_is(sandbox: Sandbox, headers: dict[str, str], status: int) -> None:
    assert sandbox.client(None).call("POST", "/sandbox/reset", b"", headers).status == status


def test_reading_is_left_to_the_browser_which_gives_such_a_page_nothing(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).get("/sandbox/clock", **{"Sec-Fetch-Site": "cross-site"})
    assert reply.status == 200
    assert not any(name.startswith("access-control-") for name in reply.headers)
