"""What statements about several rows have in common."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from passback.store.engine.database import Connection


def among(column: str, values: Collection[Any], parameters: dict[str, Any]) -> str:
    """The condition that a column has one of some values (there must be one), which are added to the parameters."""
    given = [*values]
    # Few forms of each statement, because databases keep those that they have prepared.
    size = 1 << (len(given) - 1).bit_length()
    condition, names = _form(column, size)
    parameters.update(zip(names, given + given[-1:] * (size - len(given)), strict=True))
    return condition


@cache
def _form(column: str, size: int) -> tuple[str, list[str]]:
    names = [
        column.replace(".", "_") + "_" + "".join(chr(ord("a") + int(digit)) for digit in str(index))
        for index in range(size)
    ]
    return f"{column} IN ({', '.join(':' + name for name in names)})", names


def for_each(connection: Connection, sql: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute a statement for each row. How many rows it has added or changed."""
    if not rows:
        return 0
    done = connection.execute(sql, rows[0]) if len(rows) == 1 else connection.executemany(sql, rows)
    return done.rowcount
