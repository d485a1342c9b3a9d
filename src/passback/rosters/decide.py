"""Verifying in the LMS a match that a person has chosen."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback.lms.interface import Gone, LmsError
from passback.rosters.failures import describe_error
from passback.rosters.read_lms import NotConnected, connector_of
from passback.store import matching

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.store.matching import Ours


class NotInLms(LookupError):
    """The LMS has no such section, or no such person in the sections that ours is in."""


class CannotVerify(Exception):
    """The LMS cannot be asked now; the message says why."""


async def verify(gateway: Gateway, ours: Ours, lms_id: str) -> str | None:
    """Check that the LMS has `lms_id`: as a section, or as a person in one of the matched sections of `ours`.

    Returns the person's name there; None for a section. Raises `NotInLms` and `CannotVerify`.
    """
    sections = [lms_id]
    if ours.kind != "section":
        sections = await gateway.database.read(lambda conn: matching.sections_in_lms(conn, ours.id))
        if not sections:
            raise CannotVerify(f"none of the sections of {ours.id} is matched")
    try:
        connector = await connector_of(gateway, ours.district_id)
        for section in sections:
            with contextlib.suppress(Gone):
                people = await connector.read_people(section)
                if ours.kind == "section":
                    return None
                for it in people:
                    if (it.id, it.role) == (lms_id, ours.kind):
                        return it.name
    except (LmsError, NotConnected) as error:
        raise CannotVerify(describe_error(error)) from error
    if ours.kind == "section":
        raise NotInLms(f"the LMS has no section {lms_id}")
    raise NotInLms(f"the LMS has no {ours.kind} {lms_id} in the sections of {ours.id} that are matched")
