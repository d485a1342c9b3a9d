from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from lms_support import Lms
from passback.lms.builtin.connector import BuiltinConnector
from passback.sandbox.seed import seed
from passback.store import migrate
from passback.store.database import Database
from support import BIOLOGY, BIOLOGY_STUDENT, BIOLOGY_TEACHER, NOW, SECTION, STUDENTS, TEACHER, SetClock


@pytest.fixture(params=["builtin"])
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    """Every LMS that there is a connector for."""
    clock = SetClock()
    with contextlib.closing(Database(None)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        yield Lms(
            BuiltinConnector(database, clock),
            clock,
            SECTION,
            STUDENTS,
            TEACHER,
            BIOLOGY,
            BIOLOGY_STUDENT,
            BIOLOGY_TEACHER,
        )
