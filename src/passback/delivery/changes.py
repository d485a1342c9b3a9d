"""Noticing what teachers change in the LMS: assignments, and grades. Only for applications that asked to hear of it.

A look at a section (`looks`) has read its assignments; here they are compared with what the look before saw, and so
are the grades of the newest of them, which cost a call or more for each. What is different and was not changed by us
in between was changed by a teacher. Only digests are kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from passback.delivery import webhook_notify
from passback.domain.clock import HOUR
from passback.lms.interface import Gone, RefusedByLms, Unsupported
from passback.store import enrollments, lms_seen, webhooks
from passback.wire import events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.context import Gateway
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.submission import Submission
    from passback.lms.interface import Connector
    from passback.store.engine.database import Connection
    from passback.store.lms_seen import Key, Seen
    from passback.store.looks import Expected, Look

EVERY = 6 * HOUR
"""How often a section is looked at if an application wants to hear of changes."""
MOST_GRADED = 20
"""Of how many of a section's assignments the grades are read in one look: the newest."""


class Wanted(Struct, frozen=True):
    """What applications of a district want to hear of."""

    assignments: bool
    grades: bool

    @property
    def any(self) -> bool:
        """Whether they want to hear of anything."""
        return self.assignments or self.grades


def wanted(conn: Connection, district_id: str, now: Instant) -> Wanted:
    """What applications of a district want to hear of."""
    found = webhooks.events_wanted(conn, district_id, now)
    return Wanted(events.ASSIGNMENT_CHANGED in found, events.GRADE_CHANGED in found)


class Found(Struct, frozen=True):
    """What a look has found."""

    section: str
    """The LMS's id of the section."""
    there: Mapping[str, Assignment]
    """What the LMS has, by its ids."""
    expected: Sequence[Expected]
    began: Instant
    """When the look began."""
    before: Mapping[Key, Seen]
    """What the look before saw, as it was known when this one began."""


async def notice(gateway: Gateway, look: Look, connector: Connector, found: Found, want: Wanted) -> bool:
    """Compare what a look has found with what the one before saw, and notify applications. Raises `LmsError`.

    False if another look has noted something meanwhile: then this one may have found what is older, and says nothing of
    that.
    """
    there, began = found.there, found.began
    present = [it for it in found.expected if it.lms_id in there]
    digests: dict[Key, str] = {}
    if want.assignments:
        digests = {(it.id, ""): _of_assignment(there[it.lms_id]) for it in present}
    if want.grades:
        digests |= await _grades(gateway, look, connector, found.section, present[:MOST_GRADED])

    def record(conn: Connection) -> bool:
        conn.lock(f"seen/{look.section_id}")  # a sandbox looks whenever somebody changes something
        ids = [it.id for it in present]
        before = lms_seen.find_all(conn, look.section_id)
        ours = lms_seen.changed_by_us(conn, ids)
        sure: dict[Key, str] = {}
        alone = True
        for key, digest in digests.items():
            seen, own = before.get(key), ours.get(key, 0)
            if seen is not None and seen != found.before.get(key):
                alone = False
                continue
            if own is None:
                continue  # a change of ours is being made: the next look sees what came of it
            sure[key] = digest
            if seen is not None and seen.digest != digest and own <= seen.at:
                _notify(conn, look, key, began)
        lms_seen.save(conn, look.section_id, sure, began)
        lms_seen.forget_others(conn, look.section_id, ids)
        return alone

    return await gateway.database.write(record)


async def _grades(
    gateway: Gateway, look: Look, connector: Connector, section: str, graded: Sequence[Expected]
) -> dict[Key, str]:
    """The digests of the grades of those assignments. Raises `LmsError`."""
    students = await gateway.database.read(
        lambda conn: enrollments.matched_members(conn, look.section_id, "student")
    )
    users = {it.lms_id: it.user_id for it in students}
    found: dict[Key, str] = {}
    for it in graded if users else ():
        try:
            held = await connector.read_submissions(section, it.lms_id, [*users])
        except (Gone, RefusedByLms, Unsupported):
            continue  # it is deleted, or nobody may read this one's grades; the others can be read
        found |= {
            (it.id, users[student]): _of_grade(one) for student, one in held.items() if student in users
        }
    return found


def _notify(conn: Connection, look: Look, key: Key, now: Instant) -> None:
    assignment_id, user_id = key
    if user_id:
        webhook_notify.grade_changed(conn, look.district_id, look.section_id, assignment_id, user_id, now)
    else:
        webhook_notify.assignment_changed(conn, look.district_id, look.section_id, assignment_id, now)


def _of_assignment(held: Assignment) -> str:
    return _digest(
        held.title, held.description, held.points_possible, held.grading_type, held.due_date, held.display_date,
        held.end_date, held.published, held.assignee_mode, sorted(held.assignee_ids),
    )  # fmt: skip


def _of_grade(held: Submission) -> str:
    """Of what a teacher gives: what follows from dates, such as being late, is left out."""
    return _digest(held.grade_points, held.grade, held.grade_comment, "excused" in held.flags)


def _digest(*values: object) -> str:
    return hashlib.sha256(msgspec.json.encode([it if it is None else str(it) for it in values])).hexdigest()
