"""Dates as operators type and read them: in the forms that the API takes and shows."""

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
    except Refusal:  # which says it as the API's published errors do
        raise OperationError(
            f"{text!r} is not a date: write it as 2031-05-01 or 2031-05-01T12:00:00Z"
        ) from None


def show(instant: Instant | None) -> str:
    """An instant to the millisecond; nothing for None."""
    return "" if instant is None else dates.show(instant)
