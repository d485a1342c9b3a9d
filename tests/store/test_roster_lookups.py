"""Look-ups in the roster, which a large district must not slow down."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from passback.store import roster
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect

LOOK_UPS: list[tuple[roster.Table[Any], roster.Filter, str]] = [
    (roster.USERS, roster.user_with_sis_id("x"), "users_by_sis_id"),
    (roster.USERS, roster.with_email("x"), "users_by_email"),
    (roster.USERS, roster.with_student_number("x"), "users_by_number"),
    (roster.SECTIONS, roster.section_with_sis_id("x"), "sections_by_sis_id"),
    (roster.USERS, roster.in_section("x", "student"), "users_by_district (district_id=? AND id=?)"),
    (roster.SECTIONS, roster.with_member("x"), "sections_by_district (district_id=? AND id=?)"),
]


@pytest.mark.parametrize(
    ("table", "wanted", "index"), LOOK_UPS, ids=lambda it: it if isinstance(it, str) else ""
)
def test_no_look_up_reads_the_whole_district(
    table: roster.Table[Any], wanted: roster.Filter, index: str
) -> None:
    class Explaining:
        """Explains queries instead of executing them."""

        def __init__(self, conn: Connection) -> None:
            self.conn = conn
            self.steps: list[str] = []

        def execute(self, query: str, given: Any) -> Any:
            self.steps += [row[-1] for row in self.conn.execute(f"EXPLAIN QUERY PLAN {query}", given)]
            return self.conn.execute("SELECT 1 WHERE 1 = 0")

    def explain(conn: Connection) -> list[str]:
        explaining: Any = Explaining(conn)
        roster.page(explaining, table, "d", limit=10, filters=[wanted])
        found: list[str] = explaining.steps
        return found

    with contextlib.closing(connect("", None)) as database:
        migrate.prepare(database, "production")
        steps = database.read_now(explain)
    assert index in " ".join(steps), steps
