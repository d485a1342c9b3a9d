"""Finding people, assignments and deliveries by what somebody has at hand: a name, a title, an id.

Each question reads a few short ranges of indexes, however large a district is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from passback.domain.delivery import lane_of
from passback.domain.spelling import first_spelling, folded, next_spelling
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from passback.store.engine.database import Connection

_MOST_LOOKS = 100
"""How many times at most an index is asked for the next way to write a name."""
_LAST = "\U0010ffff"
"""A letter after all others."""
_MOST_COMPARED = 500
"""With how many people of one name at most the other name is compared."""
_MOST_ASSIGNMENTS = 256
"""In how many of a student's newest assignments their deliveries are looked for."""
_IN_LANE = (
    "state = 'waiting'",
    "state = 'delivering'",
    "state = 'delivered'",
    "state IN ('refused', 'expired', 'failed', 'cancelled')",
)
"""All deliveries of a lane, in parts that each have an index."""
_MOST_SCANNED = 2_000
"""How many deliveries that were accepted after a request began are looked at."""

_Ranged = Literal["users.last_name", "users.first_name", "assignments.title", "sections.name"]


class FoundPerson(Struct, frozen=True):
    """Somebody of a roster."""

    id: str
    district_id: str
    role: str
    first_name: str
    last_name: str
    sis_id: str | None
    email: str | None

    @property
    def name(self) -> str:
        """Their whole name."""
        return f"{self.first_name} {self.last_name}".strip()


class FoundSection(Struct, frozen=True):
    """A section of a roster."""

    id: str
    district_id: str
    name: str
    course: str
    """The name of its course; empty if it has none."""
    sis_id: str | None
    lms_type: str
    """The kind of its district's LMS."""


class FoundAssignment(Struct, frozen=True):
    """An assignment that the gateway made."""

    id: str
    district_id: str
    section_id: str
    section: str
    """The section's name."""
    title: str
    """As an app last set it; empty if that is not known."""
    lms_id: str
    deleted: int
    """1 if it was deleted through the gateway."""


_PERSON = "id, district_id, role, first_name, last_name, sis_id, email"
_ASSIGNMENT = (
    "assignments.id, sections.district_id, sections.id, sections.name, COALESCE(assignments.title, ''),"
    " assignments.lms_id, CASE WHEN assignments.deleted IS NULL THEN 0 ELSE 1 END"
    " FROM assignments JOIN sections ON sections.id = assignments.section_id"
)
_SECTION = (
    "sections.id, sections.district_id, sections.name, COALESCE(courses.name, ''), sections.sis_id,"
    " districts.lms_type FROM sections JOIN districts ON districts.id = sections.district_id"
    " LEFT JOIN courses ON courses.id = sections.course_id"
)


def people_named(connection: Connection, district_id: str, asked: str, limit: int) -> list[FoundPerson]:
    """People whose names begin as `asked`: a first or a last name, or both in either order."""
    found: dict[str, FoundPerson] = {}
    words = folded(asked.replace(",", " ")).split()
    for column, beginning, rest in _readings(words):
        most = limit if not rest else _MOST_COMPARED
        for row in _beginning(
            connection, district_id, column, beginning, f"{_PERSON} FROM users", most, where="removed IS NULL"
        ):
            person = FoundPerson(*row)
            other = person.first_name if column == "users.last_name" else person.last_name
            if folded(other).startswith(rest):
                found.setdefault(person.id, person)
            if len(found) >= limit:
                return [*found.values()]
    return [*found.values()]


def _readings(words: Sequence[str]) -> Iterator[tuple[_Ranged, str, str]]:
    """The ways to read words: the name by which to look, how it begins, and how the other one begins."""
    whole = " ".join(words)
    if not whole:
        return
    yield "users.last_name", whole, ""
    yield "users.first_name", whole, ""
    for split in range(1, min(len(words), 4)):
        left, right = " ".join(words[:split]), " ".join(words[split:])
        yield "users.last_name", right, left
        yield "users.last_name", left, right


def _beginning(
    connection: Connection,
    district_id: str,
    column: _Ranged,
    beginning: str,
    selected: str,
    limit: int,
    *,
    where: str = "TRUE",
) -> list[tuple[Any, ...]]:
    """What is `selected` of a district's rows whose name begins so, in whatever spelling, in the order of names."""
    table = column.partition(".")[0]
    found: list[tuple[Any, ...]] = []
    for prefix in _spellings(connection, district_id, column, beginning) if beginning else ():
        found += connection.execute(
            f"SELECT {selected} WHERE {table}.district_id = :district_id AND {where}"
            f" AND LOWER({column}) >= :low AND LOWER({column}) < :high"
            f" ORDER BY LOWER({column}), {table}.id LIMIT :limit",
            {"district_id": district_id, "low": prefix, "high": prefix + _LAST, "limit": limit - len(found)},
        )
        if len(found) >= limit:
            break
    return found


