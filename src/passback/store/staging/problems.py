"""Problems between the rows of a new roster: duplicate ids and references to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.roster import ROLES
from passback.sis.rows import Kind
from passback.store.roster_events import KINDS
from passback.store.staging.tables import REFERENCES

if TYPE_CHECKING:
    from passback.store.engine.database import Session

_MOST_LISTED = 200
"""How many problems of one sort are listed."""


class FaultyRow(Struct, frozen=True):
    """A row with a duplicate id or a reference to nothing."""

    line: int
    value: str
    first: int
    """The line that has a duplicate id first."""


class FaultyRows(Struct, frozen=True):
    """Faulty rows of one sort."""

    kind: Kind
    column: str
    role: str
    """The role of users and enrollments; empty for other kinds."""
    missing: Kind | None
    """The kind of the object that does not exist; None if the fault is a duplicate id."""
    count: int
    first: list[FaultyRow]


def find_faulty_rows(session: Session, *, ids_by_role: bool) -> Iterator[FaultyRows]:
    """Find duplicate ids and references to nothing, sort by sort, root causes first.

    With `ids_by_role`, a student and a teacher of the same id may be two people.
    """
    for kind in KINDS:
        by = "sis_id, role" if kind == "users" and ids_by_role else "sis_id"
        role = "MIN(role)" if kind == "users" else "''"
        # A person with two roles is two users of one line.
        yield from _faults(
            session,
            (kind, "sis_id", None),
            f"SELECT {role} AS role, MAX(line) AS line, sis_id AS value, MIN(line) AS first FROM new_{kind}"
            f" GROUP BY {by} HAVING MIN(line) <> MAX(line)",
        )
    for kind, column, target in (
        (kind, column, target) for kind, them in REFERENCES.items() for column, target in them.items()
    ):
        role = "role" if kind in ("users", "enrollments") else "''"
        # Rows of other roles are left out: they may refer to something that no longer exists.
        counts = f" AND role IN {ROLES}" if kind in ("roles", "enrollments") else ""
        present = f"SELECT 1 FROM new_{target} AS target WHERE target.sis_id = new_{kind}.{column}_sis_id"
        yield from _faults(
            session,
            (kind, f"{column}_sis_id", target),
            f"SELECT {role} AS role, line, {column}_sis_id AS value, line AS first FROM new_{kind}"
            f" WHERE {column}_sis_id IS NOT NULL AND NOT EXISTS ({present}){counts}",
        )


def _faults(session: Session, sort: tuple[Kind, str, Kind | None], query: str) -> Iterator[FaultyRows]:
    kind, column, missing = sort
    counts = session.execute(f"SELECT role, COUNT(*) FROM ({query}) AS found GROUP BY role ORDER BY role")
    for role, count in counts.fetchall():
        rows = session.execute(
            f"SELECT line, value, first FROM ({query}) AS found WHERE role = :role ORDER BY line"
            f" LIMIT {_MOST_LISTED}",
            {"role": role},
        )
        yield FaultyRows(kind, column, role, missing, count, [FaultyRow(*row) for row in rows])
