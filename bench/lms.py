"""Grades through each connector: how much longer they take than the LMS's own latency.

The whole way is measured: a client, the gateway's sandbox, the connector, and the simulated LMS, each of whose answers
is held back for 50 ms. The floor is that latency alone: one call for each grade.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from passback_simulators.identities import ALGEBRA, SIMULATED, SandboxDistrict

LATENCY = 0.05
"""How long a simulated LMS holds back each answer, in seconds."""
GRADES = 300
CONCURRENT = 16


class Caller:
    """Calls from many threads, each over a connection of its own."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._port = port
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._own = threading.local()

    def __call__(self, method: str, path: str, content: Any = None) -> Any:
        """What is answered, which must be 200."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=60
            )
        connection.request(method, path, None if content is None else json.dumps(content), self._headers)
        answer = connection.getresponse()
        body = answer.read()
        if not self._headers:
            connection.close()  # a simulator is asked so seldom that it ends the connection itself
        assert answer.status == 200, (method, path, answer.status, body)
        return json.loads(body) if body else None


def bench(port: int, simulators: dict[str, int]) -> None:
    """Measure and print; `simulators` are the ports of the simulated LMSs, by the name of their district."""
    print(
        f"\n{GRADES} grades through each connector, {1000 * LATENCY:.0f} ms of latency; ratios to the latency alone"
        f"\n  {'':<12}{'one after another':>20}{f'{CONCURRENT} at once':>16}{'30 in a call':>16}"
        f"   (LMS calls for each grade)"
    )
    for district in SIMULATED:
        measure(district, Caller(port, district.token), Caller(simulators[district.name]))


def measure(district: SandboxDistrict, gateway: Caller, simulator: Caller) -> None:
    """Measure one LMS."""
    assignments = f"/v3.1/sections/{district.id(ALGEBRA.digits)}/assignments"
    essay = {
        "title": "Essay",
        "description": "x",
        "due_date": "2099-06-01T23:59:00Z",
        "points_possible": 100,
    }
    path = f"{assignments}/{gateway('POST', assignments, essay)['data']['id']}/submissions"
    students = [district.id(digits) for digits in ALGEBRA.students]

    def grade(number: int) -> None:
        gateway("PATCH", f"{path}/{students[number % len(students)]}", {"grade_points": points()})

    def grade_all(_: int) -> None:
        changes = [{"user_id": student, "grade_points": points()} for student in students]
        gateway("PATCH", path, {"submissions": changes})

    numbers: Iterator[int] = iter(range(10**6))

    def points() -> float:
        return next(numbers) % 900 / 10  # each grade is another, so that none can be left out

    for number in range(len(students)):
        grade(number)
    simulator("POST", "/_simulator/faults", {"fault": f"slow={1000 * LATENCY:.0f}ms", "times": None})
    shown = []
    for calls, at_once, work in (
        (GRADES, 1, grade),
        (GRADES, CONCURRENT, grade),
        (GRADES // len(students), 1, grade_all),
    ):
        simulator("DELETE", "/_simulator/requests")
        seconds = timed(work, calls, at_once)
        asked = len(simulator("GET", "/_simulator/requests"))
        floor = GRADES * LATENCY / at_once
        shown.append(f"{seconds / floor:.2f} ({asked / GRADES:.2f})")
    simulator("DELETE", "/_simulator/faults")
    print(f"  {district.lms_type:<12}{shown[0]:>20}{shown[1]:>16}{shown[2]:>16}")


def timed(work: Callable[[int], None], calls: int, at_once: int) -> float:
    """How many seconds the calls take."""
    with ThreadPoolExecutor(at_once) as pool:
        start = time.perf_counter()
        list(pool.map(work, range(calls)))
        return time.perf_counter() - start
