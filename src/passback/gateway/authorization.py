"""What an application's token opens: its district, in its application's name (contract: order of checks, step 2)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from passback.store import tokens
from passback.store.engine.database import StoreError
from passback.wire import errors

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.store.engine.database import Database
    from passback.store.tokens import Token

FRESH_SECONDS = 0.02
"""How long an active token is trusted before the store is asked again."""

_MOST_REMEMBERED = 10_000
_STORE_SECONDS = 60.0


class Authorization:
    """Finds tokens in the store, and remembers active ones for a moment.

    Under load, most requests bring a token that was looked up just before. The moment is so short that a revocation
    by another process takes effect before its command has ended.
    """

    def __init__(self, database: Database, uses: dict[str, Instant]) -> None:
        """`uses` gets when each token was last used."""
        self._database = database
        self._uses = uses
        self._remembered: dict[bytes, tuple[Token, float]] = {}

    async def token(self, secret: bytes, now: Instant) -> Token:
        """The token with that secret, active at `now`.

        Raises `Refusal`: row 11 if the secret is blank, else row 12.
        """
        known = self._remembered.get(secret)
        if known is not None and known[1] > time.monotonic() and known[0].state(now) == "active":
            self._uses[known[0].id] = now
            return known[0]
        if not secret.strip():
            raise errors.no_authorization()
        token = await self._database.read(lambda conn: tokens.find_by_secret(conn, secret))
        if token is None or token.state(now) != "active":
            self._remembered.pop(secret, None)
            raise errors.token_refused()
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._uses[token.id] = now
        self._remembered[secret] = token, time.monotonic() + FRESH_SECONDS
        return token

    def forget(self) -> None:
        """Ask the store again for every token."""
        self._remembered.clear()


async def keep_uses(gateway: Gateway) -> None:
    """Store when tokens were last used: once a minute, and a last time at the end."""
    try:
        while True:
            await asyncio.sleep(_STORE_SECONDS)
            await store_uses(gateway)
    finally:
        await store_uses(gateway)


async def store_uses(gateway: Gateway) -> None:
    """Store when tokens were last used in this process."""
    uses = dict(gateway.token_uses)
    if not uses:
        return
    gateway.token_uses.clear()
    with contextlib.suppress(StoreError):  # it is said elsewhere, and the next use is as good
        await gateway.database.write(lambda conn: tokens.mark_used(conn, uses))
