from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import pytest

from passback.lms.builtin.connector import BuiltinConnector
from passback.sandbox.seed import seed
from passback.store import enrollments, gradebook
from passback.store.engine import migrate
from passback.store.engine.database import Opened
from passback.store.engine.open import connect
from passback.testing.lms import Lms
from support.canvas import canvas
from support.google import google
from support.lti_lms import lti
from support.moodle import moodle
from support.postgres import database_of
from support.sandbox import (
    BIOLOGY,
    BIOLOGY_STUDENT,
    BIOLOGY_TEACHER,
    NOW,
    SECTION,
    STUDENTS,
    TEACHER,
    SetClock,
)
from support.schoology import schoology
from support.slate import slate


@dataclass(frozen=True, kw_only=True)
class Builtin(Lms):
    """The built-in gradebook."""

    database: Opened


@contextlib.contextmanager
def builtin(kind: str = "sqlite") -> Iterator[Lms]:
    """The built-in gradebook, on a kind of database."""
    clock = SetClock()
    with (
        database_of(kind, "sandbox") as url,
        contextlib.closing(connect(url, None)) as database,
        asyncio.Runner() as runner,
    ):
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))

        def delete(assignment: str) -> None:
            runner.run(database.write(lambda conn: gradebook.delete_assignment(conn, SECTION, assignment)))

        def unenroll(student: str) -> None:
            runner.run(database.write(lambda conn: enrollments.unenroll(conn, SECTION, "student", student)))

        def comments(assignment: str, student: str) -> list[str]:
            found = database.read_now(lambda conn: gradebook.comments(conn, assignment, [student]))
            return [it.comment for it in found[student]]

        yield Builtin(
            connector=BuiltinConnector(database, clock),
            clock=clock,
            runner=runner,
            section=SECTION,
            students=STUDENTS,
            teacher=TEACHER,
            nowhere="4fee004cca2e43cf27ffffff",
            other_section=BIOLOGY,
            other_student=BIOLOGY_STUDENT,
            other_teacher=BIOLOGY_TEACHER,
            delete=delete,
            unenroll=unenroll,
            comments=comments,
            database=database,
        )


LMSS: dict[str, Callable[[], AbstractContextManager[Lms]]] = {
    "builtin": builtin,
    "builtin on postgresql": partial(builtin, "postgresql"),
    "slate": slate,
    "canvas": canvas,
    "schoology": schoology,
    "google": google,
    "lti": lti,
    "moodle": moodle,
}
NETWORKED = {name: open_ for name, open_ in LMSS.items() if not name.startswith("builtin")}


@pytest.fixture(params=LMSS)
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    """Every LMS that there is a connector for."""
    with LMSS[request.param]() as served:
        yield served
