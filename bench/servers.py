"""A server in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

from passback.store.engine.vault import new_key
from passback_simulators.identities import DISTRICTS

Server = tuple[int, int]
"""Its port and process id."""

_CPU_CLOCK = 2
"""``CPUCLOCK_SCHED``: Linux makes the id of a process's clock of this and its number."""


@contextlib.contextmanager
def running(*arguments: str, lines: list[str] | None = None, database_url: str = "") -> Iterator[Server]:
    """A server's port and process id; `lines` are given what a sandbox prints of its districts."""
    settings = {"PASSBACK_RATE_LIMIT": "1000000000"}
    if database_url:
        settings |= {"PASSBACK_DATABASE_URL": database_url, "PASSBACK_SECRET_KEY": new_key()}
    environment = {**os.environ, **settings}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        match = re.search(r"http://[^:]+:(\d+)", process.stdout.readline())
        assert match, "the server does not start"
        if lines is not None:
            names = {district.name for district in DISTRICTS}
            while names and (line := process.stdout.readline()):
                lines.append(line)
                names = {it for it in names if it not in line}
        yield int(match[1]), process.pid
    finally:
        process.terminate()
        process.wait()


def memory(process_id: int) -> float:
    """A process's resident memory in MiB."""
    output = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, check=True
    ).stdout
    return int(output) / 1024


def cpu_seconds(process_id: int) -> float:
    """The CPU time that a process has taken, by the kernel's clock of it (Linux)."""
    return time.clock_gettime((~process_id << 3) | _CPU_CLOCK)
