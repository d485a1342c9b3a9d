"""The keys that LMSs know the gateway by: the next one is published before it signs, the last one for a while after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from passback.domain.clock import DAY, HOUR
from passback.lms.interface import NotAllowed
from passback.lms.stored_keys import StoredKeys, replace_if_due
from passback.operations import keys as vault_keys
from passback.operations import lti_keys as operations
from passback.operations.errors import OperationError
from passback.operations.open import vault_of
from passback.settings import Settings
from passback.store import audit, lti_keys
from passback.store.engine.database import Opened
from passback.store.engine.vault import Vault, VaultError, new_key
from support.sandbox import SetClock

OWN, OTHER = new_key(), new_key()
SETTINGS = Settings(secret_key=OWN)


@pytest.fixture
def vault() -> Vault:
    return vault_of(SETTINGS)


def published(database: Opened, clock: SetClock) -> list[Mapping[str, Any]]:
    return database.read_now(lambda conn: lti_keys.public_keys(conn, clock()))


def signs(database: Opened, vault: Vault, clock: SetClock) -> str:
    """The ``kid`` of the key that signs, with which a token is signed that the published keys verify."""
    key = asyncio.run(StoredKeys(database, vault, clock).current())
    token = jwt.encode({"alg": "RS256", "kid": key.id}, {"sub": "us"}, RSAKey.import_key(key.pem))
    known = KeySet.import_key_set({"keys": [dict(it) for it in published(database, clock)]})
    assert jwt.decode(token, known, algorithms=["RS256"]).claims == {"sub": "us"}
    return key.id


def test_the_next_key_is_published_before_it_signs_and_the_last_one_after(
    database: Opened, vault: Vault
) -> None:
    clock = SetClock()
    first = signs(database, vault, clock)
    assert published(database, clock)[0]["kid"] == first
    second = published(database, clock)[1]["kid"]

    clock.advance(days=1)
    assert asyncio.run(operations.rotate(database, SETTINGS, clock)) == second
    assert signs(database, vault, clock) == second
    third = published(database, clock)[2]["kid"]
    assert [it["kid"] for it in published(database, clock)] == [first, second, third]

    clock.advance(days=1)
    assert [it["kid"] for it in published(database, clock)] == [second, third]
    asyncio.run(operations.rotate(database, SETTINGS, clock))
    assert first not in [it.id for it in database.read_now(lti_keys.find_all)]


def test_a_key_that_may_not_be_known_everywhere_does_not_sign_yet(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    first = signs(database, vault, clock)
    clock.now += DAY - HOUR
    with pytest.raises(OperationError, match="try again after 2026-01-02T00:00:00"):
        asyncio.run(operations.rotate(database, SETTINGS, clock))
    assert signs(database, vault, clock) == first


def test_keys_that_have_leaked_are_neither_used_nor_published_any_more(
    database: Opened, vault: Vault
) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    before = {it["kid"] for it in published(database, clock)}
    asyncio.run(operations.rotate(database, SETTINGS, clock, leaked=True))
    assert signs(database, vault, clock) not in before
    after = {it["kid"] for it in published(database, clock)}
    assert len(after) == 2
    assert after.isdisjoint(before)


def test_only_what_is_public_is_published(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    for key in published(database, clock):
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_the_first_keys_are_made_once_however_many_need_them(database: Opened, vault: Vault) -> None:
    clock = SetClock()

    async def all_at_once() -> set[str]:
        found = await asyncio.gather(*(StoredKeys(database, vault, clock).current() for _ in range(2)))
        return {it.id for it in found}

    assert len(asyncio.run(all_at_once())) == 1
    assert len(published(database, clock)) == 2


def test_the_private_keys_are_encrypted_and_follow_the_key_of_the_credentials(
    database: Opened, tmp_path: Path
) -> None:
    settings, clock = Settings(data=str(tmp_path)), SetClock()
    before = signs(database, vault_of(settings), clock)
    assert "PRIVATE" not in str(database.read_now(lti_keys.find_all))
    asyncio.run(vault_keys.rotate(database, settings))
    assert signs(database, vault_of(settings), clock) == before


def test_a_key_that_cannot_be_read_is_no_crash(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    other = vault_of(Settings(secret_key=OTHER))
    with pytest.raises(NotAllowed, match="PASSBACK_SECRET_KEY"):
        asyncio.run(StoredKeys(database, other, clock).current())
    asyncio.run(operations.rotate(database, Settings(secret_key=OTHER), clock, leaked=True))
    assert signs(database, other, clock)


def test_replacing_a_key_is_in_the_audit(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    kid = asyncio.run(operations.rotate(database, SETTINGS, clock, leaked=True))
    [line] = database.read_now(audit.find_all)
    assert (line.action, line.object_id) == ("lti_key.rotated", kid)


def test_a_key_is_replaced_by_itself_every_month(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    assert asyncio.run(replace_if_due(database, vault, clock)) is None  # without LTI there is none
    first = signs(database, vault, clock)
    second = published(database, clock)[1]["kid"]
    clock.now += 30 * DAY - 1
    assert asyncio.run(replace_if_due(database, vault, clock)) is None
    clock.now += 1
    assert asyncio.run(replace_if_due(database, vault, clock)) == second
    assert signs(database, vault, clock) == second
    third = published(database, clock)[2]["kid"]
    assert [it["kid"] for it in published(database, clock)] == [first, second, third]
    assert asyncio.run(replace_if_due(database, vault, clock)) is None
    [line] = database.read_now(audit.find_all)
    assert (line.actor, line.action, line.object_id) == ("gateway", "lti_key.rotated", second)


def test_of_several_processes_one_replaces_the_key(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    clock.advance(days=30)

    async def all_at_once() -> list[str | None]:
        return await asyncio.gather(*(replace_if_due(database, vault, clock) for _ in range(3)))

    [replaced] = [it for it in asyncio.run(all_at_once()) if it is not None]
    assert signs(database, vault, clock) == replaced
    assert len(published(database, clock)) == 3


def test_a_next_key_that_lmss_may_not_know_waits(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    signs(database, vault, clock)
    database.write_now(
        lambda conn: conn.execute(
            "UPDATE lti_keys SET published = :now WHERE signs_since IS NULL",
            {"now": clock() + 29 * DAY + HOUR},
        )
    )
    clock.advance(days=30)
    assert asyncio.run(replace_if_due(database, vault, clock)) is None
    clock.advance(hours=1)
    assert asyncio.run(replace_if_due(database, vault, clock)) is not None


def test_without_the_key_of_the_secrets_no_key_is_replaced(database: Opened, vault: Vault) -> None:
    clock = SetClock()
    first = signs(database, vault, clock)
    clock.advance(days=30)
    with pytest.raises(VaultError):
        asyncio.run(replace_if_due(database, vault_of(Settings(secret_key=OTHER)), clock))
    assert signs(database, vault, clock) == first
