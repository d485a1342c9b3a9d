"""Whatever fails and however clients repeat: every wish is one assignment, and every grade is where it was meant."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from passback_simulators.identities import SIMULATED
from support.sandbox import ESSAY, NOW, Reply, Sandbox, serving, titles_in_lmss

KINDS = {district.lms_type: district for district in SIMULATED}
FAULTS = st.sampled_from([None, None, "error-before", "error-after", "throttled", "timeout", "slow=30ms"])
TITLES = st.sampled_from(["Essay", "Quiz"])
STUDENTS = st.sampled_from(["001001", "001002"])
WHICH = st.integers(0, 99)
"""Which of the assignments that there are."""


class Wishes(RuleBasedStateMachine):
    """Clients that never give up, and what they were promised."""

    sandbox: Sandbox
    kind: str

    @initialize()
    def begin(self) -> None:
        known = KINDS[self.kind]
        self.sandbox.clock.now = max(self.sandbox.clock.now, NOW)
        assert self.sandbox.client(None).post("/sandbox/reset", b"").status == 200
        self.client = self.sandbox.client(known.token)
        self.assignments = f"/v3.1/sections/{known.id('000007')}/assignments"
        self.titles: dict[str, str] = {}
        """By the id of each assignment."""
        self.points: dict[tuple[str, str], int] = {}
        self.number = 0

    @rule(
        title=TITLES,
        background=st.lists(st.booleans(), min_size=1, max_size=4),
        keyed=st.booleans(),
        fault=FAULTS,
    )
    def create(self, title: str, background: list[bool], keyed: bool, fault: str | None) -> None:
        key = {"Idempotency-Key": f"k{self._next()}"} if keyed else {}
        reply = self._until_done("POST", "", {**ESSAY, "title": title}, background, fault, key)
        made = reply.data["id"] if reply.status == 200 else reply.data["assignment_id"]
        assert made not in self.titles
        self.titles[made] = title
        if keyed:
            again = self._ask(
                "POST", "", {**ESSAY, "title": title}, background=False, fault=None, headers=key
            )
            assert made == (again.data["id"] if again.status == 200 else again.data["assignment_id"])

    @precondition(lambda self: self.titles)
    @rule(
        which=WHICH,
        student=STUDENTS,
        background=st.lists(st.booleans(), min_size=1, max_size=3),
        fault=FAULTS,
    )
    def grade(self, which: int, student: str, background: list[bool], fault: str | None) -> None:
        made = self._made(which)
        path = f"/{made}/submissions/{KINDS[self.kind].id(student)}"
        points = self._next()
        self._until_done("PATCH", path, {"grade_points": points}, background, fault, {})
        self.points[made, student] = points

    @precondition(lambda self: self.titles)
    @rule(which=WHICH, background=st.booleans())
    def grade_many(self, which: int, background: bool) -> None:
        made = self._made(which)
        students = {student: self._next() for student in ("001001", "001002")}
        items = [
            {"user_id": KINDS[self.kind].id(student), "grade_points": points}
            for student, points in students.items()
        ]
        reply = self._ask("PATCH", f"/{made}/submissions", {"submissions": items}, background, None, {})
        assert reply.status == 202 or {it["status"] for it in reply.data} == {200}, reply
        self.points |= {(made, student): points for student, points in students.items()}

    @precondition(lambda self: self.titles)
    @rule(which=WHICH)
    def read(self, which: int) -> None:
        reply = self._ask("GET", f"/{self._made(which)}", None, False, None, {})
        assert reply.status in (200, 500), reply

    def teardown(self) -> None:
        if not hasattr(self, "titles"):
            return
        give_up = time.monotonic() + 20
        while self.client.get("/v3.1/deliveries?state=waiting,delivering").data:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert self.client.get("/v3.1/deliveries?state=refused,expired,failed").data == []
        listed = {it["id"]: it["title"] for it in self.client.get(self.assignments).data}
        assert listed == self.titles
        assert self._held() == Counter(self.titles.values())
        for (made, student), points in self.points.items():
            path = f"{self.assignments}/{made}/submissions/{KINDS[self.kind].id(student)}"
            assert self.client.get(path).data["grade_points"] == points

    def _held(self) -> Counter[str]:
        """How many of each title the LMS has."""
        return Counter(title for title in titles_in_lmss(self.sandbox) if title in ("Essay", "Quiz"))

    def _until_done(
        self, method: str, path: str, content: Any, background: list[bool], fault: str | None, headers: Any
    ) -> Reply:
        """Ask until it is promised; the first time with a fault, and each time in another way."""
        give_up = time.monotonic() + 20
        for attempt in range(10_000):
            way = background[attempt % len(background)]
            reply = self._ask(method, path, content, way, None if attempt else fault, headers)
            if reply.status in (200, 202):
                return reply
            assert reply.status >= 500 or reply.status == 409, (reply, content)
            assert time.monotonic() < give_up, reply
            time.sleep(0.02)
        raise AssertionError

    def _ask(
        self, method: str, path: str, content: Any, background: bool, fault: str | None, headers: Any
    ) -> Reply:
        own = {"Prefer": "respond-async"} if background else {}
        if fault is not None:
            own["Sandbox-Fault"] = fault
        body = None if content is None else json.dumps(content)
        return self.client.call(method, f"{self.assignments}{path}", body, {**own, **headers})

    def _made(self, which: int) -> str:
        return list(self.titles)[which % len(self.titles)]

    def _next(self) -> int:
        self.number += 1
        return self.number


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    """A sandbox whose time flies, so that what waits is soon tried again."""
    with serving() as sandbox:
        ending = threading.Event()

        def fly() -> None:
            while not ending.wait(0.02):
                sandbox.clock.now += 400

        flying = threading.Thread(target=fly)
        flying.start()
        yield sandbox
        ending.set()
        flying.join()


# The server, in other threads of this process, uses `random` while Hypothesis draws.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_every_wish_is_one_assignment_and_every_grade_is_where_it_was_meant(
    started: Sandbox, kind: str
) -> None:
    machine = type("WishesOf", (Wishes,), {"sandbox": started, "kind": kind})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=5, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
