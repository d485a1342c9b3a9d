"""Deliveries as rows of their table, for the modules that ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from passback.domain.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.store.engine.database import Rows

FIELDS = Delivery.__struct_fields__
_NAMED_OTHERWISE = {"destination": "party", "unacknowledged": "untold"}
"""Columns that keep their first name, so that an older Passback still opens the data file."""
COLUMN_NAMES = tuple(_NAMED_OTHERWISE.get(name, name) for name in FIELDS)
"""Of a whole delivery, in the order of `FIELDS`."""
COLUMNS = ", ".join(COLUMN_NAMES)
SELECT = f"SELECT {COLUMNS} FROM deliveries"
HELD = "state = 'waiting' AND due IS NULL AND operation <> 'update_submissions'"
"""What waits for the create of its assignment."""
_FLAGS = ("background", "doubt", "unacknowledged")
_FLAG_PLACES = [FIELDS.index(name) for name in _FLAGS]
_WARNINGS, _RESULT = FIELDS.index("warnings"), FIELDS.index("result")


def one(rows: Rows) -> Delivery | None:
    """The next of rows that `SELECT` found, if there is one."""
    row = rows.fetchone()
    return None if row is None else _made(row)


def all_of(rows: Rows) -> list[Delivery]:
    """What `SELECT` found."""
    return [_made(row) for row in rows.fetchall()]


def new_row(delivery: Delivery) -> list[Any]:
    """A whole delivery as the table keeps it, in the order of `COLUMN_NAMES`."""
    row = [*astuple(delivery)]
    row[_WARNINGS] = ", ".join(delivery.warnings)
    row[_RESULT] = None if delivery.result is None else delivery.result.decode()
    for place in _FLAG_PLACES:
        row[place] = int(row[place])
    return row


def row_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a delivery as the table keeps them."""
    values = {**fields}
    values["warnings"] = ", ".join(values["warnings"])
    values["result"] = None if values["result"] is None else values["result"].decode()
    for name in _FLAGS:
        if name in values:
            values[name] = int(values[name])
    return values


def _made(row: Sequence[Any]) -> Delivery:
    values = dict(zip(FIELDS, row, strict=True))
    for name in _FLAGS:
        values[name] = bool(values[name])
    values["warnings"] = tuple(values["warnings"].split(", ")) if values["warnings"] else ()
    values["result"] = None if values["result"] is None else values["result"].encode()
    return Delivery(**values)
