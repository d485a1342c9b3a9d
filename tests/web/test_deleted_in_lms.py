"""An assignment that was deleted in the LMS is noticed by every call that the LMS is asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from passback.lms.registry import Connectors
from passback.store.engine.database import Connection
from passback_simulators.identities import SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, NOW, Client, Sandbox

KINDS = {district.lms_type: district for district in SIMULATED}
GRADE = {"grade_points": 1}


class District:
    """A district on a simulated LMS, one of whose two assignments was deleted there."""

    def __init__(self, sandbox: Sandbox, known: SandboxDistrict) -> None:
        self.sandbox = sandbox
        self.known = known
        self.client: Client = sandbox.client(known.token)
        self.list = f"/v3.1/sections/{known.id('000007')}/assignments"
        self.student = known.id("001001")
        self.id, other = (self.client.post(self.list, ESSAY).data["id"] for _ in range(2))
        self.path = f"{self.list}/{self.id}"
        self.submission = f"{self.path}/submissions/{self.student}"
        assert self.gone() == []
        assert other != self.id
        self._delete()

    def _delete(self) -> None:
        """Delete the first assignment as a teacher would, beside the gateway."""
        [(assignment, section)] = self.select(
            "SELECT assignments.lms_id, sections.lms_id FROM assignments JOIN sections ON sections.id = section_id"
            f" WHERE assignments.id = '{self.id}'"
        )
        connectors = self.sandbox.gateway.connectors
        assert isinstance(connectors, Connectors)
        connection = self.sandbox.write(lambda conn: connectors.connection(conn, self.known.district_id))
        connector = connectors.open(self.known.district_id, self.known.lms_type, connection)

        async def delete() -> None:
            await connector.delete_assignment(section, assignment)
            await connector.close()

        asyncio.run(delete())

    def select(self, query: str) -> list[Any]:
        def read(conn: Connection) -> list[Any]:
            return conn.execute(query).fetchall()

        found: list[Any] = self.sandbox.write(read)
        return found

    def gone(self) -> list[str]:
        return [row[0] for row in self.select("SELECT id FROM assignments WHERE gone IS NOT NULL")]


@pytest.fixture(params=KINDS)
def district(request: pytest.FixtureRequest, started: Sandbox) -> District:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return District(started, KINDS[request.param])


def in_background(it: District, path: str, content: Any) -> Any:
    return it.client.call("PATCH", path, json.dumps(content), {"Prefer": "respond-async"})


def grades(it: District) -> Any:
    return {"submissions": [{"user_id": it.known.id(f"00100{place}"), **GRADE} for place in (1, 2)]}


CALLS: dict[str, Callable[[District], Any]] = {
    "read": lambda it: it.client.get(it.path),
    "change": lambda it: it.client.patch(it.path, {"title": "Essay 2"}),
    "delete": lambda it: it.client.delete(it.path),
    "list": lambda it: it.client.get(it.list),
    "list of submissions": lambda it: it.client.get(f"{it.path}/submissions"),
    "read submission": lambda it: it.client.get(it.submission),
    "grade": lambda it: it.client.patch(it.submission, GRADE),
    "grades": lambda it: it.client.patch(f"{it.path}/submissions", grades(it)),
    "change in the background": lambda it: in_background(it, it.path, {"title": "Essay 2"}),
    "grade in the background": lambda it: in_background(it, it.submission, GRADE),
    "grades in the background": lambda it: in_background(it, f"{it.path}/submissions", grades(it)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_notices_it(district: District, call: Callable[[District], Any]) -> None:
    reply = call(district)
    assert reply.status in (200, 202, 404), reply
    give_up = time.monotonic() + 10
    while district.gone() != [district.id]:
        assert time.monotonic() < give_up
        time.sleep(0.02)
