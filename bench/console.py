"""The console's pages in a large district, beside the same pages of a small one.

Two servers are called in turn over HTTP, by a signed-in user. Shown for each page are the times of the small
district, of the large one, and their ratio, which is to be at most 1.5: the 95th percentiles of the time that a visitor
waits, and of the CPU time of the server's process by the kernel's clock, which is steadier on a busy machine (with
PostgreSQL, the time of its own processes is not in it). ``python -m bench.console 50000`` measures
a district with 50,000 students, ``python -m bench.console 50000 postgresql`` on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from bench import console_data as data
from bench.servers import Server, cpu_seconds, running
from passback.domain.clock import DAY, Instant, system_clock
from passback.operations import accounts, dates
from passback.store.engine import migrate
from passback.store.engine.open import connect
from support.console import OWNER, PASSWORD, Visitor
from support.postgres import DATABASES, database_of, end_server

SMALL = 1_000
"""How many students the small district has."""
LARGE = 100_000
REQUESTS = 60
GOAL = 1.5


class Page(Struct, frozen=True):
    """A page, and its address in a district of so many students at a time."""

    name: str
    path: str


def pages(students: int, now: Instant) -> list[Page]:
    """The pages that are about a district, or list what it has."""
    middle = students // 2
    many = 10 * students
    district = f"/districts/{data.DISTRICT}"
    delivered, waits, half = (data.delivery(it, now, many)[0] for it in (many - 100, many - 89, many // 2))
    section = data.section(middle // 10)
    day = dates.show(now - 10 * DAY)[:10]
    found = {
        "districts": "/districts",
        "a district": district,
        "not arrived, all": "/not-arrived",
        "not arrived": f"{district}/not-arrived",
        "not arrived, further on": f"{district}/not-arrived?before={half}",
        "not arrived, of an app": f"{district}/not-arrived?app={data.APPS[1]}",
        "a delivery": f"/deliveries/{delivered}",
        "a delivery that waits": f"/deliveries/{waits}",
        "search: a first letter": "/search?q=an",
        "search: a last name": "/search?q=nora",
        "search: both names": f"/search?q={'+'.join(data.name(middle))}",
        "search: no such name": "/search?q=zzyzx",
        "search: an address": f"/search?q=S{middle}@bench.example",
        "search: a title": "/search?q=essay+1",
        "search: an app's request": "/search?q=request-500",
        "search: a request": "/search?q=0190a000-0000-7000-8000-000000000000",
        "a person": f"{district}/people/{data.student(middle)}",
        "an assignment": f"{district}/assignments/{data.assignment(middle // 5)}",
        "matches": f"{district}/matches",
        "matches, further on": f"{district}/matches?after={data.student(middle)}",
        "a match": f"{district}/matches/{data.student(middle // 10 * 10)}",
        "roster": f"{district}/roster",
        "connection": f"{district}/connection",
        "apps": f"{district}/apps",
        "gradebook": f"{district}/gradebook",
        "gradebook, further on": f"{district}/gradebook?after={section}",
        "a section's grades": f"{district}/gradebook/{section}",
        "a section's grades as CSV": f"{district}/gradebook/{section}/sheet.csv",
        "an assignment's grades": f"{district}/gradebook/{section}/{data.assignment(2 * (middle // 10))}",
        "audit": "/audit",
        "audit, of the district": f"/audit?district={data.DISTRICT}",
        "audit, of a person": "/audit?who=account:teacher7@bench.example",
        "audit, of a kind": f"/audit?district={data.DISTRICT}&action=token.rotated",
        "audit, of an app": f"/audit?district={data.DISTRICT}&who=application:{data.APPS[0]}",
        "audit, of an app's calls": f"/audit?who=application:{data.APPS[-1]}&action=submission.update",
        "audit, of a day": f"/audit?district={data.DISTRICT}&since={day}&until={day}",
        "audit, further on": f"/audit?before={half}",
    }
    return [Page(name, f"/console{path}") for name, path in found.items()]


class Times(Struct, frozen=True):
    """What one page took, in milliseconds."""

    waited: list[float]
    cpu: list[float]


def _p95(times: Sequence[float]) -> float:
    """The least time that at most one in twenty is longer than."""
    return sorted(times)[int(len(times) * 0.95)]


def bench(students: int = LARGE, kind: str = "sqlite", named: str = "") -> None:
    """Measure and print the pages with `named` in their names."""
    with contextlib.ExitStack() as ends:
        ends.callback(end_server)
        now = system_clock()
        sizes = (SMALL, students)
        servers = [ends.enter_context(_serving(it, kind, now)) for it in sizes]
        visitors = [Visitor(port).sign_in(OWNER) for port, _ in servers]
        print(
            f"\nconsole, {kind}: {SMALL:,} students beside {students:,} with {10 * students:,} deliveries;"
            f" ratios, goal {GOAL}\n  {'':<28}{'p95 ms':>17}{'ratio':>7}{'p95 of CPU ms':>17}{'ratio':>7}",
            flush=True,
        )
        for both in zip(*(pages(it, now) for it in sizes), strict=True):
            if named in both[0].name:
                small, large = _measure(both, servers, visitors)
                columns = [
                    f"{before:>8.1f}{now_:>9.1f}{now_ / before:>7.2f}"
                    for before, now_ in (
                        (_p95(small.waited), _p95(large.waited)),
                        (_p95(small.cpu), _p95(large.cpu)),
                    )
                ]
                print(f"  {both[0].name:<28}{''.join(columns)}", flush=True)


@contextlib.contextmanager
def _serving(students: int, kind: str, now: Instant) -> Iterator[Server]:
    """A server of a district with so many students, and an owner of the console."""
    # Beside the project, on a disk: a temporary folder may be in memory.
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder,
        database_of(kind) as url,
    ):
        with contextlib.closing(connect(url, Path(folder) / "passback.db")) as database:
            migrate.prepare(database, "production")
            data.fill(database, students, now)
            data.put_off(database, system_clock())
            asyncio.run(accounts.create(database, OWNER, "owner", system_clock, password=PASSWORD))
            data.analyse(database)
        arguments = ("-m", "passback", "serve", "--port", "0", "--data", folder)
        with running(*arguments, database_url=url) as server:
            yield server


def _measure(
    both: Sequence[Page], servers: Sequence[Server], visitors: Sequence[Visitor]
) -> tuple[Times, Times]:
    times = Times([], []), Times([], [])
    for page, visitor in zip(both, visitors, strict=True):
        for _ in range(3):
            visitor.get(page.path)  # as pages are loaded with the first request
    for _ in range(REQUESTS):
        for page, (_, process), visitor, taken in zip(both, servers, visitors, times, strict=True):
            cpu, began = cpu_seconds(process), time.perf_counter()
            reply = visitor.get(page.path)
            taken.waited.append(1000 * (time.perf_counter() - began))
            taken.cpu.append(1000 * (cpu_seconds(process) - cpu))
            assert reply.status in (200, 303), (page.name, reply.status)
    return times


if __name__ == "__main__":
    size, database_kind, some = (*sys.argv[1:4], *("", "", "")[len(sys.argv) - 1 :])[:3]
    bench(int(size or LARGE), database_kind or DATABASES[0], some)
