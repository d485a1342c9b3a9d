"""Opening the data file from a command, beside a server that may be running on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from passback.operations import districts
from passback.operations import open as opening
from passback.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping

    from passback.context import Gateway
    from passback.operations.open import Opened, Vault

T = TypeVar("T")


@contextlib.contextmanager
def existing(data: str | None) -> Iterator[Opened]:
    """Open the database of a gateway or sandbox that has been started before.

    Raises `OperationError` and `StoreError`.
    """
    # The command itself reports that the database cannot be reached, once.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    with opening.existing(load(data=data)) as database:
        yield database


def on_database(data: str | None, operation: Callable[[Opened], Coroutine[Any, Any, T]]) -> T:
    """Run one operation on the database. Raises what it raises, and as `existing`."""
    with existing(data) as database:
        return asyncio.run(operation(database))


def with_district_names(
    data: str | None, operation: Callable[[Opened], Coroutine[Any, Any, T]]
) -> tuple[T, Mapping[str, str]]:
    """Run one operation on the database; with its result come the names of all districts, by their ids.

    Raises what it raises, and as `existing`.
    """

    async def run(database: Opened) -> tuple[T, Mapping[str, str]]:
        return await operation(database), await districts.names(database)

    return on_database(data, run)


@contextlib.asynccontextmanager
async def gateway_on(database: Opened, data: str | None) -> AsyncIterator[Gateway]:
    """A gateway on an open database, whose connectors are closed in the end."""
    from passback.app import build_gateway

    gateway = build_gateway(database, load(data=data))
    try:
        yield gateway
    finally:
        await gateway.connectors.close()


def with_gateway(
    database: Opened, data: str | None, operation: Callable[[Gateway], Coroutine[Any, Any, T]]
) -> T:
    """Run one operation on a gateway. Raises what it raises."""

    async def run() -> T:
        async with gateway_on(database, data) as gateway:
            return await operation(gateway)

    return asyncio.run(run())


def vault(data: str | None) -> Vault:
    """What opens the secrets in the database."""
    return opening.vault_of(load(data=data))
