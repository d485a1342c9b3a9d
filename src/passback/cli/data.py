"""Opening the data file from a command, beside a server that may be running on it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from passback.cli import UsageError
from passback.settings import load
from passback.store.engine import migrate
from passback.store.engine.open import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from passback.context import Gateway
    from passback.store.engine.database import Opened


@contextlib.asynccontextmanager
async def gateway_on(database: Opened, data: str | None) -> AsyncIterator[Gateway]:
    """The use cases on an open data file, with its connectors closed in the end."""
    from passback.app import build_gateway

    gateway = build_gateway(database, load(data=data))
    try:
        yield gateway
    finally:
        await gateway.connectors.close()


@contextlib.contextmanager
def existing(data: str | None) -> Iterator[Opened]:
    """The database of a gateway or sandbox that has been started before. Raises `UsageError`, `StoreError`."""
    # That the database cannot be reached is told once, by the command.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    settings = load(data=data)
    path = settings.data_file
    if not settings.database_url:
        if path is None:
            raise UsageError(
                "data that is kept nowhere cannot be reached from another command: give --data a folder"
            )
        if not path.exists():
            raise UsageError(
                f"there is no data file {path}: give --data the folder of a gateway that has been started"
            )
    with contextlib.closing(connect(settings.database_url, path)) as database:
        migrate.prepare(database, migrate.kind_of(database))
        yield database