def _spellings(connection: Connection, district_id: str, column: _Ranged, beginning: str) -> Iterator[str]:
    """The ways in which `beginning` is written at the beginning of a district's names, in order."""
    table = column.partition(".")[0]
    ahead: str | None = first_spelling(beginning)
    for _ in range(_MOST_LOOKS):
        if ahead is None:
            return
        row = connection.execute(
            f"SELECT LOWER({column}) FROM {table} WHERE district_id = :district_id AND LOWER({column}) >= :ahead"
            f" ORDER BY LOWER({column}) LIMIT 1",
            {"district_id": district_id, "ahead": ahead},
        ).fetchone()
        if row is None:
            return
        name = str(row[0])
        prefix = name[: len(beginning)]
        if folded(prefix) == beginning:
            yield prefix
            ahead = prefix + _LAST
        else:
            ahead = next_spelling(beginning, name)


def people_known_as(
    connection: Connection, district_ids: Collection[str], asked: str, limit: int
) -> list[FoundPerson]:
    """People with that id of ours, number, SIS id, id in the LMS or e-mail address."""
    if not district_ids:
        return []
    parameters: dict[str, Any] = {"asked": asked, "limit": limit}
    where = f"{among('district_id', district_ids, parameters)} AND removed IS NULL"
    ways = (
        "id = LOWER(:asked)",
        "number = :asked",
        "role IN ('student', 'teacher') AND sis_id = :asked",
        "role IN ('student', 'teacher') AND lms_id = :asked",
        "email IS NOT NULL AND LOWER(email) = LOWER(:asked)",
    )
    rows = connection.execute(
        " UNION ".join(f"SELECT {_PERSON} FROM users WHERE {where} AND {way}" for way in ways)
        + " LIMIT :limit",
        parameters,
    )
    return [FoundPerson(*row) for row in rows]


def person(connection: Connection, district_id: str, user_id: str) -> FoundPerson | None:
    """A person of a district, who may have left its roster."""
    row = connection.execute(
        f"SELECT {_PERSON} FROM users WHERE id = :id AND district_id = :district_id",
        {"id": user_id, "district_id": district_id},
    ).fetchone()
    return None if row is None else FoundPerson(*row)


def assignments_titled(
    connection: Connection, district_id: str, asked: str, limit: int
) -> list[FoundAssignment]:
    """Assignments whose titles begin as `asked`."""
    rows = _beginning(connection, district_id, "assignments.title", folded(asked), _ASSIGNMENT, limit)
    return [FoundAssignment(*row) for row in rows]


def assignments_known_as(
    connection: Connection, district_ids: Collection[str], asked: str, limit: int
) -> list[FoundAssignment]:
    """Assignments with that id of ours or in the LMS."""
    if not district_ids:
        return []
    parameters: dict[str, Any] = {"asked": asked, "limit": limit}
    where = among("assignments.district_id", district_ids, parameters)
    rows = connection.execute(
        " UNION ".join(
            f"SELECT {_ASSIGNMENT} WHERE {where} AND {way}"
            for way in ("assignments.id = LOWER(:asked)", "assignments.lms_id = :asked")
        )
        + " LIMIT :limit",
        parameters,
    )
    return [FoundAssignment(*row) for row in rows]


def sections_named(connection: Connection, district_id: str, asked: str, limit: int) -> list[FoundSection]:
    """Sections whose names begin as `asked`."""
    rows = _beginning(
        connection,
        district_id,
        "sections.name",
        folded(asked),
        _SECTION,
        limit,
        where="sections.removed IS NULL",
    )
    return [FoundSection(*row) for row in rows]


def section_known_as(connection: Connection, district_ids: Collection[str], asked: str) -> list[FoundSection]:
    """The section with that id of ours."""
    if not district_ids:
        return []
    parameters: dict[str, Any] = {"asked": asked}
    where = among("sections.district_id", district_ids, parameters)
    rows = connection.execute(
        f"SELECT {_SECTION} WHERE sections.id = LOWER(:asked) AND sections.removed IS NULL AND {where}",
        parameters,
    )
    return [FoundSection(*row) for row in rows]


