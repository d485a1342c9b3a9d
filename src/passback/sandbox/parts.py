"""What a sandbox has besides a gateway."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.sandbox.clock import SandboxClock
from passback.sandbox.journal import Journal
from passback.sandbox.lms import SimulatedLmss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.domain.clock import Clock
    from passback.store.engine.database import Database


class Parts(Struct, frozen=True):
    """The sandbox's own parts, for the time in which it is served."""

    clock: SandboxClock
    lmss: SimulatedLmss
    journal: Journal


@contextlib.contextmanager
def sandbox_parts(database: Database, clock: Clock) -> Iterator[Parts]:
    """The parts of a sandbox on a database, inside the ``with``; `clock` is the machine's."""
    moved = SandboxClock(database, clock)
    journal = Journal(moved)
    with contextlib.closing(SimulatedLmss(database, moved, journal)) as lmss:
        yield Parts(moved, lmss, journal)
