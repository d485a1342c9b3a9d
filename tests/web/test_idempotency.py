"""``Idempotency-Key``: a repeated request counts once."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.sandbox import ASSIGNMENTS, ELSEWHERE_SECTION, ESSAY, Client, Reply, Sandbox, serving

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def post(client: Client, key: str = KEY, path: str = ASSIGNMENTS, **changes: Any) -> Reply:
    headers = {"Idempotency-Key": key} | changes.pop("headers", {})
    return client.call("POST", path, json.dumps({**ESSAY, **changes}), headers)


def count(sandbox: Sandbox) -> int:
    return len(sandbox.get(ASSIGNMENTS).data)


def test_a_repeat_gets_the_first_answer_and_creates_nothing(sandbox: Sandbox) -> None:
    first = post(sandbox, odd=1)
    sandbox.call("PATCH", f"{ASSIGNMENTS}/{first.data['id']}", '{"title":"Changed since"}')
    again = post(sandbox, odd=1)
    assert (again.status, again.body, count(sandbox)) == (200, first.body, 1)
    assert again.headers["passback-warnings"] == first.headers["passback-warnings"] == "UNKNOWN_FIELD:odd"


def test_only_a_repeat_says_that_it_is_one(sandbox: Sandbox) -> None:
    first, again = post(sandbox), post(sandbox)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


ASYNC = {"Prefer": "respond-async"}
REPEATS = {
    "now, now": ({}, {}, 200),
    "now, later": ({}, ASYNC, 200),
    "later, later": (ASYNC, ASYNC, 202),
    "later, now": (ASYNC, {}, 202),
    "failed": ({"Sandbox-Fault": "error-before"}, {}, None),
    "failed, later": ({"Sandbox-Fault": "error-before"}, ASYNC, None),
    "a broken form": ({"Idempotency-Key": '"'}, {}, None),
}
"""How a request is sent first and again, and the status of a replayed answer; None if the second is a new one."""
SECTIONS = {
    "DEMO_TOKEN": "4fee004cca2e43cf27000007",
    "DEMO_CANVAS_TOKEN": "4fee004cca2e43cfca000007",
}


@pytest.mark.parametrize("token", SECTIONS)
@pytest.mark.parametrize("way", REPEATS)
def test_a_repeat_is_marked_whether_it_is_answered_now_or_later(
    sandbox: Sandbox, way: str, token: str
) -> None:
    first, again, replayed = REPEATS[way]
    client, path = sandbox.client(token), f"/v3.1/sections/{SECTIONS[token]}/assignments"
    assert "idempotent-replayed" not in post(client, path=path, headers=first).headers
    reply = post(client, path=path, headers=again)
    assert reply.headers.get("idempotent-replayed") == (None if replayed is None else "true")
    if replayed is not None:
        assert reply.status == replayed


@pytest.mark.parametrize("again", [{}, ASYNC])
@pytest.mark.parametrize(
    ("token", "title", "first"),
    [("DEMO_TOKEN", "Essay 1", {"Sandbox-Fault": "deleted"}), ("DEMO_CANVAS_TOKEN", "x" * 300, {})],
)
def test_a_repeated_refusal_of_the_lms_is_marked(
    sandbox: Sandbox, token: str, title: str, first: dict[str, str], again: dict[str, str]
) -> None:
    client, path = sandbox.client(token), f"/v3.1/sections/{SECTIONS[token]}/assignments"
    refused = post(client, path=path, title=title, headers=first)
    reply = post(client, path=path, title=title, headers=again)
    assert (reply.status, reply.body) == (refused.status, refused.body)
    assert [it.headers.get("idempotent-replayed") for it in (refused, reply)] == [None, "true"]


def test_another_use_of_the_key_is_not_marked(sandbox: Sandbox) -> None:
    post(sandbox)
    assert "idempotent-replayed" not in post(sandbox, title="Another").headers


def test_a_repeat_after_a_restart_is_marked(tmp_path: Path) -> None:
    with serving(tmp_path) as sandbox:
        post(sandbox)
    with serving(tmp_path) as sandbox:
        assert post(sandbox).headers["idempotent-replayed"] == "true"


def test_another_key_is_another_request(sandbox: Sandbox) -> None:
    assert post(sandbox).data["id"] != post(sandbox, "another").data["id"]


def test_another_body_is_refused(sandbox: Sandbox) -> None:
    post(sandbox)
    reply = post(sandbox, title="Another")
    assert (reply.status, reply.json) == (
        422,
        {"message": "This Idempotency-Key was used with a different request"},
    )
    assert count(sandbox) == 1


def test_another_section_is_another_request(sandbox: Sandbox) -> None:
    post(sandbox)
    assert post(sandbox, path=ASSIGNMENTS.replace("7/assign", "8/assign")).status == 422


def test_another_districts_key_is_its_own(sandbox: Sandbox) -> None:
    post(sandbox)
    other = post(
        sandbox.client("DEMO_TOKEN_ELSEWHERE"), path=f"/v3.1/sections/{ELSEWHERE_SECTION}/assignments"
    )
    assert other.status == 200


def test_with_and_without_quotes_it_is_the_same_key(sandbox: Sandbox) -> None:
    assert post(sandbox, f'"{KEY}"').body == post(sandbox, KEY).body


@pytest.mark.parametrize("key", ["", '"', '""', '"a', "é", "x" * 256, '"' + "x" * 256 + '"', "a\tb"])
def test_a_key_that_is_none_is_refused(sandbox: Sandbox, key: str) -> None:
    reply = sandbox.call(
        "POST", ASSIGNMENTS, json.dumps(dict(ESSAY)), {"Idempotency-Key": key.encode().decode("latin-1")}
    )
    assert reply.status == 400
    assert reply.json["message"].startswith("INVALID_IDEMPOTENCY_KEY: ")
    assert count(sandbox) == 0


def test_it_holds_for_a_day(sandbox: Sandbox) -> None:
    first = post(sandbox).data["id"]
    sandbox.clock.advance(hours=23.99)
    assert post(sandbox).data["id"] == first
    sandbox.clock.advance(hours=0.02)
    assert post(sandbox).data["id"] != first


def test_what_was_not_begun_is_not_kept(sandbox: Sandbox) -> None:
    assert post(sandbox, title="").status == 400
    assert post(sandbox, title="Now with a title").status == 200


@pytest.mark.parametrize(("fault", "made"), [("error-before", 1), ("error-after", 1), ("timeout", 1)])
def test_after_a_failure_the_same_key_tries_again_and_makes_one(
    sandbox: Sandbox, fault: str, made: int
) -> None:
    assert post(sandbox, headers={"Sandbox-Fault": fault}).status == 500
    assert post(sandbox).status == 200
    assert (post(sandbox).status, count(sandbox)) == (200, made)


def test_what_the_lms_refused_is_refused_again(sandbox: Sandbox) -> None:
    first = post(sandbox, headers={"Sandbox-Fault": "deleted"})
    again = post(sandbox)
    assert (first.status, again.status, again.body, count(sandbox)) == (404, 404, first.body, 0)


def test_in_the_background_a_repeat_leads_to_the_same_delivery(sandbox: Sandbox) -> None:
    prefer = {"Prefer": "respond-async"}
    first, again = post(sandbox, headers=prefer), post(sandbox, headers=prefer)
    assert (first.status, again.status) == (202, 202)
    assert first.headers["location"] == again.headers["location"]


def test_while_the_first_is_being_carried_out_the_second_is_told_so(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(2) as threads, contextlib.closing(Client(sandbox.port)) as client:
        slow = threads.submit(post, client, headers={"Sandbox-Fault": "slow=500ms"})
        second = post(sandbox)
        while second.status == 200 and not slow.done():  # it was faster
            second = post(sandbox)
        first = slow.result()
    assert {first.status, second.status} <= {200, 409}
    if second.status == 409:
        assert second.json == {"message": "A request with this Idempotency-Key is being processed"}
    assert count(sandbox) == 1


def test_equal_requests_at_the_same_instant_make_one(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(Client(sandbox.port))) for _ in range(8)]
        for number in range(20):
            replies = list(threads.map(lambda client, key=str(number): post(client, key), clients))
            assert {reply.status for reply in replies} <= {200, 409}
            assert len({reply.data["id"] for reply in replies if reply.status == 200}) == 1
    assert count(sandbox) == 20
