"""A new roster beside the one that there is: what is wrong with it, what it would change, and the change itself.

It is in temporary tables of one session, `new_schools` and so on, and compared with the district's own by statements
on all rows at once: neither the memory nor the number of statements grows with the district. Only `apply` touches what
others see.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.clock import SECOND
from passback.domain.roster import ROLES
from passback.sis.rows import COLUMNS, Kind
from passback.store import matching, roster_events
from passback.store.roster_events import KINDS

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection, Session

Step = Callable[[str], None]
"""Told what is done next."""

_REFERENCES: dict[Kind, dict[str, Kind]] = {
    "sections": {"school": "schools", "course": "courses", "term": "terms"},
    "users": {"school": "schools"},
    "roles": {"school": "schools", "user": "users"},
    "enrollments": {"section": "sections", "user": "users"},
}
_FIELDS: dict[str, tuple[str, ...]] = {
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
    "users": ("sis_id", "first_name", "middle_name", "last_name", "email", "school_id", "grade"),
}
"""What of an object a roster sets; its SIS id changes only where the LMS's id tells that it is the same."""
_DATED = frozenset({"schools", "sections", "users"})
"""Those that keep when they were made and changed."""
_MATCHED = frozenset({"sections", "users"})
_TOGETHER = 2_000
"""How many rows are read at a time."""
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


class Changes(Struct, frozen=True):
    """What a roster would change of one kind of objects."""

    before: int
    created: int
    updated: int
    removed: int


class Plan(Struct, frozen=True):
    """What a roster would change."""

    district_id: str
    version: int
    """The roster's when this was found out."""
    kinds: dict[str, Changes]
    """By ``schools`` and so on, ``students``, ``teachers`` and ``enrollments``."""
    left_out: int
    """How many enrollments are of people who are neither students nor teachers, or not now, or in another role."""
    people_left_out: int = 0
    """How many people are neither students nor teachers, or not now."""

    @property
    def nothing(self) -> bool:
        """Whether all is as it is already."""
        return not any(it.created or it.updated or it.removed for it in self.kinds.values())


class RosterChanged(Exception):
    """The roster was changed by another since the plan was made."""


def prepare(session: Session) -> None:
    """Make the temporary tables."""
    for kind, columns in COLUMNS.items():
        ids = {
            "sections": ["id", "school_id", "course_id", "term_id"],
            "users": ["id", "school_id"],
            "roles": [],
            "enrollments": [],
        }.get(kind, ["id"])
        typed = ", ".join(f"{name} TEXT" for name in (*columns, *ids))
        session.define(f"CREATE TEMP TABLE new_{kind} (line BIGINT, {typed})")
    for table in ("new_members", "ended", "begun"):
        session.define(
            f"CREATE TEMP TABLE {table} (section_id TEXT NOT NULL, role TEXT NOT NULL, user_id TEXT NOT NULL,"
            " PRIMARY KEY (section_id, role, user_id))"
        )
    session.define(
        "CREATE TEMP TABLE changes (kind TEXT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL, previous TEXT,"
        " PRIMARY KEY (kind, id))"
    )


class Ids:
    """Ids for new objects: 24 hex digits that count up, so that they are added at the end of an index."""

    def __init__(self, now: Instant) -> None:
        self._prefix = f"{now // SECOND & 0xFFFF_FFFF:08x}"
        self._next = secrets.randbits(63)

    def __call__(self) -> str:
        self._next += 1
        return f"{self._prefix}{self._next:016x}"


def load(session: Session, kind: Kind, rows: Sequence[Sequence[Any]], ids: Ids) -> None:
    """Add rows: each its line, and its kind's columns."""
    columns = ("line", *COLUMNS[kind])
    if kind in KINDS:
        session.load(f"new_{kind}", (*columns, "id"), ((*row, ids()) for row in rows))
    else:
        session.load(f"new_{kind}", columns, rows)


