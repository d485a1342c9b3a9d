"""A data folder in which there is one of what commands show, and an LMS for another district of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.testing.clock import SetClock
from passback.testing.served import Served
from passback.testing.served import serving as served_simulator
from passback.testing.slate.simulator import SlateSimulator
from support.sandbox import serving
from support.slate import installed

SLATE_KEY = "api_key=slate-key"


@dataclass(frozen=True)
class Held:
    """What is there, by ids."""

    assignment: str
    webhook: str
    slate: Served
    """The LMS, which no district is connected to yet."""


@contextlib.contextmanager
def filled_folder(folder: Path, write: Callable[[Connection], None]) -> Iterator[Held]:
    """Fill a folder with a sandbox's data, with an assignment, a webhook and what `write` adds; nobody serves it."""
    lms = SlateSimulator(SetClock())
    lms.start()
    with served_simulator(lms) as slate, installed():
        with serving(folder) as sandbox:
            assignment = sandbox.create().rpartition("/")[2]
            hook = {"url": "http://127.0.0.1:9/hook", "events": ["delivery.refused"]}
            webhook = sandbox.post("/v3.1/webhooks", hook).data["id"]
        # Now that nobody is there to deliver it.
        with contextlib.closing(connect("", folder / "passback.db")) as database:
            database.write_now(write)
        yield Held(assignment, webhook, slate)
