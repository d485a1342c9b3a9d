"""The roster: districts, schools, terms, courses, sections and users."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct, structs

from passback.domain.roster import ROLES, Course, District, Role, School, Section, Term, User, known_sis_id
from passback.store.statements import among

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """Part of a list, in order, and whether there is more before and after it."""

    items: list[T]
    before: bool
    after: bool


class Filter(Struct, frozen=True):
    """A condition on the objects of a list, and the values that it names."""

    condition: str
    given: dict[str, str]


def with_role(role: str) -> Filter:
    """Users with that role."""
    return Filter("role = :role", {"role": role})


def section_with_sis_id(sis_id: str) -> Filter:
    """The section with that SIS id."""
    return Filter("sis_id = :sis_id", {"sis_id": known_sis_id(sis_id) or ""})


def user_with_sis_id(sis_id: str) -> Filter:
    """The users with that SIS id: one for each role."""
    # Each role by itself, or SQLite would read the district in the order of the ids.
    found = " UNION ALL ".join(
        f"SELECT id FROM users WHERE district_id = :district_id AND role = '{role}' AND sis_id = :sis_id"
        for role in ROLES
    )
    return Filter(f"id IN ({found})", {"sis_id": known_sis_id(sis_id) or ""})


def with_email(email: str) -> Filter:
    """Users with that address, in any case."""
    return Filter("email IS NOT NULL AND LOWER(email) = LOWER(:email)", {"email": email})


def with_student_number(number: str) -> Filter:
    """Students with that number."""
    return Filter("role = 'student' AND number = :number", {"number": number})


def in_section(section_id: str, role: Role) -> Filter:
    """The students or teachers of a section."""
    return Filter(
        "id IN (SELECT user_id FROM enrollments WHERE section_id = :section_id AND role = :member_role)",
        {"section_id": section_id, "member_role": role},
    )


def with_member(user_id: str) -> Filter:
    """The sections that a user is in."""
    return Filter("id IN (SELECT section_id FROM enrollments WHERE user_id = :user_id)", {"user_id": user_id})


class Table(Struct, Generic[T], frozen=True):
    """How one kind of roster object is stored."""

    name: str
    make: Callable[..., T]
    columns: tuple[str, ...]
    district_column: str = "district_id"

    @property
    def select(self) -> str:
        return f"SELECT {', '.join(self.columns)} FROM {self.name}"

    @property
    def present(self) -> str:
        """The condition that leaves out removed objects."""
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
    """Find the object of that id, if it belongs to the district; a removed one only if `removed` is set."""
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
    filters: Iterable[Filter] = (),
) -> Page[T]:
    """A page of a district's objects in the order of their ids.

    `starting_after` and `ending_before` are ids, which need not exist; with the latter the page is the one that ends
    there.
    """
    where = [f"{table.district_column} = :district_id"]
    parameters: dict[str, Any] = {"district_id": district_id, "limit": limit + 1}
    if starting_after is not None:
        where.append("id > :starting_after")
        parameters["starting_after"] = starting_after
    if ending_before is not None:
        where.append("id < :ending_before")
        parameters["ending_before"] = ending_before
    for it in filters:
        where.append(it.condition)
        parameters |= it.given
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
    """The district of a section; None if there is no such section."""
    row = connection.execute(
        "SELECT district_id FROM sections WHERE id = :section_id AND removed IS NULL",
        {"section_id": section_id},
    ).fetchone()
    return None if row is None else str(row[0])


class SectionInLms(Struct, frozen=True):
    """What a call about a section's assignments needs to know about the section."""

    id: str
    lms_id: str | None
    lms_type: str
    in_error: int
    """1 if the LMS is marked as one that is down or refuses our credentials (``lms_state``), else 0."""


IN_ERROR = "CASE WHEN districts.lms_state = 'error' OR districts.lms_down IS NOT NULL THEN 1 ELSE 0 END"


def section_in_lms(connection: Connection, district_id: str, section_id: str) -> SectionInLms | None:
    """Find the section of that id, if it belongs to the district, and its LMS."""
    row = connection.execute(
        f"SELECT sections.id, sections.lms_id, districts.lms_type, {IN_ERROR}"
        " FROM sections JOIN districts ON districts.id = sections.district_id"
        " WHERE sections.id = :section_id AND sections.district_id = :district_id AND sections.removed IS NULL",
        {"section_id": section_id, "district_id": district_id},
    ).fetchone()
    return None if row is None else SectionInLms(*row)


def ids_of(connection: Connection, district_id: str, lms_ids: Collection[str]) -> dict[str, str]:
    """Our id for each of the given people's LMS ids; those that match nobody are left out."""
    if not lms_ids:
        return {}
    parameters: dict[str, Any] = {"district_id": district_id}
    rows = connection.execute(
        "SELECT lms_id, id FROM users WHERE district_id = :district_id AND removed IS NULL"
        f" AND {among('lms_id', lms_ids, parameters)}",
        parameters,
    )
    return dict(rows.fetchall())


def insert(connection: Connection, table: Table[T], objects: Iterable[T]) -> None:
    """Add new objects."""
    columns = table.columns
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)})"
        f" VALUES ({', '.join(':' + column for column in columns)})"
    )
    connection.executemany(statement, [_row(item) for item in objects])


def _row(item: Any) -> dict[str, Any]:
    values = structs.asdict(item)
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()}


def has_sections(connection: Connection, district_id: str) -> bool:
    """Whether a district has a roster."""
    found = connection.execute(
        "SELECT 1 FROM sections WHERE district_id = :id AND removed IS NULL LIMIT 1", {"id": district_id}
    )
    return found.fetchone() is not None
