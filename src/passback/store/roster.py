"""Districts, schools, terms, courses, sections, users and their enrollments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct, structs

from passback.domain.roster import Course, District, Role, School, Section, Term, User

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """Some of a list, in order, and whether there is more before and after it."""

    items: list[T]
    before: bool
    after: bool


class Table(Struct, Generic[T], frozen=True):
    """How one kind of roster object is kept."""

    name: str
    make: Callable[..., T]
    columns: tuple[str, ...]
    district_column: str = "district_id"

    @property
    def select(self) -> str:
        return f"SELECT {', '.join(self.columns)} FROM {self.name}"

    @property
    def present(self) -> str:
        """What leaves out those that are no more."""
        return "" if self.name == "districts" else " AND removed IS NULL"


def _district(*row: Any) -> District:
    values = dict(zip(District.__struct_fields__, row, strict=True))
    values["lms_matched_percentage"] = json.loads(values["lms_matched_percentage"])
    return District(**values)


DISTRICTS = Table("districts", _district, District.__struct_fields__, district_column="id")
SCHOOLS = Table("schools", School, School.__struct_fields__)
TERMS = Table("terms", Term, Term.__struct_fields__)
COURSES = Table("courses", Course, Course.__struct_fields__)
SECTIONS = Table("sections", Section, Section.__struct_fields__)
USERS = Table("users", User, User.__struct_fields__)


def find(
    connection: Connection, table: Table[T], district_id: str, object_id: str, *, removed: bool = False
) -> T | None:
    """The object of that id, if it is the district's; one that is no more only where `removed`."""
    row = connection.execute(
        f"{table.select} WHERE id = :id AND {table.district_column} = :district_id"
        + ("" if removed else table.present),
        {"id": object_id, "district_id": district_id},
    ).fetchone()
    return None if row is None else table.make(*row)


def page(
    connection: Connection,
    table: Table[T],
    district_id: str,
    *,
    limit: int,
    starting_after: str | None = None,
    ending_before: str | None = None,
    role: Role | None = None,
) -> Page[T]:
    """A page of a district's objects in the order of their ids.

    `starting_after` and `ending_before` are ids, not necessarily existing ones; with the latter the page is the
    one that ends there. `role` is for users.
    """
    where = [f"{table.district_column} = :district_id"]
    parameters: dict[str, Any] = {"district_id": district_id, "limit": limit + 1}
    if starting_after is not None:
        where.append("id > :starting_after")
        parameters["starting_after"] = starting_after
    if ending_before is not None:
        where.append("id < :ending_before")
        parameters["ending_before"] = ending_before
    if role is not None:
        where.append("role = :role")
        parameters["role"] = role
    backwards = ending_before is not None and starting_after is None
    direction = "DESC" if backwards else "ASC"
    rows = connection.execute(
        f"{table.select} WHERE {' AND '.join(where)}{table.present} ORDER BY id {direction} LIMIT :limit",
        parameters,
    ).fetchall()
    more = len(rows) > limit
    items = [table.make(*row) for row in rows[:limit]]
    if backwards:
        return Page(items[::-1], before=more, after=True)
    return Page(items, before=starting_after is not None, after=more)


def district_of_section(connection: Connection, section_id: str) -> str | None:
    """Whose section it is; None where there is no such section."""
    row = connection.execute(
        "SELECT district_id FROM sections WHERE id = :section_id AND removed IS NULL",
        {"section_id": section_id},
    ).fetchone()
    return None if row is None else str(row[0])


class SectionInLms(Struct, frozen=True):
    """What a call about a section's assignments needs to know of it."""

    id: str
    lms_id: str | None
    lms_type: str


def section_in_lms(connection: Connection, district_id: str, section_id: str) -> SectionInLms | None:
    """The section of that id, if it is the district's, and the LMS it is in."""
    row = connection.execute(
        "SELECT sections.id, sections.lms_id, districts.lms_type"
        " FROM sections JOIN districts ON districts.id = sections.district_id"
        " WHERE sections.id = :section_id AND sections.district_id = :district_id AND sections.removed IS NULL",
        {"section_id": section_id, "district_id": district_id},
    ).fetchone()
    return None if row is None else SectionInLms(*row)


class Matched(Struct, frozen=True):
    """A student or teacher of a section who is known in the LMS."""

    user_id: str
    lms_id: str


_MEMBERS = (
    "SELECT users.id, users.lms_id FROM enrollments JOIN users ON users.id = enrollments.user_id"
    " WHERE enrollments.section_id = :section_id AND enrollments.role = :role AND users.lms_id IS NOT NULL"
)


def matched_member(connection: Connection, section_id: str, role: Role, user_id: str) -> Matched | None:
    """The student or teacher of that id, if enrolled in the section and matched to one in the LMS."""
    row = connection.execute(
        _MEMBERS + " AND enrollments.user_id = :user_id",
        {"section_id": section_id, "role": role, "user_id": user_id},
    ).fetchone()
    return None if row is None else Matched(*row)


def matched_members(
    connection: Connection, section_id: str, role: Role, *, after: str = "", limit: int | None = None
) -> list[Matched]:
    """The matched students or teachers of a section, in the order of their ids, from the one behind `after`."""
    rows = connection.execute(
        _MEMBERS + " AND enrollments.user_id > :after ORDER BY enrollments.user_id LIMIT :limit",
        # LIMIT takes no "all" that both databases know; no section has this many members.
        {
            "section_id": section_id,
            "role": role,
            "after": after,
            "limit": 1_000_000 if limit is None else limit,
        },
    )
    return [Matched(*row) for row in rows]


