"""``passback backup`` and ``passback restore``: copies of the data file."""

from __future__ import annotations

from pathlib import Path

from passback.cli import Data
from passback.cli.text import show_time
from passback.domain.clock import system_clock
from passback.operations import backups
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
    print(
        f"{done.in_doubt:,} changes that wait in it are in doubt: each is looked for in the LMS before it is sent"
    )
    print(
        "Lost are all changes since: tokens made and revoked, rosters, idempotency keys. What clients ask for again is"
        " looked for as well."
    )
