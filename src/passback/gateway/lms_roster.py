"""A district's roster as its LMS has it, for districts that have no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import Match, key_of
from passback.gateway.matching import connector_of
from passback.lms.connector import Gone
from passback.sis.rows import BATCH
from passback.store import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passback.domain.clock import Instant
    from passback.domain.matching import Person, Place
    from passback.domain.roster import Role
    from passback.gateway.context import Gateway
    from passback.sis.rows import Kind, Problems, Row
    from passback.store.database import Connection

_AT_ONCE = 4


class LmsRoster(Struct, frozen=True):
    """What was read. See `passback.sis.rows.Format`."""

    name: str
    sections: list[Place]
    people: dict[tuple[Role, str], Person]
    """Each person once, by role and key."""
    enrollments: list[tuple[str, str, Role]]
    """The keys of section and person, and the role."""
    repeats_users: bool = False

    @property
    def size(self) -> int:
        return len(self.enrollments)

    def read(self) -> int:
        return self.size

    def place(self, kind: Kind, column: str, role: str) -> tuple[str, str]:  # noqa: ARG002
        return f"{self.name}, {kind}", column

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:  # noqa: ARG002 - an LMS has no lines
        sections: list[Row] = [
            (number, key_of(it), it.name or it.id, None, None, None, None, None, None, None)
            for number, it in enumerate(self.sections, 1)
        ]
        users: list[Row] = [
            (number, key, role, *_names(person), person.email, None, None)
            for number, ((role, key), person) in enumerate(self.people.items(), 1)
        ]
        enrollments: list[Row] = [(number, *it) for number, it in enumerate(self.enrollments, 1)]
        kinds: tuple[tuple[Kind, list[Row]], ...] = (
            ("sections", sections), ("users", users), ("enrollments", enrollments),
        )  # fmt: skip
        for kind, rows in kinds:
            for begin in range(0, len(rows), BATCH):
                yield kind, rows[begin : begin + BATCH]


def _names(person: Person) -> tuple[str, None, str]:
    """First, middle and last name: an LMS shows them as one."""
    first, _, last = " ".join(person.name.split()).rpartition(" ")
    return (first, None, last) if first else (last or person.id, None, "")


async def read_lms(gateway: Gateway, district_id: str, progress: Callable[[int, int], None]) -> LmsRoster:
    """Read all sections and people of a district's LMS; `progress` is told how many sections of how many.

    Raises `passback.gateway.matching.NotConnected` and `LmsError`.
    """
    connector = await connector_of(gateway, district_id)
    sections = list(await connector.read_sections())
    people: dict[tuple[Role, str], Person] = {}
    enrollments: list[tuple[str, str, Role]] = []
    limit = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def read(section: Place) -> None:
        nonlocal done
        async with limit:
            try:
                found = await connector.read_people(section.id)
            except Gone:
                found = []  # it was deleted meanwhile
        for person in found:
            people.setdefault((person.role, key_of(person)), person)
            enrollments.append((key_of(section), key_of(person), person.role))
        done += 1
        progress(done, len(sections))

    await asyncio.gather(*map(read, sections))
    return LmsRoster(f"The roster of {connector.capabilities.name}", sections, people, enrollments)


def match(conn: Connection, district_id: str, found: LmsRoster, now: Instant) -> None:
    """Write down, once it has been applied, which of the LMS's each is; part of a transaction."""
    sections = {key_of(it): it.id for it in found.sections}
    our_sections, our_users = matching.keys(conn, district_id)
    matching.save(
        conn,
        district_id,
        [Match(id_, sections[key], "sis_id") for id_, key in our_sections if key in sections],
        [
            Match(id_, found.people[role, key].id, "sis_id")
            for id_, role, key in our_users
            if (role, key) in found.people
        ],
        now,
    )
