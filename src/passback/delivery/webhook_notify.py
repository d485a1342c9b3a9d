"""Notifying applications by their webhooks: each message is a delivery, kept in the commit that it reports."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.delivery import KEPT_FOR, Delivery
from passback.store import assignments, deliveries, districts, webhooks
from passback.wire import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.domain.clock import Instant
    from passback.domain.delivery import State
    from passback.store.engine.database import Connection
    from passback.store.webhooks import Webhook

_OF_STATE: dict[State, str] = {
    "delivered": events.DELIVERED,
    "refused": events.REFUSED,
    "expired": events.EXPIRED,
}


def delivery_ended(conn: Connection, delivery: Delivery, state: State, now: Instant) -> None:
    """Notify its application that a delivery in the background has ended."""
    kind = _OF_STATE.get(state)
    if kind is None or delivery.operation == "send_webhook":
        return
    ended = deliveries.find(conn, delivery.id)
    if ended is None or delivery.section_id is None:
        return
    went_well = state == "delivered"
    data = events.DeliveryData(
        assignment_id=delivery.assignment_id,
        delivery_id=delivery.id,
        message=None if went_well else ended.message,
        operation=delivery.operation,
        section_id=delivery.section_id,
        state=state,
        status=200 if went_well else ended.status,
        user_id=delivery.user_id,
    )
    _notify(conn, kind, delivery.district_id, delivery.application, data, now)


def assignment_gone(
    conn: Connection, district_id: str, section_id: str, assignment_id: str, now: Instant, *, pretended: bool
) -> None:
    """Notify the district's applications, once, that an assignment is no longer in the LMS."""
    if pretended or assignments.mark_gone(conn, assignment_id, now):
        data = events.AssignmentData(section_id=section_id, assignment_id=assignment_id)
        _notify(conn, events.ASSIGNMENT_DELETED, district_id, None, data, now)


def assignment_changed(
    conn: Connection, district_id: str, section_id: str, assignment_id: str, now: Instant
) -> None:
    """Notify the district's applications that a teacher changed an assignment in the LMS."""
    data = events.AssignmentData(section_id=section_id, assignment_id=assignment_id)
    _notify(conn, events.ASSIGNMENT_CHANGED, district_id, None, data, now)


def grade_changed(
    conn: Connection, district_id: str, section_id: str, assignment_id: str, user_id: str, now: Instant
) -> None:
    """Notify the district's applications that a teacher graded, commented on or excused a student in the LMS."""
    data = events.GradeData(section_id=section_id, assignment_id=assignment_id, user_id=user_id)
    _notify(conn, events.GRADE_CHANGED, district_id, None, data, now)


def roster_changed(conn: Connection, district_id: str, count: int, last: str, now: Instant) -> None:
    """Notify the district's applications of `count` roster events, the last of which has that id."""
    data = events.RosterData(district_id=district_id, events=count, last_event_id=last)
    _notify(conn, events.ROSTER_CHANGED, district_id, None, data, now)


def connection_down(conn: Connection, district_id: str, now: Instant, *, pretended: bool) -> None:
    """The LMS has failed so often that it is left alone: the district's applications are told, once."""
    if pretended or districts.set_down(conn, district_id, now):
        data = events.ConnectionData(district_id=district_id)
        _notify(conn, events.CONNECTION_DOWN, district_id, None, data, now)


def connection_works(conn: Connection, district_id: str, now: Instant) -> None:
    """The LMS has answered: if it could not be used before, the district's applications are told."""
    recovered = districts.recover_lms_state(conn, district_id)
    if districts.set_up(conn, district_id) or recovered:
        connection_restored(conn, district_id, now)


def connection_restored(conn: Connection, district_id: str, now: Instant) -> None:
    """Notify the district's applications that its LMS can be used again."""
    data = events.ConnectionData(district_id=district_id)
    _notify(conn, events.CONNECTION_RESTORED, district_id, None, data, now)


def connection_broken(conn: Connection, district_id: str, now: Instant, *, pretended: bool) -> None:
    """The LMS refuses our credentials: the district is marked, and its applications are told, once."""
    if pretended or districts.break_lms_state(conn, district_id):
        data = events.ConnectionData(district_id=district_id)
        _notify(conn, events.CONNECTION_BROKEN, district_id, None, data, now)


_IDS_IN_ONE = 100
"""How many sections and users one message names at most."""


def matches_withdrawn(
    conn: Connection, district_id: str, lost: Iterable[tuple[str, str]], now: Instant
) -> None:
    """Notify the district's applications of sections and users that are no longer matched in the LMS.

    `lost` holds the kind of each, ``sections`` or ``users``, and its id.
    """
    waiting = iter(lost)
    while some := list(islice(waiting, _IDS_IN_ONE)):
        data = events.MatchData(
            district_id=district_id,
            section_ids=[id_ for kind, id_ in some if kind == "sections"],
            user_ids=[id_ for kind, id_ in some if kind == "users"],
        )
        _notify(conn, events.MATCH_WITHDRAWN, district_id, None, data, now)


def _notify(
    conn: Connection, kind: str, district_id: str, application: str | None, data: events.Data, now: Instant
) -> None:
    for webhook in webhooks.subscribed(conn, kind, district_id, now, application):
        add_message(conn, webhook, kind, data, now)


def add_message(conn: Connection, webhook: Webhook, kind: str, data: events.Data, now: Instant) -> str:
    """Add a message to a webhook, to be sent or fetched, and return its id."""
    message_id = str(uuid7())
    message = Delivery(
        id=message_id,
        district_id=webhook.district_id,
        application=webhook.application,
        operation="send_webhook",
        destination=webhook.id,
        lane=message_id,
        rank=now,
        content=events.payload(kind, now, data).decode(),
        background=True,
        state="waiting",
        created=now,
        due=now,
        expires=now + KEPT_FOR,
    )
    if webhook.is_fetched:  # nothing is left to be done for it
        message = replace(message, state="delivered", due=None, finished=now, unacknowledged=True)
    deliveries.add(conn, [message])
    return message_id
