"""Access tokens, and the refresh token that gets new ones, which an LMS may replace each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from passback.domain.clock import Instant


class Token(Struct, frozen=True):
    """An access token."""

    text: str
    expires: Instant | None
    """Until when it is used: shortly before it expires. None if the LMS does not say: until it is refused."""
    scopes: frozenset[str] = frozenset()
    """What was granted, where the LMS says."""

    def __repr__(self) -> str:
        return "Token()"


class Exchanged(Struct, frozen=True):
    """What a refresh token was exchanged for."""

    token: Token | Exception
    """The access token, or the error to raise because what came is none."""
    refresh_token: str | None = None
    """The one that replaces it from now on; None if it stays."""

    def __repr__(self) -> str:
        return "Exchanged()"


Exchange = Callable[[str], Awaitable[Exchanged]]
"""Exchanges a refresh token, empty if there is none. Raises `LmsError`."""


class RefreshTokens(Protocol):
    """The refresh token of a connection."""

    async def token(self, exchange: Exchange, stale: str) -> Token:
        """Return an access token, by `exchange` if need be; `stale` is the one that cannot be used any more, if any.

        A new refresh token is kept, for all processes, before the access token is returned. Raises `LmsError`.
        """
        ...


class HeldRefreshToken:
    """A refresh token in memory, for a connection that is not stored. See `RefreshTokens`."""

    def __init__(self, refresh_token: str) -> None:
        self.refresh_token = refresh_token

    async def token(self, exchange: Exchange, stale: str) -> Token:  # noqa: ARG002 - what there was is with the caller
        exchanged = await exchange(self.refresh_token)
        self.refresh_token = exchanged.refresh_token or self.refresh_token
        if isinstance(exchanged.token, Exception):
            raise exchanged.token
        return exchanged.token
