"""Two equal requests with one Idempotency-Key at the same instant, again and again: one assignment each."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from torture.load import ESSAY
from torture.world import ASSIGNMENTS, Caller, World, world


@dataclass(frozen=True)
class Result:
    """How it went."""

    pairs: int
    busy: int
    """How many of the requests were told that the other is under way."""
    seconds: float
    wrong: list[str]


def twins(kind: str, pairs: int) -> Result:
    """So many pairs; on PostgreSQL each request of a pair goes to another process."""
    with world(kind) as made:
        made.add("serve")
        if kind == "postgresql":
            made.add("serve")
        began = time.monotonic()
        busy, wrong = _ask(made, pairs)
        titles = set(made.in_canvas())
        wanted = {f"twin {number}" for number in range(pairs)}
        wrong += [f"{title} is lost" for title in wanted - titles]
        wrong += [f"{title} was not asked for" for title in titles - wanted]
        return Result(pairs, busy, time.monotonic() - began, wrong)


def _ask(made: World, pairs: int) -> tuple[int, list[str]]:
    call = Caller(made)
    together = threading.Barrier(2)
    servers = [made.servers[0], made.servers[-1]]
    busy = [0, 0]
    ids: tuple[list[str], list[str]] = [], []

    def ask(which: int) -> None:
        for number in range(pairs):
            together.wait(60)
            while True:
                reply = call(
                    servers[which],
                    "POST",
                    ASSIGNMENTS,
                    {**ESSAY, "title": f"twin {number}"},
                    {"Idempotency-Key": f"twin-{number}"},
                )
                if reply.status != 409:
                    break
                busy[which] += 1
                time.sleep(0.005)
            ids[which].append(str(reply.data["id"]) if reply.status == 200 else f"{reply}")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(ask, range(2)))
    wrong = [f"{one} and {other}" for one, other in zip(*ids, strict=True) if one != other]
    return sum(busy), wrong
