"""Assignments that an LMS may have created, though its answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Instant
    from passback.store.database import Connection


class Doubt(Struct, frozen=True):
    """An attempt to create an assignment of which nobody knows yet whether it did."""

    id: str
    """The id that the assignment gets, and its mark in the LMS."""
    since: Instant
    """When the attempt began."""


def latest(connection: Connection, section_id: str, digest: str, but: Collection[str]) -> Doubt | None:
    """The latest doubt about an assignment with this content (`digest`) in a section, `but` those of these ids."""
    for row in connection.execute(
        "SELECT id, since FROM doubts WHERE section_id = :section_id AND digest = :digest ORDER BY since DESC",
        {"section_id": section_id, "digest": digest},
    ):
        if row[0] not in but:
            return Doubt(*row)
    return None


def remove(connection: Connection, doubt_id: str) -> None:
    """Forget a doubt: it is known what became of the attempt."""
    connection.execute("DELETE FROM doubts WHERE id = :id", {"id": doubt_id})


def add(connection: Connection, section_id: str, digest: str, doubt: Doubt) -> None:
    """Remember a doubt, if it is not known already."""
    connection.execute(
        "INSERT INTO doubts (id, section_id, digest, since) VALUES (:id, :section_id, :digest, :since)"
        " ON CONFLICT (id) DO NOTHING",
        {"id": doubt.id, "section_id": section_id, "digest": digest, "since": doubt.since},
    )
