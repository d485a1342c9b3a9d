"""The store fails under load: full disk, locked file, killed server. Clear errors, and recovery without a person."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from passback.store.engine.sqlite import BUSY_TIMEOUT_SECONDS
from support.postgres import kill_server, own_server
from torture.load import ESSAY, Promised
from torture.world import ASSIGNMENTS, STUDENTS, Caller, Gone, World, world

_START_OF_A_FILE = 4096
_RECOVERED_WITHIN_SECONDS = 30.0


@dataclass
class Result:
    """How it went."""

    statuses: dict[int, int] = field(default_factory=dict)
    """How many answers of each status there were."""
    during: set[int] = field(default_factory=set)
    """The statuses of writes that were under way while the store failed."""
    wrong: list[str] = field(default_factory=list)


def full_disk() -> Result:
    """Nothing is written to a file, but at its very start, for a while."""

    def fail(made: World) -> Callable[[], None]:
        running = made.servers[0].running
        assert running is not None
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (_START_OF_A_FILE, resource.RLIM_INFINITY))
        return lambda: _end(
            resource.prlimit(
                running.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
        )

    with world("sqlite") as made:
        return _under_load(made, fail, 3.0)


def locked_file(seconds: float = BUSY_TIMEOUT_SECONDS + 3) -> Result:
    """Another process keeps the file locked, for longer than a write waits."""

    def fail(made: World) -> Callable[[], None]:
        connection = sqlite3.connect(
            made.folder / "passback.db", isolation_level=None, check_same_thread=False
        )
        connection.execute("BEGIN IMMEDIATE")

        def mend() -> None:
            connection.execute("ROLLBACK")
            connection.close()

        return mend

    with world("sqlite") as made:
        return _under_load(made, fail, seconds)


def killed_server(seconds: float = 6.0) -> Result:
    """PostgreSQL is killed and started again, after longer than a transaction waits for a connection."""
    with own_server() as (base, server), world("postgresql", url=base) as made:

        def fail(_: World) -> Callable[[], None]:
            kill_server(server)
            return lambda: _end(server.ensure_postgres_running())

        return _under_load(made, fail, seconds)


def _end(_: object) -> None:
    """What a mending gives is of no use."""


def _under_load(made: World, fail: Callable[[World], Callable[[], None]], seconds: float) -> Result:
    """Grades come in before, while and after the store fails; all that was promised must be in Canvas."""
    made.add("serve")
    if made.url:
        made.add("worker")
    call = Caller(made)
    result, promised = Result(), Promised()
    failed, mended = threading.Event(), threading.Event()
    ending = threading.Event()
    reply = call(made.servers[0], "POST", ASSIGNMENTS, {**ESSAY, "title": "store"})
    promised.titles.add("store")
    path = f"{ASSIGNMENTS}/{reply.data['id']}/submissions"

    def client(number: int) -> None:
        points = 0
        student = STUDENTS[number]
        while not ending.is_set():
            points += 1
            headers = {"Prefer": "respond-async"} if number % 2 else {}
            began_before = not mended.is_set()
            status = _ask(call, made, f"{path}/{student}", {"grade_points": points}, headers)
            result.statuses[status] = result.statuses.get(status, 0) + 1
            if began_before and failed.is_set():
                result.during.add(status)
            if status in (200, 202):
                promised.points["store", student] = points
            else:
                points -= 1  # it is asked for again, so that what was not promised is not there either
                time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    failed.set()
    mend = fail(made)
    time.sleep(seconds)
    mended.set()
    mend()
    time.sleep(3.0)
    ending.set()
    for thread in threads:
        thread.join()
    # Whoever was told of a failure asks again, until it is done: on a busy machine a server that could not show that
    # it lives has not joined the others again by now.
    for number in range(4):
        student = STUDENTS[number]
        points = promised.points.get(("store", student), 0) + 1
        give_up = time.monotonic() + _RECOVERED_WITHIN_SECONDS
        while (status := _ask(call, made, f"{path}/{student}", {"grade_points": points}, {})) not in (
            200,
            202,
        ):
            assert time.monotonic() < give_up, f"still {status} long after the store is back"
            time.sleep(0.1)
        promised.points["store", student] = points
    made.settle()
    result.wrong = promised.wrong(made.in_canvas())
    if made.url:
        return result
    with contextlib.closing(sqlite3.connect(made.folder / "passback.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return result


def _ask(call: Caller, made: World, path: str, content: Any, headers: dict[str, str]) -> int:
    try:
        return call(made.servers[0], "PATCH", path, content, headers).status
    except Gone:
        return 0
