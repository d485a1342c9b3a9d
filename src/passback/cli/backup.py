"""``passback backup``, ``restore`` and ``restored``: copies of the data file, and of what is restored otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.cli import Data, File, leaving
from passback.cli.output import show_json
from passback.cli.text import iso, show_time
from passback.domain.clock import system_clock
from passback.operations import backups, dates
from passback.settings import load

if TYPE_CHECKING:
    from pathlib import Path


def backup(file: File, /, *, json: bool = False, data: Data = None) -> None:
    """Copy the data file to a new file, also while a server runs. PostgreSQL has pg_dump for this.

    The copy holds students' data: only its owner can read it. Its secrets are encrypted with the secret key, which is
    not in the copy.

    Args:
        file: The file to make. An existing one is not overwritten.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    with leaving(lambda: f"{file} is complete" if file.exists() else "there is no copy"):
        done = backups.back_up(load(data=data), file, system_clock())
    if json:
        key_file = None if done.key_file is None else str(done.key_file)
        show_json({"path": str(file), "bytes": done.size, "key_file": key_file})
        return
    print(f"{file}: {done.size:,} bytes")
    if done.key_file is not None:
        print(f"Not in it: the secret key, {done.key_file}. Keep a copy of that as well, in another place.")


def restore(file: File, /, *, json: bool = False, data: Data = None) -> None:
    """Put a backup in the data file's place. The server must be stopped.

    The present data file is kept beside. What was delivered since the backup is looked for in the LMSs, and not sent
    twice.

    Args:
        file: The backup, which stays as it is.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    settings = load(data=data)
    before = _identity(settings.data_file)

    def left() -> str:
        same = _identity(settings.data_file) == before
        return "the data file is as it was" if same else "the backup is in the data file's place"

    with leaving(left):
        done = backups.restore(settings, file, system_clock())
    if json:
        replaced = None if done.kept is None else str(done.kept)
        show_json(
            {
                "path": str(done.path),
                "backed_up": iso(done.backed_up),
                "replaced": replaced,
                "in_doubt": done.in_doubt,
            }
        )
        return
    print(f"{done.path} is the backup of {show_time(done.backed_up)}")
    if done.kept is not None:
        print(f"What was there is kept as {done.kept}")
    _tell(done.in_doubt)


def restored(*, backed_up: str, json: bool = False, data: Data = None) -> None:
    """Say that the data is a copy that was restored, where the start cannot know it. The servers must be stopped.

    Such as a PostgreSQL server's files that were restored as a whole, or to a point in time.

    Args:
        backed_up: When the copy was made: what was delivered since, it does not know (2031-05-01T12:00:00Z).
        json: Print JSON.
        data: The folder of the data file [data].
    """
    at = dates.parse(backed_up)
    in_doubt = backups.mark_restored(load(data=data), at, system_clock())
    if json:
        show_json({"backed_up": iso(at), "in_doubt": in_doubt})
        return
    print(f"The data is taken for a copy of {show_time(at)}")
    _tell(in_doubt)


def _identity(path: Path | None) -> int | None:
    """What changes if another file takes a file's place; None if there is none."""
    return path.stat().st_ino if path is not None and path.exists() else None


def _tell(in_doubt: int) -> None:
    print(
        f"{in_doubt:,} changes that wait in it are in doubt: each is looked for in the LMS before it is sent"
    )
    print(
        "Lost are all changes since: tokens made and revoked, rosters, idempotency keys. What clients ask for again is"
        " looked for as well."
    )
