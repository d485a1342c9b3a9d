"""Matching a district's roster to its LMS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import Match, match_people, match_sections
from passback.domain.roster import ROLES
from passback.lms.connector import Gone
from passback.store import matching, roster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.matching import Person
    from passback.gateway.context import Gateway
    from passback.lms.connector import Connector
    from passback.store.database import Connection

_AT_ONCE = 4
_STRENGTH = {"hand": 0, "sis_id": 1, "email": 2, "name": 3}


class NotConnected(LookupError):
    """The district has no connection to an LMS."""


class Matching(Struct, frozen=True):
    """What came of matching a district."""

    sections: list[Match]
    people: list[Match]


async def match_district(gateway: Gateway, district_id: str) -> Matching:
    """Match all sections, students and teachers of a district, and keep the result.

    Raises `NotConnected` and `LmsError`; then nothing is changed.
    """
    connector = await connector_of(gateway, district_id)
    sections, by_hand = await gateway.database.snapshot(
        lambda conn: (matching.sections(conn, district_id), matching.by_hand(conn, district_id))
    )
    their_sections = await connector.read_sections()
    section_matches = match_sections(sections, their_sections, by_hand)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def people_of(match: Match) -> list[Match]:
        if match.lms_id is None:
            return await _unmatched(gateway, match.id)
        async with limit:
            try:
                theirs = await connector.read_people(match.lms_id)
            except Gone:
                return await _unmatched(gateway, match.id)
        ours = await _people(gateway, match.id)
        return [
            found
            for role in ROLES
            for found in match_people(
                [person for person in ours if person.role == role],
                [person for person in theirs if person.role == role],
                by_hand,
            )
        ]

    each = await asyncio.gather(*(people_of(match) for match in section_matches))
    person_matches = list(_best([match for matches in each for match in matches]).values())
    now = gateway.clock()
    await gateway.database.write(
        lambda conn: matching.save(conn, district_id, section_matches, person_matches, now)
    )
    return Matching(section_matches, person_matches)


async def connector_of(gateway: Gateway, district_id: str) -> Connector:
    """The connector to a district's LMS. Raises `NotConnected`."""

    def look_up(conn: Connection) -> Connector | None:
        district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
        return None if district is None else gateway.connectors.find(conn, district_id, district.lms_type)

    connector = await gateway.database.snapshot(look_up)
    if connector is None:
        raise NotConnected(f"district {district_id} is not connected to an LMS")
    return connector


async def _people(gateway: Gateway, section_id: str) -> list[Person]:
    return await gateway.database.read(
        lambda conn: [person for role in ROLES for person in matching.people(conn, section_id, role)]
    )


async def _unmatched(gateway: Gateway, section_id: str) -> list[Match]:
    return [Match(person.id, None) for person in await _people(gateway, section_id)]


def _best(matches: list[Match]) -> Mapping[str, Match]:
    """One match for each person, who may be in several sections: the one that is surest."""
    best: dict[str, Match] = {}
    for match in matches:
        if match.id not in best or _rank(match) < _rank(best[match.id]):
            best[match.id] = match
    return best


def _rank(match: Match) -> tuple[int, int]:
    return _STRENGTH.get(match.by or "", 4), -len(match.candidates)
