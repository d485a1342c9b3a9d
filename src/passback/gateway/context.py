"""What every use case works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.lms.registry import Connectors
    from passback.store.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway."""

    database: Database
    connectors: Connectors
    clock: Clock
    cursor_key: bytes
    """What cursors are sealed with; kept in the data file, so that they outlive a restart."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a use case answers, and the codes of what it ignored or changed (``Passback-Warnings``)."""

    value: T
    warnings: tuple[str, ...] = field(default=())
