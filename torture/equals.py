"""Two of everything: equal creates, on two servers beside two workers, whose answers are lost together."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from torture.load import ESSAY
from torture.world import ASSIGNMENTS, Caller, Gone, Process, World, world

ALIKE = 2
"""How many of each there are to be."""


@dataclass(frozen=True)
class Result:
    """How it went."""

    pairs: int
    retries: int
    wrong: list[str]
    seconds: float


def equals(pairs: int) -> Result:
    """So many pairs of equal creates, each with a key of its own, half of them in the background."""
    began = time.monotonic()
    with world("postgresql") as made:
        servers = [made.add("serve"), made.add("serve")]
        made.add("worker")
        made.add("worker")
        made.canvas.fail("error-after", method="POST", path="assignments$", chance=0.5, times=None)
        made.canvas.fail("dropped-after", method="POST", path="assignments$", chance=0.5, times=None)
        call, retries = Caller(made), [0]

        def ask(number: int) -> None:
            pair, which = divmod(number, ALIKE)
            retries[0] += _until_made(call, servers[which], pair, which)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ask, range(pairs * ALIKE)))
        made.settle(600, patient=False)
        made.canvas.control("DELETE", "faults")
        return Result(pairs, retries[0], _wrong(made, pairs), time.monotonic() - began)


def _until_made(call: Caller, server: Process, pair: int, which: int) -> int:
    """Ask until it is made, or accepted; returns how often it was asked again."""
    headers = {"Idempotency-Key": f"equal-{pair}-{which}"}
    if pair % 2:
        headers["Prefer"] = "respond-async"
    for again in range(200):
        try:
            reply = call(server, "POST", ASSIGNMENTS, {**ESSAY, "title": f"equal {pair}"}, headers)
        except Gone:
            continue
        if reply.status in (200, 202):
            return again
        assert reply.status == 409 or reply.status >= 500, reply
        time.sleep(0.05)
    raise RuntimeError(f"pair {pair} is not made")


def _wrong(made: World, pairs: int) -> list[str]:
    found = Counter(made.titles_in_canvas())
    titles = [f"equal {pair}" for pair in range(pairs)]
    wrong = [f"{title} is there {found[title]} times" for title in titles if found[title] != ALIKE]
    return wrong + [f"{title} was not asked for" for title in found.keys() - set(titles)]
