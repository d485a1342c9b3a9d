"""Resets, saves and loads the sandbox's whole state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from passback.sandbox.seed import seed
from passback.store import snapshot
from passback.store.engine.database import Unfit
from passback.store.snapshot import InvalidContent, Value
from passback.wire.errors import bad_request

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database

FORMAT = 1


class State(msgspec.Struct, frozen=True):
    """A saved sandbox."""

    passback_sandbox: int
    """The version of this format."""
    tables: dict[str, list[dict[str, Value]]]


async def reset(database: Database, clock: Clock) -> None:
    """Reset the sandbox to its initial state."""

    def transaction(conn: Connection) -> None:
        snapshot.clear(conn)
        seed(conn, clock())

    await database.write(transaction)


async def save(database: Database) -> bytes:
    """The sandbox's state as JSON."""
    content = await database.snapshot(snapshot.dump)
    return msgspec.json.encode(State(FORMAT, content))


async def load(database: Database, body: bytes) -> None:
    """Replace the sandbox's state with a saved one, or change nothing.

    Raises `Refusal`: 400 if `body` is not a valid state.
    """
    try:
        state = msgspec.json.decode(body, type=State)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"INVALID_SANDBOX_STATE: {error}") from None
    if state.passback_sandbox != FORMAT:
        raise bad_request(
            f"INVALID_SANDBOX_STATE: its form is {state.passback_sandbox}, this sandbox reads {FORMAT}"
        )
    try:
        await database.write(lambda conn: snapshot.load(conn, state.tables))
    except (InvalidContent, Unfit) as error:
        raise bad_request(f"INVALID_SANDBOX_STATE: {error}") from None
