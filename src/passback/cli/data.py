"""Opening the data file from a command, beside a server that may be running on it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback.cli import UsageError
from passback.settings import load
from passback.store import migrate
from passback.store.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from passback.gateway.context import Gateway


@contextlib.asynccontextmanager
async def gateway_on(database: Database, data: str | None) -> AsyncIterator[Gateway]:
    """The use cases on an open data file, with its connectors closed in the end."""
    from passback.app import build_gateway

    gateway = build_gateway(database, load(data=data))
    try:
        yield gateway
    finally:
        await gateway.connectors.close()


@contextlib.contextmanager
def existing(data: str | None) -> Iterator[Database]:
    """The data file of a gateway or sandbox that has been started before. Raises `UsageError`, `StoreError`."""
    path = load(data=data).data_file
    if path is None:
        raise UsageError(
            "data that is kept nowhere cannot be reached from another command: give --data a folder"
        )
    if not path.exists():
        raise UsageError(
            f"there is no data file {path}: give --data the folder of a gateway that has been started"
        )
    with contextlib.closing(Database(path)) as database:
        migrate.prepare(database, migrate.kind_of(database))
        yield database
