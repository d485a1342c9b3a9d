"""The way of grades into the LMS: in the background, waited for, and what one costs the gateway.

A gateway in a process of its own, in production mode, and the simulated Canvas in this one. Seconds depend on the
machine only where the LMS's latency does not hide it; the calls for each grade and the gateway's CPU hardly do.
Run alone: ``PYTHONPATH=tests python -m bench.into_lms``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from torture.load import ESSAY
from torture.world import ASSIGNMENTS, STUDENTS, Caller, Process, World, world

from bench.load import drive, request
from bench.servers import cpu_seconds, running

ASSIGNED = 40
SLOW_SECONDS = 0.25
BRISK_SECONDS = 0.05
WAITING = 16
GRADES = 400
ROUNDS = 3


def bench(kind: str = "sqlite") -> None:
    """Measure and print."""
    with world(kind) as made:
        server = made.add("serve")
        call = Caller(made)
        with ThreadPoolExecutor(8) as threads:
            paths = list(threads.map(lambda number: _create(server, call, number), range(ASSIGNED)))
        print(f"\ninto Canvas, {kind}")
        _background(made, server, call, paths)
        _waited_for(made, server, call, paths)
        _cpu(made, server, call, paths)


def _background(made: World, server: Process, call: Caller, paths: list[str]) -> None:
    students = STUDENTS
    wanted = [(path, student) for student in students for path in paths]
    _slow(made, SLOW_SECONDS)
    before, began = made.canvas.simulator.asked, time.perf_counter()

    def grade(wish: tuple[int, tuple[str, str]]) -> None:
        number, (path, student) = wish
        content = {"grade_points": number}
        reply = call(server, "PATCH", f"{path}/submissions/{student}", content, {"Prefer": "respond-async"})
        assert reply.status == 202, reply

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(grade, enumerate(wanted)))
    accepted = time.perf_counter() - began
    made.settle()
    seconds, asked = time.perf_counter() - began, made.canvas.simulator.asked - before
    print(
        f"  {len(wanted)} grades in the background ({len(paths)} assignments x {len(students)}),"
        f" {1000 * SLOW_SECONDS:.0f} ms: {seconds:.1f} s (accepted after {accepted:.1f} s; goal 8),"
        f" {asked / len(wanted):.2f} LMS calls a grade (goal 0.15)"
    )


def _waited_for(made: World, server: Process, call: Caller, paths: list[str]) -> None:
    _slow(made, BRISK_SECONDS)
    grade = _grading(server, call, paths)
    ratios = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with ThreadPoolExecutor(WAITING) as threads:
            list(threads.map(grade, range(GRADES)))
        ratios.append((time.perf_counter() - began) / (GRADES / WAITING * BRISK_SECONDS))
    print(
        f"  {WAITING} clients that wait, {1000 * BRISK_SECONDS:.0f} ms:"
        f" {statistics.median(ratios):.2f} times the latency (goal 1.6)"
    )


def _cpu(made: World, server: Process, call: Caller, paths: list[str]) -> None:
    made.canvas.control("DELETE", "faults")
    grade = _grading(server, call, paths)
    assert server.running is not None
    process_id = server.running.pid
    shown = []
    with running("-m", "bench.bare") as bare:
        for at_once in (1, WAITING):
            costs, ratios = [], []
            for _ in range(ROUNDS):
                with ThreadPoolExecutor(at_once) as threads:
                    before = cpu_seconds(process_id)
                    list(threads.map(grade, range(GRADES)))
                    costs.append((cpu_seconds(process_id) - before) / GRADES)
                ratios.append(
                    costs[-1] / drive(*bare, request("GET", "/"), connections=WAITING, seconds=1).cpu
                )
            shown.append(f"{1e6 * statistics.median(costs):.0f} us, {statistics.median(ratios):.0f} of bare")
    print(
        f"  gateway CPU of a grade that is waited for: {shown[0]}; {WAITING} at once {shown[1]} requests"
        " (goal 850 us where a bare request takes 27)"
    )


def _grading(server: Process, call: Caller, paths: list[str]) -> Callable[[int], None]:
    """Grade the next student of the next assignment; each grade is another."""

    def grade(number: int) -> None:
        path, student = paths[number % len(paths)], STUDENTS[number // len(paths) % len(STUDENTS)]
        content = {"grade_points": time.monotonic_ns() // 1000 % 90_000}
        reply = call(server, "PATCH", f"{path}/submissions/{student}", content)
        assert reply.status == 200, reply

    return grade


def _create(server: Process, call: Caller, number: int) -> str:
    reply = call(server, "POST", ASSIGNMENTS, {**ESSAY, "title": f"Essay {number}"})
    assert reply.status == 200, reply
    return f"{ASSIGNMENTS}/{reply.data['id']}"


def _slow(made: World, seconds: float) -> None:
    made.canvas.control("DELETE", "faults")
    made.canvas.fail(f"slow={1000 * seconds:.0f}ms", times=None)


if __name__ == "__main__":
    bench()
