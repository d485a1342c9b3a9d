"""Rosters that were uploaded in the console, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import astuple

from passback.domain.clock import Instant

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

UploadState = Literal["checking", "checked", "applying", "applied", "failed"]
"""``checked``: it waits for a person, who sees what it would change. ``failed``: nothing has been changed."""
UNDER_WAY: tuple[UploadState, ...] = ("checking", "applying")


class Upload(Struct, frozen=True):
    """A roster that was uploaded."""

    id: str
    district_id: str
    actor: str
    name: str
    """What its file was called."""
    path: str
    """Where it is kept, on the machine that it was uploaded to."""
    state: UploadState
    beat: Instant
    """When whoever works on it last said so."""
    report: str
    """What was found, as JSON; empty until then."""
    created: Instant


_COLUMNS = ", ".join(Upload.__struct_fields__)


def add(connection: Connection, upload: Upload) -> None:
    """Add an upload."""
    connection.insert("roster_uploads", Upload.__struct_fields__, [astuple(upload)])


def find(connection: Connection, district_id: str, upload_id: str) -> Upload | None:
    """An upload of a district."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM roster_uploads WHERE id = :id AND district_id = :district_id",
        {"id": upload_id, "district_id": district_id},
    ).fetchone()
    return None if row is None else Upload(*row)


def newest(connection: Connection, district_id: str, limit: int) -> list[Upload]:
    """The newest uploads of a district."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM roster_uploads WHERE district_id = :district_id ORDER BY id DESC LIMIT :limit",
        {"district_id": district_id, "limit": limit},
    )
    return [Upload(*row) for row in rows]


def begin_applying(connection: Connection, upload_id: str, now: Instant) -> bool:
    """Take an upload that waits for a person to be applied. False if somebody has taken it."""
    done = connection.execute(
        "UPDATE roster_uploads SET state = 'applying', beat = :now WHERE id = :id AND state = 'checked'",
        {"id": upload_id, "now": now},
    )
    return done.rowcount == 1


def note_beat(connection: Connection, upload_id: str, now: Instant) -> None:
    """Note that somebody works on an upload."""
    connection.execute("UPDATE roster_uploads SET beat = :now WHERE id = :id", {"id": upload_id, "now": now})


def finish(connection: Connection, upload_id: str, state: UploadState, report: str, now: Instant) -> None:
    """Note what came of an upload."""
    connection.execute(
        "UPDATE roster_uploads SET state = :state, report = :report, beat = :now WHERE id = :id",
        {"id": upload_id, "state": state, "report": report, "now": now},
    )


def forget_before(connection: Connection, district_id: str, before: Instant) -> list[str]:
    """Delete a district's uploads that were made before a time. Returns where their files are."""
    given = {"district_id": district_id, "before": before}
    where = "district_id = :district_id AND created < :before"
    paths = [row[0] for row in connection.execute(f"SELECT path FROM roster_uploads WHERE {where}", given)]
    connection.execute(f"DELETE FROM roster_uploads WHERE {where}", given)
    return paths
