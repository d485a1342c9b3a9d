"""The refresh token of a stored connection, which all processes share.

An LMS may replace it with each use, and refuse the old one from then on. So only one process uses it at a time; the new
one is on disk before anything is done with the access token that came with it; and the access token is shared, because
some LMSs refuse the last one once there is another.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from uuid_utils import uuid7

from passback.domain.clock import MINUTE, SECOND
from passback.lms.interface import NotAllowed, Unavailable
from passback.lms.tokens import Exchanged, Token
from passback.store import connections, token_refreshes
from passback.store.engine.database import StoreError
from passback.store.engine.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.lms.interface import LmsConnection
    from passback.lms.tokens import Exchange
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault
    from passback.store.token_refreshes import Refresh

log = logging.getLogger(__name__)

_HOLD_SECONDS = 15.0
"""How much longer than the connection's patience others wait for a process that does not come back."""
_LONGEST_HOLD = 5 * MINUTE
"""Longer than any patience and that: a time further ahead is from before the clock was set back."""
_LOOK_AGAIN_SECONDS = 0.1
_KEEP_AGAIN_SECONDS = 0.5

_REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a credential
_SAME = ("client_id", "client_secret")
"""The credentials without which a refresh token is none."""


class StoredRefreshToken:
    """See `passback.lms.tokens.RefreshTokens`."""

    def __init__(
        self, database: Database, clock: Clock, vault: Vault, district_id: str, connection: LmsConnection
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._district_id = district_id
        self._given = connection.credentials
        self._timer = connection.timer
        self._patience = connection.patience
        self._me = str(uuid7())
        self._unkept: Callable[[Connection], None] | None = None
        """Stores what came when the database could not be written."""

    async def token(self, exchange: Exchange, stale: str) -> Token:
        try:
            return await self._token(exchange, stale)
        except VaultError as error:
            raise NotAllowed(str(error)) from None

    async def _token(self, exchange: Exchange, stale: str) -> Token:
        give_up = self._timer.seconds() + self._patience
        refused: set[str] = set()
        while True:
            if self._unkept is not None:
                await self._keep(self._unkept, give_up)
            found = await self._database.write(lambda conn: self._begin(conn, stale))
            if isinstance(found, Token):
                return found
            if found is None:
                if self._timer.seconds() + _LOOK_AGAIN_SECONDS > give_up:
                    raise Unavailable("another process does not come back with a token", retry_after=5)
                await self._timer.sleep(_LOOK_AGAIN_SECONDS)
                continue
            try:
                exchanged = await exchange(found)
            except BaseException as error:
                if await self._end_without(found) and isinstance(error, NotAllowed) and found not in refused:
                    refused.add(found)  # another has replaced it in the meantime
                    continue
                raise
            await self._keep(partial(self._store, sent=found, exchanged=exchanged), give_up)
            if isinstance(exchanged.token, Exception):
                raise exchanged.token
            return exchanged.token

    def _begin(self, conn: Connection, stale: str) -> Token | str | None:
        """Return the token that others have, or the refresh token to exchange; None while another does so."""
        now = self._clock()
        known = self._known(conn)
        credentials = self._credentials(known)
        if any(credentials.get(name) != self._given.get(name) for name in _SAME):
            raise Unavailable("the district has been connected again", retry_after=1)
        issued = self._issued(known, credentials)
        if issued is not None and issued.text != stale and (issued.expires is None or now < issued.expires):
            return issued
        if known.holder not in (None, self._me) and now < known.held_until <= now + _LONGEST_HOLD:
            return None
        until = now + round((self._patience + _HOLD_SECONDS) * SECOND)
        token_refreshes.hold(conn, self._district_id, self._me, until)
        return credentials.get(_REFRESH_TOKEN, "")

    def _store(self, conn: Connection, sent: str, exchanged: Exchanged) -> None:
        known = self._known(conn)
        credentials = self._credentials(known)
        if credentials.get(_REFRESH_TOKEN, "") != sent:
            token_refreshes.release(conn, self._district_id, self._me)
            return  # somebody has signed in again, or it is stored already
        sealed = known.credentials
        if exchanged.refresh_token is not None:
            credentials[_REFRESH_TOKEN] = exchanged.refresh_token
            sealed = connections.seal(self._vault, self._district_id, credentials)
        issued = None
        if isinstance(exchanged.token, Token):
            issued = self._vault.encrypt(msgspec.json.encode(exchanged.token), self._owner(credentials))
        token_refreshes.keep(conn, self._district_id, credentials=sealed, issued=issued)

    async def _keep(self, store: Callable[[Connection], None], give_up: float) -> None:
        """Store what came, for as long as there is patience. Raises `Unavailable`; the next call tries again."""
        self._unkept = store
        while True:
            try:
                await self._database.write(store)
            except StoreError as error:
                if self._timer.seconds() + _KEEP_AGAIN_SECONDS > give_up:
                    log.warning("a new refresh token cannot be stored yet: %s", error)
                    raise Unavailable("its new refresh token cannot be stored yet", retry_after=5) from None
                await self._timer.sleep(_KEEP_AGAIN_SECONDS)
            else:
                self._unkept = None
                return

    async def _end_without(self, sent: str) -> bool:
        """Let others have their turn after a failure; returns whether there is another refresh token by now."""

        def end(conn: Connection) -> bool:
            known = self._known(conn)
            token_refreshes.release(conn, self._district_id, self._me)
            return self._credentials(known).get(_REFRESH_TOKEN, "") != sent

        with contextlib.suppress(StoreError, VaultError, Unavailable):  # what went wrong before counts
            return await self._database.write(end)
        return False

    def _known(self, conn: Connection) -> Refresh:
        known = token_refreshes.find(conn, self._district_id)
        if known is None:
            raise Unavailable("the district has been disconnected", retry_after=None)
        return known

    def _credentials(self, known: Refresh) -> dict[str, str]:
        return connections.unseal_text(self._vault, self._district_id, known.credentials)

    def _issued(self, known: Refresh, credentials: Mapping[str, str]) -> Token | None:
        if known.issued is None:
            return None
        try:
            return msgspec.json.decode(
                self._vault.decrypt(known.issued, self._owner(credentials)), type=Token
            )
        except (VaultError, msgspec.MsgspecError):  # of an earlier sign-in or key: there will be another
            return None

    def _owner(self, credentials: Mapping[str, str]) -> str:
        """Whom an access token belongs to: it is none of a later sign-in's."""
        return f"access token {self._district_id} {credentials.get(_REFRESH_TOKEN, '')}"
