"""The whole content of the data file as plain values, to save and load a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passback.store.database import Connection

Value = str | int | None
Content = Mapping[str, list[dict[str, Value]]]
"""The rows of each table, by the names of its columns."""

TABLES = (
    "districts",
    "schools",
    "terms",
    "courses",
    "sections",
    "users",
    "enrollments",
    "tokens",
    "assignments",
    "gradebook_assignments",
    "gradebook_submissions",
    "gradebook_comments",
)
"""Every table, each before those that refer to it. What the file says of itself is not content."""


class InvalidContent(ValueError):
    """The content does not fit the tables; the message says where."""


def dump(connection: Connection) -> dict[str, list[dict[str, Value]]]:
    """All content."""
    content = {}
    for table in TABLES:
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
        names = [column[0] for column in rows.description]
        content[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return content


def clear(connection: Connection) -> None:
    """Remove all content."""
    for table in reversed(TABLES):
        connection.execute(f"DELETE FROM {table}")


def load(connection: Connection, content: Content) -> None:
    """Replace all content. A table that is not named ends up empty. Raises `InvalidContent`."""
    if unknown := sorted(set(content) - set(TABLES)):
        raise InvalidContent(f"there is no table '{unknown[0]}'")
    clear(connection)
    for table in TABLES:
        names = _columns(connection, table)
        for index, row in enumerate(content.get(table, [])):
            if row.keys() != names:
                odd = min(row.keys() ^ names)
                raise InvalidContent(f"{table}[{index}] has '{odd}' missing or too much")
        if rows := content.get(table):
            columns = ", ".join(names)
            places = ", ".join(":" + name for name in names)
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def _columns(connection: Connection, table: str) -> Any:
    rows = connection.execute(f"SELECT * FROM {table} LIMIT 0")
    return dict.fromkeys(column[0] for column in rows.description).keys()
