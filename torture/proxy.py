"""A faulty proxy before Canvas: some of its answers are replaced by pages, empty ones, and ones of a firewall."""

from __future__ import annotations

import time
from dataclasses import dataclass

from passback.testing.faulty_world import haphazard
from torture.kill import asking
from torture.lmss import CANVAS, Tortured
from torture.load import Promised
from torture.world import world

SPOILT = 0.1


@dataclass(frozen=True)
class Result:
    """How it went."""

    promised: Promised
    spoilt: int
    """How many answers."""
    wrong: list[str]
    seconds: float


def proxy(kind: str, seconds: float, seed: int, *, lms: Tortured = CANVAS) -> Result:
    """For so long clients ask over the faulty proxy; then all that was promised must be in the LMS."""
    began = time.monotonic()
    promised = Promised()
    with world(kind, lms=lms) as made:
        made.add("serve")
        if kind == "postgresql":
            made.add("worker")
        with haphazard(made.canvas, SPOILT, seed) as spoilt:
            with asking(made, promised, seed):
                time.sleep(seconds)
            made.settle(600, patient=False)
        return Result(
            promised,
            spoilt[0],
            promised.wrong(made.in_lms(), replaces=lms.replaces),
            time.monotonic() - began,
        )
