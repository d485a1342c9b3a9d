"""Reading districts' LMSs: when it is due, how far it is, and what has been read by now.

Whoever reads a district holds it for a while, and says again and again that they still do; after that another may go on
where they were. What is written is checked against who holds it, so that nobody writes into another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.clock import DAY, Instant
from passback.domain.matching import LmsCourse, Person, SectionRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from passback.domain.roster import Role
    from passback.store.engine.database import Connection, Session

Phase = Literal["idle", "courses", "sections", "people", "matching"]
"""What is being read, or done with it."""

DAILY = DAY
"""How often a district is read unless the operator says something else, in milliseconds."""


class Sync(Struct, frozen=True):
    """Where the reading of one district stands."""

    district_id: str
    every: int | None
    """How many milliseconds from one to the next; None where it is done only when somebody asks."""
    due: Instant | None
    """When it is to begin, or go on."""
    asked: Instant | None
    """When somebody asked for it, since it was taken up last."""
    phase: Phase
    began: Instant | None
    """When what was read by now began to be."""
    worker: str | None
    """Who holds it, until `held_until`."""
    held_until: Instant | None
    failures: int
    """How often in a row it was broken off without having got further."""
    error: str | None
    """Why it was broken off last."""
    removals: int
    """1 where it may remove and unmatch as much as it will, this time."""


class Progress(Struct, frozen=True):
    """How far the reading of a district is. How many sections there are is not known before all courses are read."""

    courses_read: int
    courses: int
    sections_read: int
    sections: int


class Age(Struct, frozen=True):
    """Since when a district has not been in step with its LMS."""

    district_id: str
    lms_type: str
    since: Instant
    """When it was last, or when the district was made."""
    failures: int


_LONGEST = 1_000
"""How many characters of a text are kept, as of a file's."""
_FREE = "(lms_syncs.worker IS NULL OR lms_syncs.held_until <= :now)"
_KEY = "COALESCE(sis_id, 'lms:' || id)"
"""What tells one in a roster: its SIS id, or else what `passback.domain.matching.lms_key` gives."""
_COLUMNS = ", ".join(Sync.__struct_fields__)


