"""Workers: the processes that deliver, each with a beat that shows that it is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class RegisteredWorker(Struct, frozen=True):
    """A process that delivers."""

    id: str
    home: str
    """The machine, or the part of one, in which `pid` is valid."""
    pid: int
    beat: int
    """When it last showed that it is alive, in milliseconds by the clock of its machine that only goes forward."""


def add(connection: Connection, worker: RegisteredWorker, now: Instant) -> None:
    """Add a worker."""
    connection.execute(
        "INSERT INTO workers (id, home, pid, beat, began) VALUES (:id, :home, :pid, :beat, :now)",
        {"id": worker.id, "home": worker.home, "pid": worker.pid, "beat": worker.beat, "now": now},
    )


def beat(connection: Connection, worker_id: str, at: int) -> bool:
    """Show that a worker is alive (see `RegisteredWorker.beat`). False if it was declared dead."""
    done = connection.execute(
        "UPDATE workers SET beat = CASE WHEN beat < :at THEN :at ELSE beat + 1 END WHERE id = :id",
        {"id": worker_id, "at": at},
    )
    return done.rowcount == 1


def find_all(connection: Connection) -> list[RegisteredWorker]:
    """All workers that are not known to be dead."""
    return [
        RegisteredWorker(*row)
        for row in connection.execute("SELECT id, home, pid, beat FROM workers ORDER BY id")
    ]


def remove(connection: Connection, worker_id: str, beat: int | None = None) -> bool:
    """Remove a worker that died or leaves. False if it has shown since that it is alive: its `beat` differs."""
    unchanged = "" if beat is None else " AND beat = :beat"
    done = connection.execute(
        f"DELETE FROM workers WHERE id = :id{unchanged}", {"id": worker_id, "beat": beat or 0}
    )
    if done.rowcount == 1:
        # Its requests to LMSs are no longer under way.
        connection.execute("DELETE FROM lms_turns WHERE worker = :id", {"id": worker_id})
    return done.rowcount == 1
