"""What every use case works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.lms.registry import Connectors
    from passback.store.database import Database

T = TypeVar("T")


class Gateway(Struct, frozen=True):
    """The parts of a running gateway."""

    database: Database
    connectors: Connectors
    clock: Clock
    cursor_key: bytes
    """What cursors are sealed with; kept in the data file, so that they outlive a restart."""


class Answer(Struct, Generic[T], frozen=True):
    """What a use case answers, and the codes of what it ignored or changed (``Passback-Warnings``)."""

    value: T
    warnings: tuple[str, ...] = ()
