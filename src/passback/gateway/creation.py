"""Creating an assignment in the LMS exactly once, also where its answer is lost.

An attempt that ends in doubt may have taken effect. Then the LMS is asked for the assignment, by the mark that it was
given. What is attempted is kept beforehand as a doubt, which is gone once it is known what became of it; while it is
not, the same request, when it comes again, first looks for what the earlier attempt made.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec
from uuid_utils import uuid7

from passback.lms.connector import LmsError, Unavailable
from passback.store import assignments, doubts
from passback.store.doubts import Doubt

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.clock import Instant
    from passback.gateway.context import Gateway
    from passback.gateway.lookup import SectionAtLms
    from passback.store.database import Connection

log = logging.getLogger(__name__)


async def create_once(
    gateway: Gateway, section: SectionAtLms, fields: AssignmentFields, now: Instant
) -> tuple[str, Assignment]:
    """Create an assignment, or take up the one that an earlier attempt in doubt made. Its id, and what it is.

    What is attempted is kept before it is, so that also a crash of ours, or of the data file, leaves a doubt and not a
    second assignment. Raises `LmsError`.
    """
    digest = hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
    earlier = await gateway.database.read(
        lambda conn: doubts.latest(conn, section.id, digest, gateway.attempts)
    )
    doubt = earlier or Doubt(str(uuid7()), now)
    if doubt.id in gateway.attempts:  # an equal request was faster
        earlier, doubt = None, Doubt(str(uuid7()), now)
    gateway.attempts.add(doubt.id)
    try:
        if earlier is None and section.connector.capabilities.kind != "builtin":
            await gateway.database.write(lambda conn: doubts.add(conn, section.id, digest, doubt))
        held = None if earlier is None else await _look(gateway, section, fields, earlier)
        held = held or await _attempt(gateway, section, fields, doubt)
        lms_id = held.lms_id
        await gateway.database.write(lambda conn: _made(conn, section.id, doubt.id, lms_id))
    except LmsError as error:
        # Not to be seen may mean: not yet. So it is looked for again before another attempt.
        if earlier is None and not (isinstance(error, Unavailable) and error.in_doubt):
            await gateway.database.write(lambda conn: doubts.remove(conn, doubt.id))
        raise
    finally:
        gateway.attempts.discard(doubt.id)
    return doubt.id, held


def _made(conn: Connection, section_id: str, assignment_id: str, lms_id: str) -> None:
    assignments.add(conn, assignment_id=assignment_id, section_id=section_id, lms_id=lms_id)
    doubts.remove(conn, assignment_id)


async def _attempt(
    gateway: Gateway, section: SectionAtLms, fields: AssignmentFields, doubt: Doubt
) -> Assignment:
    """Create it, and look for it where the answer is lost. Raises `LmsError`."""
    try:
        return await section.connector.create_assignment(section.lms_id, fields, doubt.id)
    except Unavailable as error:
        if not error.in_doubt:
            raise
        log.warning("it is in doubt whether an assignment was created: %s", error)
        try:
            held = await _look(gateway, section, fields, doubt)
        except LmsError as still:
            log.warning("it cannot be found out now: %s", still)
            held = None
        if held is None:
            raise
        return held


async def _look(
    gateway: Gateway, section: SectionAtLms, fields: AssignmentFields, doubt: Doubt
) -> Assignment | None:
    known = await gateway.database.read(lambda conn: assignments.lms_ids(conn, section.id))
    return await section.connector.find_assignment(section.lms_id, fields, doubt.id, doubt.since, known)
