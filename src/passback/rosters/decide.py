"""Looking up in the LMS what a person says that a section or user is."""

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


class NotThere(LookupError):
    """The LMS has no such section, or no such person in the sections of ours."""


class CannotTell(Exception):
    """It cannot be found out now; the message says why."""


async def verify(gateway: Gateway, ours: Ours, lms_id: str) -> None:
    """Find in the LMS what `ours` is said to be: a person in one of their matched sections.

    Raises `NotThere` and `CannotTell`.
    """
    sections = [lms_id]
    if ours.kind != "section":
        sections = await gateway.database.read(lambda conn: matching.sections_in_lms(conn, ours.id))
        if not sections:
            raise CannotTell(f"none of the sections of {ours.id} is matched")
    try:
        connector = await connector_of(gateway, ours.district_id)
        for section in sections:
            with contextlib.suppress(Gone):
                people = await connector.read_people(section)
                if ours.kind == "section" or any((it.id, it.role) == (lms_id, ours.kind) for it in people):
                    return
    except (LmsError, NotConnected) as error:
        raise CannotTell(describe_error(error)) from error
    if ours.kind == "section":
        raise NotThere(f"the LMS has no section {lms_id}")
    raise NotThere(f"the LMS has no {ours.kind} {lms_id} in the sections of {ours.id} that are matched")
