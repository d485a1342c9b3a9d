"""Assignments that an LMS may have created, though its answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.database import Connection


class Doubt(Struct, frozen=True):
    """An attempt to create an assignment of which nobody knows yet whether it did."""

    id: str
    """The id that the assignment gets, and its mark in the LMS."""
    since: Instant
    """When the attempt began."""


def take(connection: Connection, section_id: str, digest: str) -> Doubt | None:
    """The latest doubt about an assignment with this content (`digest`) in a section, which is forgotten with it.

    So of several equal requests only one takes up what an earlier attempt made.
    """
    row = connection.execute(
        "SELECT id, since FROM doubts WHERE section_id = :section_id AND digest = :digest"
        " ORDER BY since DESC LIMIT 1",
        {"section_id": section_id, "digest": digest},
    ).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM doubts WHERE id = :id", {"id": row[0]})
    return Doubt(*row)


def exists(connection: Connection, section_id: str, digest: str) -> bool:
    """Whether there is anything to take."""
    found = connection.execute(
        "SELECT 1 FROM doubts WHERE section_id = :section_id AND digest = :digest LIMIT 1",
        {"section_id": section_id, "digest": digest},
    )
    return found.fetchone() is not None


def add(connection: Connection, section_id: str, digest: str, doubt: Doubt) -> None:
    """Remember a doubt, if it is not known already."""
    connection.execute(
        "INSERT INTO doubts (id, section_id, digest, since) VALUES (:id, :section_id, :digest, :since)"
        " ON CONFLICT (id) DO NOTHING",
        {"id": doubt.id, "section_id": section_id, "digest": digest, "since": doubt.since},
    )
