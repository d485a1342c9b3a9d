"""The temporary tables of one session that stage a new roster: `new_schools` and so on.

The new roster is checked, compared with the district's own and applied by statements on all rows at once, so that
neither the memory nor the number of statements grows with the district. Only `passback.store.staging.apply` touches
what others see.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from passback.domain.clock import SECOND
from passback.domain.roster import ROLES
from passback.sis.rows import COLUMNS, Kind
from passback.store.roster_events import KINDS

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Session

REFERENCES: dict[Kind, dict[str, Kind]] = {
    "sections": {"school": "schools", "course": "courses", "term": "terms"},
    "users": {"school": "schools"},
    "roles": {"school": "schools", "user": "users"},
    "enrollments": {"section": "sections", "user": "users"},
}
FIELDS: dict[str, tuple[str, ...]] = {
    "schools": ("name", "school_number"),
    "terms": ("name", "start_date", "end_date"),
    "courses": ("name", "number"),
    "sections": (
        "sis_id",
        "name",
        "school_id",
        "course_id",
        "term_id",
        "section_number",
        "subject",
        "grade",
        "period",
    ),
    "users": (
        "sis_id", "first_name", "middle_name", "last_name", "email", "school_id", "grade", "number", "state_id",
        "username",
    ),
}  # fmt: skip
"""The fields that a roster sets. A SIS id only changes if the LMS id shows that the object is the same."""
MATCHED = frozenset({"sections", "users"})
KEPT = 0
"""The line of what is not from the file, but stays as the district has it."""
ROWS_AT_ONCE = 2_000
"""How many rows are read at a time."""


def prepare(session: Session) -> None:
    """Create the temporary tables."""
    for kind, columns in COLUMNS.items():
        ids = {
            "sections": ["id", "school_id", "course_id", "term_id"],
            "users": ["id", "school_id"],
            "schools": ["id"],
            "terms": ["id"],
            "courses": ["id"],
        }.get(kind, [])
        typed = ", ".join(f"{name} TEXT" for name in (*columns, *ids))
        session.define(f"CREATE TEMP TABLE new_{kind} (line BIGINT, {typed})")
    for table in ("new_members", "expired", "ended", "begun"):
        session.define(
            f"CREATE TEMP TABLE {table} (section_id TEXT NOT NULL, role TEXT NOT NULL, user_id TEXT NOT NULL,"
            " PRIMARY KEY (section_id, role, user_id)) WITHOUT ROWID"
        )
    # Known is what has a row in the district's roster already, even if it was removed.
    session.define(
        "CREATE TEMP TABLE changes (kind TEXT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL, known BIGINT NOT NULL,"
        " PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )


class Ids:
    """Generates ids for new objects: 24 hex digits that count up, so that they go to the end of an index."""

    def __init__(self, now: Instant) -> None:
        self._prefix = f"{now // SECOND & 0xFFFF_FFFF:08x}"
        self._next = secrets.randbits(63)

    def give(self, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The rows, each with an id at its end."""
        first = self._next + 1
        self._next += len(rows)
        return [(*row, f"{self._prefix}{number:016x}") for number, row in enumerate(rows, first)]


def load(session: Session, kind: Kind, rows: Sequence[Sequence[Any]], ids: Ids) -> None:
    """Add rows: each has its line number, and the columns of its kind."""
    columns = ("line", *COLUMNS[kind])
    if kind in KINDS:
        session.load(f"new_{kind}", (*columns, "id"), ids.give(rows))
    else:
        session.load(f"new_{kind}", columns, rows)


def index(session: Session) -> None:
    """Index the tables, once everything is loaded."""
    for kind in KINDS:
        role = ", role" if kind == "users" else ""
        session.define(f"CREATE INDEX new_{kind}_by_sis_id ON new_{kind} (sis_id{role})")
        session.analyse(f"new_{kind}")
    session.define("CREATE INDEX new_roles_by_user ON new_roles (user_sis_id, role)")
    for table in ("gone", "left_out"):
        session.define(f"CREATE INDEX new_{table}_by_sis_id ON new_{table} (kind, sis_id)")
    for table in ("roles", "enrollments", "gone", "left_out"):
        session.analyse(f"new_{table}")


