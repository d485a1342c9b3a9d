"""An older copy of the data in place of the newer one: what was delivered since must stay as it is in Canvas."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from torture.kill import asking
from torture.load import Promised
from torture.world import World, world


@dataclass(frozen=True)
class Result:
    """How it went."""

    promised: Promised
    open_in_copy: int
    """How many deliveries the copy shows as open."""
    wrong: list[str]
    seconds: float


def older_copy(seconds: float, seed: int) -> Result:
    """Back up amid the load, ask for as long again, let all arrive, and restore the backup."""
    began = time.monotonic()
    promised = Promised()
    with world("sqlite") as made:
        for method in ("POST", "PUT"):
            made.canvas.fail("slow=300ms", method=method, chance=0.3, times=None)
        server = made.add("serve")
        with asking(made, promised, seed):
            time.sleep(seconds)
            _passback(made, "backup", str(made.folder / "copy.db"))
            time.sleep(seconds)
        made.settle()
        before = promised.wrong(made.in_canvas())
        server.kill()
        _passback(made, "restore", str(made.folder / "copy.db"))
        open_in_copy = made.open_deliveries()
        server.start()
        made.settle(patient=False)
        return Result(
            promised, open_in_copy, before + promised.wrong(made.in_canvas()), time.monotonic() - began
        )


def _passback(made: World, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "passback", *arguments],
        env={**os.environ, **made.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"passback {arguments[0]}: {done.stderr}")
