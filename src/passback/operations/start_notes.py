"""What an operator must know when a gateway starts: which data file is new, and which key is missing."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from passback.settings import NO_KEY_FOR_POSTGRESQL, SettingsError
from passback.store import connections, lti_keys, not_arrived, webhooks
from passback.store.engine.database import StoreError
from passback.store.engine.vault import key_id, key_id_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.settings import Settings
    from passback.store.engine.database import Connection, Database

log = logging.getLogger(__name__)


def require_shared_key(settings: Settings, *, keeps: bool = True) -> None:
    """Raise `SettingsError` if secrets would go to PostgreSQL without a key that other processes can have.

    A sandbox whose data folder is nowhere `keeps` none: its secrets end with it. Raises `VaultError` if the key file
    cannot be read.
    """
    if not settings.database_url or settings.secret_key:
        return
    if keeps if settings.key_file is None else not settings.keys_at_hand():
        raise SettingsError(NO_KEY_FOR_POSTGRESQL)


def is_new(settings: Settings) -> bool:
    """Whether a start will make a new data file."""
    path = settings.data_file
    return not settings.database_url and path is not None and not path.exists()


def notes(database: Database, settings: Settings, *, is_new: bool) -> list[str]:
    """Return the lines that follow the start's message. A key that secrets wait for is an error in the log, too.

    Raises `VaultError` if the key file cannot be read.
    """
    lines = [f"New data file: {settings.data_file}"] if is_new and settings.data_file else []
    path = settings.key_file
    if path is None:
        return lines
    keys = settings.keys_at_hand()
    locked = database.read_now(lambda conn: locked_by(conn, keys))
    if locked:
        missing = (
            f"{'a' if keys else 'the'} secret key is missing: {locked} stored credentials, webhook secrets and LTI"
            f" keys cannot be opened until PASSBACK_SECRET_KEY has it{' as well' if keys else ''}, or {path}"
        )
        log.error(missing)
        return [*lines, missing[0].upper() + missing[1:]]
    if keys:
        return lines
    made = f"No secret key yet: the first connection or webhook makes one in {path}"
    return [*lines, f"{made}; keep a copy of it, apart from copies of the data file"]


def left_behind(database: Database | None) -> str:
    """What a process that has stopped leaves, for its last line. None is a database that cannot be opened any more."""
    count = None
    with contextlib.suppress(StoreError):
        count = None if database is None else database.read_now(not_arrived.count_open)
    if count is None:
        return "Stopped. The database cannot be read now: whatever waits to be delivered is in it."
    if not count:
        return "Stopped. Nothing waits to be delivered."
    many = (
        f"more than {not_arrived.COUNTED:,} deliveries wait"
        if count > not_arrived.COUNTED
        else ("1 delivery waits" if count == 1 else f"{count:,} deliveries wait")
    )
    return f"Stopped. Nothing is lost: {many}, for the next start or for another process that runs."


def locked_by(conn: Connection, keys: Collection[bytes]) -> int:
    """How many secrets of connections, webhooks and LTI none of `keys` opens: one for each connection and so on."""
    known = {key_id(key) for key in keys}
    stored = [connections.find(conn, district_id) for district_id in connections.all_districts(conn)]
    sealed = [one.credentials for one in stored if one]
    sealed += [it.secret for it in webhooks.find_all(conn)] + [it.private for it in lti_keys.find_all(conn)]
    return sum(key_id_of(text) not in known for text in sealed)
