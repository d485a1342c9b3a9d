"""An older comment that has waited never replaces a newer one, where the LMS keeps only one."""

from __future__ import annotations

import json
import time

import pytest

from passback_simulators.identities import (
    LAUNCH_UNIFIED,
    MOODLE_UNIFIED,
    SCHOOLOGY_UNIFIED,
    SandboxDistrict,
)
from support.sandbox import ESSAY, NOW, Client, Sandbox

KEEP_ONE = [SCHOOLOGY_UNIFIED, LAUNCH_UNIFIED, MOODLE_UNIFIED]


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return started


def waits(client: Client, path: str, content: dict[str, object]) -> str:
    """The address of a change that has failed once, and waits for its next try."""
    headers = {"Prefer": "respond-async", "Sandbox-Fault": "error-before"}
    location = client.call("PATCH", path, json.dumps(content), headers).headers["location"]
    give_up = time.monotonic() + 20
    while (found := client.get(location).data)["state"] != "waiting" or not found["attempts"]:
        assert time.monotonic() < give_up, found
        time.sleep(0.01)
    return location


def ended(sandbox: Sandbox, client: Client, location: str) -> str:
    give_up = time.monotonic() + 20
    while (found := client.get(location).data)["state"] in ("waiting", "delivering"):
        assert time.monotonic() < give_up, found
        sandbox.clock.now += 1000
        time.sleep(0.01)
    return str(found["state"])


@pytest.mark.parametrize("newer", [{"grade_comment": "New"}, {"grade_comment": "New", "grade_points": 7}])
@pytest.mark.parametrize("district", KEEP_ONE, ids=lambda it: it.lms_type)
def test_the_newer_comment_stays(
    sandbox: Sandbox, district: SandboxDistrict, newer: dict[str, object]
) -> None:
    client = sandbox.client(district.token)
    path = f"/v3.1/sections/{district.id('000007')}/assignments"
    path += f"/{client.post(path, ESSAY).data['id']}/submissions/{district.id('001001')}"
    assert client.patch(path, {"grade_points": 3}).status == 200
    older = waits(client, path, {"grade_points": 5, "grade_comment": "Old"})
    assert client.patch(path, newer).status == 200
    assert ended(sandbox, client, older) == "delivered"
    found = client.get(path).data
    assert (found["grade_comment"], found["grade_points"]) == ("New", newer.get("grade_points", 5))
