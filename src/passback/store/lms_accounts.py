"""The names of the LMS's accounts that somebody is matched to, as they were last read, or as a person saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection, Session


def record(connection: Connection, district_id: str, role: Role, lms_id: str, name: str | None) -> None:
    """Record what an account is called; None if it is not known now: the next reading tells."""
    given = {"district_id": district_id, "role": role, "id": lms_id}
    connection.execute(
        "DELETE FROM lms_accounts WHERE district_id = :district_id AND role = :role AND id = :id", given
    )
    if name:
        connection.execute(
            "INSERT INTO lms_accounts (district_id, role, id, name) VALUES (:district_id, :role, :id, :name)",
            {**given, "name": name},
        )


def record_all(session: Session, district_id: str) -> None:
    """Record the names that have just been read, of the accounts that are matched now; forget the others."""
    given = {"district_id": district_id}
    matched = (
        "FROM users WHERE users.district_id = :district_id AND users.lms_id = {0}.id AND users.role = {0}.role"
        " AND users.removed IS NULL"
    )
    session.execute(
        "DELETE FROM lms_accounts WHERE district_id = :district_id AND NOT EXISTS"
        f" (SELECT 1 {matched.format('lms_accounts')})",
        given,
    )
    session.execute(
        "INSERT INTO lms_accounts (district_id, role, id, name) SELECT :district_id, role, id, name FROM accounts"
        f" WHERE name IS NOT NULL AND EXISTS (SELECT 1 {matched.format('accounts')})"
        " ON CONFLICT (district_id, role, id) DO UPDATE SET name = excluded.name"
        " WHERE lms_accounts.name <> excluded.name",
        given,
    )


def forget(connection: Connection, district_id: str) -> None:
    """Forget all of a district's."""
    connection.execute("DELETE FROM lms_accounts WHERE district_id = :id", {"id": district_id})
