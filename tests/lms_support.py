"""What the tests of connectors share."""

from __future__ import annotations

from dataclasses import dataclass

from passback.lms.connector import Connector
from support import SetClock


@dataclass(frozen=True)
class Lms:
    """An LMS with two sections, and the connector that reaches it."""

    connector: Connector
    clock: SetClock
    section: str
    students: list[str]
    teacher: str
    other_section: str
    other_student: str
    other_teacher: str
