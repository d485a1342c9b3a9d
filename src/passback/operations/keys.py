"""The key that secrets are encrypted with: making and rotating it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.operations import audit
from passback.operations.errors import OperationError
from passback.operations.open import vault_of
from passback.operations.start_notes import require_shared_key
from passback.store import connections, lti_keys, webhooks
from passback.store.engine.vault import key_file_locked, new_key, write_key_file

if TYPE_CHECKING:
    from passback.settings import Settings
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault

__all__ = ["Reencrypted", "new_key", "require_at_hand", "rotate"]


class Reencrypted(Struct, frozen=True):
    """How many secrets' owners were encrypted with the new key."""

    connections: int
    webhooks: int
    lti_keys: int
    in_file: bool
    """Whether the keys are in a key file, in which the new key has replaced the old ones."""


async def rotate(database: Database, settings: Settings) -> Reencrypted:
    """Encrypt all secrets with a new key: a fresh one in the key file, or the first of ``PASSBACK_SECRET_KEY``.

    Raises `OperationError` if that variable holds one key only or the key is missing, `SettingsError` if PostgreSQL has
    none, and `VaultError`.
    """
    require_shared_key(settings)
    if settings.secret_key or settings.key_file is None:
        if len(settings.secret_keys()) < 2:
            raise OperationError("put the new key in front of the old one first: PASSBACK_SECRET_KEY=new,old")
        return await _reencrypt_all(database, settings, in_file=False)
    path = settings.key_file
    with key_file_locked(path):
        await require_at_hand(database, settings)
        old = [base64.b64encode(key).decode() for key in settings.secret_keys()]
        fresh = new_key()
        # Both are kept until everything is encrypted again, so that an interruption loses nothing.
        write_key_file(path, [fresh, *old])
        done = await _reencrypt_all(database, settings, in_file=True)
        write_key_file(path, [fresh])
    return done


async def require_at_hand(database: Database, settings: Settings) -> None:
    """Raise `OperationError` if there are secrets and no key, so that none is made that opens only what comes."""
    if not settings.keys_at_hand() and await database.read(_any_secret):
        raise OperationError(
            f"the key that the secrets are encrypted with is missing: put it back into {settings.key_file}"
        )


async def _reencrypt_all(database: Database, settings: Settings, *, in_file: bool) -> Reencrypted:
    vault = vault_of(settings)
    districts, hooks, signing = await database.write(lambda conn: _reencrypt(conn, vault))
    return Reencrypted(districts, hooks, signing, in_file)


def _any_secret(conn: Connection) -> bool:
    return bool(connections.all_districts(conn) or webhooks.find_all(conn) or lti_keys.find_all(conn))


def _reencrypt(conn: Connection, vault: Vault) -> tuple[int, int, int]:
    """How many connections, webhooks and LTI keys there were."""
    districts = connections.all_districts(conn)
    for district_id in districts:
        connections.lock(conn, district_id)
        stored = connections.find(conn, district_id)
        assert stored is not None
        credentials = connections.seal(vault, district_id, connections.unseal(vault, stored))
        connections.save(
            conn,
            district_id,
            address=stored.address,
            options=stored.options,
            credentials=credentials,
            now=stored.last_modified,
        )
    hooks = webhooks.find_all(conn)
    for webhook in hooks:
        webhooks.update(conn, webhooks.reseal(vault, webhook))
    signing = lti_keys.encrypt_again(conn, vault)
    counts = len(districts), len(hooks), signing
    audit.record(conn, "key.rotated", "", detail="{} connections, {} webhooks, {} LTI keys".format(*counts))
    return counts
