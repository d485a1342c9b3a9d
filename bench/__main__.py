"""``make bench``: the start, the door, the connectors, the way of a grade, large districts, and the console."""

from __future__ import annotations

import contextlib
import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import console, door, into_lms, lms, rosters, way
from bench.servers import memory, running
from passback_simulators.identities import SIMULATED


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


def bench_start(data: str) -> None:
    """Measure how soon a sandbox serves, and what it takes when idle."""
    first = seconds_to_ready(data)
    later = statistics.median(seconds_to_ready(data) for _ in range(5))
    print(f"ready: {first:.2f} s with a new data file, {later:.2f} s with an existing one (goal 0.6)")
    with running("-m", "passback", "sandbox", "--port", "0", "--data", data) as (_, process_id):
        time.sleep(0.5)
        print(f"memory: {memory(process_id):.0f} MiB idle (goal 65)")


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
        bench_start(folder)
        door.bench()
        bench_connectors(folder)
        into_lms.bench()
        way.bench()
        sizes = [int(size) for size in sys.argv[1:]] or rosters.SIZES
        rosters.bench(Path(folder), sizes)
        console.bench(min(max(sizes), console.LARGE))
