"""Opening a database: PostgreSQL or SQLite."""

from __future__ import annotations

from pathlib import Path

from passback.store.engine.database import Opened


def connect(url: str, path: Path | None) -> Opened:
    """The PostgreSQL database at `url`; where that is empty, the SQLite file at `path` (None keeps nothing).

    Raises `StoreError` where it cannot be opened.
    """
    # Each is imported where it is used: the other's driver takes time and memory.
    if url:
        from passback.store.engine.postgres import PostgresDatabase

        return PostgresDatabase(url)
    from passback.store.engine.sqlite import SqliteDatabase

    return SqliteDatabase(path)
