"""What people call the objects that ids stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from passback.store.engine.database import Connection


def of_districts(connection: Connection) -> dict[str, str]:
    """The names of all districts, by their ids."""
    return dict(connection.execute("SELECT id, name FROM districts").fetchall())


def of_people(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """The names of users, by their ids; of one who has none, the id."""
    if not ids:
        return {}
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    rows = connection.execute(f"SELECT id, first_name, last_name FROM users WHERE {where}", parameters)
    return {row[0]: " ".join(it for it in row[1:] if it).strip() or row[0] for row in rows}


def of_assignments(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """The titles of assignments that have been made, by their ids, as far as they are known."""
    if not ids:
        return {}
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    rows = connection.execute(
        f"SELECT id, title FROM assignments WHERE {where} AND title IS NOT NULL", parameters
    )
    return dict(rows.fetchall())


def of_sections(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """The names of sections, by their ids."""
    if not ids:
        return {}
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    return dict(connection.execute(f"SELECT id, name FROM sections WHERE {where}", parameters).fetchall())