def settle(session: Session, ids: Ids, *, repeated_users: bool, one_role: bool) -> None:
    """When all is loaded: find out each user's roles, and make it quick to look things up.

    Who is a student and a teacher is two users. `one_role` where enrollments say who else somebody is;
    `repeated_users` where somebody, known by id and name, may have a row for each school: the first counts.
    """
    for kind in KINDS:
        session.define(f"CREATE INDEX new_{kind}_by_sis_id ON new_{kind} (sis_id)")
        session.analyse(f"new_{kind}")
    session.define("CREATE INDEX new_roles_by_user ON new_roles (user_sis_id, role)")
    session.analyse("new_roles")
    session.analyse("new_enrollments")
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
        " WHERE school_sis_id IS NULL"
    )
    if repeated_users:
        session.execute(
            "DELETE FROM new_users WHERE EXISTS (SELECT 1 FROM new_users AS first WHERE first.sis_id = new_users.sis_id"
            " AND first.role = new_users.role AND first.line < new_users.line"
            " AND first.first_name = new_users.first_name AND first.last_name = new_users.last_name"
            " AND COALESCE(first.school_sis_id, '') <> COALESCE(new_users.school_sis_id, ''))"
        )


def _add_roles(session: Session, ids: Ids, source: str) -> None:
    """Add those who are somebody in another role, too."""
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
        f" ORDER BY line, sis_id, role LIMIT {_TOGETHER}",
        {"line": after[0], "sis_id": after[1], "role": after[2]},
    ).fetchall():
        session.load("new_users", (*columns, "id"), ((*row, ids()) for row in rows))
        after = rows[-1][:3]


def faults(session: Session, *, ids_by_role: bool) -> Iterator[Faults]:
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
        (kind, column, target) for kind, them in _REFERENCES.items() for column, target in them.items()
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


def plan(session: Session, district_id: str, step: Step) -> Plan:
    """Compare the new roster with the district's."""
    given = {"district_id": district_id}
    began_at = version(session, district_id)  # first: what changes while this compares is found out
    session.execute("DELETE FROM new_schools WHERE name IS NULL")  # an organisation that is no school
    people_left_out = session.execute(
        "SELECT COUNT(*) FROM new_users WHERE role = 'other' AND NOT EXISTS (SELECT 1 FROM new_users AS also"
        " WHERE also.sis_id = new_users.sis_id AND also.role <> 'other')"
    ).fetchone()[0]
    session.execute("DELETE FROM new_users WHERE role = 'other'")
    for kind in KINDS:
        step(f"comparing {kind}")
        _identify(session, kind, given)
        for column, target in _REFERENCES.get(kind, {}).items():
            session.execute(
                f"UPDATE new_{kind} SET {column}_id = target.id FROM new_{target} AS target"
                f" WHERE target.sis_id = new_{kind}.{column}_sis_id"
            )
        session.analyse(f"new_{kind}")
        _compare(session, kind, given)
    step("comparing enrollments")
    session.execute(
        "INSERT INTO new_members (section_id, role, user_id)"
        " SELECT DISTINCT new_sections.id, new_enrollments.role, new_users.id FROM new_enrollments"
        " JOIN new_sections ON new_sections.sis_id = new_enrollments.section_sis_id"
        " JOIN new_users ON new_users.sis_id = new_enrollments.user_sis_id AND new_users.role = new_enrollments.role"
    )
    session.analyse("new_members")
    session.execute(
        "INSERT INTO ended (section_id, role, user_id) SELECT was.section_id, was.role, was.user_id"
        " FROM enrollments AS was JOIN sections ON sections.id = was.section_id"
        " WHERE sections.district_id = :district_id AND NOT EXISTS (SELECT 1 FROM new_members WHERE"
        " new_members.section_id = was.section_id AND new_members.role = was.role"
        " AND new_members.user_id = was.user_id)",
        given,
    )
    session.execute(
        "INSERT INTO begun (section_id, role, user_id) SELECT section_id, role, user_id FROM new_members"
        " WHERE NOT EXISTS (SELECT 1 FROM enrollments AS was WHERE was.section_id = new_members.section_id"
        " AND was.role = new_members.role AND was.user_id = new_members.user_id)"
    )
    for table in ("ended", "begun"):
        session.analyse(table)
        session.execute(
            f"INSERT INTO changes (kind, id, what) SELECT DISTINCT 'sections', section_id, 'updated' FROM {table}"
            " WHERE true ON CONFLICT DO NOTHING"
        )
    session.analyse("changes")
    return Plan(district_id, began_at, _counts(session, given), _left_out(session), people_left_out)