def of_request(
    connection: Connection, request_id: str, between: tuple[str, str] | None, limit: int
) -> list[str]:
    """The ids of the deliveries that a request asked for, the oldest first.

    `between` are delivery ids of the moments after the request began, if its id tells when; otherwise it is an id of a
    client's own, for which there is an index.
    """
    if between is None:
        rows = connection.execute(
            "SELECT id FROM deliveries WHERE request_id = :request_id"
            " AND (LENGTH(request_id) <> 36 OR SUBSTR(request_id, 15, 1) <> '7') ORDER BY id LIMIT :limit",
            {"request_id": request_id, "limit": limit},
        )
    else:
        rows = connection.execute(
            "SELECT id FROM (SELECT id, request_id FROM deliveries WHERE id >= :low AND id < :high"
            " ORDER BY id LIMIT :scanned) AS near WHERE request_id = :request_id ORDER BY id LIMIT :limit",
            {
                "low": between[0],
                "high": between[1],
                "scanned": _MOST_SCANNED,
                "request_id": request_id,
                "limit": limit,
            },
        )
    return [row[0] for row in rows]


def of_person(connection: Connection, user_id: str, before: str, limit: int) -> list[str]:
    """The ids before that id of a student's deliveries, the newest first.

    They are those of the newest assignments in the sections in which the student is now.
    """
    rows = connection.execute(
        "SELECT assignments.id FROM enrollments JOIN assignments ON assignments.section_id = enrollments.section_id"
        " WHERE enrollments.user_id = :user_id AND enrollments.role = 'student'"
        " ORDER BY assignments.id DESC LIMIT :limit",
        {"user_id": user_id, "limit": _MOST_ASSIGNMENTS},
    )
    return _in_lanes(connection, [_lane(row[0], user_id) for row in rows], before, limit)


def newest_of_each(connection: Connection, assignment_id: str, user_ids: Collection[str]) -> dict[str, str]:
    """The id of each student's newest delivery of an assignment, by the student's id."""
    lanes = {_lane(assignment_id, it): it for it in user_ids}
    newest: dict[str, str] = {}
    for part in _IN_LANE if lanes else ():
        parameters: dict[str, Any] = {}
        where = among("lane", lanes, parameters)
        rows = connection.execute(
            f"SELECT lane, MAX(id) FROM deliveries WHERE {where} AND {part} GROUP BY lane", parameters
        )
        for lane, delivery_id in rows:
            newest[lanes[lane]] = max(delivery_id, newest.get(lanes[lane], ""))
    return newest


def of_assignment_itself(connection: Connection, assignment_id: str, limit: int) -> list[str]:
    """The ids of an assignment's own deliveries (its changes, and its create), the newest first."""
    changes = _in_lanes(connection, [f"assignment/{assignment_id}"], "", limit)
    return [*changes, assignment_id][:limit]


def _lane(assignment_id: str, user_id: str) -> str:
    return lane_of("update_submission", "", assignment_id, user_id)


def _in_lanes(connection: Connection, lanes: Collection[str], before: str, limit: int) -> list[str]:
    """The ids before that id of deliveries of lanes, the newest first."""
    if not lanes:
        return []
    parameters: dict[str, Any] = {"before": before or _LAST, "limit": limit}
    where = among("lane", lanes, parameters)
    rows = connection.execute(
        " UNION ALL ".join(
            f"SELECT id FROM deliveries WHERE {where} AND {part} AND id < :before" for part in _IN_LANE
        )
        + " ORDER BY id DESC LIMIT :limit",
        parameters,
    )
    return [row[0] for row in rows]


def students_of(connection: Connection, section_id: str, after: str, limit: int) -> list[str]:
    """The ids of a section's students after that id, in order."""
    rows = connection.execute(
        "SELECT user_id FROM enrollments WHERE section_id = :section_id AND role = 'student' AND user_id > :after"
        " ORDER BY user_id LIMIT :limit",
        {"section_id": section_id, "after": after, "limit": limit},
    )
    return [row[0] for row in rows]


def sections_of(connection: Connection, user_id: str, limit: int) -> list[tuple[str, str]]:
    """The ids and names of a person's sections."""
    rows = connection.execute(
        "SELECT sections.id, sections.name FROM enrollments JOIN sections ON sections.id = enrollments.section_id"
        " WHERE enrollments.user_id = :user_id AND sections.removed IS NULL ORDER BY sections.name LIMIT :limit",
        {"user_id": user_id, "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]
