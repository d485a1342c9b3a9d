"""The faults that docs/reference/sandbox-events.md lists, each as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passback.sandbox.faults import NAMES
from support.sandbox import ESSAY, Sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox-events.md").read_text("utf-8")
ROWS = {
    fault: (needs, gets)
    for faults, needs, gets in re.findall(
        r"^\| ((?:`[\w=-]+`(?:, )?)+) \| ([^|]+) \| ([^|]+) \|$", PAGE.partition("## Faults")[2], re.MULTILINE
    )
    for fault in re.findall(r"`([\w=-]+)`", faults)
}
DISTRICTS = {"27": "DEMO_TOKEN", "ca": "DEMO_CANVAS_TOKEN", "17": "DEMO_LTI_TOKEN"}


def test_the_page_lists_every_fault() -> None:
    assert {*ROWS} == {*NAMES}


@pytest.mark.parametrize("fault", ROWS)
@pytest.mark.parametrize("digits", DISTRICTS)
def test_a_fault_does_what_its_row_says(sandbox: Sandbox, fault: str, digits: str) -> None:
    client, begin = sandbox.client(DISTRICTS[digits]), f"4fee004cca2e43cf{digits}"
    path = f"/v3.1/sections/{begin}000007/assignments"
    path += f"/{client.post(path, ESSAY).data['id']}"
    needs, gets = ROWS[fault]
    hook = client.post("/v3.1/webhooks", {"fetch": True}).data["id"]
    if "submission" in needs:
        reply = client.call(
            "PATCH", f"{path}/submissions/{begin}001001", {"grade_points": 1}, {"Sandbox-Fault": fault}
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
