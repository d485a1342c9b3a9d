"""Backing up the data file while a gateway serves, and restoring it when none does."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import SECOND
from passback.operations import older_copies
from passback.operations.errors import NotFound, OperationError
from passback.operations.open import existing
from passback.store import older_copy, restored, ticks
from passback.store.engine import copies, files, migrate
from passback.store.engine.database import StoreError
from passback.store.engine.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.settings import Settings


class Backup(Struct, frozen=True):
    """A backup that was made."""

    size: int
    """In bytes."""
    key_file: Path | None
    """The file of the key that opens its secrets; None if there is none."""


class Restore(Struct, frozen=True):
    """A backup that was put in the data file's place."""

    path: Path
    kept: Path | None
    """What was replaced; None if there was no data file."""
    backed_up: Instant
    in_doubt: int
    """How many changes the backup shows as not yet in the LMS."""


def back_up(settings: Settings, target: Path, now: Instant) -> Backup:
    """Copy the data file, which a gateway may be serving, to a new file. Raises `OperationError` and `StoreError`."""
    path = _data_file(settings, "back it up with pg_dump")
    if not path.exists():
        raise NotFound(
            f"there is no data file {path}: give the data folder of a gateway that has been started"
        )
    if not target.parent.is_dir():
        raise OperationError(f"there is no folder {target.parent}")
    if target.exists():
        raise OperationError(f"{target} exists already, and is not overwritten")

    def mark(copy: Path) -> None:
        with contextlib.closing(SqliteDatabase(copy)) as database:
            migrate.kind_of(database)
            database.write_now(lambda conn: restored.set_backed_up(conn, now))

    copies.write_copy(path, target, mark)
    with contextlib.closing(SqliteDatabase(path)) as database:
        database.write_now(lambda conn: restored.set_last_backup(conn, now))
    key_file = None if settings.secret_key else settings.key_file
    return Backup(target.stat().st_size, key_file if key_file and key_file.exists() else None)


def restore(settings: Settings, source: Path, now: Instant) -> Restore:
    """Put a backup in the data file's place, and keep what was there beside it.

    What was delivered since the backup is not known any more. So whatever it shows as open is in doubt, and what
    clients ask for again is looked for in the LMS first. Raises `OperationError` and `StoreError`: the data file is in
    use, or the backup is damaged, not Passback's, of a newer version, or another kind of gateway's.
    """
    path = _data_file(settings, "restore it with pg_restore")
    if not source.is_file():
        raise NotFound(f"there is no file {source}")
    if path.exists() and source.samefile(path):
        raise OperationError(f"{source} is the data file itself")
    files.make_folder(path.parent)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.restoring")
    try:
        copies.write_copy(source, fresh)
        with contextlib.closing(SqliteDatabase(fresh)) as database:
            kind = migrate.kind_of(database)
            migrate.prepare(database, kind)
            marked, in_doubt = database.write_now(lambda conn: restored.mark(conn, now))
            # Else the next start would take it for another older copy.
            known = older_copies.count_in(older_copies.count_beside(path)) or 0
            database.write_now(lambda conn: ticks.count_on(conn, now, known))
        copies.close_down(fresh)
        if path.exists():
            copies.close_down(path)
            _require_kind(path, kind)
        copies.give_to_owner_of(path if path.exists() else path.parent, fresh)
        kept = path.with_name(
            f"{path.name}.replaced-{datetime.fromtimestamp(now / SECOND, UTC):%Y%m%dT%H%M%SZ}"
        )
        replaced = copies.put_in_place(fresh, path, kept)
    finally:
        copies.remove(fresh)
    return Restore(path, kept if replaced else None, marked.backed_up, in_doubt)


def mark_restored(settings: Settings, backed_up: Instant, now: Instant) -> int:
    """Mark the database as restored from a copy of that time; returns how many changes in it are in doubt.

    For a copy that the start cannot know for one. Raises `OperationError` and `StoreError`.
    """
    if backed_up > now:
        raise OperationError("the copy cannot have been made in the future")
    path = older_copies.count_file(settings)
    known = None if path is None else older_copies.count_in(path)
    with existing(settings) as database:
        return database.write_now(lambda conn: older_copy.mark(conn, known, now, backed_up))


def _data_file(settings: Settings, otherwise: str) -> Path:
    if settings.database_url:
        raise OperationError(f"the data is in PostgreSQL: {otherwise}")
    if settings.data_file is None:
        raise OperationError("data that is kept nowhere has no file: give a data folder")
    return settings.data_file


def _require_kind(path: Path, kind: migrate.Kind) -> None:
    """Raise `StoreError` if a data file is another kind of gateway's; a damaged one may be any."""
    found: migrate.Kind | None = None
    with contextlib.suppress(StoreError), contextlib.closing(SqliteDatabase(path)) as database:
        found = migrate.kind_of(database)
    copies.close_down(path)
    if found not in (None, kind):
        raise StoreError(
            f"{path} holds a {found} gateway's data, and the backup a {kind}'s: use another data folder"
        )
