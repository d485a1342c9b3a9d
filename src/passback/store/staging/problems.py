"""Problems between the rows of a new roster: duplicate ids and references to nothing. Such rows are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.roster import ROLES
from passback.sis.rows import COLUMNS, Kind
from passback.store.roster_events import KINDS
from passback.store.staging.keep import keep_objects
from passback.store.staging.tables import KEPT, REFERENCES

if TYPE_CHECKING:
    from passback.sis.rows import Format
    from passback.store.engine.database import Session

_MOST_LISTED = 200
"""How many problems of one sort are listed."""
_OPTIONAL = frozenset({"course_sis_id", "term_sis_id"})
"""References that a row can do without."""

_NOT_ITS_OWN = "'gone', 'left out'"
"""The causes of a broken reference that lie in the row referred to."""
_ANY_CAUSE = f"{_NOT_ITS_OWN}, 'nothing'"

Effect = Literal["left out", "emptied", "follows"]


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
    effect: Effect
    """Whether the rows are left out, or only their reference, or whether this follows from rows left out before."""
    count: int
    first: list[FaultyRow]
    rows: int
    """The number of rows, of which a duplicate id has several."""
    earlier: int
    """How many of them came with an earlier import."""


def leave_out_objects(session: Session, district_id: str, files: Format) -> list[FaultyRows]:
    """Leave out objects with duplicate ids or references to nothing, and keep what the district has of them.

    Returns the faults sort by sort. Identical rows are one, and so are those of a person, known by id and name, whom
    `files` may repeat for each school: the first counts. References to what the file calls gone are emptied, which is
    no fault.
    """
    session.define(
        "CREATE TEMP TABLE broken (line BIGINT, first BIGINT, count BIGINT, sis_id TEXT, user_sis_id TEXT, role TEXT,"
        " value TEXT, cause TEXT)"
    )
    session.define("CREATE INDEX broken_by_line ON broken (line, value)")
    found: list[FaultyRows] = []
    for kind in KINDS:
        by_role = files.ids_by_role and kind == "users"
        _merge_same(session, kind, repeated_users=files.repeats_users)
        found += _duplicates(session, kind, by_role=by_role)
        found += _references(session, district_id, kind, by_role=by_role)
        keep_objects(session, district_id, kind)
        if kind == "sections" and files.sections_name_terms and found:
            _leave_out_with_sections(session)
    return found


def leave_out_members(session: Session, district_id: str) -> list[FaultyRows]:
    """Leave out roles and enrollments that refer to nothing. Those that refer to something gone are no fault."""
    return [
        it
        for kind in ("roles", "enrollments")
        for it in _references(session, district_id, kind, by_role=True)
    ]


def _merge_same(session: Session, kind: Kind, *, repeated_users: bool) -> None:
    """Delete rows that repeat the first of their id."""
    repeated = session.execute(f"SELECT 1 FROM new_{kind} GROUP BY sis_id HAVING COUNT(*) > 1 LIMIT 1")
    if repeated.fetchone() is None:
        return
    of_role = " AND COALESCE({0}.role, '') = COALESCE({1}.role, '')" if kind == "users" else ""
    key = "sis_id, COALESCE(role, '')" if kind == "users" else "sis_id"
    role = ", MIN(role) AS role" if kind == "users" else ""
    columns = [it for it in COLUMNS[kind] if it != "sis_id"]
    same = " AND ".join(f"COALESCE(first.{it}, '') = COALESCE(mine.{it}, '')" for it in columns)
    for_each_school = (
        " OR first.first_name = mine.first_name AND first.last_name = mine.last_name"
        " AND COALESCE(first.school_sis_id, '') <> COALESCE(mine.school_sis_id, '')"
        if repeated_users and kind == "users"
        else ""
    )
    session.execute(
        f"DELETE FROM new_{kind} WHERE id IN (SELECT mine.id FROM (SELECT sis_id, MIN(line) AS line{role}"
        f" FROM new_{kind} GROUP BY {key} HAVING COUNT(*) > 1) AS least"
        f" JOIN new_{kind} AS first ON first.sis_id = least.sis_id AND first.line = least.line"
        f"{of_role.format('first', 'least')} JOIN new_{kind} AS mine ON mine.sis_id = first.sis_id"
        f" AND mine.line > first.line{of_role.format('mine', 'first')} WHERE {same}{for_each_school})"
    )


def _leave_out_with_sections(session: Session) -> None:
    """Leave out what only rows of sections say which have been left out: their teachers, terms and courses."""
    left_out = (
        f"(SELECT sis_id FROM new_left_out WHERE kind = 'sections' AND sis_id NOT IN"
        f" (SELECT sis_id FROM new_sections WHERE line <> {KEPT}))"
    )
    session.execute(
        "INSERT INTO new_left_out (line, kind, sis_id, role) SELECT MIN(line), 'enrollments', section_sis_id, 'teacher'"
        f" FROM new_enrollments WHERE role = 'teacher' AND section_sis_id IN {left_out} GROUP BY section_sis_id"
    )
    session.execute(f"DELETE FROM new_enrollments WHERE role = 'teacher' AND section_sis_id IN {left_out}")
    for column, kind in (("term_sis_id", "terms"), ("course_sis_id", "courses")):
        named = f"SELECT {column} FROM new_sections WHERE {column} IS NOT NULL"
        session.execute(f"DELETE FROM new_{kind} WHERE line <> {KEPT} AND sis_id NOT IN ({named})")


def _duplicates(session: Session, kind: Kind, *, by_role: bool) -> list[FaultyRows]:
    """Leave out all rows of an id that several have, since none can be trusted."""
    key = "sis_id, role" if by_role else "sis_id"
    role = "MIN(COALESCE(role, ''))" if kind == "users" else "''"
    session.execute("DELETE FROM broken")
    session.execute(
        "INSERT INTO broken (line, first, count, sis_id, role, value, cause)"
        f" SELECT MAX(line), MIN(line), COUNT(*), sis_id, {role}, sis_id, 'twice' FROM new_{kind} GROUP BY {key}"
        " HAVING COUNT(*) > 1"
    )
    found = _listed(session, kind, "sis_id", None)
    if found:
        _note_left_out(session, kind, "cause = 'twice'", by_role=by_role)
        mine = f" AND broken.role = new_{kind}.role" if by_role else ""
        session.execute(
            f"DELETE FROM new_{kind} WHERE EXISTS (SELECT 1 FROM broken WHERE broken.value = new_{kind}.sis_id{mine})"
        )
    return found


def _references(session: Session, district_id: str, kind: Kind, *, by_role: bool) -> list[FaultyRows]:
    """Empty references to nothing, or leave out the rows that have one."""
    found: list[FaultyRows] = []
    if not _any_broken(session, kind):
        return found
    for name, target in REFERENCES[kind].items():
        column = f"{name}_sis_id"
        if not _find_broken(session, kind, column, target):
            continue
        found += _listed(session, kind, column, target)
        mine = (
            f"EXISTS (SELECT 1 FROM broken WHERE broken.line = new_{kind}.line AND broken.value = new_{kind}.{column}"
            " AND broken.cause IN ({}))"
        )
        if column in _OPTIONAL:
            session.execute(f"UPDATE new_{kind} SET {column} = NULL WHERE {mine.format(_ANY_CAUSE)}")
            continue
        if column == "school_sis_id":
            session.execute(f"UPDATE new_{kind} SET {column} = NULL WHERE {mine.format(_NOT_ITS_OWN)}")
        if kind in ("roles", "enrollments"):
            _doubt_unheard_of(session, district_id, target)
        _note_left_out(session, kind, "cause = 'nothing'", by_role=by_role)
        session.execute(f"DELETE FROM new_{kind} WHERE {mine.format(_ANY_CAUSE)}")
    return found


def _counts(kind: Kind) -> str:
    """SQL: whether a row counts. Those of other roles are left out anyway: they may refer to what no longer exists."""
    return "true" if kind == "sections" else f"(mine.role IS NULL OR mine.role IN {ROLES})"


def _any_broken(session: Session, kind: Kind) -> bool:
    """Whether any reference of a kind leads nowhere, found in one look at each row."""
    joined, broken = [], []
    for name, target in REFERENCES.get(kind, {}).items():
        joined.append(f" LEFT JOIN new_{target} AS {name}_ ON {name}_.sis_id = mine.{name}_sis_id")
        broken.append(f"mine.{name}_sis_id IS NOT NULL AND {name}_.sis_id IS NULL")
    if not broken:
        return False
    found = session.execute(
        f"SELECT 1 FROM new_{kind} AS mine{''.join(joined)} WHERE ({' OR '.join(broken)}) AND {_counts(kind)} LIMIT 1"
    )
    return found.fetchone() is not None


def _find_broken(session: Session, kind: Kind, column: str, target: Kind) -> bool:
    """Collect the rows whose reference leads nowhere, and why. Returns whether there are any."""
    ids = [
        it if it in COLUMNS[kind] else "NULL"
        for it in ("section_sis_id" if kind == "enrollments" else "sis_id", "user_sis_id", "role")
    ]
    ids[2] = f"COALESCE({ids[2]}, '')"
    session.execute("DELETE FROM broken")
    session.execute(
        "INSERT INTO broken (line, first, count, sis_id, user_sis_id, role, value, cause)"
        f" SELECT line, line, 1, {', '.join(ids)}, {column}, CASE"
        f" WHEN EXISTS (SELECT 1 FROM new_gone AS gone WHERE gone.kind = '{target}' AND gone.sis_id = mine.{column})"
        " THEN 'gone'"
        f" WHEN EXISTS (SELECT 1 FROM new_left_out AS it WHERE it.kind = '{target}' AND it.sis_id = mine.{column})"
        f" OR EXISTS (SELECT 1 FROM new_left_out AS it WHERE it.kind = '{target}' AND it.sis_id IS NULL)"
        " THEN 'left out' ELSE 'nothing' END"
        f" FROM new_{kind} AS mine WHERE {column} IS NOT NULL AND NOT EXISTS"
        f" (SELECT 1 FROM new_{target} AS target WHERE target.sis_id = mine.{column}) AND {_counts(kind)}"
    )
    return session.execute("SELECT 1 FROM broken LIMIT 1").fetchone() is not None


def _doubt_unheard_of(session: Session, district_id: str, target: Kind) -> None:
    """Forget the id in a broken reference that the district has never had: it may be misspelled for any other."""
    column = "user_sis_id" if target == "users" else "sis_id"
    session.execute(
        f"UPDATE broken SET {column} = NULL WHERE cause = 'nothing' AND value = {column} AND NOT EXISTS (SELECT 1"
        f" FROM {target} AS was WHERE was.district_id = :district_id AND was.sis_id = broken.value)",
        {"district_id": district_id},
    )


def _note_left_out(session: Session, kind: Kind, which: str, *, by_role: bool) -> None:
    role = "NULLIF(role, '')" if by_role else "NULL"
    session.execute(
        "INSERT INTO new_left_out (line, kind, sis_id, user_sis_id, role)"
        f" SELECT line, '{kind}', sis_id, user_sis_id, {role} FROM broken WHERE {which}"
    )


def _listed(session: Session, kind: Kind, column: str, missing: Kind | None) -> list[FaultyRows]:
    """The sorts of what is broken. What refers to something gone is no fault."""
    found = []
    sorts = session.execute(
        "SELECT role, cause, COUNT(*), SUM(count), SUM(CASE WHEN line < 0 THEN count ELSE 0 END) FROM broken"
        " WHERE cause <> 'gone' GROUP BY role, cause ORDER BY role, cause"
    ).fetchall()
    for role, cause, count, rows, earlier in sorts:
        first = session.execute(
            "SELECT line, value, first FROM broken WHERE role = :role AND cause = :cause"
            f" ORDER BY line < 0, ABS(line) LIMIT {_MOST_LISTED}",
            {"role": role, "cause": cause},
        ).fetchall()
        effect = _effect(column, cause)
        listed = [FaultyRow(*row) for row in first]
        found.append(FaultyRows(kind, column, role, missing, effect, count, listed, int(rows), int(earlier)))
    return found


def _effect(column: str, cause: str) -> Effect:
    if cause == "left out":
        return "follows"
    return "emptied" if column in _OPTIONAL else "left out"