def _identify(session: Session, kind: str, given: dict[str, Any]) -> None:
    """Find out which of ours the new ones are: those that have a SIS id, or an LMS's id, of ours.

    The LMS's counts first: who gets a SIS id there, or another one, is who they were.
    """
    same = " AND was.role = new_users.role" if kind == "users" else ""
    index = f"CREATE UNIQUE INDEX new_{kind}_by_id ON new_{kind} (id)"

    def identify(by: str, where: str = "") -> None:
        session.execute(
            f"UPDATE new_{kind} SET id = was.id FROM {kind} AS was WHERE was.district_id = :district_id"
            f" AND was.{by} = new_{kind}.{by}{same}{where}",
            given,
        )

    if not _from_lms(session, kind):
        identify("sis_id")
        session.define(index)
        return
    session.define(f"CREATE INDEX new_{kind}_by_lms_id ON new_{kind} (lms_id)")
    identify("lms_id", " AND was.removed IS NULL")
    session.define(index)
    for by in ("lms_id", "sis_id"):  # who is no more may be there again
        identify(
            by,
            f" AND NOT EXISTS (SELECT 1 FROM {kind} AS mine WHERE mine.id = new_{kind}.id)"
            f" AND NOT EXISTS (SELECT 1 FROM new_{kind} AS other WHERE other.id = was.id)",
        )


def _from_lms(session: Session, kind: str) -> bool:
    if kind not in _MATCHED:
        return False
    found = session.execute(f"SELECT 1 FROM new_{kind} WHERE lms_id IS NOT NULL LIMIT 1")
    return found.fetchone() is not None


def _compare(session: Session, kind: str, given: dict[str, Any]) -> None:
    differs = " OR ".join(f"COALESCE(was.{it}, '') <> COALESCE(now.{it}, '')" for it in _FIELDS[kind])
    session.execute(
        f"INSERT INTO changes (kind, id, what) SELECT '{kind}', now.id,"
        " CASE WHEN was.id IS NULL OR was.removed IS NOT NULL THEN 'created' ELSE 'updated' END"
        f" FROM new_{kind} AS now LEFT JOIN {kind} AS was ON was.id = now.id"
        f" WHERE was.id IS NULL OR was.removed IS NOT NULL OR {differs}"
    )
    session.execute(
        f"INSERT INTO changes (kind, id, what) SELECT '{kind}', id, 'deleted' FROM {kind}"
        f" WHERE district_id = :district_id AND removed IS NULL AND NOT EXISTS (SELECT 1 FROM new_{kind}"
        f" WHERE new_{kind}.id = {kind}.id)",
        given,
    )


def _counts(session: Session, given: dict[str, Any]) -> dict[str, Changes]:
    found = {}
    for kind in KINDS:
        for name, role in (
            (("students", "student"), ("teachers", "teacher")) if kind == "users" else ((kind, ""),)
        ):
            where = f" AND role = '{role}'" if role else ""
            before = session.execute(
                f"SELECT COUNT(*) FROM {kind} WHERE district_id = :district_id AND removed IS NULL{where}",
                given,
            ).fetchone()[0]
            of_role = (
                f" AND (EXISTS (SELECT 1 FROM new_users WHERE new_users.id = changes.id{where})"
                f" OR EXISTS (SELECT 1 FROM users WHERE users.id = changes.id{where}))"
                if role
                else ""
            )
            counts = dict(
                session.execute(
                    f"SELECT what, COUNT(*) FROM changes WHERE kind = '{kind}'{of_role} GROUP BY what"
                ).fetchall()
            )
            found[name] = Changes(
                before, counts.get("created", 0), counts.get("updated", 0), counts.get("deleted", 0)
            )
    before = session.execute(
        "SELECT COUNT(*) FROM enrollments JOIN sections ON sections.id = enrollments.section_id"
        " WHERE sections.district_id = :district_id",
        given,
    ).fetchone()[0]
    begun, ended = (session.execute(f"SELECT COUNT(*) FROM {it}").fetchone()[0] for it in ("begun", "ended"))
    found["enrollments"] = Changes(before, begun, 0, ended)
    return found


def _left_out(session: Session) -> int:
    asked = session.execute(
        "SELECT COUNT(*) FROM (SELECT DISTINCT section_sis_id, user_sis_id, role FROM new_enrollments) AS asked"
    ).fetchone()[0]
    return int(asked - session.execute("SELECT COUNT(*) FROM new_members").fetchone()[0])


