"""Files that appear whole and once, and a data file that one process serves."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from passback.store.engine.database import StoreError

_ROOM_NEEDED = 64 * 1024
"""How many bytes SQLite takes to open a file: those of its index of the log, and some more."""

log = logging.getLogger(__name__)


class ServedByAnother(StoreError):
    """Another process serves the data file."""


@contextlib.contextmanager
def served_alone(path: Path | None) -> Iterator[None]:
    """Serve a data file inside the ``with``; None is one that nobody else can reach.

    Two servers on one file would each keep its own counts, and take the other's deliveries for abandoned. Commands may
    work beside a server. Raises `ServedByAnother`, and `StoreError` if the folder cannot be used.
    """
    if path is None:
        yield
        return
    # A file of its own: to close any other descriptor of the data file would end SQLite's locks on it. It stays, as to
    # remove it would let two processes lock two files of that name. Its lock ends with the process, however that ends.
    try:
        make_folder(path.parent)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError(f"cannot open the data file {path}: {error}") from error
    try:
        if not may_be_written(path):
            raise StoreError(f"this user may not write to the data file {path}")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise ServedByAnother(
                f"another process (pid {pid}) serves the data file {path}: one process serves it, and commands may work"
                " beside it; several servers need PostgreSQL (PASSBACK_DATABASE_URL)"
            ) from None
        except OSError as error:
            log.warning(
                "cannot lock %s (%s): see to it that no second server is started", path, error.strerror
            )
        with contextlib.suppress(OSError):  # a disk that is full
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def make_folder(folder: Path) -> None:
    """Make a folder for data, unless there is one. Nobody but its owner may look into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def may_be_written(path: Path) -> bool:
    """Whether a data file can be written to, or is still to be made."""
    return not os.access(path, os.F_OK) or os.access(path, os.W_OK)


def unfit(folder: Path) -> str:
    """Why nothing can be written in a folder, for the end of an error's message, as SQLite does not say it."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder).free < _ROOM_NEEDED:
            return " (the disk is full)"
        if not os.access(folder, os.W_OK):
            return f" ({folder} cannot be written to)"
    return ""


def name_new(temporary: Path, target: Path) -> None:
    """Give a file its name, unless another has it already. Raises `FileExistsError`."""
    try:
        os.link(temporary, target)  # unlike a rename, it replaces nothing
    except FileExistsError:
        raise
    except OSError:  # a file system without links, such as a share's
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        temporary.replace(target)


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
