"""One search for all that people have at hand: a student, a section, an assignment, a request's or a delivery's id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import SECOND, first_id_at
from passback.operations import not_arrived
from passback.operations.districts import required
from passback.operations.errors import NotFound
from passback.operations.not_arrived import Named
from passback.store import districts, matching, names, search
from passback.store import not_arrived as stored
from passback.store.search import FoundAssignment, FoundPerson, FoundSection

if TYPE_CHECKING:
    from passback.domain.roster import District
    from passback.store.engine.database import Connection, Database

__all__ = ["FoundAssignment", "FoundPerson", "FoundSection"]

LONGEST = 200
"""How many letters of what is asked for are used."""
SHOWN = 50
"""How many of each kind are found at most."""
_SHORTEST = 2
"""With fewer letters, names and titles are not looked for."""
_BEFORE = SECOND
_AFTER = 60 * SECOND
"""How long after a request began its delivery is accepted at the latest."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Found(Struct, frozen=True):
    """What was found, of each kind up to `SHOWN`."""

    deliveries: list[Named]
    people: list[FoundPerson]
    sections: list[FoundSection]
    assignments: list[FoundAssignment]
    of_district: dict[str, str]
    """The names of the districts, by their ids."""
    is_exact: bool
    """Whether it was found by an id, a number or an address, not by how a name begins."""

    @property
    def count(self) -> int:
        """How much was found."""
        return len(self.deliveries) + len(self.people) + len(self.sections) + len(self.assignments)


class Student(Struct, frozen=True):
    """A person, their id in the LMS, their sections, and a part of their deliveries, the newest first."""

    person: FoundPerson
    lms_id: str | None
    """None if they are not matched."""
    district: District
    sections: list[tuple[str, str]]
    """Their ids and names."""
    deliveries: list[Named]
    next: str | None
    """The id after which the next part begins; None at the end."""


class Graded(Struct, frozen=True):
    """A student of an assignment's section, and the newest delivery of their submission, if there is one."""

    user_id: str
    name: str
    newest: Named | None


class OfAssignment(Struct, frozen=True):
    """An assignment, its own deliveries, and its students."""

    assignment: FoundAssignment
    district: District
    own: list[Named]
    students: list[Graded]
    next: str | None
    """The student's id after which the next part begins; None at the end."""


async def find(database: Database, asked: str, district_id: str | None = None) -> Found:
    """Find what people call so, in one district or in all."""
    asked = asked.strip()[:LONGEST].replace("\0", "")

    def read(conn: Connection) -> Found:
        of = {
            it: required(conn, it).name for it in ([district_id] if district_id else districts.all_ids(conn))
        }
        if not asked:
            return Found([], [], [], [], of, is_exact=False)
        deliveries = [it for it in _deliveries(conn, asked) if it.delivery.district_id in of]
        people = search.people_known_as(conn, of, asked, SHOWN)
        sections = search.section_known_as(conn, of, asked)
        assignments = search.assignments_known_as(conn, of, asked, SHOWN)
        if deliveries or people or sections or assignments:
            return Found(deliveries, people, sections, assignments, of, is_exact=True)
        if len(asked) >= _SHORTEST:
            for one in of:
                people += search.people_named(conn, one, asked, SHOWN - len(people))
                sections += search.sections_named(conn, one, asked, SHOWN - len(sections))
                assignments += search.assignments_titled(conn, one, asked, SHOWN - len(assignments))
                if min(len(people), len(sections), len(assignments)) >= SHOWN:
                    break
        return Found([], people, sections, assignments, of, is_exact=False)

    return await database.snapshot(read)


def _deliveries(conn: Connection, asked: str) -> list[Named]:
    """The delivery of that id, and those of the request of that id."""
    lowered = asked.lower()
    if _UUID.fullmatch(lowered):
        ids = [lowered, *search.of_request(conn, lowered, _moments_after(lowered), SHOWN)]
        if lowered != asked:
            ids += search.of_request(conn, asked, _moments_after(lowered), SHOWN)
    else:
        ids = search.of_request(conn, asked, None, SHOWN)
    return not_arrived.named(conn, stored.of_ids(conn, [*dict.fromkeys(ids)][:SHOWN]))


def _moments_after(request_id: str) -> tuple[str, str] | None:
    """Ids of the moments in which a request's deliveries were accepted; None if its id does not tell its time."""
    if request_id[14] != "7":
        return None
    began = int(request_id[:8] + request_id[9:13], 16)
    return first_id_at(max(0, began - _BEFORE)), first_id_at(began + _AFTER)


async def student(
    database: Database, district_id: str, user_id: str, *, limit: int, before: str = ""
) -> Student:
    """Return a person of a district with part of their deliveries. Raises `NotFound`."""

    def read(conn: Connection) -> Student:
        person = search.person(conn, district_id, user_id.lower())
        if person is None:
            raise NotFound(f"there is no person {user_id}")
        ids = search.of_person(conn, person.id, before, limit + 1)
        return Student(
            person=person,
            lms_id=None if (ours := matching.find(conn, person.id)) is None else ours.lms_id,
            district=required(conn, district_id),
            sections=search.sections_of(conn, person.id, SHOWN),
            deliveries=not_arrived.named(conn, stored.of_ids(conn, ids[:limit])),
            next=ids[limit - 1] if len(ids) > limit else None,
        )

    return await database.snapshot(read)


async def assignment(
    database: Database, district_id: str, assignment_id: str, *, limit: int, after: str = ""
) -> OfAssignment:
    """Return an assignment with part of its students. Raises `NotFound`."""

    def read(conn: Connection) -> OfAssignment:
        found = [
            it
            for it in search.assignments_known_as(conn, [district_id], assignment_id, SHOWN)
            if it.id == assignment_id.lower()
        ]
        if not found:
            raise NotFound(f"there is no assignment {assignment_id}")
        own = stored.of_ids(conn, search.of_assignment_itself(conn, found[0].id, SHOWN))
        ids = search.students_of(conn, found[0].section_id, after, limit + 1)
        newest = search.newest_of_each(conn, found[0].id, ids[:limit])
        shown = not_arrived.named(conn, [*own, *stored.of_ids(conn, [*newest.values()])])
        by_student = {it.delivery.user_id: it for it in shown[len(own) :]}
        people = names.of_people(conn, ids[:limit])
        return OfAssignment(
            assignment=found[0],
            district=required(conn, district_id),
            own=shown[: len(own)],
            students=[Graded(it, people.get(it) or it, by_student.get(it)) for it in ids[:limit]],
            next=ids[limit - 1] if len(ids) > limit else None,
        )

    return await database.snapshot(read)
