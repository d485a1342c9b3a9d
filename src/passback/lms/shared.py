"""What processes that reach the same LMS share."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from passback.domain.clock import Clock
from passback.store.engine.database import Database


class Shared(Struct, frozen=True):
    """The database in which processes count together what goes to one LMS."""

    database: Database
    clock: Clock
    name: str
    """The LMS's: its district."""
    worker: Callable[[], str]
    """As which worker this process delivers: what one that died had under way is not counted."""
