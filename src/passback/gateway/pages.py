"""Pages of lists, and the cursors that lead from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from passback.wire import cursor

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Instant

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """A page of a list, and the cursor of the next one; None after the last."""

    items: list[T]
    next_cursor: str | None


class Place(Struct, frozen=True):
    """Where a page of a list begins, and what leads to the next: a cursor works for one list and one district only."""

    gateway: Gateway
    list_name: str
    now: Instant

    def opened(self, after_cursor: str | None) -> str:
        """The position that a cursor holds; empty without one. Raises `Refusal`: bad cursor."""
        if not after_cursor:
            return ""
        return cursor.open_sealed(self.gateway.cursor_key, self.list_name, after_cursor, self.now)

    def sealed(self, last: str | None) -> str | None:
        """The cursor that leads on behind a position; None if nothing follows."""
        return None if last is None else cursor.seal(self.gateway.cursor_key, self.list_name, last, self.now)
