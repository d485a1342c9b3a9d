"""kill -9 of servers and workers at random moments under load."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass

from torture.lmss import CANVAS, Tortured
from torture.load import Client, Promised
from torture.world import World, world

CLIENTS = 4


@dataclass(frozen=True)
class Result:
    """How it went."""

    kills: int
    promised: Promised
    wrong: list[str]
    seconds: float


def kill(kind: str, rounds: int, seed: int, *, lms: Tortured = CANVAS) -> Result:
    """So many kills while clients ask; then all promised must be in the LMS."""
    chance = random.Random(seed)
    began = time.monotonic()
    promised = Promised()
    with world(kind, lms=lms) as made:
        for method in ("POST", "PUT"):  # one that is killed leaves Canvas at what it sent
            made.canvas.fail("slow=300ms", method=method, chance=0.3, times=None)
        made.add("serve")
        if kind == "postgresql":
            made.add("serve")
            made.add("worker")
        with asking(made, promised, seed):
            for _ in range(rounds):
                time.sleep(chance.uniform(0.05, lms.apart))
                victim = chance.choice(made.processes)
                if kind == "postgresql" and chance.random() < 0.1:
                    _back_from_the_dead(victim)
                    continue
                victim.kill()
                victim.start()
        made.settle()
        return Result(
            rounds, promised, promised.wrong(made.in_lms(), replaces=lms.replaces), time.monotonic() - began
        )


def _back_from_the_dead(victim: object) -> None:
    """Stop a process for longer than its lease, so that others take up what it was at, and let it go on."""
    from torture.world import LEASE_SECONDS, Process

    assert isinstance(victim, Process)
    assert victim.running is not None
    victim.running.send_signal(signal.SIGSTOP)
    time.sleep(LEASE_SECONDS * 1.5)
    victim.running.send_signal(signal.SIGCONT)


class asking:  # noqa: N801 - reads as a statement: with asking(...)
    """Clients that ask inside the ``with``; what one of them met is raised in the end."""

    def __init__(self, made: World, promised: Promised, seed: int) -> None:
        self._ending = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(Client(made, f"client {n}", promised, seed * 100 + n),))
            for n in range(CLIENTS)
        ]

    def _run(self, client: Client) -> None:
        try:
            while not self._ending.is_set():
                client.step()
        except BaseException as error:  # noqa: BLE001 - shown, whatever it is
            self._errors.append(error)

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
