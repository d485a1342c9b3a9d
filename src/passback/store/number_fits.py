"""How well each kind of number that the roster's people have fits the SIS ids of the LMS, as a sync found it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from passback.domain.identity import NumberKind
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection


class NumberFit(Struct, frozen=True):
    """How well one kind of number fits, for one role."""

    role: Role
    kind: NumberKind
    people: int
    """How many people of the roster there are."""
    fits: int
    """How many have one account by it."""
    named_alike: int
    """How many of these have the account's name, too."""
    chosen: Literal["fits", "named"] | None = None
    """Whether it counts as the LMS's SIS id: since it fits best, or an operator named it."""


def find(connection: Connection, district_id: str) -> list[NumberFit]:
    """What the last sync found: for each role those that count first, then those that fit best."""
    rows = connection.execute(
        "SELECT role, kind, people, fits, named_alike, chosen FROM number_fits WHERE district_id = :id"
        " ORDER BY role, CASE WHEN chosen IS NULL THEN 1 ELSE 0 END, named_alike DESC, fits DESC, kind",
        {"id": district_id},
    )
    return [NumberFit(*row) for row in rows]


def replace(connection: Connection, district_id: str, found: Iterable[NumberFit]) -> None:
    """Record what a sync found; nothing, to forget it."""
    connection.execute("DELETE FROM number_fits WHERE district_id = :id", {"id": district_id})
    connection.executemany(
        "INSERT INTO number_fits (district_id, role, kind, people, fits, named_alike, chosen)"
        " VALUES (:district_id, :role, :kind, :people, :fits, :named_alike, :chosen)",
        [{"district_id": district_id, **asdict(it)} for it in found],
    )
