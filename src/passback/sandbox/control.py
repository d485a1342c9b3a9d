"""What is done to a sandbox as a whole. The sandbox's own endpoints and its pages in the console call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.sandbox import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.context import Gateway
    from passback.sandbox.parts import Parts


class Control:
    """The hand on a sandbox."""

    def __init__(self, gateway: Gateway, parts: Parts | None, forget_tokens: Callable[[], None]) -> None:
        """A sandbox that is not served for itself, as in benchmarks, has no parts."""
        self._gateway = gateway
        self._parts = parts
        self._forget_tokens = forget_tokens

    async def reset(self) -> None:
        """Bring everything back to the start, the clock included."""
        if self._parts is not None and self._parts.clock.moved_by:
            await self._parts.clock.move(0)
        await state.reset(self._gateway.database, self._gateway.clock)
        await self._replaced()
        if self._parts is not None:
            self._parts.journal.clear()

    async def load(self, body: bytes) -> None:
        """Replace everything by a saved state. Raises `Refusal`."""
        await state.load(self._gateway.database, body)
        await self._replaced()

    async def move_clock(self, milliseconds: int) -> None:
        """Be so many milliseconds ahead of the machine's clock. What is due by then begins at once."""
        assert self._parts is not None
        await self._parts.clock.move(milliseconds)
        self._parts.lmss.clock_was_set()
        # A connection that spares its LMS waits by a clock of its own, which nobody moves.
        self._gateway.connectors.forget()
        self._gateway.in_flight.wake()

    async def _replaced(self) -> None:
        self._forget_tokens()
        if self._parts is not None:
            await self._parts.lmss.reload()
        self._gateway.connectors.forget()
