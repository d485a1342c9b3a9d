"""The sandbox's request journal by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from passback.sandbox.journal import LONGEST_BODY, MOST_KEPT, Journal, Wanted
from passback_simulators.identities import SIMULATED, SandboxDistrict
from passback_simulators.simulator import Heard
from support.delivery import delivery
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, NOW, Sandbox, serving, wait_until

JOURNAL = "/sandbox/requests"


def listed(sandbox: Sandbox, query: str = "") -> list[Any]:
    reply = sandbox.client(None).get(JOURNAL + query)
    assert reply.status == 200, reply
    found: list[Any] = reply.data
    return found


def assignments(district: SandboxDistrict) -> str:
    return f"/v3.1/sections/{district.id('000007')}/assignments"


def test_a_request_is_there_with_its_answer(sandbox: Sandbox) -> None:
    body = '{"title":"Essay","description":"x","due_date":"2030-06-01","points_possible":20,"colour":"red"}'
    reply = sandbox.call("POST", f"{ASSIGNMENTS}?odd=1", body, {"X-Request-Id": "mine"})
    (entry,) = listed(sandbox)
    assert (entry["request_id"], entry["at"]) == ("mine", "2026-01-01T00:00:00.000Z")
    assert (entry["district_id"], entry["application"]) == (DISTRICT, "Sandbox application")
    asked, answer = entry["request"], entry["answer"]
    assert (asked["method"], asked["path"], asked["query"]) == ("POST", ASSIGNMENTS, "odd=1")
    assert (asked["body"], asked["body_bytes"]) == (body, len(body))
    assert (answer["status"], answer["body"].encode()) == (200, reply.body)
    assert dict(answer["headers"]).items() <= reply.headers.items()
    assert entry["warnings"] == reply.headers["passback-warnings"].split(", ")
    assert entry["lms_calls"] == []
    assert entry["milliseconds"] > 0


def test_the_tokens_secret_is_not_in_it(sandbox: Sandbox) -> None:
    sandbox.client("SOMEBODYS_REAL_TOKEN").call("GET", ASSIGNMENTS, headers={"Cookie": "a=SECRET"})
    reply = sandbox.client(None).get(JOURNAL)
    assert ["authorization", "Bearer ..."] in reply.data[0]["request"]["headers"]
    assert b"REAL" not in reply.body
    assert b"SECRET" not in reply.body


@pytest.mark.parametrize("district", SIMULATED, ids=lambda it: it.name)
def test_the_calls_to_the_lms_are_with_their_request(sandbox: Sandbox, district: SandboxDistrict) -> None:
    client = sandbox.client(district.token)
    client.post(assignments(district), ESSAY)
    client.get(assignments(district))
    read, create = listed(sandbox)
    assert {it["lms"] for it in create["lms_calls"]} == {district.lms_type}
    assert {"POST", "PUT"} & {it["method"] for it in create["lms_calls"]}
    assert {it["method"] for it in read["lms_calls"]} == {"GET"}
    assert None not in {it["status"] for it in (*create["lms_calls"], *read["lms_calls"])}


@pytest.mark.parametrize(("fault", "status"), [("error-before", 500), ("timeout", None), ("throttled", 429)])
def test_a_call_that_failed_says_so(sandbox: Sandbox, fault: str, status: int | None) -> None:
    canvas = SIMULATED[0]
    sandbox.client(canvas.token).call("GET", assignments(canvas), headers={"Sandbox-Fault": fault})
    sandbox.client(canvas.token).call("POST", assignments(canvas), ESSAY, {"Sandbox-Fault": fault})
    create = listed(sandbox)[0]
    assert status in {it["status"] for it in create["lms_calls"]}


def test_the_calls_of_a_delivery_in_the_background_are_with_the_request_that_it_is_of(
    sandbox: Sandbox,
) -> None:
    canvas = SIMULATED[0]
    client = sandbox.client(canvas.token)
    client.call("POST", assignments(canvas), ESSAY, {"Prefer": "respond-async", "X-Request-Id": "again"})

    def calls() -> list[Any]:
        found: list[Any] = listed(sandbox, "?method=POST")[0]["lms_calls"]
        return found

    wait_until(lambda: any(it["method"] == "POST" for it in calls()))


def test_grades_that_go_together_have_the_calls_of_all_of_them() -> None:
    journal = Journal(lambda: NOW)
    for id_ in ("a", "b", "a", "c"):
        journal.begin(id_, "PATCH", "/v3.1/x", "", [])
    journal.under_way = lambda: [
        [delivery("1", request_id="a"), delivery("2", request_id="b")],
        [delivery("3", request_id="c")],
    ]
    headers = {"sandbox-cause": "request a"}
    journal.heard("canvas", Heard("POST", "/update_grades", headers, 200, 0.1))
    found = {it.id: len(it.lms_calls) for it in journal.find(Wanted(), 10)}
    assert found == {1: 0, 2: 1, 3: 1, 4: 0}


def test_an_id_that_a_client_uses_again_does_not_mix_its_requests(sandbox: Sandbox) -> None:
    canvas = SIMULATED[0]
    client = sandbox.client(canvas.token)
    client.post(assignments(canvas), ESSAY)
    client.call("GET", assignments(canvas), headers={"X-Request-Id": "same"})
    client.call("POST", assignments(canvas), {**ESSAY, "title": "Another"}, {"X-Request-Id": "same"})
    create, read = listed(sandbox, "?request_id=same")
    assert {it["method"] for it in read["lms_calls"]} == {"GET"}
    assert "POST" in {it["method"] for it in create["lms_calls"]}


@pytest.fixture
def three(sandbox: Sandbox) -> Sandbox:
    """A sandbox with three requests of two districts, an hour apart."""
    sandbox.call("POST", ASSIGNMENTS, {}, {"X-Request-Id": "first"})
    sandbox.clock.advance(hours=1)
    canvas = SIMULATED[0]
    sandbox.client(canvas.token).call("GET", assignments(canvas), headers={"X-Request-Id": "second"})
    sandbox.clock.advance(hours=1)
    sandbox.client(None).call("GET", "/v3.1/nowhere", headers={"X-Request-Id": "third"})
    return sandbox


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["third", "second", "first"]),
        ("?token=DEMO_TOKEN", ["first"]),
        ("?token=UNKNOWN", []),
        (f"?district={DISTRICT}", ["first"]),
        ("?application=Sandbox%20application", ["second", "first"]),
        ("?method=get", ["third", "second"]),
        (f"?path={ASSIGNMENTS}", ["first"]),
        ("?path=/v3.1/nowhere", ["third"]),
        ("?status=400", ["first"]),
        ("?status=200&method=POST", []),
        ("?request_id=second", ["second"]),
        ("?since=2026-01-01T01:00:00Z", ["third", "second"]),
        ("?limit=2", ["third", "second"]),
    ],
)
def test_it_is_filtered(three: Sandbox, query: str, found: list[str]) -> None:
    assert [it["request_id"] for it in listed(three, query)] == found


def test_its_pages_hold_all_once(three: Sandbox) -> None:
    ids, path = [], f"{JOURNAL}?limit=1&method=GET"
    while path:
        page = three.client(None).get(path).json
        ids += [it["request_id"] for it in page["data"]]
        path = next((it["uri"] for it in page["links"]), "")
    assert ids == ["third", "second"]


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=501", "?limit=x", "?status=ok", "?before=-1", "?since=soon", "?colour=red"]
)
def test_a_filter_that_is_none_is_refused(sandbox: Sandbox, query: str) -> None:
    reply = sandbox.client(None).get(JOURNAL + query)
    assert reply.status == 400
    assert reply.json["message"].startswith(("INVALID_SANDBOX_QUERY: ", "parsing time "))


def test_one_request_is_read_by_its_id(three: Sandbox) -> None:
    entry = listed(three, "?request_id=second")[0]
    anyone = three.client(None)
    assert anyone.get(f"{JOURNAL}/{entry['id']}").data == entry
    assert [anyone.get(f"{JOURNAL}/{it}").status for it in ("0", "x", "99999999999", "")] == [404] * 4


def test_what_is_not_of_the_api_is_not_in_it(sandbox: Sandbox) -> None:
    for path in ("/health/live", "/console/districts", "/openapi.json", "/sandbox/state", JOURNAL, "/docs"):
        sandbox.client(None).get(path)
    assert listed(sandbox) == []


def test_it_keeps_the_last_requests_and_the_beginning_of_large_bodies(sandbox: Sandbox) -> None:
    large = " " * (LONGEST_BODY + 1)
    sandbox.call("POST", ASSIGNMENTS, large)
    asked = listed(sandbox)[0]["request"]
    assert (len(asked["body"]), asked["body_bytes"]) == (LONGEST_BODY, LONGEST_BODY + 1)
    for _ in range(MOST_KEPT):
        sandbox.get("/v3.1/nowhere")
    found = listed(sandbox, f"?limit={MOST_KEPT}")
    assert (len(found), {it["request"]["method"] for it in found}) == (MOST_KEPT, {"GET"})


@pytest.mark.parametrize("how", [("DELETE", JOURNAL), ("POST", "/sandbox/reset")])
def test_it_can_be_emptied(three: Sandbox, how: tuple[str, str]) -> None:
    assert three.client(None).call(*how).status == 200
    assert listed(three) == []


def test_a_body_that_was_not_read_is_not_shown(sandbox: Sandbox) -> None:
    sandbox.client("WRONG").post(ASSIGNMENTS, "{}")
    asked: Mapping[str, Any] = listed(sandbox)[0]["request"]
    assert (asked["body"], asked["body_bytes"]) == (None, None)


def test_production_has_no_journal() -> None:
    with serving(kind="production") as gateway:
        assert gateway.client(None).get(JOURNAL).status == 404