def find(connection: Connection, district_id: str) -> Sync | None:
    """Where the reading of a district stands; None where it was never asked for."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lms_syncs WHERE district_id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else Sync(*row)


def ages(connection: Connection) -> list[Age]:
    """Of all districts that are read again and again."""
    rows = connection.execute(
        "SELECT districts.id, districts.lms_type, COALESCE(districts.last_lms_sync, districts.created), failures"
        " FROM lms_syncs JOIN districts ON districts.id = lms_syncs.district_id WHERE every IS NOT NULL"
        " ORDER BY districts.id"
    )
    return [Age(*row) for row in rows]


def begin(connection: Connection, district_id: str, every: int | None, now: Instant) -> None:
    """Let a district be read now, and again and again."""
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, asked, phase, failures)"
        " VALUES (:id, :every, :now, :now, 'idle', 0) ON CONFLICT (district_id)"
        " DO UPDATE SET every = excluded.every, due = excluded.due, asked = excluded.asked",
        {"id": district_id, "every": every, "now": now},
    )


def schedule(
    connection: Connection, district_id: str, every: int | None, last: Instant, now: Instant
) -> None:
    """Say how often a district is read from now on, reckoned from the `last` time.

    What was asked for, or is under way, or waits to go on, stays due when it was.
    """
    found = find(connection, district_id)
    due = None if every is None else max(now, last + every)
    if found is not None and found.due is not None and (found.asked is not None or found.phase != "idle"):
        due = found.due if due is None else min(found.due, due)
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, phase, failures) VALUES (:id, :every, :due, 'idle', 0)"
        " ON CONFLICT (district_id) DO UPDATE SET every = excluded.every, due = excluded.due",
        {"id": district_id, "every": every, "due": due},
    )


def ask(connection: Connection, district_id: str, now: Instant, *, removals: bool = False) -> None:
    """Let a district be read now; where it is being read, once more after that.

    What one that has not ended may remove it may still, but not one more after that.
    """
    connection.execute(
        "INSERT INTO lms_syncs (district_id, due, asked, phase, failures, removals)"
        " VALUES (:id, :now, :now, 'idle', 0, :removals) ON CONFLICT (district_id) DO UPDATE SET due = excluded.due,"
        " asked = excluded.asked, error = NULL, removals = CASE WHEN excluded.removals = 1 OR lms_syncs.removals = 0"
        f" OR NOT {_FREE} THEN excluded.removals ELSE 1 END",
        {"id": district_id, "now": now, "removals": int(removals)},
    )


def forget(connection: Connection, district_id: str) -> None:
    """Read a district no more, and forget what was read by now."""
    # The sync first: whoever reads the district writes nothing behind that.
    for table in ("lms_syncs", "lms_members", "lms_sections", "lms_courses"):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})


def anything_due(connection: Connection, now: Instant) -> bool:
    """Whether a district is to be read that nobody holds."""
    found = connection.execute(f"SELECT 1 FROM lms_syncs WHERE due <= :now AND {_FREE} LIMIT 1", {"now": now})
    return found.fetchone() is not None


def claim(
    connection: Connection, worker: str, now: Instant, until: Instant, district_id: str | None = None
) -> Sync | None:
    """Hold a district that is due, or the one that is named; None where there is none, or another holds it."""
    connection.lock("lms_syncs")
    if district_id is not None:
        connection.execute(
            "INSERT INTO lms_syncs (district_id, phase, failures) VALUES (:id, 'idle', 0) ON CONFLICT DO NOTHING",
            {"id": district_id},
        )
    which = "due <= :now" if district_id is None else "district_id = :id"
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lms_syncs WHERE {which} AND {_FREE} ORDER BY due, district_id LIMIT 1",
        {"now": now, "id": district_id or ""},
    ).fetchone()
    if row is None:
        return None
    found = Sync(*row)
    connection.execute(
        "UPDATE lms_syncs SET worker = :worker, held_until = :until, asked = NULL WHERE district_id = :id",
        {"worker": worker, "until": until, "id": found.district_id},
    )
    return found


def renew(connection: Connection, district_id: str, worker: str, until: Instant) -> bool:
    """Hold a district longer. False where another does by now."""
    done = connection.execute(
        "UPDATE lms_syncs SET held_until = :until WHERE district_id = :id AND worker = :worker",
        {"until": until, "id": district_id, "worker": worker},
    )
    return done.rowcount == 1


def enter(connection: Connection, district_id: str, phase: Phase, began: Instant | None = None) -> None:
    """Say what is being done; `began` where it is from the beginning."""
    connection.execute(
        "UPDATE lms_syncs SET phase = :phase, began = COALESCE(:began, began) WHERE district_id = :id",
        {"phase": phase, "began": began, "id": district_id},
    )


def release(connection: Connection, district_id: str, worker: str) -> None:
    """Hold a district no more: another may go on."""
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL WHERE district_id = :id AND worker = :worker",
        {"id": district_id, "worker": worker},
    )


def succeeded(connection: Connection, district_id: str, now: Instant, error: str | None = None) -> None:
    """All has been read and matched. Where somebody asked for it meanwhile, it is due again. It stays held.

    `error` where something stayed as it was.
    """
    connection.execute(
        "UPDATE lms_syncs SET phase = 'idle', began = NULL, failures = 0, error = :error,"
        " due = CASE WHEN asked IS NULL THEN :now + every ELSE :now END,"
        " removals = CASE WHEN asked IS NULL THEN 0 ELSE removals END WHERE district_id = :id",
        {"now": now, "id": district_id, "error": error},
    )


def failed(
    connection: Connection,
    district_id: str,
    worker: str,
    error: str,
    due: Instant | None,
    now: Instant,
    *,
    can_resume: bool,
    further: bool,
    tried: bool,
) -> None:
    """It was broken off. It `goes_on` where it was, or begins anew.

    `further` where it had got further this time, `tried` where it tried to at all: only such count as failures.
    Where somebody asked for it meanwhile it is due at once, as they asked for it; else what may be removed holds only
    for as long as it goes on.
    """
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL, error = :error,"
        " due = CASE WHEN asked IS NULL THEN CAST(:due AS BIGINT) ELSE :now END,"
        " removals = CASE WHEN asked IS NULL AND :goes_on = 0 THEN 0 ELSE removals END,"
        " failures = CASE WHEN :further = 1 THEN 1 ELSE failures + :tried END,"
        " phase = CASE WHEN :goes_on = 1 THEN phase ELSE 'idle' END WHERE district_id = :id AND worker = :worker",
        {
            "error": error, "due": due, "now": now, "further": int(further), "goes_on": int(can_resume),
            "tried": int(tried), "id": district_id, "worker": worker,
        },
    )  # fmt: skip


def progress(connection: Connection, district_id: str) -> Progress:
    """How far the reading of a district is."""
    counts = [
        connection.execute(
            f"SELECT COALESCE(SUM(read), 0), COUNT(*) FROM {table} WHERE district_id = :id",
            {"id": district_id},
        ).fetchone()
        for table in ("lms_courses", "lms_sections")
    ]
    return Progress(*(int(count) for row in counts for count in row))


def add_courses(connection: Connection, district_id: str, courses: Iterable[LmsCourse]) -> None:
    """Keep courses of the LMS's whose sections are to be read."""
    connection.executemany(
        "INSERT INTO lms_courses (district_id, id, name, sis_id, number, read)"
        " VALUES (:district_id, :id, :name, :sis_id, :number, 0) ON CONFLICT DO NOTHING",
        [
            {
                "district_id": district_id, "id": it.id, "name": _kept(it.name), "sis_id": _kept(it.sis_id) or None,
                "number": _kept(it.number) or None,
            }
            for it in courses
        ],
    )  # fmt: skip