def settle_former_ids(session: Session, district_id: str) -> None:
    """Leave a former SIS id only to the one object that takes over what the district has under it.

    That is the first, if it does not exist under its own id yet.
    """
    for kind in ("terms", "courses"):
        if (
            session.execute(f"SELECT 1 FROM new_{kind} WHERE former_sis_id IS NOT NULL LIMIT 1").fetchone()
            is None
        ):
            continue
        exists = (
            f"EXISTS (SELECT 1 FROM {kind} AS was WHERE was.district_id = :district_id AND was.sis_id = {{}})"
        )
        session.define(f"CREATE INDEX new_{kind}_by_former_sis_id ON new_{kind} (former_sis_id)")
        session.execute(
            f"UPDATE new_{kind} SET former_sis_id = NULL WHERE {exists.format(f'new_{kind}.sis_id')}"
            f" OR NOT {exists.format(f'new_{kind}.former_sis_id')}",
            {"district_id": district_id},
        )
        session.execute(
            f"UPDATE new_{kind} SET former_sis_id = NULL WHERE EXISTS (SELECT 1 FROM new_{kind} AS first"
            f" WHERE first.former_sis_id = new_{kind}.former_sis_id AND first.line < new_{kind}.line)"
        )


def settle(session: Session, ids: Ids, *, one_role: bool) -> None:
    """Once it is known which enrollments and roles hold: determine each user's roles.

    A person who is both a student and a teacher becomes two users. With `one_role`, further roles follow from the
    enrollments.
    """
    session.execute(
        "UPDATE new_users SET role = CASE"
        + "".join(
            " WHEN EXISTS (SELECT 1 FROM new_roles WHERE user_sis_id = new_users.sis_id AND new_roles.role ="
            f" '{role}') THEN '{role}'"
            for role in ("teacher", "student")
        )
        + " ELSE 'other' END WHERE role IS NULL"
    )
    _add_roles(session, ids, "new_enrollments" if one_role else "new_roles")
    session.execute(
        "UPDATE new_users SET school_sis_id = (SELECT school_sis_id FROM new_roles WHERE user_sis_id ="
        " new_users.sis_id AND new_roles.role = new_users.role AND school_sis_id IS NOT NULL ORDER BY line LIMIT 1)"
        f" WHERE school_sis_id IS NULL AND line <> {KEPT}"
    )


def _add_roles(session: Session, ids: Ids, source: str) -> None:
    """Add a user for each further role that a person has."""
    columns = ("line", "sis_id", "role", *(it for it in COLUMNS["users"] if it not in ("sis_id", "role")))
    typed = ", ".join(f"{it} {'BIGINT' if it == 'line' else 'TEXT'}" for it in columns)
    session.define(f"CREATE TEMP TABLE new_others ({typed}, PRIMARY KEY (line, sis_id, role))")
    values = ", ".join("given.role" if it == "role" else f"new_users.{it}" for it in columns)
    session.execute(
        f"INSERT INTO new_others ({', '.join(columns)}) SELECT DISTINCT {values} FROM {source} AS given"
        " JOIN new_users ON new_users.sis_id = given.user_sis_id AND new_users.role <> given.role"
        f" WHERE given.role IN {ROLES} AND NOT EXISTS (SELECT 1 FROM new_users"
        " AS other WHERE other.sis_id = given.user_sis_id AND other.role = given.role)"
    )
    after = (0, "", "")
    while rows := session.execute(
        f"SELECT {', '.join(columns)} FROM new_others WHERE (line, sis_id, role) > (:line, :sis_id, :role)"
        f" ORDER BY line, sis_id, role LIMIT {ROWS_AT_ONCE}",
        {"line": after[0], "sis_id": after[1], "role": after[2]},
    ).fetchall():
        session.load("new_users", (*columns, "id"), ids.give(rows))
        after = rows[-1][:3]


def is_from_lms(session: Session, kind: str) -> bool:
    """Whether the staged objects of a kind have ids of the LMS."""
    if kind not in MATCHED:
        return False
    found = session.execute(f"SELECT 1 FROM new_{kind} WHERE lms_id IS NOT NULL LIMIT 1")
    return found.fetchone() is not None
