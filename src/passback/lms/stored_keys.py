"""The keys that the gateway signs with as an LTI tool, in the store. The first ones are made when they are needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from passback.domain.clock import DAY
from passback.lms.interface import NotAllowed
from passback.lms.signing import SigningKey
from passback.store import audit, lti_keys
from passback.store.engine.vault import VaultError
from passback.store.lti_keys import NewKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Clock, Instant
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault
    from passback.store.lti_keys import StoredKey

SIGNS_FOR = 30 * DAY
"""For how many milliseconds a key signs before the next one does by itself."""
_BITS = 2048


class StoredKeys:
    """See `passback.lms.signing.SigningKeys`."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def current(self) -> SigningKey:
        stored = await self._database.read(lti_keys.current)
        if stored is None:
            await make_first(self._database, self._vault, self._clock)
            stored = await self._database.read(lti_keys.current)
        assert stored is not None
        try:
            return SigningKey(stored.id, lti_keys.unseal(self._vault, stored))
        except VaultError as error:
            raise NotAllowed(str(error)) from None


async def make_first(database: Database, vault: Vault, clock: Clock) -> None:
    """Make the key that signs, and the one that signs after it, unless there are keys. Raises `VaultError`."""
    if await database.read(lti_keys.current) is not None:
        return
    first, second = await new_key(), await new_key()

    def keep(conn: Connection) -> None:
        lti_keys.lock(conn)
        if lti_keys.current(conn) is None:  # another process may have been faster
            now = clock()
            lti_keys.add(conn, vault, first, now, signs_since=now)
            lti_keys.add(conn, vault, second, now)

    await database.write(keep)


async def replace_if_due(database: Database, vault: Vault, clock: Clock) -> str | None:
    """Let the next key sign if the last one has signed for `SIGNS_FOR`, and publish one more.

    Returns the ``kid`` of the one that signs from now on; None if none is due. Of several processes, one does it.
    Raises `VaultError`.
    """
    now = clock()
    if not _is_due(await database.read(lti_keys.find_all), now):
        return None
    fresh = await new_key()

    def replace(conn: Connection) -> str | None:
        lti_keys.lock(conn)
        before = lti_keys.current(conn)
        if before is None or not _is_due(lti_keys.find_all(conn), now):  # another process was faster
            return None
        lti_keys.unseal(
            vault, before
        )  # if that cannot be opened, the fresh one would be sealed with another key
        lti_keys.take_turns(conn, now)
        lti_keys.add(conn, vault, fresh, now)
        after = lti_keys.current(conn)
        assert after is not None
        audit.add(conn, audit.Line(now, "gateway", "lti_key.rotated", after.id, "", "monthly"))
        return after.id

    return await database.write(replace)


def _is_due(keys: Sequence[StoredKey], now: Instant) -> bool:
    """Whether one has signed for long enough, and LMSs have had the time to read the next."""
    signing = [it.signs_since for it in keys if it.signs_since is not None and it.retired is None]
    following = [it.published for it in keys if it.signs_since is None]
    return bool(
        signing
        and following
        and now - signing[0] >= SIGNS_FOR
        and now - following[0] >= lti_keys.PUBLISHED_BEFORE
    )


async def new_key() -> NewKey:
    """Generate a key, beside the event loop: it takes a tenth of a second."""
    return await asyncio.to_thread(_generate)


def _generate() -> NewKey:
    # Imported only where keys are made: a gateway without LTI starts faster without it.
    from joserfc.jwk import RSAKey

    key_id = str(uuid7())
    key = RSAKey.generate_key(_BITS, {"kid": key_id, "use": "sig", "alg": "RS256"}, auto_kid=False)
    return NewKey(key_id, key.as_pem(private=True), key.as_dict(private=False))
