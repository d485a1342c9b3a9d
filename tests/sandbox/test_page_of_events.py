"""The faults and events that docs/reference/sandbox-events.md lists, each as it says, in every district."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from passback.operations.remote import Api
from passback.operations.trigger import TRIGGERS, trigger
from passback.sandbox.faults import NAMES
from passback.wire import events
from passback_simulators.identities import ALGEBRA, DISTRICTS, SandboxDistrict
from support.sandbox import ESSAY, Sandbox, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox-events.md").read_text("utf-8")
ROWS = {
    fault: (needs, gets)
    for faults, needs, gets in re.findall(
        r"^\| ((?:`[\w=-]+`(?:, )?)+) \| ([^|]+) \| ([^|]+) \|$", PAGE.partition("## Faults")[2], re.MULTILINE
    )
    for fault in re.findall(r"`([\w=-]+)`", faults)
}
in_each_district = pytest.mark.parametrize("district", DISTRICTS, ids=lambda it: it.name)


def test_the_page_lists_every_fault() -> None:
    assert {*ROWS} == {*NAMES}


@pytest.mark.parametrize("fault", ROWS)
@in_each_district
def test_a_fault_does_what_its_row_says(sandbox: Sandbox, fault: str, district: SandboxDistrict) -> None:
    client = sandbox.client(district.token)
    path = f"/v3.1/sections/{district.id(ALGEBRA.digits)}/assignments"
    path += f"/{client.post(path, ESSAY).data['id']}"
    needs, gets = ROWS[fault]
    hook = client.post("/v3.1/webhooks", {"fetch": True}).data["id"]
    if "submission" in needs:
        reply = client.call(
            "PATCH",
            f"{path}/submissions/{district.id(ALGEBRA.students[0])}",
            {"grade_points": 1},
            {"Sandbox-Fault": fault},
        )
    else:
        body = {"title": "Later"}
        reply = client.call("PATCH", path, body, {"Sandbox-Fault": fault})
    status = re.match(r"\d{3}", gets)
    assert reply.status == (int(status[0]) if status else 200), reply.body
    if status and status[0] == "404":
        assert f"`{reply.json['message']}`" in gets
    told = [it["event"]["type"] for it in client.get(f"/v3.1/webhooks/{hook}/messages").json["data"]]
    assert ("connection.broken" in told) == ("connection.broken" in gets)


@in_each_district
def test_each_event_can_be_triggered(sandbox: Sandbox, district: SandboxDistrict) -> None:
    client = sandbox.client(district.token)
    hook = client.post("/v3.1/webhooks", {"fetch": True, "events": list(events.EVENTS)}).data["id"]
    api = Api(f"http://127.0.0.1:{sandbox.port}", district.token)

    def count(event: str) -> int:
        messages = client.get(f"/v3.1/webhooks/{hook}/messages?limit=100").json["data"]
        return sum(it["event"]["type"] == event for it in messages)

    for event in (*TRIGGERS, events.TEST):
        before = count(event)
        assert asyncio.run(trigger(api, event))

        def has_come(event: str = event, before: int = before) -> bool:
            return count(event) > before

        wait_until(has_come, within=40)
