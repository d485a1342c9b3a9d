"""Reads a roster's changes, in the shape of the published Data API's events."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from passback.domain.clock import SECOND
from passback.domain.roster import known_sis_id
from passback.rosters.queries import TABLES, Place, RosterPage, present_all
from passback.store import roster, roster_events
from passback.store.roster_events import KINDS
from passback.wire import errors
from passback.wire import roster as shapes
from passback.wire.dates import show

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.context import Gateway
    from passback.store.engine.database import Connection
    from passback.store.roster_events import RosterEvent

_PUBLISHED_PATHS = {
    "school_id": ("school",), "course_id": ("course",), "first_name": ("name", "first"),
    "middle_name": ("name", "middle"), "last_name": ("name", "last"), "synced_in_lms": ("lms_status", "synced_in_lms"),
}  # fmt: skip
"""Where a published object has a field, unless under our name."""
_ROLE_FIELDS = {
    "school_id": ("school",), "grade": ("grade",), "sis_id": ("sis_id",), "state_id": ("state_id",),
    "number": ("{role}_number",), "username": ("credentials", "district_username"),
}  # fmt: skip
"""Where a user's role has a field."""
RECORD_TYPES = ("contacts", "courses", "districts", "resources", "schools", "sections", "terms", "users")
"""The kinds of objects that published events can be about; some of them never occur here."""
_SECOND_DIGITS, _NO_TAG, _SEQ_DIGITS = 8, "000000", 10
_ID_DIGITS = _SECOND_DIGITS + len(_NO_TAG) + _SEQ_DIGITS
_AFTER_ALL = 2**63 - 1
LAST = "last"
"""Stands for the end of the list, so that clients can ask for the newest events."""


async def read(gateway: Gateway, district_id: str, event_id: str) -> shapes.RosterEvent:
    """One event of the caller's district. Raises `Refusal`: 404 if there is none."""
    seq = _seq(event_id, district_id)

    def look_up(conn: Connection) -> shapes.RosterEvent:
        found = None if seq is None else roster_events.find(conn, district_id, seq)
        if found is None or event_id not in (id_of(found, district_id), id_of(found, None)):
            raise errors.resource_not_found()
        return _present(conn, district_id, [found])[0]

    return await gateway.database.snapshot(look_up)


async def page(gateway: Gateway, district_id: str, place: Place, types: Collection[str] = ()) -> RosterPage:
    """A page of the events of the caller's district, oldest first, limited to `types` of `RECORD_TYPES` if given.

    An id may belong to an event that has been deleted since; `LAST` comes after all events. Raises `Refusal`: 400 if an
    id is malformed, because the client would start over without noticing.
    """
    after = _position("starting_after", place.starting_after, district_id)
    before = _position("ending_before", place.ending_before, district_id)
    kinds = [kind for kind in KINDS if kind in types] if types else None

    def look_up(conn: Connection) -> RosterPage:
        found = roster_events.page(
            conn, district_id, limit=place.limit, after=after, before=before, kinds=kinds
        )
        items = _present(conn, district_id, found.items)
        return RosterPage(
            items,
            previous=items[0].id if found.before and items else None,
            next=items[-1].id if found.after and items else None,
        )

    return await gateway.database.snapshot(look_up)


def id_of(event: RosterEvent, district_id: str | None) -> str:
    """An event's id, 24 hex digits: the second it was created, a tag of its district, and its number in the district.

    Without a district, as ids were before they had the tag.
    """
    return f"{event.created // SECOND:08x}{_tag(district_id)}{event.seq:0{_SEQ_DIGITS}x}"


def _tag(district_id: str | None) -> str:
    if district_id is None:
        return _NO_TAG
    found = hashlib.sha256(district_id.encode()).hexdigest()
    return next(it for it in (found[at : at + len(_NO_TAG)] for at in range(len(found))) if it != _NO_TAG)


def _seq(event_id: str, district_id: str) -> int | None:
    if event_id == LAST:
        return _AFTER_ALL
    tag, digits = event_id[_SECOND_DIGITS:-_SEQ_DIGITS], event_id[-_SEQ_DIGITS:]
    if len(event_id) != _ID_DIGITS or not set(event_id) <= set("0123456789abcdef"):
        return None
    return int(digits, 16) if tag in (_NO_TAG, _tag(district_id)) else None


def _position(name: str, event_id: str | None, district_id: str) -> int | None:
    if event_id is None:
        return None
    seq = _seq(event_id, district_id)
    if seq is None:
        raise errors.bad_request(f"{name} in query should be the id of an event")
    return seq


def _present(conn: Connection, district_id: str, events: Sequence[RosterEvent]) -> list[shapes.RosterEvent]:
    objects = [
        roster.find(conn, TABLES[event.kind], district_id, event.object_id, removed=True) for event in events
    ]
    return [
        shapes.RosterEvent(
            created=show(event.created),
            data=shapes.RosterEventData(
                object=_as_it_was(event, shown), previous_attributes=_previous(event, object_)
            ),
            id=id_of(event, district_id),
            type=f"{event.kind}.{event.what}",
        )
        for event, object_, shown in zip(events, objects, present_all(conn, objects), strict=True)
    ]


def _as_it_was(event: RosterEvent, shown: Any) -> Any:
    """A deleted section with the members it had; anything else as it is."""
    if event.kind != "sections" or event.what != "deleted" or shown.students or shown.teachers:
        return shown
    teachers = event.previous.get("teachers", [])
    return replace(
        shown,
        students=event.previous.get("students", []),
        teachers=teachers,
        teacher=teachers[0] if teachers else None,
    )


def _previous(event: RosterEvent, object_: Any) -> dict[str, Any] | None:
    if event.what != "updated":
        return None
    previous: dict[str, Any] = {}
    for name, value in event.previous.items():
        if event.kind == "users" and name in _ROLE_FIELDS:
            within = (step.format(role=object_.role) for step in _ROLE_FIELDS[name])
            path: tuple[str, ...] = ("roles", object_.role, *within)
        else:
            path = _PUBLISHED_PATHS.get(name, (name,))
        into = previous
        for step in path[:-1]:
            into = into.setdefault(step, {})
        into[path[-1]] = known_sis_id(value) if name == "sis_id" else value
    return previous
