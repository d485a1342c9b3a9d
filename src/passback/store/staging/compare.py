"""The comparison of a new roster with the current one: the plan of what it would change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.sis.rows import COLUMNS, Kind
from passback.store.roster_events import KINDS
from passback.store.staging.tables import FIELDS, REFERENCES, is_from_lms

if TYPE_CHECKING:
    from passback.store.engine.database import Connection, Session

Step = Callable[[str], None]
"""Called with the step that begins."""

Bound = Callable[[int], int]
"""How many objects of a kind may be removed, of how many."""


class Changes(Struct, frozen=True):
    """How many objects of one kind a roster would change."""

    before: int
    created: int
    updated: int
    removed: int

    @property
    def after(self) -> int:
        """How many there are then."""
        return self.before + self.created - self.removed


class Plan(Struct, frozen=True):
    """What a roster would change."""

    district_id: str
    version: int
    """The version of the roster that the new one was compared with."""
    kinds: dict[str, Changes]
    """By kind: ``schools`` and so on, ``students``, ``teachers`` and ``enrollments``."""
    left_out: int
    """The number of enrollments of people who are not (or no longer) students or teachers, or in another role."""
    people_left_out: int = 0
    """The number of people who are not, or no longer, students or teachers."""
    held_back: dict[str, int] = {}
    """How many removals wait, by kind: all of them, if they are too many of any kind."""
    too_many: dict[str, int] = {}
    """Of which kinds they are too many."""

    @property
    def nothing(self) -> bool:
        """Whether nothing would change."""
        return not any(it.created or it.updated or it.removed for it in self.kinds.values())


class RosterChanged(Exception):
    """The roster has changed since the plan was made."""


def version(connection: Connection, district_id: str) -> int:
    """The version of a district's roster: how often it has changed."""
    row = connection.execute(
        "SELECT roster_version FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return 0 if row is None else int(row[0])


def plan(session: Session, district_id: str, step: Step, most_removed: Bound | None) -> Plan:
    """Compare the new roster with the district's current one.

    If it would remove more objects of a kind than `most_removed` allows, none is removed at all: what one names (the
    school of a section, say) has to stay with it. None allows any number. Enrollments that end by their own dates are
    no such removals: a file that says so is not cut short.
    """
    given = {"district_id": district_id}
    began_at = version(session, district_id)  # first, so that a change during the comparison is noticed
    session.execute("DELETE FROM new_schools WHERE name IS NULL")  # an organisation that is not a school
    people_left_out = session.execute(
        "SELECT COUNT(*) FROM new_users WHERE role = 'other' AND NOT EXISTS (SELECT 1 FROM new_users AS also"
        " WHERE also.sis_id = new_users.sis_id AND also.role <> 'other')"
    ).fetchone()[0]
    session.execute("DELETE FROM new_users WHERE role = 'other'")
    for kind in KINDS:
        step(f"comparing {kind}")
        _identify(session, kind, given)
        references = [
            f"{column}_id = (SELECT target.id FROM new_{target} AS target"
            f" WHERE target.sis_id = new_{kind}.{column}_sis_id)"
            for column, target in REFERENCES.get(kind, {}).items()
        ]
        if references:
            session.execute(f"UPDATE new_{kind} SET {', '.join(references)}")
        session.analyse(f"new_{kind}")
        _compare(session, kind, given)
    step("comparing enrollments")
    members = _compare_members(session, given)
    before = sizes(session, district_id)
    removed = _removed(session)
    too_many = (
        {}
        if most_removed is None
        else {kind: count for kind, count in removed.items() if count > most_removed(before[kind])}
    )
    if too_many:
        session.execute("DELETE FROM changes WHERE what = 'deleted'")
        session.execute(f"DELETE FROM ended WHERE {_NOT_EXPIRED}")
    for table in ("ended", "begun"):
        session.analyse(table)
        session.execute(
            "INSERT INTO changes (kind, id, what, known)"
            f" SELECT DISTINCT 'sections', section_id, 'updated', 1 FROM {table}"
            " WHERE true ON CONFLICT DO NOTHING"
        )
    session.analyse("changes")
    return Plan(
        district_id,
        began_at,
        _changes(session, before),
        _left_out(session, members),
        people_left_out,
        held_back={kind: count for kind, count in removed.items() if count and too_many},
        too_many=too_many,
    )


def no_change(connection: Connection, district_id: str) -> Plan:
    """The plan of a roster that is known to be the district's current one."""
    kinds = {kind: Changes(count, 0, 0, 0) for kind, count in sizes(connection, district_id).items()}
    return Plan(district_id, version(connection, district_id), kinds, 0)


def _identify(session: Session, kind: Kind, given: dict[str, Any]) -> None:
    """Identify the new objects with ours, by SIS id or LMS id.

    The LMS id comes first: a person who gets a SIS id in the LMS, or another one, is still the same person.
    """
    same = " AND was.role = new_users.role" if kind == "users" else ""
    index = f"CREATE UNIQUE INDEX new_{kind}_by_id ON new_{kind} (id)"

    def identify(by: str, where: str = "", *, now: str | None = None) -> None:
        session.execute(
            f"UPDATE new_{kind} SET id = was.id FROM {kind} AS was WHERE was.district_id = :district_id"
            f" AND was.{by} = new_{kind}.{now or by}{same}{where}",
            given,
        )

    if not is_from_lms(session, kind):
        identify("sis_id")
        if "former_sis_id" in COLUMNS[kind]:
            identify("sis_id", now="former_sis_id")
        session.define(index)
        return
    session.define(f"CREATE INDEX new_{kind}_by_lms_id ON new_{kind} (lms_id)")
    identify("lms_id", " AND was.removed IS NULL")
    session.define(index)
    for by in ("lms_id", "sis_id"):  # a removed object may have come back
        identify(
            by,
            f" AND NOT EXISTS (SELECT 1 FROM {kind} AS mine WHERE mine.id = new_{kind}.id)"
            f" AND NOT EXISTS (SELECT 1 FROM new_{kind} AS other WHERE other.id = was.id)",
        )


def _compare(session: Session, kind: str, given: dict[str, Any]) -> None:
    differs = " OR ".join(f"COALESCE(was.{it}, '') <> COALESCE(now.{it}, '')" for it in FIELDS[kind])
    session.execute(
        f"INSERT INTO changes (kind, id, what, known) SELECT '{kind}', now.id,"
        " CASE WHEN was.id IS NULL OR was.removed IS NOT NULL THEN 'created' ELSE 'updated' END,"
        " CASE WHEN was.id IS NULL THEN 0 ELSE 1 END"
        f" FROM new_{kind} AS now LEFT JOIN {kind} AS was ON was.id = now.id"
        f" WHERE was.id IS NULL OR was.removed IS NOT NULL OR {differs}"
    )
    session.execute(
        f"INSERT INTO changes (kind, id, what, known) SELECT '{kind}', id, 'deleted', 1 FROM {kind}"
        f" WHERE district_id = :district_id AND removed IS NULL AND NOT EXISTS (SELECT 1 FROM new_{kind}"
        f" WHERE new_{kind}.id = {kind}.id)",
        given,
    )


def _compare_members(session: Session, given: dict[str, Any]) -> int:
    """Find the enrollments that begin and end. All is read and written in one order, so that it is merged.

    Returns how many the new roster has.
    """
    members = (
        "INSERT INTO {} (section_id, role, user_id) SELECT new_sections.id, new_users.role, new_users.id"
        " FROM new_enrollments JOIN new_sections ON new_sections.sis_id = new_enrollments.section_sis_id"
        " JOIN new_users ON new_users.sis_id = new_enrollments.user_sis_id AND {}"
        " ORDER BY new_sections.id, new_users.role, new_users.id ON CONFLICT DO NOTHING"
    )
    session.execute(members.format("new_members", "new_users.role = new_enrollments.role"))
    session.execute(members.format("expired", "new_enrollments.role = 'ended'"))
    session.analyse("new_members")
    session.analyse("expired")
    was = (
        "SELECT sections.id AS section_id, role, user_id FROM sections JOIN enrollments AS was"
        " ON was.section_id = sections.id WHERE sections.district_id = :district_id"
    )
    now = "SELECT section_id, role, user_id FROM new_members"
    count = _size(session, "new_members")
    if session.execute(f"{was} LIMIT 1", given).fetchone() is None:  # all begin: that need not be compared
        session.define("DROP TABLE begun")
        session.define("ALTER TABLE new_members RENAME TO begun")
        return count
    for table, these, others in (("ended", was, now), ("begun", now, was)):
        session.execute(
            f"INSERT INTO {table} (section_id, role, user_id) {these} EXCEPT {others}"
            " ORDER BY section_id, role, user_id",
            given,
        )
    return count


_COUNTED: tuple[tuple[str, str, str], ...] = (
    ("schools", "schools", ""),
    ("terms", "terms", ""),
    ("courses", "courses", ""),
    ("sections", "sections", ""),
    ("students", "users", " AND role = 'student'"),
    ("teachers", "users", " AND role = 'teacher'"),
)
"""What is counted: its name, its table, and the condition for its rows."""


def sizes(connection: Connection, district_id: str) -> dict[str, int]:
    """How many objects of each kind a district has."""
    given = {"district_id": district_id}
    found = {}
    for name, table, where in _COUNTED:
        query = f"SELECT COUNT(*) FROM {table} WHERE district_id = :district_id AND removed IS NULL{where}"
        found[name] = int(connection.execute(query, given).fetchone()[0])
    query = (
        "SELECT COUNT(*) FROM enrollments JOIN sections ON sections.id = enrollments.section_id"
        " WHERE sections.district_id = :district_id"
    )
    return {**found, "enrollments": int(connection.execute(query, given).fetchone()[0])}


_NOT_EXPIRED = (
    "NOT EXISTS (SELECT 1 FROM expired WHERE expired.section_id = ended.section_id AND expired.role = ended.role"
    " AND expired.user_id = ended.user_id)"
)


def _removed(session: Session) -> dict[str, int]:
    """How many objects of each kind are to be removed, without enrollments that end by their dates."""
    found = {}
    for name, table, where in _COUNTED:
        query = (
            f"SELECT COUNT(*) FROM changes JOIN {table} ON {table}.id = changes.id WHERE kind = '{table}'"
            f" AND what = 'deleted'{where}"
        )
        found[name] = int(session.execute(query).fetchone()[0])
    return {**found, "enrollments": _size(session, f"ended WHERE {_NOT_EXPIRED}")}


def _changes(session: Session, before: dict[str, int]) -> dict[str, Changes]:
    counts: dict[str, dict[str, int]] = {name: {} for name, _, _ in _COUNTED}
    for kind, role, what, count in session.execute(
        "SELECT changes.kind, COALESCE(now.role, was.role), what, COUNT(*) FROM changes"
        " LEFT JOIN new_users AS now ON changes.kind = 'users' AND now.id = changes.id"
        " LEFT JOIN users AS was ON changes.kind = 'users' AND now.id IS NULL AND was.id = changes.id"
        " GROUP BY changes.kind, COALESCE(now.role, was.role), what"
    ):
        counts[kind if role is None else f"{role}s"][what] = int(count)
    found = {
        name: Changes(before[name], it.get("created", 0), it.get("updated", 0), it.get("deleted", 0))
        for name, it in counts.items()
    }
    moved = _size(session, "begun"), _size(session, "ended")
    return {**found, "enrollments": Changes(before["enrollments"], moved[0], 0, moved[1])}


def _size(session: Session, table: str) -> int:
    return int(session.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def _left_out(session: Session, members: int) -> int:
    if _size(session, "new_enrollments") == members:
        return 0  # as usual: no need to look at each
    return _size(
        session,
        "(SELECT DISTINCT section_sis_id, user_sis_id, role FROM new_enrollments AS asked WHERE NOT EXISTS"
        " (SELECT 1 FROM new_users WHERE new_users.sis_id = asked.user_sis_id AND new_users.role = asked.role))"
        " AS others",
    )
