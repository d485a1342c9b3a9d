"""What the tests of connectors share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from passback.lms.connector import Connector
from passback.lms.notes import Note
from simulator_support import Served
from support import SetClock

T = TypeVar("T")


class MemoryNotes:
    """Notes that are kept only as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Note] = {}

    async def read(self, keys: Sequence[str]) -> Mapping[str, Note]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def write(self, notes: Mapping[str, Note | None]) -> None:
        for key, note in notes.items():
            if note is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = note


@dataclass(frozen=True)
class Lms:
    """An LMS with two sections, and the connector that reaches it."""

    connector: Connector
    clock: SetClock
    runner: asyncio.Runner
    """Runs all calls of a test in one event loop, as a server does."""
    section: str
    students: list[str]
    teacher: str
    nowhere: str
    """The id of a section that there is not."""
    other_section: str
    other_student: str
    other_teacher: str
    delete: Callable[[str], None]
    """Delete an assignment in the LMS's own UI."""
    unenroll: Callable[[str], None]
    """Take a student out of the section in the LMS's own UI."""
    simulator: Served | None = None
    """The simulator behind the connector; None for the built-in gradebook."""
    unsupported: frozenset[str] = field(default_factory=frozenset)
    """What a submission cannot be given in this LMS: ``excused``, the names of fields, and types of work
    that cannot be handed in."""

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(action)
