"""Withdrawn matches: no grades go there until a person confirms them, or a sync makes them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.store import roster_events

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Withdrawal(Struct, frozen=True):
    """A person's match that is withdrawn, and why."""

    user_id: str
    lms_id: str
    name: str
    """What the account is called, as far as it is known."""
    reason: str
    removed: bool = False
    """Whether the person is not in the roster, so that nobody needs to hear of it."""
    email: str | None = None
    sis_id: str | None = None


def withdraw(
    connection: Connection, district_id: str, withdrawals: Sequence[Withdrawal], now: Instant
) -> list[tuple[str, str]]:
    """Withdraw matches, with an event for each; part of a transaction that has locked the roster.

    Returns the kind (``users``) and id of each that applications are to be notified of.
    """
    connection.executemany(
        "UPDATE users SET lms_id = NULL, matched_by = NULL, last_modified = :now WHERE id = :id",
        [{"id": it.user_id, "now": now} for it in withdrawals],
    )
    connection.executemany(
        "DELETE FROM match_candidates WHERE district_id = :district_id AND id = :id",
        [{"district_id": district_id, "id": it.user_id} for it in withdrawals],
    )
    connection.executemany(
        "INSERT INTO match_candidates (district_id, id, lms_id, name, email, sis_id, reason, withdrawn)"
        " VALUES (:district_id, :id, :lms_id, :name, :email, :sis_id, :reason, 1)",
        [
            {
                "district_id": district_id, "id": it.user_id, "lms_id": it.lms_id, "name": it.name, "email": it.email,
                "sis_id": it.sis_id, "reason": it.reason,
            }
            for it in withdrawals
        ],
    )  # fmt: skip
    present = [it.user_id for it in withdrawals if not it.removed]
    for id_ in present:
        roster_events.add_matched(connection, district_id, "users", id_, now, was=True)
    return [("users", id_) for id_ in present]
