"""Copies of an SQLite data file: made while a gateway serves, and put in its place when none does."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from passback.store.engine.database import StoreError
from passback.store.engine.files import name_new, to_disk, unfit

_LOG_FILES = ("-wal", "-shm")


class InUse(StoreError):
    """Another process has the data file open."""


def write_copy(source: Path, target: Path, change: Callable[[Path], object] | None = None) -> None:
    """Copy a data file as it is at one moment, with what is still in its log, to a new file that only we can read.

    Readers and writers are not disturbed. The copy is checked and may be changed, and has its name only when it is
    complete. Raises `StoreError` if there is a file `target` already, the copy cannot be made, or `source` is damaged.
    """
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _copy(source, temporary)
            if change is not None:
                change(temporary)
                close_down(temporary)
            to_disk(temporary)
            name_new(temporary, target)
        finally:
            remove(temporary)
        to_disk(target.parent)
    except FileExistsError:
        raise StoreError(f"{target} exists already, and is not overwritten") from None
    except (OSError, sqlite3.Error) as error:
        why = f"{error}{unfit(source.parent) or unfit(target.parent)}"
        raise StoreError(f"cannot copy {source} to {target}: {why}") from None


def close_down(path: Path) -> None:
    """Make one file of a data file and its log, which works only if no other process has it open.

    A file that is too damaged to be opened is left as it is. Raises `InUse`.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            # SQLite can leave this mode only if it is alone.
            [mode] = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        raise InUse(f"{path} is in use, or cannot be written ({error}): stop the gateway first") from None
    except sqlite3.DatabaseError:
        return
    if mode != "delete":
        raise InUse(f"{path} is in use: stop the gateway first")


def put_in_place(fresh: Path, path: Path, kept: Path) -> bool:
    """Let `fresh` replace the data file, if there is one, which is kept as `kept`. Whether there was one.

    There is a data file at every moment. Raises `StoreError`.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            os.link(path, kept)
        # Of a file that could not be closed down, or is lost: SQLite would take them for the log of `fresh`.
        for suffix in _LOG_FILES:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
        fresh.replace(path)
        to_disk(path.parent)
    except OSError as error:
        raise StoreError(f"cannot put {path} in place: {error}") from None
    return kept.exists()


def give_to_owner_of(path: Path, fresh: Path) -> None:
    """Let `fresh` belong to whom `path` belongs to, if we may: a command may be run by root."""
    found = path.stat()
    with contextlib.suppress(OSError):
        os.chown(fresh, found.st_uid, found.st_gid)


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=15)
        ) as reader,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        reader.backup(writer)
        # A copy is one file, without a log beside it.
        writer.execute("PRAGMA journal_mode = DELETE").fetchone()
        found = writer.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise sqlite3.DatabaseError(f"it is damaged ({found[0][0]})")


def remove(path: Path) -> None:
    """Remove a file that is left over, with what SQLite keeps beside it."""
    for suffix in ("", *_LOG_FILES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
