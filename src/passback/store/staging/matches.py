"""New matches: the candidates, those that are picked, and the changes to the current matches.

As in `passback.store.staging.tables`, everything is in temporary tables of one session, so that neither the memory nor
the time that others wait grows with the district.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from passback.domain.matching import Person
from passback.domain.roster import ROLES
from passback.store import match_candidates, matching, roster_events

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.matching import Match, MatchedBy
    from passback.domain.roster import Role
    from passback.store.engine.database import Session

Kind = Literal["section", "student", "teacher"]

_WAYS: tuple[MatchedBy, ...] = ("hand", "lms_id", "sis_id", "email", "name")
"""The ways to match, the surest first."""
_UNDECIDED = len(_WAYS)
_SECTIONS_AT_ONCE = 200


class Pair(Struct, frozen=True):
    """The people of a section, here and in the LMS."""

    ours: dict[Role, list[Person]]
    theirs: dict[Role, list[Person]]


def prepare(session: Session) -> None:
    """Create the temporary tables."""
    for table in ("lms_sections", "lms_members", "sections", "enrollments", "users"):
        session.analyse(table)  # they may have just grown a lot
    session.define(
        "CREATE TEMP TABLE possible (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL,"
        " strength BIGINT NOT NULL)"
    )
    session.define("CREATE TEMP TABLE paired (id TEXT PRIMARY KEY, lms_id TEXT NOT NULL)")
    for table in ("surest", "taken"):
        session.define(
            f"CREATE TEMP TABLE {table} (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL,"
            " strength BIGINT NOT NULL, PRIMARY KEY (kind, id))"
        )
    session.define(
        "CREATE TEMP TABLE rematched (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT, way TEXT, previous TEXT,"
        " what TEXT NOT NULL, PRIMARY KEY (kind, id))"
    )
    session.define(
        "CREATE TEMP TABLE decided (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL, role TEXT NOT NULL,"
        " PRIMARY KEY (kind, id))"
    )
    session.define("CREATE INDEX decided_by_lms_id ON decided (kind, lms_id)")
    session.define("CREATE TEMP TABLE open (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL)")
    session.define(
        "CREATE TEMP TABLE described (lms_id TEXT PRIMARY KEY, name TEXT NOT NULL, sis_id TEXT, course TEXT,"
        " teachers TEXT, students BIGINT NOT NULL)"
    )
    session.define(
        "CREATE TEMP TABLE choices (id TEXT NOT NULL, lms_id TEXT NOT NULL, name TEXT NOT NULL, email TEXT,"
        " sis_id TEXT, course TEXT, teachers TEXT, students BIGINT)"
    )


def load(session: Session, kind: Kind, matches: Iterable[Match]) -> None:
    """Add matches and candidates."""
    session.load("possible", ("kind", "id", "lms_id", "strength"), _possible(kind, matches))


def _possible(kind: Kind, matches: Iterable[Match]) -> Iterator[tuple[str, str, str, int]]:
    for match in matches:
        if match.lms_id is not None and match.by is not None:
            yield kind, match.id, match.lms_id, _WAYS.index(match.by)
        for candidate in match.candidates:
            yield kind, match.id, candidate.id, _UNDECIDED


def pair(session: Session, matches: Iterable[Match]) -> None:
    """Add the matched sections, whose people `pairs` reads."""
    found = ((it.id, it.lms_id) for it in matches if it.lms_id is not None)
    session.load("paired", ("id", "lms_id"), found)
    session.analyse("paired")


def pairs(session: Session, district_id: str) -> Iterator[list[Pair]]:
    """Read the matched sections with their people, some at a time."""
    after = ""
    while ids := [
        row[0]
        for row in session.execute(
            "SELECT id FROM paired WHERE id > :after ORDER BY id LIMIT :limit",
            {"after": after, "limit": _SECTIONS_AT_ONCE},
        ).fetchall()
    ]:
        given = {"first": ids[0], "last": ids[-1], "district_id": district_id}
        ours = session.execute(
            "SELECT paired.id, enrollments.role, users.id, users.first_name || ' ' || users.last_name, users.email,"
            " users.sis_id FROM paired JOIN enrollments ON enrollments.section_id = paired.id"
            " JOIN users ON users.id = enrollments.user_id WHERE paired.id >= :first AND paired.id <= :last"
            " ORDER BY paired.id, users.id",
            given,
        ).fetchall()
        theirs = session.execute(
            "SELECT paired.id, them.role, them.id, them.name, them.email, them.sis_id FROM paired"
            " JOIN lms_members AS them ON them.district_id = :district_id AND them.section_id = paired.lms_id"
            " WHERE paired.id >= :first AND paired.id <= :last ORDER BY paired.id, them.id",
            given,
        ).fetchall()
        of_ours, of_theirs = _by_section(ours), _by_section(theirs)
        yield [Pair(of_ours[id_], of_theirs.get(id_, {})) for id_ in ids if id_ in of_ours]
        after = ids[-1]


def _by_section(rows: Sequence[Any]) -> dict[str, dict[Role, list[Person]]]:
    found: dict[str, dict[Role, list[Person]]] = {}
    for id_, group in groupby(rows, key=lambda row: row[0]):
        people: dict[Role, list[Person]] = {role: [] for role in ROLES}
        for row in group:
            people[row[1]].append(Person(row[2], row[1], *row[3:]))
        found[id_] = people
    return found


def decide(session: Session, district_id: str) -> None:
    """Pick the surest match of each object, unless there are several, and determine what that changes.

    If two of ours match the same object in the LMS, the surer match is picked; if neither is surer, none is.
    """
    session.analyse("possible")
    session.execute(
        "INSERT INTO surest (kind, id, lms_id, strength) SELECT kind, id, MIN(lms_id), strength FROM"
        " (SELECT kind, id, lms_id, strength, MIN(strength) OVER (PARTITION BY kind, id) AS best FROM possible) AS each"
        f" WHERE strength = best AND strength < {_UNDECIDED}"
        " GROUP BY kind, id, strength HAVING COUNT(DISTINCT lms_id) = 1"
    )
    session.define("CREATE INDEX surest_by_lms_id ON surest (kind, lms_id)")
    session.analyse("surest")
    session.execute(
        "INSERT INTO taken (kind, id, lms_id, strength) SELECT kind, id, lms_id, strength FROM surest"
        " WHERE NOT EXISTS (SELECT 1 FROM surest AS rival WHERE rival.kind = surest.kind"
        " AND rival.lms_id = surest.lms_id AND rival.id <> surest.id AND rival.strength <= surest.strength)"
    )
    session.define("CREATE INDEX taken_by_lms_id ON taken (kind, lms_id)")
    session.analyse("taken")
    way = "CASE taken.strength" + "".join(f" WHEN {it} THEN '{way}'" for it, way in enumerate(_WAYS)) + " END"
    for kind, table, ours, scope in (
        ("sections", "sections", "'section'", ""),
        # A user in no section cannot be looked for: their match stays, unless another user has it now.
        (
            "users",
            "users",
            "was.role",
            (
                " AND (EXISTS (SELECT 1 FROM enrollments WHERE user_id = was.id) OR EXISTS"
                " (SELECT 1 FROM taken AS other WHERE other.kind = was.role AND other.lms_id = was.lms_id"
                " AND other.id <> was.id))"
            ),
        ),
    ):
        session.execute(
            "INSERT INTO rematched (kind, id, lms_id, way, previous, what)"
            f" SELECT '{kind}', was.id, taken.lms_id, {way}, CASE WHEN was.lms_id IS NULL"
            """ THEN '{"synced_in_lms": false}' ELSE '{"synced_in_lms": true}' END,"""
            " CASE WHEN (was.lms_id IS NULL AND taken.lms_id IS NOT NULL)"
            " OR (was.lms_id IS NOT NULL AND taken.lms_id IS NULL) THEN 'updated' ELSE '' END"
            f" FROM {table} AS was LEFT JOIN taken ON taken.kind = {ours} AND taken.id = was.id"
            " WHERE was.district_id = :district_id AND was.removed IS NULL AND COALESCE(was.matched_by, '') <> 'hand'"
            f" AND (COALESCE(was.lms_id, '') <> COALESCE(taken.lms_id, '') OR COALESCE(was.matched_by, '') <>"
            f" COALESCE({way}, '')){scope}",
            {"district_id": district_id},
        )
    session.analyse("rematched")
    _note_choices(session, district_id)


def _note_choices(session: Session, district_id: str) -> None:
    """Determine what a person must decide, and the candidates."""
    session.execute(
        "INSERT INTO open (kind, id, lms_id) SELECT DISTINCT kind, id, lms_id FROM possible WHERE NOT EXISTS"
        " (SELECT 1 FROM taken WHERE taken.kind = possible.kind AND taken.id = possible.id)"
    )
    session.define("CREATE INDEX open_by_lms_id ON open (lms_id)")
    session.analyse("open")
    given = {"district_id": district_id}
    teachers = match_candidates.first_names(
        "SELECT name FROM lms_members WHERE district_id = :district_id AND section_id = them.id AND role = 'teacher'"
        " AND name <> ''"
    )
    # Each section of the LMS once, however many of ours it may be.
    session.execute(
        "INSERT INTO described (lms_id, name, sis_id, course, teachers, students)"
        f" SELECT them.id, them.name, them.sis_id, lms_courses.name, {teachers}, (SELECT COUNT(*) FROM lms_members"
        " WHERE district_id = :district_id AND section_id = them.id AND role = 'student') FROM lms_sections AS them"
        " LEFT JOIN lms_courses ON lms_courses.district_id = :district_id AND lms_courses.id = them.course_id"
        " WHERE them.district_id = :district_id AND them.id IN (SELECT lms_id FROM open WHERE kind = 'section')",
        given,
    )
    session.execute(
        "INSERT INTO choices (id, lms_id, name, sis_id, course, teachers, students) SELECT open.id, lms_id, name,"
        " sis_id, course, teachers, students FROM open JOIN described USING (lms_id) WHERE kind = 'section'"
    )
    # There are few of them, so one pass over the members is enough.
    session.execute(
        "INSERT INTO choices (id, lms_id, name, email, sis_id) SELECT DISTINCT open.id, open.lms_id, them.name,"
        " them.email, them.sis_id FROM lms_members AS them CROSS JOIN open WHERE them.district_id = :district_id"
        " AND open.lms_id = them.id AND open.kind = them.role",
        given,
    )


def losses(session: Session, district_id: str) -> dict[str, tuple[int, int]]:
    """How many sections and users would lose their match, and how many have one."""
    found = {}
    for table in ("sections", "users"):
        lost = session.execute(
            f"SELECT COUNT(*) FROM rematched WHERE kind = '{table}' AND what = 'updated' AND lms_id IS NULL"
        ).fetchone()[0]
        matched = session.execute(
            f"SELECT COUNT(lms_id) FROM {table} WHERE district_id = :id AND removed IS NULL",
            {"id": district_id},
        ).fetchone()[0]
        found[table] = lost, matched
    return found


def keep_existing(session: Session) -> None:
    """Let no object lose its match, except to another object."""
    for table, kind in (("sections", "'section'"), ("users", "was.role")):
        session.execute(
            f"DELETE FROM rematched WHERE kind = '{table}' AND what = 'updated' AND lms_id IS NULL AND EXISTS"
            f" (SELECT 1 FROM {table} AS was WHERE was.id = rematched.id AND NOT EXISTS (SELECT 1 FROM taken"
            f" WHERE taken.kind = {kind} AND taken.lms_id = was.lms_id AND taken.id <> was.id))"
        )


def apply(session: Session, district_id: str, now: Instant) -> int:
    """Replace the matches, except those made by hand (even since); part of a transaction.

    Returns how many sections and people have been matched or unmatched.
    """
    given = {"district_id": district_id, "now": now}
    for table, role in (("sections", "'section'"), ("users", "role")):
        session.execute(
            f"INSERT INTO decided (kind, id, lms_id, role) SELECT '{table}', id, lms_id, {role} FROM {table}"
            " WHERE district_id = :district_id AND matched_by = 'hand' AND removed IS NULL",
            given,
        )
        session.execute(
            f"DELETE FROM rematched WHERE kind = '{table}' AND EXISTS (SELECT 1 FROM decided WHERE decided.kind ="
            " rematched.kind AND decided.id = rematched.id)"
        )
        # If its LMS id was given to another by hand, it gets none, not even its earlier one, which may be taken too.
        session.execute(
            "UPDATE rematched SET lms_id = NULL, way = NULL, what = CASE WHEN EXISTS (SELECT 1 FROM"
            f" {table} AS was WHERE was.id = rematched.id AND was.lms_id IS NOT NULL) THEN 'updated' ELSE '' END"
            f" WHERE kind = '{table}' AND EXISTS (SELECT 1 FROM decided JOIN {table} AS mine ON mine.id = rematched.id"
            " WHERE decided.kind = rematched.kind AND decided.lms_id = rematched.lms_id"
            f" AND decided.role = {'mine.role' if table == 'users' else role})"
        )
        session.execute(  # first, since LMS ids may change hands
            f"UPDATE {table} SET lms_id = NULL WHERE lms_id IS NOT NULL AND id IN"
            f" (SELECT id FROM rematched WHERE kind = '{table}')"
        )
        session.execute(
            f"UPDATE {table} SET lms_id = now.lms_id, matched_by = now.way,"
            f" last_modified = CASE WHEN now.what = '' THEN {table}.last_modified ELSE :now END"
            f" FROM rematched AS now WHERE now.kind = '{table}' AND now.id = {table}.id",
            given,
        )
    session.execute("DELETE FROM rematched WHERE what = ''")
    changed = int(session.execute("SELECT COUNT(*) FROM rematched").fetchone()[0])
    roster_events.add_all(session, district_id, "rematched", now)
    session.execute("DELETE FROM match_candidates WHERE district_id = :district_id", given)
    session.execute(
        "INSERT INTO match_candidates (district_id, id, lms_id, name, email, sis_id, course, teachers, students)"
        " SELECT :district_id, id, lms_id, name, email, sis_id, course, teachers, students FROM choices"
        " WHERE EXISTS (SELECT 1 FROM sections WHERE id = choices.id AND lms_id IS NULL AND removed IS NULL)"
        " OR EXISTS (SELECT 1 FROM users WHERE id = choices.id AND lms_id IS NULL AND removed IS NULL)"
        " ON CONFLICT DO NOTHING",
        given,
    )
    matching.update_percentages(session, district_id)
    session.execute(
        "UPDATE districts SET lms_state = 'success', last_lms_sync = COALESCE((SELECT began FROM lms_syncs"
        " WHERE district_id = :district_id), :now) WHERE id = :district_id",
        given,
    )
    return changed
