"""Whether a gateway can run here: the machine, the settings, the keys. Nothing is changed, and a server may run."""

from __future__ import annotations

import os
import platform
import shlex
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from passback.operations import doctor_database, doctor_network
from passback.operations.checks import Check, Level, room, worst_first
from passback.operations.errors import VaultError
from passback.operations.start_notes import require_shared_key
from passback.settings import PREFIX, Settings, SettingsError, load, trust_authorities, unknown_variables
from passback.store.engine.files import may_be_written

if TYPE_CHECKING:
    from collections.abc import Iterator

_DISTINCT_BYTES = 16
"""Of 32 random bytes, hardly ever so few differ."""
_DESCRIPTORS_BESIDE = 100
"""For files, the database and LMSs, beside the connections of clients."""
_OVER_THE_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
        "vboxsf",
    }
)
_IN_MEMORY = frozenset({"ramfs", "tmpfs"})


async def examine(data: str | None = None) -> list[Check]:
    """Return what was found, worst first. `data` is the data folder, if it is not the settings' one."""
    found = [_python()]
    found += [
        Check(
            "warning",
            "settings",
            f"{name} is not a setting of Passback and is ignored",
            "correct its name, or unset it",
        )
        for name in unknown_variables()
    ]
    try:
        settings = load(data=data)
        trust_authorities(settings)
    except SettingsError as error:
        found.append(Check("problem", "settings", str(error), "the rest can be checked once this is mended"))
        return worst_first(found)
    found += [
        *_settings(settings),
        *_folder(settings),
        *_key(settings),
        *doctor_database.examine(settings),
        *await doctor_network.examine(settings),
    ]
    return worst_first(found)


def _python() -> Check:
    # To be installed on an older one, it would have to be forced.
    level: Level = "ok" if sys.version_info >= (3, 11) else "problem"
    return Check(level, "Python", f"{platform.python_implementation()} {platform.python_version()}")


def _settings(settings: Settings) -> Iterator[Check]:
    yield Check("ok", "settings", "all are valid")
    if settings.workers > 1 and not settings.database_url:
        yield Check(
            "problem",
            "settings",
            f"workers is {settings.workers}, and one process serves a data file",
            f"set {PREFIX}DATABASE_URL, or workers to 1",
        )
    limit = _open_files()
    if limit is not None and limit < settings.max_connections + _DESCRIPTORS_BESIDE:
        yield Check(
            "warning",
            "open files",
            f"the system allows {limit:,}, which is less than max_connections ({settings.max_connections:,}) needs",
            "raise the limit (ulimit -n, LimitNOFILE), or lower max_connections",
        )


def _open_files() -> int | None:
    """How many files the process may have open; None if any number."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _folder(settings: Settings) -> Iterator[Check]:
    path = settings.data_file
    if settings.database_url or path is None:
        return
    folder = path.parent
    # What a folder hides is not there, either.
    there = next(it for it in (folder, *folder.parents) if os.path.exists(it))  # noqa: PTH110 - `Path.exists` raises
    if not there.is_dir():
        yield Check("problem", "data folder", f"{there} is a file", f"set {PREFIX}DATA to a folder")
        return
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK) or os.statvfs(there).f_flag & os.ST_RDONLY:
        yield Check(
            "problem", "data folder", f"{there} cannot be written to", "let this user own it, or set another"
        )
    else:
        made = "" if folder == there else ", which the first start makes"
        yield Check("ok", "data folder", f"{folder}{made}")
        if not may_be_written(path):
            yield Check("problem", "data file", f"{path} cannot be written to", "let this user own it")
    if folder == there and stat.S_IMODE(folder.stat().st_mode) & 0o007:
        yield Check(
            "warning",
            "data folder",
            f"every user of this machine may look into {folder}",
            f"chmod o-rwx {shlex.quote(str(folder))}",
        )
    yield room(there)
    yield _file_system(there)


def _file_system(folder: Path) -> Check:
    kind = _kind_of_file_system(folder)
    if kind in _OVER_THE_NETWORK:
        return Check(
            "problem",
            "file system",
            f"{folder} is on {kind}, over which SQLite's write-ahead log does not work",
            "use a folder on a disk of this machine, or PostgreSQL",
        )
    if kind in _IN_MEMORY:
        return Check(
            "warning",
            "file system",
            f"{folder} is in memory ({kind}): all of it is lost when the machine stops",
            "use a folder on a disk",
        )
    if kind == "overlay":
        return Check(
            "warning",
            "file system",
            f"{folder} is a container's own: all of it is lost with the container",
            "mount a volume there",
        )
    return Check("ok", "file system", kind or "not known")


def _kind_of_file_system(folder: Path) -> str:
    """Such as ``ext4``; empty if it cannot be found out."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    resolved, best, kind = folder.resolve(), -1, ""
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = Path(mount.split()[4].encode().decode("unicode_escape"))
        if resolved.is_relative_to(point) and len(point.parts) >= best:  # the last one hides those before
            best, kind = len(point.parts), rest.split()[0]
    return kind


def _key(settings: Settings) -> Iterator[Check]:
    try:
        require_shared_key(settings)
        keys = settings.keys_at_hand()
    except (SettingsError, VaultError) as error:
        yield Check("problem", "secret key", str(error))
        return
    path = None if settings.secret_key else settings.key_file
    if not keys:
        yield Check(
            "ok",
            "secret key",
            f"there is none yet: the first connection or webhook makes one in {path}",
            "keep a copy of it then, apart from copies of the data",
        )
        return
    if any(len(set(key)) < _DISTINCT_BYTES for key in keys):
        yield Check(
            "problem",
            "secret key",
            "it is not random: somebody may guess it",
            "put one of `passback key new` in front of it, and run passback key rotate",
        )
    elif path is not None and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Check(
            "warning",
            "secret key",
            f"others than its owner can read {path}",
            f"chmod 600 {shlex.quote(str(path))}",
        )
    else:
        yield Check("ok", "secret key", f"in {path}" if path else f"given by {PREFIX}SECRET_KEY")