def is_enrolled(connection: Connection, section_id: str, role: Role, user_id: str) -> bool:
    """Whether the user is a member of the section."""
    return (
        connection.execute(
            "SELECT 1 FROM enrollments WHERE section_id = :section_id AND role = :role AND user_id = :user_id",
            {"section_id": section_id, "role": role, "user_id": user_id},
        ).fetchone()
        is not None
    )


def ids_of(connection: Connection, district_id: str, lms_ids: Iterable[str]) -> dict[str, str]:
    """Our id for each of the given people's ids in the LMS; those who are nobody of ours are left out."""
    found = {}
    for lms_id in lms_ids:
        row = connection.execute(
            "SELECT id FROM users WHERE district_id = :district_id AND lms_id = :lms_id AND removed IS NULL",
            {"district_id": district_id, "lms_id": lms_id},
        ).fetchone()
        if row is not None:
            found[lms_id] = row[0]
    return found


def insert(connection: Connection, table: Table[T], objects: Iterable[T]) -> None:
    """Add new objects."""
    columns = table.columns
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)})"
        f" VALUES ({', '.join(':' + column for column in columns)})"
    )
    connection.executemany(statement, [_row(item) for item in objects])


def enroll(connection: Connection, section_id: str, role: Role, user_ids: Iterable[str]) -> None:
    """Make users members of a section."""
    connection.executemany(
        "INSERT INTO enrollments (section_id, user_id, role) VALUES (:section_id, :user_id, :role)"
        " ON CONFLICT DO NOTHING",
        [{"section_id": section_id, "user_id": user_id, "role": role} for user_id in user_ids],
    )


def unenroll(connection: Connection, section_id: str, role: Role, user_id: str) -> bool:
    """End a user's membership of a section; their submissions stay. False where there was none."""
    return bool(
        connection.execute(
            "DELETE FROM enrollments WHERE section_id = :section_id AND role = :role AND user_id = :user_id",
            {"section_id": section_id, "role": role, "user_id": user_id},
        ).rowcount
    )


def section_members(connection: Connection, section_ids: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """The user ids of each (section id, role), in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for section_id in set(section_ids):  # there may be several events of one
        for role, user_id in connection.execute(
            "SELECT role, user_id FROM enrollments WHERE section_id = :section_id ORDER BY role, user_id",
            {"section_id": section_id},
        ):
            found.setdefault((section_id, role), []).append(user_id)
    return found


def _row(item: Any) -> dict[str, Any]:
    values = structs.asdict(item)
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()}


def set_lms_state(connection: Connection, district_id: str, state: str) -> None:
    """Say how a district's connection to its LMS stands (the published ``lms_state``)."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id", {"state": state, "id": district_id}
    )


def break_lms_state(connection: Connection, district_id: str) -> bool:
    """Say that a connection is broken. False where that is known already, or it is removed."""
    done = connection.execute(
        "UPDATE districts SET lms_state = 'error' WHERE id = :id AND lms_state NOT IN ('error', 'disconnected')",
        {"id": district_id},
    )
    return done.rowcount == 1


def mend_lms_state(connection: Connection, district_id: str) -> None:
    """Say that a connection that was broken works again."""
    connection.execute(
        "UPDATE districts SET lms_state = CASE WHEN last_lms_sync IS NULL THEN 'initial_sync_processing'"
        " ELSE 'success' END WHERE id = :id AND lms_state IN ('error', 'pending_authorization', '')",
        {"id": district_id},
    )


def enter_first_sync(connection: Connection, district_id: str, state: str) -> None:
    """Say how far the first reading of a district's LMS is; later ones leave the state as it is."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id AND last_lms_sync IS NULL"
        " AND lms_state <> 'disconnected'",
        {"state": state, "id": district_id},
    )


def set_lms(
    connection: Connection, district_id: str, lms_type: str, state: str, address: str | None = None
) -> None:
    """Say which LMS a district uses, and how its connection stands."""
    connection.execute(
        "UPDATE districts SET lms_type = :lms_type, lms_state = :state, lms_address = :address WHERE id = :id",
        {"lms_type": lms_type, "state": state, "address": address, "id": district_id},
    )


def lms_address(connection: Connection, district_id: str) -> str | None:
    """Where the LMS is that a district uses, or used last; None where that is not known."""
    row = connection.execute(
        "SELECT lms_address FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else row[0]


def has_sections(connection: Connection, district_id: str) -> bool:
    """Whether a district has a roster."""
    found = connection.execute(
        "SELECT 1 FROM sections WHERE district_id = :id AND removed IS NULL LIMIT 1", {"id": district_id}
    )
    return found.fetchone() is not None


def district_ids(connection: Connection) -> list[str]:
    """Every district's id."""
    return [row[0] for row in connection.execute("SELECT id FROM districts ORDER BY id")]


def districts_exist(connection: Connection) -> bool:
    """Whether the data file has any district."""
    return connection.execute("SELECT 1 FROM districts LIMIT 1").fetchone() is not None


def lms_types(connection: Connection) -> dict[str, str]:
    """The kind of LMS of each district."""
    return {row[0]: row[1] for row in connection.execute("SELECT id, lms_type FROM districts")}


def follow_lms(connection: Connection, district_id: str, *, follows: bool) -> None:
    """Say whether the roster is what the LMS has, because there is no other: what was planned before is overtaken."""
    connection.execute(
        "UPDATE districts SET roster_from_lms = :follows, roster_version = roster_version + 1"
        " WHERE id = :id AND roster_from_lms <> :follows",
        {"follows": int(follows), "id": district_id},
    )


def follows_lms(connection: Connection, district_id: str) -> bool:
    """Whether the roster is what the LMS has, because there is no other."""
    row = connection.execute(
        "SELECT roster_from_lms FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return row is not None and row[0] == 1
