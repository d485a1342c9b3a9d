"""Enrollments: the students and teachers of sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.roster import ROLES
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from passback.domain.roster import Role
    from passback.store.engine.database import Connection


class Matched(Struct, frozen=True):
    """A student or teacher of a section who is matched to one in the LMS."""

    user_id: str
    lms_id: str


_MEMBERS = (
    "SELECT users.id, users.lms_id FROM enrollments JOIN users ON users.id = enrollments.user_id"
    " WHERE enrollments.section_id = :section_id AND enrollments.role = :role AND users.lms_id IS NOT NULL"
)


def members_among(
    connection: Connection, section_id: str, user_ids: Collection[str]
) -> dict[tuple[Role, str], str | None]:
    """The LMS's ids of those who are members of the section, by their role and id; None if one is not matched."""
    if not user_ids:
        return {}
    parameters: dict[str, Any] = {"section_id": section_id}
    rows = connection.execute(
        "SELECT enrollments.role, users.id, users.lms_id FROM enrollments JOIN users ON users.id = enrollments.user_id"
        " WHERE enrollments.section_id = :section_id AND enrollments.role IN ('student', 'teacher')"
        f" AND {among('enrollments.user_id', user_ids, parameters)}",
        parameters,
    )
    return {(role, user_id): lms_id for role, user_id, lms_id in rows.fetchall()}


def matched_members(
    connection: Connection, section_id: str, role: Role, *, after: str = "", limit: int | None = None
) -> list[Matched]:
    """The matched students or teachers of a section with ids after `after`, in the order of their ids."""
    rows = connection.execute(
        _MEMBERS + " AND enrollments.user_id > :after ORDER BY enrollments.user_id LIMIT :limit",
        # There is no LIMIT for "all" that both databases understand; no section has this many members.
        {
            "section_id": section_id,
            "role": role,
            "after": after,
            "limit": 1_000_000 if limit is None else limit,
        },
    )
    return [Matched(*row) for row in rows]


def enroll(connection: Connection, section_id: str, role: Role, user_ids: Iterable[str]) -> None:
    """Add users to a section."""
    connection.executemany(
        "INSERT INTO enrollments (section_id, user_id, role) VALUES (:section_id, :user_id, :role)"
        " ON CONFLICT DO NOTHING",
        [{"section_id": section_id, "user_id": user_id, "role": role} for user_id in user_ids],
    )


def unenroll(connection: Connection, section_id: str, role: Role, user_id: str) -> bool:
    """Remove a user from a section; their submissions stay. False if they were not in it."""
    return bool(
        connection.execute(
            "DELETE FROM enrollments WHERE section_id = :section_id AND role = :role AND user_id = :user_id",
            {"section_id": section_id, "role": role, "user_id": user_id},
        ).rowcount
    )


def section_members(connection: Connection, section_ids: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """The ids of the users of each (section id, role), in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for section_id in set(section_ids):  # there may be several events of one
        for role, user_id in connection.execute(
            "SELECT role, user_id FROM enrollments WHERE section_id = :section_id ORDER BY role, user_id",
            {"section_id": section_id},
        ):
            found.setdefault((section_id, role), []).append(user_id)
    return found


def members_by_role(connection: Connection, section_id: str) -> dict[Role, list[str]]:
    """The ids of a section's users, in order, by role."""
    found = section_members(connection, [section_id])
    return {role: found.get((section_id, role), []) for role in ROLES}
