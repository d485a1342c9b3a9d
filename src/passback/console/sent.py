"""What browsers send, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import FormData

from passback.operations import dates

if TYPE_CHECKING:
    from passback.domain.clock import Instant


def text(value: str) -> str:
    """A value without blanks around it, and without what no database keeps in a text."""
    return value.replace("\0", "").strip()


def texts(form: FormData) -> FormData:
    """The fields of a form that are no files."""
    return FormData([(name, text(it)) for name, it in form.multi_items() if isinstance(it, str)])


def moment(value: str) -> Instant | None:
    """What a field for a date and time holds, None if nothing: in UTC, with or without a Z. Raises `OperationError`."""
    return dates.parse(value) if value else None
