"""What of a new roster does not go together."""

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

_MOST_TOLD = 200
"""How many problems of one sort are told one by one."""


class Fault(Struct, frozen=True):
    """A row that does not go with the others."""

    line: int
    value: str
    first: int
    """Of an id that is there more than once, the line that has it first."""


class Faults(Struct, frozen=True):
    """Rows that do not go with the others, of one sort."""

    kind: Kind
    column: str
    role: str
    """The role of users and enrollments; else empty."""
    missing: Kind | None
    """What there is none of; None where an id is there more than once."""
    count: int
    first: list[Fault]


def find_faults(session: Session, *, ids_by_role: bool) -> Iterator[Faults]:
    """What does not go together, sort by sort and the root first: ids that are there twice, references to nothing.

    `ids_by_role` where a student and a teacher of one id may be two people.
    """
    for kind in KINDS:
        by = "sis_id, role" if kind == "users" and ids_by_role else "sis_id"
        role = "MIN(role)" if kind == "users" else "''"
        # Who has two roles is two with one line.
        yield from _told(
            session,
            (kind, "sis_id", None),
            f"SELECT {role} AS role, MAX(line) AS line, sis_id AS value, MIN(line) AS first FROM new_{kind}"
            f" GROUP BY {by} HAVING MIN(line) <> MAX(line)",
        )
    for kind, column, target in (
        (kind, column, target) for kind, them in REFERENCES.items() for column, target in them.items()
    ):
        role = "role" if kind in ("users", "enrollments") else "''"
        # What is left out may be of what there is no more.
        counts = f" AND role IN {ROLES}" if kind in ("roles", "enrollments") else ""
        present = f"SELECT 1 FROM new_{target} AS target WHERE target.sis_id = new_{kind}.{column}_sis_id"
        yield from _told(
            session,
            (kind, f"{column}_sis_id", target),
            f"SELECT {role} AS role, line, {column}_sis_id AS value, line AS first FROM new_{kind}"
            f" WHERE {column}_sis_id IS NOT NULL AND NOT EXISTS ({present}){counts}",
        )


def _told(session: Session, sort: tuple[Kind, str, Kind | None], query: str) -> Iterator[Faults]:
    kind, column, missing = sort
    counts = session.execute(f"SELECT role, COUNT(*) FROM ({query}) AS found GROUP BY role ORDER BY role")
    for role, count in counts.fetchall():
        rows = session.execute(
            f"SELECT line, value, first FROM ({query}) AS found WHERE role = :role ORDER BY line"
            f" LIMIT {_MOST_TOLD}",
            {"role": role},
        )
        yield Faults(kind, column, role, missing, count, [Fault(*row) for row in rows])
