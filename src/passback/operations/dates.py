"""Dates as operators type and read them: as the API takes and shows them."""

from __future__ import annotations

from passback.domain.clock import Instant
from passback.operations.errors import OperationError
from passback.wire import dates
from passback.wire.errors import Refusal


def parse(text: str) -> Instant:
    """The instant that a date says. Raises `OperationError`."""
    if not text:
        raise OperationError("a date must not be empty")
    try:
        return dates.parse(text).instant
    except Refusal as refusal:
        raise OperationError(refusal.message) from None


def show(instant: Instant | None) -> str:
    """An instant to the millisecond; nothing for None."""
    return "" if instant is None else dates.show(instant)
