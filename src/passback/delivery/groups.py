"""Which deliveries go together: grades of one assignment may share a call to the LMS, all else goes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.store import delivery_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, Operation
    from passback.store.engine.database import Connection

MOST_TOGETHER = 100
"""How many deliveries go in one group."""
MOST_TAKEN = 500
"""How many are claimed at a time, and among how many of the longest due the groups are sought."""
MOST_TO_AN_LMS = 8
"""How many groups a process delivers to one LMS at once: fewer than it takes calls at once.

So there is room for clients that wait. More groups would wait for each other's calls; meanwhile they can become fewer
and larger.
"""


MOST_TO_A_WEBHOOK = 32
"""How many messages at once go to one webhook, so that a slow one does not hold up the others."""


def most_to(operation: Operation) -> int:
    """How many groups may be under way to one destination of such deliveries."""
    return MOST_TO_A_WEBHOOK if operation == "send_webhook" else MOST_TO_AN_LMS


def due(
    conn: Connection, destination_id: str, now: Instant, most: int, room: int, under_way: int
) -> list[list[str]]:
    """The lanes of the groups to a destination that may begin: up to `most` groups, with up to `room` lanes in all.

    `under_way` is how many groups to it are.

    The longest due are in them, so that none waits for ever. The rest of a group is younger, but costs the LMS no call
    more. As a group is claimed only when it can be sent, many grades wait by then, and go in few calls.
    """
    groups: dict[str, list[str]] = {}
    assignments: set[str] = set()
    for one in delivery_queue.due_lanes(conn, destination_id, now, min(room, MOST_TAKEN)):
        key = one.assignment_id or one.lane
        if key in groups or len(groups) < min(most, most_to(one.operation) - under_way):
            groups.setdefault(key, []).append(one.lane)
            assignments |= {key} if one.assignment_id else set()
    if room < MOST_TAKEN:
        return [*groups.values()]  # it failed recently, and these few will tell
    groups |= delivery_queue.due_grades(conn, destination_id, assignments, now, MOST_TOGETHER)
    begun: list[list[str]] = []
    for group in groups.values():
        if begun and sum(map(len, begun)) + len(group) > room:
            break
        begun.append(group)
    return begun


def together(taken: Sequence[Delivery]) -> list[list[Delivery]]:
    """The groups in which claimed deliveries go."""
    groups: dict[str, list[list[Delivery]]] = {}
    for delivery in taken:
        shares = delivery.operation == "update_submission" and delivery.fault is None
        of_key = groups.setdefault(f"grades of {delivery.assignment_id}" if shares else delivery.id, [[]])
        if len(of_key[-1]) >= MOST_TOGETHER:
            of_key.append([])
        of_key[-1].append(delivery)
    return [group for of_key in groups.values() for group in of_key]
