"""``make torture``: every way to break the promise, in its long form. It takes half an hour."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable

from support.postgres import DATABASES, end_server
from torture import equals, kill, older_copy, outage, plot, proxy, store, storm, twins
from torture.lmss import CANVAS, LTI, MOODLE, Tortured


def _kill(scale: float, lms: Tortured = CANVAS) -> list[str]:
    wrong = []
    for kind in DATABASES:
        result = kill.kill(kind, round(100 * scale) or 1, seed=1, lms=lms)
        promised = result.promised
        print(
            f"kill -9, {kind}: {result.kills} times; {len(promised.titles)} assignments, "
            f"{len(promised.points)} grades, {sum(map(len, promised.comments.values()))} comments, "
            f"{promised.calls} calls, {promised.retries} of them repeats; {len(result.wrong)} wrong"
            f" ({result.seconds:.0f} s)"
        )
        wrong += result.wrong
    return wrong


def _storm(scale: float) -> list[str]:
    wrong = []
    for kind in DATABASES:
        result = storm.storm(kind, round(10_000 * scale) or 1)
        print(
            f"storm, {kind}: {result.grades} grades, {result.failed_calls / result.lms_calls:.0%} of the LMS's calls "
            f"failed; {result.lms_calls / result.grades:.2f} calls and {result.attempts / result.grades:.2f} tries for "
            f"each grade; {len(result.wrong)} wrong ({result.seconds:.0f} s)"
        )
        wrong += result.wrong
    return wrong


def _outage(scale: float) -> list[str]:
    result = outage.outage(round(5_000 * scale) or 1)
    print(
        f"outage: {result.grades} grades while Canvas was down for an hour; {result.calls_while_down} calls meanwhile; "
        f"all delivered {result.back_after / 1000:.0f} s after it was back, with at most {result.most_after} calls in "
        f"{outage.BUCKET / 1000:.0f} s; {result.undelivered} lost"
    )
    print(plot.text(result))
    return [f"{result.undelivered} are lost"] if result.undelivered else []


def _store(scale: float) -> list[str]:  # noqa: ARG001 - each takes as long as it takes
    wrong = []
    for name, fail in (
        ("a full disk", store.full_disk),
        ("a locked file", store.locked_file),
        ("a killed PostgreSQL", store.killed_server),
    ):
        result = fail()
        answers = ", ".join(f"{count} times {status}" for status, count in sorted(result.statuses.items()))
        print(f"{name}: {answers}; {len(result.wrong)} wrong")
        wrong += result.wrong
        wrong += [
            f"{name}: an answer of {status}" for status in result.statuses if status not in (200, 202, 503)
        ]
        wrong += [] if 503 in result.during else [f"{name}: nobody was told of it"]
    return wrong


def _twins(scale: float) -> list[str]:
    wrong = []
    for kind in DATABASES:
        result = twins.twins(kind, round(1_000 * scale) or 1)
        print(
            f"twins, {kind}: {result.pairs} pairs of equal requests, {result.busy} times 409; "
            f"{len(result.wrong)} wrong ({result.seconds:.0f} s)"
        )
        wrong += result.wrong
    return wrong


def _proxy(scale: float, lms: Tortured = CANVAS) -> list[str]:
    wrong = []
    for kind in DATABASES:
        result = proxy.proxy(kind, 60 * scale, seed=1, lms=lms)
        print(
            f"faulty proxy, {kind}: {result.promised.calls} calls, {result.promised.retries} of them repeats; "
            f"{result.spoilt} answers spoilt; {len(result.wrong)} wrong ({result.seconds:.0f} s)"
        )
        wrong += result.wrong
    return wrong


def _equals(scale: float) -> list[str]:
    result = equals.equals(round(100 * scale) or 1)
    print(
        f"two of everything: {result.pairs} pairs of equal creates, asked again {result.retries} times; "
        f"{len(result.wrong)} wrong ({result.seconds:.0f} s)"
    )
    return result.wrong


def _older_copy(scale: float) -> list[str]:
    result = older_copy.older_copy(20 * scale, seed=1)
    print(
        f"older copy: {len(result.promised.points)} grades; {result.open_in_copy} deliveries open in it; "
        f"{len(result.wrong)} wrong ({result.seconds:.0f} s)"
    )
    return result.wrong


def _on(lms: Tortured) -> Callable[[float], list[str]]:
    """Kills and the faulty proxy on another LMS than Canvas."""
    return lambda scale: _kill(scale, lms) + _proxy(scale, lms)


WAYS: dict[str, Callable[[float], list[str]]] = {
    "kill": _kill,
    "storm": _storm,
    "outage": _outage,
    "store": _store,
    "twins": _twins,
    "proxy": _proxy,
    "equals": _equals,
    "older-copy": _older_copy,
    "lti": _on(LTI),
    "moodle": _on(MOODLE),
}


def main() -> int:
    """Torture; the exit code is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument(
        "ways", nargs="*", metavar="way", help=f"which of {', '.join(WAYS)}; all unless given"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each, 1 being all")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    # That the LMS does not answer is what is wanted.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    if unknown := set(given.ways) - WAYS.keys():
        parser.error(f"there is no way {min(unknown)!r}")
    wrong = []
    began = time.monotonic()
    for way in given.ways or WAYS:
        wrong += WAYS[way](given.scale)
    end_server()
    for line in wrong[:50]:
        print(f"WRONG: {line}")
    print(f"{len(wrong)} promises were broken ({time.monotonic() - began:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
