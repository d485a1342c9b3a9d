"""What has not arrived in the LMSs, with names in place of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from passback.domain.assignment import AssignmentFields
from passback.operations.districts import required
from passback.operations.reasons import Reason, reason_of
from passback.store import districts, names, not_arrived
from passback.store.not_arrived import COUNTED, Backlog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.delivery import Delivery
    from passback.domain.roster import District
    from passback.store.engine.database import Connection, Database

__all__ = ["COUNTED", "Backlog", "Named", "Page", "in_words", "named", "page"]

_TITLES = msgspec.json.Decoder(AssignmentFields)

_DOING = {
    "create_assignment": "New assignment",
    "update_assignment": "Change of an assignment",
    "delete_assignment": "Deletion of an assignment",
    "update_submission": "Grade",
    "update_submissions": "Grades",
    "send_webhook": "Message to a webhook",
}


class Named(Struct, frozen=True):
    """A delivery, and what people call what it is about."""

    delivery: Delivery
    district: District
    what: str
    """Such as ``Grade``."""
    student: str
    """Empty if it is about no student."""
    section: str
    assignment: str
    """Its title, if it is known here; empty otherwise."""
    reason: Reason


class Page(Struct, frozen=True):
    """Part of the list of what has not arrived, the newest first."""

    items: list[Named]
    next: str | None
    """The id after which the next part begins; None at the end."""


async def page(
    database: Database,
    district_id: str | None,
    *,
    limit: int,
    before: str | None = None,
    application: str = "",
) -> Page:
    """Return what has not arrived in a district, or in any. Raises `NotFound`.

    There may be fewer than `limit`, although there are more (see `passback.store.not_arrived.part`).
    """

    def read(conn: Connection) -> Page:
        ids = districts.all_ids(conn) if district_id is None else [required(conn, district_id).id]
        parts = [
            not_arrived.part(conn, one, limit=limit, before=before, application=application) for one in ids
        ]
        # Of each district, all is known that is not before where its next part begins.
        known = max((it.next for it in parts if it.next is not None), default=None)
        newest = sorted((id_ for it in parts for id_ in it.ids if id_ >= (known or "")), reverse=True)
        shown = newest[:limit]
        return Page(named(conn, not_arrived.of_ids(conn, shown)), shown[-1] if len(newest) > limit else known)

    return await database.snapshot(read)


def named(conn: Connection, found: Sequence[Delivery]) -> list[Named]:
    """Deliveries with what they are about, inside a transaction."""
    people = names.of_people(conn, {it.user_id for it in found if it.user_id})
    sections = names.of_sections(conn, {it.section_id for it in found if it.section_id})
    titles = _titles(conn, found)
    of_district = {it: required(conn, it) for it in {one.district_id for one in found}}
    return [
        Named(
            delivery=it,
            district=of_district[it.district_id],
            what=in_words(it),
            student=people.get(it.user_id or "", ""),
            section=sections.get(it.section_id or "", ""),
            assignment=titles.get(it.assignment_id or "", ""),
            reason=reason_of(it),
        )
        for it in found
    ]


def in_words(delivery: Delivery) -> str:
    """What a delivery is."""
    return _DOING[delivery.operation]


def _titles(conn: Connection, found: Sequence[Delivery]) -> Mapping[str, str]:
    """The titles of assignments. One that has not been made is known by its create, which has its id."""
    ids = {it.assignment_id for it in found if it.assignment_id}
    made = names.of_assignments(conn, ids)
    creates = not_arrived.of_ids(conn, sorted(ids - made.keys()))
    asked = {
        it.id: _TITLES.decode(it.content).title or "" for it in creates if it.operation == "create_assignment"
    }
    return {**asked, **made}