def add_sections(
    connection: Connection, district_id: str, course: LmsCourse, sections: Sequence[SectionRef]
) -> None:
    """Keep the sections of a course of the LMS's, whose people are to be read: it has been read."""
    given = {"district_id": district_id, "course_id": course.id}
    connection.executemany(
        "INSERT INTO lms_sections (district_id, id, course_id, name, sis_id, read)"
        " VALUES (:district_id, :id, :course_id, :name, :sis_id, 0) ON CONFLICT DO NOTHING",
        [
            {**given, "id": it.id, "name": _kept(it.name), "sis_id": _kept(it.sis_id) or None}
            for it in sections
        ],
    )
    connection.execute(
        "UPDATE lms_courses SET read = 1 WHERE district_id = :district_id AND id = :course_id", given
    )


def unread_courses(connection: Connection, district_id: str, limit: int) -> list[LmsCourse]:
    """The LMS's courses that have not been read."""
    rows = connection.execute(
        "SELECT id, name, sis_id, number FROM lms_courses WHERE district_id = :id AND read = 0 ORDER BY id"
        " LIMIT :limit",
        {"id": district_id, "limit": limit},
    )
    return [LmsCourse(*row) for row in rows]


def unread_sections(connection: Connection, district_id: str, limit: int) -> list[SectionRef]:
    """The LMS's sections that have not been read."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM lms_sections WHERE district_id = :id AND read = 0 ORDER BY id LIMIT :limit",
        {"id": district_id, "limit": limit},
    )
    return [SectionRef(*row) for row in rows]


def add_members(connection: Connection, district_id: str, section_id: str, people: Sequence[Person]) -> None:
    """Keep who is in a section of the LMS's: it has been read."""
    given = {"district_id": district_id, "section_id": section_id}
    connection.execute(
        "DELETE FROM lms_members WHERE district_id = :district_id AND section_id = :section_id", given
    )
    connection.executemany(
        "INSERT INTO lms_members (district_id, section_id, role, id, name, email, sis_id)"
        " VALUES (:district_id, :section_id, :role, :id, :name, :email, :sis_id) ON CONFLICT DO NOTHING",
        [
            {
                **given, "role": it.role, "id": it.id, "name": _kept(it.name), "email": _kept(it.email) or None,
                "sis_id": _kept(it.sis_id) or None,
            }
            for it in people
        ],
    )  # fmt: skip
    connection.execute(
        "UPDATE lms_sections SET read = 1 WHERE district_id = :district_id AND id = :section_id", given
    )


