"""New matches: the candidates, those that are picked, and the changes to the current matches.

As in `passback.store.staging.tables`, everything is in temporary tables of one session, so that neither the memory nor
the time that others wait grows with the district.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.matching import MOST_CANDIDATES, Common
from passback.store import lms_accounts, match_candidates, matching, roster_events

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.matching import Match, MatchedBy
    from passback.store.engine.database import Session

Kind = Literal["section", "student", "teacher"]

_STRENGTHS: dict[MatchedBy, int] = {"hand": 0, "lms_id": 1, "sis_id": 2, "email": 3, "name": 4}
"""The ways to match, the surest first."""
_BY_NAME = _STRENGTHS["name"]
_UNDECIDED = 5
_FORMER = 6
_SEVERAL = "it fits several people, or several fit it"


class Possible(Struct, frozen=True):
    """A match of one of ours, or if `by` is None a candidate and the reason why it is only that."""

    kind: Kind
    id: str
    lms_id: str
    by: MatchedBy | None
    sure: bool = True
    """Whether more than the name says so."""
    reason: str | None = None
    rival: bool = True
    """Whether it may be so, and not only was the match so far."""


def prepare(session: Session) -> None:
    """Create the temporary tables."""
    for table in ("lms_sections", "lms_members", "sections", "enrollments", "users"):
        session.analyse(table)  # they may have just grown a lot
    session.define(
        "CREATE TEMP TABLE possible (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL,"
        " strength BIGINT NOT NULL, way TEXT, reason TEXT)"
    )
    session.define("CREATE INDEX possible_by_id ON possible (kind, id, strength)")
    session.define("CREATE INDEX possible_by_lms_id ON possible (kind, lms_id)")
    session.define("CREATE TEMP TABLE paired (id TEXT PRIMARY KEY, lms_id TEXT NOT NULL) WITHOUT ROWID")
    session.define("CREATE TEMP TABLE surely (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL)")
    for table in ("surest", "taken"):
        session.define(
            f"CREATE TEMP TABLE {table} (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL,"
            " strength BIGINT NOT NULL, way TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"
        )
        session.define(f"CREATE INDEX {table}_by_lms_id ON {table} (kind, lms_id)")
    session.define(
        "CREATE TEMP TABLE rematched (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT, way TEXT, was TEXT,"
        " previous TEXT, what TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )
    session.define(
        "CREATE TEMP TABLE decided (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL, role TEXT NOT NULL,"
        " PRIMARY KEY (kind, id))"
    )
    session.define("CREATE INDEX decided_by_lms_id ON decided (kind, lms_id)")
    session.define(
        "CREATE TEMP TABLE open (kind TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL, reason TEXT,"
        " PRIMARY KEY (kind, id, lms_id))"
    )
    session.define(
        "CREATE TEMP TABLE described (lms_id TEXT PRIMARY KEY, name TEXT NOT NULL, sis_id TEXT, course TEXT,"
        " teachers TEXT, students BIGINT NOT NULL)"
    )
    session.define(
        "CREATE TEMP TABLE choices (id TEXT NOT NULL, lms_id TEXT NOT NULL, reason TEXT, name TEXT NOT NULL,"
        " email TEXT, sis_id TEXT, course TEXT, teachers TEXT, students BIGINT)"
    )


def load(session: Session, possible: Iterable[Possible]) -> None:
    """Add matches and candidates."""
    session.load(
        "possible",
        ("kind", "id", "lms_id", "strength", "way", "reason"),
        ((it.kind, it.id, it.lms_id, _strength(it), it.by, it.reason) for it in possible),
    )


def _strength(possible: Possible) -> int:
    if possible.by is None:
        return _UNDECIDED if possible.rival else _FORMER
    # What was sure before is no surer than an address now.
    return _STRENGTHS[possible.by] if possible.sure else _BY_NAME


def pair(session: Session, matches: Iterable[Match]) -> None:
    """Add the sections that are matched, or may be, whose people are to be matched."""
    found = ((it.id, it.lms_id) for it in matches if it.lms_id is not None)
    session.load("paired", ("id", "lms_id"), found)
    session.analyse("paired")


def unpair(session: Session, section_ids: Iterable[str]) -> None:
    """Remove sections that are not matched after all."""
    session.executemany("DELETE FROM paired WHERE id = :id", [{"id": it} for it in section_ids])


def add_surely(session: Session, sure: Iterable[Possible]) -> None:
    """Add people who are surely matched, whether or not they are in the same matched section."""
    session.load("surely", ("kind", "id", "lms_id"), ((it.kind, it.id, it.lms_id) for it in sure))


def add_agreed(session: Session) -> None:
    """Add the pairs of which all signs agree, as surely matched by SIS id."""
    session.execute(
        "INSERT INTO surely (kind, id, lms_id) SELECT role, id, lms_id FROM meets WHERE agreed = 1"
    )
    session.execute(
        f"INSERT INTO possible (kind, id, lms_id, strength, way) SELECT role, id, lms_id, {_STRENGTHS['sis_id']},"
        " 'sis_id' FROM meets WHERE agreed = 1 AND together = 1"
    )


def commons(session: Session, district_id: str, section_ids: Iterable[str]) -> dict[str, Common]:
    """Count the surely matched people of the pairs of these sections of ours, by their ids."""
    given = {"district_id": district_id}
    session.define("CREATE TEMP TABLE in_doubt (id TEXT PRIMARY KEY)")
    session.load("in_doubt", ("id",), ((it,) for it in section_ids))
    session.analyse("in_doubt")
    session.execute(
        "INSERT INTO surely (kind, id, lms_id) SELECT role, id, lms_id FROM users WHERE district_id = :district_id"
        " AND removed IS NULL AND matched_by = 'hand' AND lms_id IS NOT NULL",
        given,
    )
    session.define("CREATE INDEX surely_by_id ON surely (kind, id)")
    session.define("CREATE INDEX surely_by_lms_id ON surely (kind, lms_id)")
    session.analyse("surely")
    for column, other in (("id", "lms_id"), ("lms_id", "id")):  # whoever is two is neither
        session.execute(
            f"DELETE FROM surely WHERE (kind, {column}) IN (SELECT kind, {column} FROM surely GROUP BY kind, {column}"
            f" HAVING COUNT(DISTINCT {other}) > 1)"
        )
    ours = (
        "JOIN enrollments ON enrollments.section_id = paired.id"
        " JOIN surely ON surely.kind = enrollments.role AND surely.id = enrollments.user_id"
    )
    theirs = "JOIN lms_members AS them ON them.district_id = :district_id AND them.section_id = paired.lms_id"
    surely = "surely.kind = them.role AND surely.lms_id = them.id"
    joined = (f"{ours} {theirs} AND {surely}", ours, f"{theirs} JOIN surely ON {surely}")
    counts: dict[str, list[int]] = {}
    for place, join in enumerate(joined):
        for id_, everybody, teachers in session.execute(
            "SELECT paired.id, COUNT(DISTINCT surely.lms_id), COUNT(DISTINCT CASE WHEN surely.kind = 'teacher'"
            f" THEN surely.lms_id END) FROM in_doubt JOIN paired ON paired.id = in_doubt.id {join}"
            " WHERE :district_id <> '' GROUP BY paired.id",
            given,
        ):
            of_section = counts.setdefault(id_, [0] * 6)
            of_section[place], of_section[place + 3] = int(everybody), int(teachers)
    return {id_: Common(*them) for id_, them in counts.items()}


def unread_as_matched(session: Session, district_id: str) -> set[str]:
    """Our sections whose pair is what they are matched to so far, and could not be read this time."""
    rows = session.execute(
        "SELECT paired.id FROM paired JOIN sections ON sections.id = paired.id AND sections.lms_id = paired.lms_id"
        " JOIN lms_sections ON lms_sections.district_id = :district_id AND lms_sections.id = paired.lms_id"
        " WHERE lms_sections.read = 0",
        {"district_id": district_id},
    )
    return {row[0] for row in rows}


def resolve(session: Session) -> None:
    """Pick the surest match of each object, unless there are several.

    If two of ours match the same object in the LMS, the surer match is picked; if neither is surer, none is. A match by
    the name alone is only picked if nothing else may be one of the two.
    """
    for table in ("surest", "taken"):
        session.execute(f"DELETE FROM {table}")
    session.analyse("possible")
    session.execute(
        "INSERT INTO surest (kind, id, lms_id, strength, way) SELECT kind, id, MIN(lms_id), strength, MIN(way)"
        f" FROM possible WHERE strength < {_UNDECIDED} AND NOT EXISTS (SELECT 1 FROM possible AS surer"
        " WHERE surer.kind = possible.kind AND surer.id = possible.id AND surer.strength < possible.strength)"
        " GROUP BY kind, id, strength HAVING MIN(lms_id) = MAX(lms_id)"
    )
    session.analyse("surest")
    session.execute(
        "INSERT INTO taken (kind, id, lms_id, strength, way) SELECT kind, id, lms_id, strength, way FROM surest"
        " WHERE NOT EXISTS (SELECT 1 FROM surest AS rival WHERE rival.kind = surest.kind"
        " AND rival.lms_id = surest.lms_id AND rival.id <> surest.id AND rival.strength <= surest.strength)"
        f" AND NOT (surest.strength = {_BY_NAME} AND surest.kind <> 'section' AND EXISTS (SELECT 1 FROM possible AS"
        f" rival WHERE rival.strength < {_FORMER} AND rival.kind = surest.kind"
        " AND ((rival.lms_id = surest.lms_id AND rival.id <> surest.id)"
        " OR (rival.id = surest.id AND rival.lms_id <> surest.lms_id))))"
    )
    session.analyse("taken")


def decide(session: Session, district_id: str) -> None:
    """Determine what the matches that were picked change, and what a person must decide."""
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
            "INSERT INTO rematched (kind, id, lms_id, way, was, previous, what)"
            f" SELECT '{kind}', was.id, taken.lms_id, taken.way, was.lms_id, CASE WHEN was.lms_id IS NULL"
            """ THEN '{"synced_in_lms": false}' ELSE '{"synced_in_lms": true}' END,"""
            " CASE WHEN (was.lms_id IS NULL AND taken.lms_id IS NOT NULL)"
            " OR (was.lms_id IS NOT NULL AND taken.lms_id IS NULL) THEN 'updated' ELSE '' END"
            f" FROM {table} AS was LEFT JOIN taken ON taken.kind = {ours} AND taken.id = was.id"
            " WHERE was.district_id = :district_id AND was.removed IS NULL AND COALESCE(was.matched_by, '') <> 'hand'"
            f" AND (COALESCE(was.lms_id, '') <> COALESCE(taken.lms_id, '') OR COALESCE(was.matched_by, '') <>"
            f" COALESCE(taken.way, '')){scope}",
            {"district_id": district_id},
        )
    session.analyse("rematched")
    _note_choices(session, district_id)


def _note_choices(session: Session, district_id: str) -> None:
    """Determine what a person must decide, and the candidates."""
    session.execute(
        "INSERT INTO open (kind, id, lms_id, reason) SELECT kind, id, lms_id,"
        f" COALESCE(MIN(reason), '{_SEVERAL}') FROM possible"
        " WHERE NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = possible.kind AND taken.id = possible.id)"
        " AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = possible.kind AND taken.lms_id = possible.lms_id)"
        " GROUP BY kind, id, lms_id"
    )
    session.execute(
        "DELETE FROM open WHERE (kind, id) IN"
        f" (SELECT kind, id FROM open GROUP BY kind, id HAVING COUNT(*) > {MOST_CANDIDATES})"
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
        "INSERT INTO choices (id, lms_id, reason, name, sis_id, course, teachers, students) SELECT open.id, lms_id,"
        " reason, name, sis_id, course, teachers, students FROM open JOIN described USING (lms_id)"
        " WHERE kind = 'section'"
    )
    session.execute(
        "INSERT INTO choices (id, lms_id, reason, name, email, sis_id) SELECT open.id, lms_id, reason,"
        " COALESCE(accounts.name, ''), email, sis_id FROM open JOIN accounts ON accounts.role = open.kind"
        " AND accounts.id = open.lms_id"
    )


def _doubted(table: str, kind: str) -> str:
    """SQL: what `rematched` has lost is still in the LMS, but would not be matched today.

    That is a section's or person's own match, or the match of every section that a person is in.
    """
    own = (
        f"EXISTS (SELECT 1 FROM open JOIN {table} AS was ON was.id = rematched.id AND was.lms_id = open.lms_id"
        f" WHERE open.kind = {kind} AND open.id = rematched.id)"
    )
    if table == "sections":
        return own
    return (
        f"({own} OR (EXISTS (SELECT 1 FROM enrollments JOIN open ON open.kind = 'section'"
        " AND open.id = enrollments.section_id WHERE enrollments.user_id = rematched.id) AND NOT EXISTS"
        " (SELECT 1 FROM enrollments JOIN paired ON paired.id = enrollments.section_id"
        " WHERE enrollments.user_id = rematched.id)))"
    )


_TABLES = (("sections", "'section'"), ("users", "was.role"))


def losses(session: Session, district_id: str) -> dict[str, tuple[int, int]]:
    """How many sections and users the LMS no longer shows as they are matched, and how many are matched."""
    found = {}
    for table, kind in _TABLES:
        lost = session.execute(
            f"SELECT COUNT(*) FROM rematched WHERE kind = '{table}' AND what = 'updated' AND lms_id IS NULL"
            f" AND NOT {_doubted(table, kind)}"
        ).fetchone()[0]
        matched = session.execute(
            f"SELECT COUNT(lms_id) FROM {table} WHERE district_id = :id AND removed IS NULL",
            {"id": district_id},
        ).fetchone()[0]
        found[table] = lost, matched
    return found


def keep_existing(session: Session) -> None:
    """Let nothing lose its match because the LMS does not show it, except to another object."""
    for table, kind in _TABLES:
        session.execute(
            f"DELETE FROM rematched WHERE kind = '{table}' AND what = 'updated' AND lms_id IS NULL"
            f" AND NOT {_doubted(table, kind)} AND EXISTS"
            f" (SELECT 1 FROM {table} AS was WHERE was.id = rematched.id AND NOT EXISTS (SELECT 1 FROM taken"
            f" WHERE taken.kind = {kind} AND taken.lms_id = was.lms_id AND taken.id <> was.id))"
        )


def lost(session: Session) -> Iterator[tuple[str, str]]:
    """The kinds (``sections`` or ``users``) and ids of what `apply` has unmatched."""
    yield from session.execute(
        "SELECT kind, id FROM rematched WHERE lms_id IS NULL AND what = 'updated' ORDER BY kind, id"
    ).fetchall()


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
    _replace_candidates(session, district_id)
    lms_accounts.record_all(session, district_id)
    matching.update_percentages(session, district_id)
    session.execute(  # what may have waited for a match
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND expires > :now AND due > :now"
        " AND district_id = :district_id AND (EXISTS (SELECT 1 FROM rematched WHERE kind = 'sections'"
        " AND rematched.id = deliveries.section_id AND rematched.lms_id IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM enrollments JOIN rematched ON kind = 'users' AND rematched.id = enrollments.user_id"
        " AND rematched.lms_id IS NOT NULL WHERE enrollments.section_id = deliveries.section_id))",
        given,
    )
    session.execute(
        "UPDATE districts SET lms_state = 'success', last_lms_sync = COALESCE((SELECT began FROM lms_syncs"
        " WHERE district_id = :district_id), :now) WHERE id = :district_id",
        given,
    )
    return changed


def _replace_candidates(session: Session, district_id: str) -> None:
    """Replace the candidates. The former partner stays one until a person has decided, as long as the LMS has it."""
    given = {"district_id": district_id}
    session.execute(
        "DELETE FROM match_candidates WHERE district_id = :district_id AND (withdrawn = 0 OR NOT EXISTS"
        " (SELECT 1 FROM users WHERE users.id = match_candidates.id AND lms_id IS NULL AND removed IS NULL"
        f" AND ({_IN_LMS}) AND NOT EXISTS (SELECT 1 FROM users AS other WHERE other.district_id = :district_id"
        " AND other.lms_id = match_candidates.lms_id AND other.role = users.role AND other.removed IS NULL)))",
        given,
    )
    session.execute(
        "INSERT INTO match_candidates (district_id, id, lms_id, reason, name, email, sis_id, course, teachers,"
        " students, withdrawn)"
        " SELECT :district_id, id, lms_id, reason, name, email, sis_id, course, teachers, students,"
        " CASE WHEN EXISTS (SELECT 1 FROM rematched WHERE rematched.kind = 'users' AND rematched.id = choices.id"
        " AND rematched.was = choices.lms_id) THEN 1 ELSE 0 END FROM choices"
        " WHERE EXISTS (SELECT 1 FROM sections WHERE id = choices.id AND lms_id IS NULL AND removed IS NULL)"
        " OR EXISTS (SELECT 1 FROM users WHERE id = choices.id AND lms_id IS NULL AND removed IS NULL)"
        " ON CONFLICT (district_id, id, lms_id) DO UPDATE SET reason = excluded.reason, name = excluded.name,"
        " email = excluded.email, sis_id = excluded.sis_id",
        given,
    )


_IN_LMS = (
    "EXISTS (SELECT 1 FROM accounts WHERE accounts.role = users.role AND accounts.id = match_candidates.lms_id)"
    " OR EXISTS (SELECT 1 FROM enrollments JOIN sections ON sections.id = enrollments.section_id"
    " JOIN lms_sections ON lms_sections.district_id = :district_id AND lms_sections.id = sections.lms_id"
    " WHERE enrollments.user_id = users.id AND lms_sections.read = 0)"
)
"""The account of a candidate was read, or may be in a section that could not be read."""
