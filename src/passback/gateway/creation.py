"""Creating an assignment in the LMS exactly once, also where its answer is lost.

An attempt that ends in doubt may have taken effect. Then the LMS is asked for the assignment, by the mark that it was
given; if that cannot be found out now, the doubt is kept, and the same request, when it comes again, first looks
for what the earlier attempt made.
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

log = logging.getLogger(__name__)


async def create_once(
    gateway: Gateway, section: SectionAtLms, fields: AssignmentFields, now: Instant
) -> tuple[str, Assignment]:
    """Create an assignment, or take up the one that an earlier attempt in doubt made. Its id, and what it is.

    Raises `LmsError`; where that is in doubt, the doubt has been kept.
    """
    digest = hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
    earlier = None
    if await gateway.database.read(lambda conn: doubts.exists(conn, section.id, digest)):
        earlier = await gateway.database.write(lambda conn: doubts.take(conn, section.id, digest))
    doubt = earlier or Doubt(str(uuid7()), now)
    try:
        held = None if earlier is None else await _look(gateway, section, fields, earlier)
        held = held or await _attempt(gateway, section, fields, doubt)
    except LmsError as error:
        if earlier is not None or (isinstance(error, Unavailable) and error.in_doubt):
            # Not to be seen may mean: not yet. So it is looked for again before another attempt.
            await gateway.database.write(lambda conn: doubts.add(conn, section.id, digest, doubt))
        raise
    lms_id = held.lms_id
    await gateway.database.write(
        lambda conn: assignments.add(conn, assignment_id=doubt.id, section_id=section.id, lms_id=lms_id)
    )
    return doubt.id, held


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