def keep_unread(connection: Connection, district_id: str) -> None:
    """Take those of ours who are matched as who is in the sections of the LMS's that cannot be read.

    Those that none of ours is matched to are left out.
    """
    connection.execute(
        "DELETE FROM lms_sections WHERE district_id = :id AND read = 0 AND NOT EXISTS (SELECT 1 FROM sections"
        " WHERE sections.district_id = :id AND sections.lms_id = lms_sections.id AND sections.removed IS NULL)",
        {"id": district_id},
    )
    connection.execute(
        "INSERT INTO lms_members (district_id, section_id, role, id, name, email, sis_id)"
        " SELECT :id, place.id, enrollments.role, users.lms_id, users.first_name || ' ' || users.last_name,"
        " users.email, users.sis_id FROM lms_sections AS place"
        " JOIN sections ON sections.district_id = place.district_id AND sections.lms_id = place.id"
        " AND sections.removed IS NULL"
        " JOIN enrollments ON enrollments.section_id = sections.id JOIN users ON users.id = enrollments.user_id"
        " WHERE place.district_id = :id AND place.read = 0 AND users.lms_id IS NOT NULL ON CONFLICT DO NOTHING",
        {"id": district_id},
    )


def clear(connection: Connection, district_id: str, limit: int) -> bool:
    """Forget some of what was read, up to so many sections. Whether there may be more."""
    rows = connection.execute(
        "SELECT id FROM lms_sections WHERE district_id = :id ORDER BY id LIMIT :limit",
        {"id": district_id, "limit": limit},
    ).fetchall()
    if rows:
        given = {"id": district_id, "last": rows[-1][0]}
        connection.execute("DELETE FROM lms_members WHERE district_id = :id AND section_id <= :last", given)
        connection.execute("DELETE FROM lms_sections WHERE district_id = :id AND id <= :last", given)
    if len(rows) == limit:
        return True
    for table in ("lms_members", "lms_courses"):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})
    return False


def gather_people(session: Session, district_id: str) -> int:
    """Bring together, in a temporary table, each person once; how many memberships there are.

    A SIS id that several share is nobody's from now on, also of courses and sections: a roster needs ids that tell who
    is who.
    """
    given = {"id": district_id}
    for table in ("lms_courses", "lms_sections", "lms_members"):
        session.analyse(table)  # they may have grown a lot just now
    for table, scope in (("lms_courses", ""), ("lms_sections", ""), ("lms_members", "role, ")):
        shared = (
            f"SELECT {scope}sis_id FROM {table} WHERE district_id = :id AND sis_id IS NOT NULL"
            f" GROUP BY {scope}sis_id HAVING MIN(id) <> MAX(id)"
        )
        with session.transaction():
            session.execute(
                f"UPDATE {table} SET sis_id = NULL WHERE district_id = :id"
                f" AND (sis_id LIKE 'lms:%' OR ({scope}sis_id) IN ({shared}))",
                given,
            )
    session.define(
        "CREATE TEMP TABLE lms_people (role TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,"
        " email TEXT, PRIMARY KEY (role, id))"
    )
    session.execute(
        "INSERT INTO lms_people (role, id, key, name, email) SELECT role, id, COALESCE(MIN(sis_id), 'lms:' || id),"
        " MIN(name), MIN(email) FROM lms_members WHERE district_id = :id GROUP BY role, id",
        given,
    )
    session.analyse("lms_people")
    found = session.execute("SELECT COUNT(*) FROM lms_members WHERE district_id = :id", given)
    return int(found.fetchone()[0])


