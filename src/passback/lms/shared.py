"""What processes share that send requests to the same LMS."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from passback.domain.clock import Clock
from passback.store.engine.database import Database


class Shared(Struct, frozen=True):
    """The database in which processes jointly count the requests to one LMS."""

    database: Database
    clock: Clock
    name: str
    """The name under which the LMS is counted: its district."""
    worker: Callable[[], str]
    """Returns the id of this process's worker: requests under way of one that died are not counted."""
