"""What every use case works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from passback.observe.metrics import Metrics

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.lms.connector import Connector
    from passback.store.database import Connection, Database

T = TypeVar("T")


class Reach(Protocol):
    """How a district's LMS is reached (`passback.lms.registry.Connectors`)."""

    pretending: bool
    """Whether the LMSs only pretend to fail, so that nothing is to be concluded from it."""

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:
        """The connector to a district's LMS; None where there is none."""
        ...

    def forget(self) -> None:
        """Open every connection anew when it is next needed."""
        ...

    async def close(self) -> None:
        """Close all that are open."""
        ...


class Gateway(Struct, frozen=True):
    """The parts of a running gateway."""

    database: Database
    connectors: Reach
    clock: Clock
    cursor_key: bytes
    """What cursors are sealed with; kept in the data file, so that they outlive a restart."""
    attempts: set[str] = msgspec.field(default_factory=set)
    """The ids of the assignments that are being created now: nobody else need look for those."""
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    """What is counted of it."""


class Answer(Struct, Generic[T], frozen=True):
    """What a use case answers, and the codes of what it ignored or changed (``Passback-Warnings``)."""

    value: T
    warnings: tuple[str, ...] = ()
