"""The keys that the gateway signs with as an LTI tool. There is one set for all districts.

A platform may keep what it has read of our keys for hours. So the next key is published long before it signs, and one
that has signed stays published for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from passback.domain.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.engine.vault import Vault

PUBLISHED_BEFORE = DAY
"""For how many milliseconds a key is published before it signs, unless there is haste."""
PUBLISHED_AFTER = DAY
"""For how many milliseconds a key is published after it has signed last: longer than anything signed is valid."""


class NewKey(Struct, frozen=True):
    """A key that was generated, and is not stored yet."""

    id: str
    private: bytes
    """PKCS #8, as PEM."""
    public: Mapping[str, Any]
    """A JWK, with ``kid``, ``use`` and ``alg``."""

    def __repr__(self) -> str:
        return f"NewKey({self.id!r})"


class StoredKey(Struct, frozen=True):
    """A key, with its private half still encrypted."""

    id: str
    private: str
    public: str
    published: Instant
    signs_since: Instant | None
    retired: Instant | None


_COLUMNS = ", ".join(StoredKey.__struct_fields__)


def lock(connection: Connection) -> None:
    """Let no other process change the keys before the transaction ends."""
    connection.lock("lti_keys")


def find_all(connection: Connection) -> list[StoredKey]:
    """All keys, in the order in which they sign."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM lti_keys ORDER BY published, id")
    return [StoredKey(*row) for row in rows]


def current(connection: Connection) -> StoredKey | None:
    """The key that signs; None if none was made yet."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lti_keys WHERE signs_since IS NOT NULL AND retired IS NULL"
    ).fetchone()
    return None if row is None else StoredKey(*row)


def public_keys(connection: Connection, now: Instant) -> list[Mapping[str, Any]]:
    """The JWKs to publish: of every key that signs, will sign, or has signed until a short while ago."""
    shown = [it for it in find_all(connection) if it.retired is None or now < it.retired + PUBLISHED_AFTER]
    return [msgspec.json.decode(it.public) for it in shown]


def add(
    connection: Connection, vault: Vault, key: NewKey, now: Instant, *, signs_since: Instant | None = None
) -> None:
    """Store a key: the next one, or with `signs_since` the one that signs. Raises `VaultError`."""
    connection.execute(
        "INSERT INTO lti_keys (id, private, public, published, signs_since)"
        " VALUES (:id, :private, :public, :now, :signs_since)",
        {
            "id": key.id,
            "private": vault.encrypt(key.private, _owner(key.id)),
            "public": msgspec.json.encode(key.public).decode(),
            "now": now,
            "signs_since": signs_since,
        },
    )


def take_turns(connection: Connection, now: Instant) -> None:
    """Let the next key sign in place of the one that does."""
    connection.execute(
        "UPDATE lti_keys SET retired = :now WHERE signs_since IS NOT NULL AND retired IS NULL", {"now": now}
    )
    connection.execute("UPDATE lti_keys SET signs_since = :now WHERE signs_since IS NULL", {"now": now})


def remove_retired(connection: Connection, until: Instant) -> None:
    """Delete the keys that ceased to sign at `until` or before."""
    connection.execute("DELETE FROM lti_keys WHERE retired <= :until", {"until": until})


def remove_all(connection: Connection) -> None:
    """Delete every key."""
    connection.execute("DELETE FROM lti_keys")


def unseal(vault: Vault, key: StoredKey) -> bytes:
    """The private half of a key: PKCS #8, as PEM. Raises `VaultError`."""
    return vault.decrypt(key.private, _owner(key.id))


def encrypt_again(connection: Connection, vault: Vault) -> int:
    """Encrypt all private halves with the vault's current key; returns how many there are. Raises `VaultError`."""
    lock(connection)
    keys = find_all(connection)
    for key in keys:
        connection.execute(
            "UPDATE lti_keys SET private = :private WHERE id = :id",
            {"id": key.id, "private": vault.encrypt(unseal(vault, key), _owner(key.id))},
        )
    return len(keys)


def _owner(key_id: str) -> str:
    return f"lti key {key_id}"