def version(connection: Connection, district_id: str) -> int:
    """How often a district's roster has been changed."""
    row = connection.execute(
        "SELECT roster_version FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return 0 if row is None else int(row[0])


def begin(session: Session, planned: Plan) -> None:
    """Begin to make the district's roster the new one; part of a transaction. Raises `Overtaken`."""
    session.lock(f"roster/{planned.district_id}")
    if version(session, planned.district_id) != planned.version:
        raise RosterChanged


def apply(session: Session, planned: Plan, now: Instant, step: Step, *, own_lms: bool) -> None:
    """Make the district's roster the new one; part of the transaction that has begun to.

    `own_lms` where the LMS is the gateway's own gradebook, which has the roster's sections and people.
    """
    district_id = planned.district_id
    given: dict[str, Any] = {"district_id": district_id, "now": now}
    for kind in KINDS:
        step(f"writing {kind}")
        _write(session, kind, given, own_lms=own_lms)
    step("writing enrollments")
    session.execute(
        "DELETE FROM enrollments WHERE EXISTS (SELECT 1 FROM ended WHERE ended.section_id = enrollments.section_id"
        " AND ended.role = enrollments.role AND ended.user_id = enrollments.user_id)"
        " AND section_id IN (SELECT section_id FROM ended)"
    )
    session.execute(
        "INSERT INTO enrollments (section_id, role, user_id) SELECT section_id, role, user_id FROM begun"
        " ORDER BY section_id, role, user_id"
    )
    step("writing events")
    roster_events.add_all(session, district_id, "changes", now)
    matching.count(session, district_id)
    session.execute(
        "UPDATE districts SET roster_version = roster_version + 1, last_modified = :now WHERE id = :district_id",
        given,
    )


def _write(session: Session, kind: str, given: dict[str, Any], *, own_lms: bool) -> None:
    fields = _FIELDS[kind]
    if kind in _MATCHED:
        _give_ids(session, kind, given)
    set_ = ", ".join(f"{it} = now.{it}" for it in fields) + (
        ", last_modified = :now" if kind in _DATED else ""
    )
    session.execute(
        f"UPDATE {kind} SET {set_}, removed = NULL FROM new_{kind} AS now JOIN changes"
        f" ON changes.kind = '{kind}' AND changes.id = now.id AND changes.what <> 'deleted' WHERE {kind}.id = now.id",
        given,
    )
    fields = tuple(dict.fromkeys(("sis_id", *fields)))
    columns = ["id", "district_id", *fields]
    values = ["now.id", ":district_id", *(f"now.{it}" for it in fields)]
    if kind == "users":
        columns.append("role")
        values.append("now.role")
    if kind in _DATED:
        columns += ["created", "last_modified"]
        values += [":now", ":now"]
    if kind in _MATCHED:
        columns.append("lms_id")
        values.append("now.id" if own_lms else "now.lms_id")
    session.execute(
        f"INSERT INTO {kind} ({', '.join(columns)}) SELECT {', '.join(values)} FROM new_{kind} AS now"
        f" WHERE NOT EXISTS (SELECT 1 FROM {kind} AS was WHERE was.id = now.id) ORDER BY now.id",
        given,
    )
    session.execute(
        f"UPDATE {kind} SET removed = :now WHERE id IN"
        f" (SELECT id FROM changes WHERE kind = '{kind}' AND what = 'deleted')",
        given,
    )


def _give_ids(session: Session, kind: str, given: dict[str, Any]) -> None:
    """Let ids of the SIS and the LMS change hands, so that no two have the same at any time."""
    same = "" if kind == "sections" else f" AND {{}}.role = {kind}.role"
    if _from_lms(session, kind):
        for column, others in (("sis_id", ""), ("lms_id", " AND COALESCE(matched_by, '') <> 'hand'")):
            session.execute(
                f"UPDATE {kind} SET {column} = NULL WHERE district_id = :district_id{others} AND EXISTS (SELECT 1 FROM"
                f" new_{kind} AS now WHERE now.{column} = {kind}.{column} AND now.id <> {kind}.id{same.format('now')})",
                given,
            )
        session.execute(
            f"UPDATE {kind} SET lms_id = now.lms_id FROM new_{kind} AS now WHERE now.id = {kind}.id"
            f" AND COALESCE({kind}.lms_id, '') <> now.lms_id AND COALESCE({kind}.matched_by, '') <> 'hand'"
            f" AND NOT EXISTS (SELECT 1 FROM {kind} AS other WHERE other.district_id = {kind}.district_id"
            f" AND other.lms_id = now.lms_id AND other.removed IS NULL{same.format('other')})"
        )
    # Who comes back may find that another is what they were in the LMS by now.
    session.execute(
        f"UPDATE {kind} SET lms_id = NULL, matched_by = NULL WHERE district_id = :district_id AND removed IS NOT NULL"
        f" AND lms_id IS NOT NULL AND EXISTS (SELECT 1 FROM new_{kind} AS now WHERE now.id = {kind}.id) AND EXISTS"
        f" (SELECT 1 FROM {kind} AS other WHERE other.district_id = {kind}.district_id AND other.lms_id = {kind}.lms_id"
        f" AND other.id <> {kind}.id{same.format('other')} AND (other.removed IS NULL OR (other.id < {kind}.id"
        f" AND EXISTS (SELECT 1 FROM new_{kind} AS also WHERE also.id = other.id))))",
        given,
    )


def note_previous(session: Session) -> None:
    """Keep what there was before of what changes, as events tell it."""
    _note_fields(session)
    _note_members(session)


def _note_fields(session: Session) -> None:
    """Keep what the changed fields of updated objects were, as events tell it."""
    for kind in KINDS:
        columns = _FIELDS[kind]
        width = len(columns)
        after = ""
        while rows := session.execute(
            f"SELECT was.id, {', '.join(f'was.{it}' for it in columns)}, {', '.join(f'now.{it}' for it in columns)}"
            f" FROM changes JOIN {kind} AS was ON was.id = changes.id JOIN new_{kind} AS now ON now.id = changes.id"
            f" WHERE changes.kind = '{kind}' AND changes.what = 'updated' AND changes.id > :after"
            f" ORDER BY changes.id LIMIT {_TOGETHER}",
            {"after": after},
        ).fetchall():
            noted = []
            for row in rows:
                fields = zip(columns, row[1 : 1 + width], row[1 + width :], strict=True)
                previous = {name: was for name, was, now in fields if (was or "") != (now or "")}
                noted.append({"kind": kind, "id": row[0], "previous": json.dumps(previous)})
            session.executemany(
                "UPDATE changes SET previous = :previous WHERE kind = :kind AND id = :id", noted
            )
            after = rows[-1][0]


def _note_members(session: Session) -> None:
    """Keep who was in the sections whose members change, also in those that are no more, as events tell it."""
    after = ""
    while rows := session.execute(
        "SELECT id, what, previous FROM changes WHERE kind = 'sections' AND what <> 'created' AND id > :after"
        f" ORDER BY id LIMIT {_TOGETHER}",
        {"after": after},
    ).fetchall():
        given = {"after": after, "last": rows[-1][0]}
        before = _members(
            session,
            "SELECT was.section_id, was.role, was.user_id FROM changes JOIN enrollments AS was"
            " ON was.section_id = changes.id WHERE changes.kind = 'sections' AND changes.what <> 'created'"
            " AND changes.id > :after AND changes.id <= :last",
            given,
        )
        moved = "SELECT section_id, role, user_id FROM {} WHERE section_id > :after AND section_id <= :last"
        ended, begun = (_members(session, moved.format(table), given) for table in ("ended", "begun"))
        noted = []
        for id_, what, previous in rows:
            were: dict[str, Any] = {}
            for role in ROLES:
                past = before.get((id_, role), set())
                gone, new = ended.get((id_, role), set()), begun.get((id_, role), set())
                if what == "deleted" or gone or new:
                    were[f"{role}s"] = sorted(past)
                if role == "teacher" and min(past, default=None) != min(past - gone | new, default=None):
                    were["teacher"] = min(past, default=None)
            if were:
                told = {**json.loads(previous or "{}"), **were}
                noted.append({"id": id_, "previous": json.dumps(told)})
        session.executemany(
            "UPDATE changes SET previous = :previous WHERE kind = 'sections' AND id = :id", noted
        )
        after = rows[-1][0]


def _members(session: Session, query: str, given: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for section_id, role, user_id in session.execute(query, given):
        found.setdefault((section_id, role), set()).add(user_id)
    return found
