"""Slate, the LMS of the tutorial: the example's connector on its simulator, found as an installed package's is."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from passback.lms import registry
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, People, simulated
from passback.testing.slate.simulator import PEOPLE, SlateSimulator


@contextlib.contextmanager
def installed() -> Iterator[list[str]]:
    """The example as an installed package's: the metadata that names its entry point, on the path."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / "slate_connector-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: slate-connector\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            "[passback.connectors]\nslate = passback.testing.slate.connector:KIND\n"
        )
        sys.path.insert(0, folder)
        try:
            yield [folder]
        finally:
            sys.path.remove(folder)


@contextlib.contextmanager
def slate() -> Iterator[Lms]:
    """Slate, with the example's connector."""
    simulator, people = SlateSimulator(SetClock()), dict[str, Any](PEOPLE)
    with installed(), simulated(
        simulator, registry.kind("slate"), People(**people), delete=simulator.ui_delete,
        unenroll=simulator.ui_unenroll
    ) as lms:  # fmt: skip
        yield lms
