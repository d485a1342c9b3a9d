"""Rotating the key."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from passback.operations import districts, keys
from passback.operations.errors import OperationError
from passback.operations.open import vault_of
from passback.settings import Settings
from passback.store import connections
from passback.store.connections import StoredConnection
from passback.store.engine.database import Connection, Opened
from passback.store.engine.sqlite import SqliteDatabase


def test_the_key_in_a_file_is_replaced(database: Opened, tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))
    before = settings.secret_keys()
    assert asyncio.run(keys.rotate(database, settings)) == keys.Reencrypted(0, 0, 0, in_file=True)
    assert len(settings.secret_keys()) == 1
    assert settings.secret_keys() != before


def test_the_key_in_a_variable_is_replaced_by_the_operator(database: Opened) -> None:
    new, old = keys.new_key(), keys.new_key()
    with pytest.raises(OperationError, match="PASSBACK_SECRET_KEY=new,old"):
        asyncio.run(keys.rotate(database, Settings(secret_key=old)))
    done = asyncio.run(keys.rotate(database, Settings(secret_key=f"{new},{old}")))
    assert done == keys.Reencrypted(0, 0, 0, in_file=False)


def test_a_process_that_has_used_the_old_key_encrypts_with_the_new_one(
    database: Opened, tmp_path: Path
) -> None:
    settings = Settings(data=str(tmp_path))
    running = vault_of(settings)
    running.encrypt(b"before", "me")
    asyncio.run(keys.rotate(database, settings))
    after = running.encrypt(b"after", "me")
    assert vault_of(settings).decrypt(after, "me") == b"after"


def test_two_rotations_at_once_lose_no_key(database: Opened, tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))

    def connect(conn: Connection) -> None:
        district = districts.create(conn, "North", 0)
        sealed = connections.seal(vault_of(settings), district.id, {"token": "secret"})
        connections.save(conn, district.id, address="https://x.test", options={}, credentials=sealed, now=0)

    def rotate(_: int) -> None:
        with contextlib.closing(SqliteDatabase(tmp_path / "passback.db")) as own:
            asyncio.run(keys.rotate(own, settings))

    database.write_now(connect)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotate, range(8)))

    def stored(conn: Connection) -> StoredConnection | None:
        [district_id] = connections.all_districts(conn)
        return connections.find(conn, district_id)

    found = database.read_now(stored)
    assert found is not None
    assert connections.unseal(vault_of(settings), found) == {"token": "secret"}
