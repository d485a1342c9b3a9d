"""``make bench``: every number beside a bare application in the same run, as ratios.

Absolute numbers say more about the machine than about the server; each round therefore measures the bare
application again, and the median of the rounds' ratios is shown.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import lms, rosters, way
from bench.load import Result, drive, request
from passback_simulators.identities import ALGEBRA, SANDBOX_UNIFIED, SIMULATED

ROUNDS = 3
SECONDS = 2.0
CONNECTIONS = (16, 64)
ASSIGNMENTS = f"/v3.1/sections/{SANDBOX_UNIFIED.id(ALGEBRA.digits)}/assignments"
ESSAY = {
    "title": "Essay 1",
    "description": "Two pages on a book of your choice",
    "due_date": "2099-06-01T23:59:00Z",
    "points_possible": 20,
    "submission_types": ["file", "text"],
}


@contextlib.contextmanager
def running(*arguments: str, lines: list[str] | None = None) -> Iterator[tuple[int, int]]:
    """A server's port and process id; `lines` are given the first that it prints."""
    environment = {**os.environ, "PASSBACK_RATE_LIMIT": "1000000000"}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        match = re.search(r"http://[^:]+:(\d+)", process.stdout.readline())
        assert match, "the server does not start"
        if lines is not None:
            lines += [process.stdout.readline() for _ in range(8)]
        yield int(match[1]), process.pid
    finally:
        process.terminate()
        process.wait()


def create_assignment(port: int) -> str:
    """Create an assignment and return its path."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": "Bearer DEMO_TOKEN"}
    connection.request("POST", ASSIGNMENTS, json.dumps(ESSAY), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return f"{ASSIGNMENTS}/{answer['data']['id']}"


def memory(process_id: int) -> float:
    """A process's resident memory in MiB."""
    output = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, check=True
    ).stdout
    return int(output) / 1024


def seconds_to_ready(data: str) -> float:
    """From starting the command to the first 200 of ``/health/ready``."""
    port = 18473
    start = time.perf_counter()
    command = [sys.executable, "-m", "passback", "sandbox", "--data", data, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < 20:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            with contextlib.suppress(OSError):
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    return time.perf_counter() - start
            connection.close()
            time.sleep(0.002)
        raise TimeoutError("the server does not get ready")
    finally:
        process.terminate()
        process.wait()


def bench(data: str) -> None:
    """Measure and print."""
    first = seconds_to_ready(data)
    later = statistics.median(seconds_to_ready(data) for _ in range(5))
    print(f"ready: {first:.2f} s with a new data file, {later:.2f} s with an existing one (goal 0.6)")
    with (
        running("-m", "bench.bare") as (bare, _),
        running("-m", "passback", "sandbox", "--port", "0", "--data", data) as (port, process_id),
    ):
        time.sleep(0.5)
        print(f"memory: {memory(process_id):.0f} MiB idle (goal 65)")
        essay = json.dumps(ESSAY).encode()
        row_5 = json.dumps({**ESSAY, "submission_types": [""]}).encode()
        row_7 = essay.replace(b'", "description"', b'" : "description"')
        scenarios = {
            "GET an assignment": (request("GET", create_assignment(port)), 200, 0.4),
            "POST a valid one, durable": (request("POST", ASSIGNMENTS, essay), 200, 0.2),
            "POST refused by row 5": (request("POST", ASSIGNMENTS, row_5), 400, 0.6),
            "POST refused by row 7": (request("POST", ASSIGNMENTS, row_7), 400, 0.6),
        }
        hello = request("GET", "/")
        for connections in CONNECTIONS:
            ratios: dict[str, list[float]] = {name: [] for name in scenarios}
            results: dict[str, list[Result]] = {name: [] for name in scenarios}
            rates = []
            for _ in range(ROUNDS):
                base = drive(bare, hello, connections=connections, seconds=SECONDS)
                rates.append(base.rate)
                for name, (message, status, _goal) in scenarios.items():
                    result = drive(port, message, connections=connections, seconds=SECONDS)
                    assert result.statuses == {status}, (name, result.statuses)
                    ratios[name].append(result.rate / base.rate)
                    results[name].append(result)
            print(f"\n{connections} connections; bare: {statistics.median(rates):,.0f} a second")
            for name, (_, _, goal) in scenarios.items():
                best = results[name]
                print(
                    f"  {name:<26} {statistics.median(ratios[name]):.2f} of bare (goal {goal})"
                    f"   {statistics.median(result.rate for result in best):>7,.0f} a second"
                    f"   p50 {1000 * statistics.median(result.p50 for result in best):5.2f} ms"
                    f"   p99 {1000 * statistics.median(result.p99 for result in best):5.2f} ms"
                )


def bench_connectors(data: str) -> None:
    """Measure the connectors against the simulated LMSs of a sandbox."""
    lines: list[str] = []
    with running("-m", "passback", "sandbox", "--port", "0", "--data", data, lines=lines) as (port, _):
        simulators = {
            district.name: int(match[1])
            for district in SIMULATED
            for line in lines
            if district.name in line and (match := re.search(r":(\d+)$", line.strip()))
        }
        lms.bench(port, simulators)


if __name__ == "__main__":
    # Beside the project, on a disk: a temporary folder may be in memory.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder:
        bench(folder)
        bench_connectors(folder)
        way.bench()
        rosters.bench(Path(folder), running, [int(size) for size in sys.argv[1:]] or rosters.SIZES)
