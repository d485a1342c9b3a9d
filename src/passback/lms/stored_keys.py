"""The keys that the gateway signs with as an LTI tool, in the store. The first ones are made when they are needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from passback.lms.interface import NotAllowed
from passback.lms.signing import SigningKey
from passback.store import lti_keys
from passback.store.engine.vault import VaultError
from passback.store.lti_keys import NewKey

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault

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


async def new_key() -> NewKey:
    """Generate a key, beside the event loop: it takes a tenth of a second."""
    return await asyncio.to_thread(_generate)


def _generate() -> NewKey:
    # Imported only where keys are made: a gateway without LTI starts faster without it.
    from joserfc.jwk import RSAKey

    key_id = str(uuid7())
    key = RSAKey.generate_key(_BITS, {"kid": key_id, "use": "sig", "alg": "RS256"}, auto_kid=False)
    return NewKey(key_id, key.as_pem(private=True), key.as_dict(private=False))