def keyed_courses(
    session: Session, district_id: str, batch: int
) -> Iterator[list[tuple[str, str, str | None]]]:
    """Key, name and number of each course that has a section."""
    after = ""
    while rows := session.execute(
        f"SELECT id, {_KEY}, name, number FROM lms_courses AS course WHERE district_id = :id AND id > :after"
        " AND EXISTS (SELECT 1 FROM lms_sections WHERE district_id = :id AND course_id = course.id)"
        " ORDER BY id LIMIT :batch",
        {"id": district_id, "after": after, "batch": batch},
    ).fetchall():
        yield [(key, name or id_, number) for id_, key, name, number in rows]
        after = rows[-1][0]


def keyed_sections(
    session: Session, district_id: str, batch: int
) -> Iterator[list[tuple[str, str, str, str]]]:
    """Id, key and name of each section, and the key of its course."""
    after = ""
    while rows := session.execute(
        "SELECT place.id, COALESCE(place.sis_id, 'lms:' || place.id), place.name,"
        " COALESCE(course.sis_id, 'lms:' || course.id) FROM lms_sections AS place JOIN lms_courses AS course"
        " ON course.district_id = place.district_id AND course.id = place.course_id"
        " WHERE place.district_id = :id AND place.id > :after ORDER BY place.id LIMIT :batch",
        {"id": district_id, "after": after, "batch": batch},
    ).fetchall():
        yield [(id_, key, name or id_, course) for id_, key, name, course in rows]
        after = rows[-1][0]


def keyed_people(session: Session, batch: int) -> Iterator[list[tuple[Role, str, str, str, str | None]]]:
    """Role, id, key, name and e-mail address of each person that was brought together."""
    role = id_ = ""
    while rows := session.execute(
        "SELECT role, id, key, name, email FROM lms_people WHERE (role, id) > (:role, :id) ORDER BY role, id"
        " LIMIT :batch",
        {"role": role, "id": id_, "batch": batch},
    ).fetchall():
        yield rows
        role, id_ = rows[-1][:2]


def keyed_members(session: Session, district_id: str, batch: int) -> Iterator[list[tuple[str, str, Role]]]:
    """The keys of section and person, and the role, of each membership."""
    last = ("", "", "")
    while rows := session.execute(
        "SELECT them.section_id, them.role, them.id, COALESCE(place.sis_id, 'lms:' || place.id), person.key"
        " FROM lms_members AS them JOIN lms_people AS person ON person.role = them.role AND person.id = them.id"
        " JOIN lms_sections AS place ON place.district_id = them.district_id AND place.id = them.section_id"
        " WHERE them.district_id = :id"
        " AND (them.section_id, them.role, them.id) > (:section, :role, :person)"
        " ORDER BY them.section_id, them.role, them.id LIMIT :batch",
        {"id": district_id, "section": last[0], "role": last[1], "person": last[2], "batch": batch},
    ).fetchall():
        yield [(section, person, role) for _, role, _, section, person in rows]
        last = rows[-1][:3]


def sections(connection: Connection, district_id: str) -> list[SectionRef]:
    """The LMS's sections, as they were read."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM lms_sections WHERE district_id = :id ORDER BY id", {"id": district_id}
    )
    return [SectionRef(*row) for row in rows]


def _kept(text: str | None) -> str:
    """What an LMS wrote, without what no database takes and no roster has; only so much of it."""
    kept = (text or "").encode("utf-8", "replace").decode().replace("\0", "")
    return "".join(it if it.isprintable() else " " for it in kept).strip()[:_LONGEST]
