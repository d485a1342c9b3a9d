"""What an operator must know when a gateway starts: which data file is new, and which key is missing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from passback.settings import NO_KEY_FOR_POSTGRESQL, SettingsError
from passback.store import connections, webhooks

if TYPE_CHECKING:
    from passback.settings import Settings
    from passback.store.engine.database import Database

log = logging.getLogger(__name__)


def require_shared_key(settings: Settings, *, keeps: bool = True) -> None:
    """Raise `SettingsError` if secrets would go to PostgreSQL without a key that other processes can have.

    A sandbox whose data folder is nowhere `keeps` none: its secrets end with it.
    """
    path = settings.key_file
    given = settings.secret_key or (not keeps if path is None else path.exists())
    if settings.database_url and not given:
        raise SettingsError(NO_KEY_FOR_POSTGRESQL)


def is_new(settings: Settings) -> bool:
    """Whether a start will make a new data file."""
    path = settings.data_file
    return not settings.database_url and path is not None and not path.exists()


def notes(database: Database, settings: Settings, *, is_new: bool) -> list[str]:
    """Return the lines that follow the start's message. A key that secrets wait for is an error in the log, too."""
    lines = [f"New data file: {settings.data_file.absolute()}"] if is_new and settings.data_file else []
    path = settings.key_file
    if path is None or settings.keys_at_hand():
        return lines
    locked = database.read_now(
        lambda conn: len(connections.all_districts(conn)) + len(webhooks.find_all(conn))
    )
    if locked:
        missing = (
            f"the secret key is missing: {locked} stored credentials and webhook secrets cannot be opened until"
            f" PASSBACK_SECRET_KEY has it, or {path.absolute()}"
        )
        log.error(missing)
        return [*lines, missing[0].upper() + missing[1:]]
    made = f"No secret key yet: the first connection or webhook makes one in {path.absolute()}"
    return [*lines, f"{made}; keep a copy of it, apart from copies of the data file"]
