"""``passback backup``, ``restore`` and ``restored``: copies of the data file, and of what is restored otherwise."""

from __future__ import annotations

from pathlib import Path

from passback.cli import Data
from passback.cli.text import show_time
from passback.domain.clock import system_clock
from passback.operations import backups, dates
from passback.settings import load


def backup(file: Path, /, *, data: Data = None) -> None:
    """Copy the data file to a new file, also while a server runs. PostgreSQL has pg_dump for this.

    The copy holds students' data: only its owner can read it. Its secrets are encrypted with the secret key, which is
    not in the copy.

    Args:
        file: The file to make. An existing one is not overwritten.
        data: The folder of the data file [data].
    """
    done = backups.back_up(load(data=data), file, system_clock())
    print(f"{file.absolute()}: {done.size:,} bytes")
    if done.key_file is not None:
        print(f"Not in it: the secret key, {done.key_file}. Keep a copy of that as well, in another place.")


def restore(file: Path, /, *, data: Data = None) -> None:
    """Put a backup in the data file's place. The server must be stopped.

    The present data file is kept beside. What was delivered since the backup is looked for in the LMSs, and not sent
    twice.

    Args:
        file: The backup, which stays as it is.
        data: The folder of the data file [data].
    """
    done = backups.restore(load(data=data), file, system_clock())
    print(f"{done.path} is the backup of {show_time(done.backed_up)}")
    if done.kept is not None:
        print(f"What was there is kept as {done.kept}")
    _tell(done.in_doubt)


def restored(*, backed_up: str, data: Data = None) -> None:
    """Say that the data is a copy that was restored, where the start cannot know it. The servers must be stopped.

    Such as a PostgreSQL server's files that were restored as a whole, or to a point in time.

    Args:
        backed_up: When the copy was made: what was delivered since, it does not know (2031-05-01T12:00:00Z).
        data: The folder of the data file [data].
    """
    at = dates.parse(backed_up)
    in_doubt = backups.mark_restored(load(data=data), at, system_clock())
    print(f"The data is taken for a copy of {show_time(at)}")
    _tell(in_doubt)


def _tell(in_doubt: int) -> None:
    print(
        f"{in_doubt:,} changes that wait in it are in doubt: each is looked for in the LMS before it is sent"
    )
    print(
        "Lost are all changes since: tokens made and revoked, rosters, idempotency keys. What clients ask for again is"
        " looked for as well."
    )
