"""Opening a database: PostgreSQL or SQLite."""

from __future__ import annotations

from pathlib import Path

from passback.store.engine.database import Opened


def connect(url: str, path: Path | None) -> Opened:
    """Open the PostgreSQL database at `url` or, if that is empty, the SQLite file at `path` (None for a temporary one).

    Raises `StoreError` if it cannot be opened.
    """
    # Imported only when used: the other's driver takes time and memory.
    if url:
        from passback.store.engine.postgres import PostgresDatabase

        return PostgresDatabase(url)
    from passback.store.engine.sqlite import SqliteDatabase

    return SqliteDatabase(path)
