"""Grades over a Canvas that fails a third of all calls, in every way it can."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from torture.load import ESSAY, Promised
from torture.world import ASSIGNMENTS, STUDENTS, Caller, World, world

FAILING = 1 / 3
WAYS = (
    "error-before", "error-after", "dropped", "dropped-after", "malformed", "slow=400ms",
)  # fmt: skip
"""In equal parts."""
RARE = {"timeout": 0.0005, "timeout-after": 0.0005, "throttled": 0.003}
"""The first two hold a call until the gateway gives it up; after the third it sends nothing for some seconds."""
BACKGROUND = {"Prefer": "respond-async"}


@dataclass(frozen=True)
class Result:
    """How it went."""

    grades: int
    seconds: float
    lms_calls: int
    failed_calls: int
    attempts: int
    wrong: list[str]


def storm(kind: str, grades: int, *, failing: float = FAILING, patient: bool = True) -> Result:
    """So many grades, each asked for alone and in the background; in the end each must be in Canvas, once.

    Unless `patient`, an operator has the rest tried again each second, as ``passback deliveries retry`` does.
    """
    promised = Promised()
    with world(kind) as made:
        server = made.add("serve")
        call = Caller(made)
        wanted = -(-grades // len(STUDENTS))
        with ThreadPoolExecutor(8) as threads:
            titles = [f"storm {number}" for number in range(wanted)]
            paths = dict(zip(titles, threads.map(lambda it: _create(made, call, it), titles), strict=True))
        promised.titles |= paths.keys()
        simulator = made.canvas.simulator
        before = simulator.asked
        _begin_failing(made, failing)
        began = time.monotonic()

        def grade(number: int) -> None:
            title, student = titles[number // len(STUDENTS)], STUDENTS[number % len(STUDENTS)]
            content: dict[str, Any] = {"grade_points": number}
            if number % 10 == 0:
                content["grade_comment"] = f"comment {number}"
                promised.comments[title, student] = [content["grade_comment"]]
            promised.points[title, student] = number
            path = f"{paths[title]}/submissions/{student}"
            assert call(server, "PATCH", path, content, BACKGROUND).status == 202

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(grade, range(grades)))
        made.settle(3600, patient=patient)
        seconds = time.monotonic() - began
        asked, failed = simulator.asked - before, simulator.failed
        made.canvas.control("DELETE", "faults")
        with made.database() as database:
            attempts = database.read_now(
                lambda conn: int(
                    conn.execute(
                        "SELECT SUM(attempts) FROM deliveries WHERE operation = 'update_submission'"
                    ).fetchone()[0]
                )
            )
        return Result(
            grades,
            seconds,
            asked,
            failed,
            attempts,
            promised.wrong(made.in_canvas()),
        )


def _create(made: World, call: Caller, title: str) -> str:
    reply = call(made.servers[0], "POST", ASSIGNMENTS, {**ESSAY, "title": title})
    assert reply.status == 200, reply
    return f"{ASSIGNMENTS}/{reply.data['id']}"


def _begin_failing(made: World, failing: float) -> None:
    """So many of the calls fail: each rule is asked in turn, so each is a little likelier than its part."""
    left = failing
    for number, way in enumerate(WAYS):
        part = left / (len(WAYS) - number)
        made.canvas.fail(way, times=None, chance=part / (1 - (failing - left)))
        left -= part
    for way, chance in RARE.items():
        made.canvas.fail(way, times=None, chance=chance)
