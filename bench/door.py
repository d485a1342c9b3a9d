"""What a request costs the server: CPU time beside a bare application's, and statements of SQL.

Rates say how busy the machine is. The kernel's clock of the server process hardly does, less so beside the bare
application's in the same minute: each round measures that one again, and the median of the rounds' ratios is shown.
``python -m bench.door sqlite refused`` measures those operations alone on that database.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from msgspec import Struct

from bench.load import Result, drive, request
from bench.operations import ASSIGNMENTS, ESSAY, STUDENTS, TOKEN, Operation, fill_up, operations, statements
from bench.servers import Server, running
from passback.store.engine.database import Connection, Opened
from passback.store.engine.open import connect
from support.postgres import DATABASES, database_of, end_server

ROUNDS = 3
SECONDS = 1.0
CONNECTIONS = (16, 64)

WRITES_A_SECOND = 200
"""How often another process writes, where others write."""


def bench(databases: Sequence[str] = DATABASES, named: str = "") -> None:
    """Measure and print: on these databases, the operations with that in their names."""
    try:
        for kind in databases:
            _bench(kind, named)
    finally:
        end_server()


def _bench(kind: str, named: str) -> None:
    with database_of(kind) as url:
        counted = asyncio.run(statements(url))
    # Beside the project, on a disk: a temporary folder may be in memory.
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder,
        database_of(kind) as url,
        running("-m", "bench.bare") as bare,
        running("-m", "bench.ours", folder, database_url=url) as ours,
        contextlib.closing(connect(url, Path(folder) / "passback.db")) as database,
    ):
        database.write_now(fill_up)
        measured = [it for it in operations(_create_assignment(ours[0])) if named in it.name]
        for connections in CONNECTIONS:
            taken = _measure(measured, bare, ours, database, connections)
            _show(kind, connections, measured, taken, counted)


class Taken(Struct, frozen=True):
    """What came of a round: of the bare application, and of each operation by its name."""

    base: Result
    found: dict[str, Result]


def _measure(
    measured: Sequence[Operation], bare: Server, ours: Server, database: Opened, connections: int
) -> list[Taken]:
    rounds = []
    for _ in range(ROUNDS):
        base = drive(*bare, request("GET", "/"), connections=connections, seconds=SECONDS)
        found = {}
        for it in measured:
            messages = [request(*one, TOKEN) for one in it.requests]
            with _written_to(database) if it.beside_writes else contextlib.nullcontext():
                found[it.name] = drive(*ours, *messages, connections=connections, seconds=SECONDS)
            assert found[it.name].statuses == {it.status}, (it.name, found[it.name].statuses)
        rounds.append(Taken(base, found))
    return rounds


def _show(
    kind: str, connections: int, measured: Sequence[Operation], rounds: list[Taken], counted: dict[str, int]
) -> None:
    print(
        f"\n{kind}, {connections} connections; bare: {1e6 * median(it.base.cpu for it in rounds):.0f} us of CPU"
        f"\n  {'':<30}{'of bare':>8}{'us':>7}  {'goal':<9}{'statements':>10}{'a second':>10}"
        f"{'p50 ms':>8}{'p99 ms':>8}"
    )
    for it in measured:
        found = [one.found[it.name] for one in rounds]
        goal = dict(zip(CONNECTIONS, it.goals.get(kind, ("", "")), strict=True))[connections]
        print(
            f"  {it.name:<30}{median(one.base.cpu / one.found[it.name].cpu for one in rounds):>8.2f}"
            f"{1e6 * median(one.cpu for one in found):>7.0f}  {goal:<9}{counted[it.name]:>10}"
            f"{median(one.rate for one in found):>10,.0f}"
            f"{1e3 * median(one.p50 for one in found):>8.2f}{1e3 * median(one.p99 for one in found):>8.2f}",
            flush=True,
        )


def _create_assignment(port: int) -> str:
    """Create an assignment; its address."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("POST", ASSIGNMENTS, ESSAY, {"Authorization": f"Bearer {TOKEN}"})
        return f"{ASSIGNMENTS}/{json.loads(connection.getresponse().read())['data']['id']}"


@contextlib.contextmanager
def _written_to(database: Opened) -> Iterator[None]:
    """Write to a database again and again inside the ``with``."""
    done = threading.Event()

    def write() -> None:
        for number in itertools.count():
            database.write_now(partial(_write, number))
            if done.wait(1 / WRITES_A_SECOND):
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _write(number: int, conn: Connection) -> None:
    conn.execute("UPDATE users SET grade = :grade WHERE id = :id", {"grade": str(number), "id": STUDENTS[0]})


if __name__ == "__main__":
    bench(sys.argv[1:2] or DATABASES, *sys.argv[2:3])
