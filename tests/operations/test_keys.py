"""Rotating the key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from passback.operations import keys
from passback.operations.errors import OperationError
from passback.settings import Settings
from passback.store.engine.database import Opened


def test_the_key_in_a_file_is_replaced(database: Opened, tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))
    before = settings.secret_keys()
    assert asyncio.run(keys.rotate(database, settings)) == keys.Reencrypted(0, 0, in_file=True)
    assert len(settings.secret_keys()) == 1
    assert settings.secret_keys() != before


def test_the_key_in_a_variable_is_replaced_by_the_operator(database: Opened) -> None:
    new, old = keys.new_key(), keys.new_key()
    with pytest.raises(OperationError, match="PASSBACK_SECRET_KEY=new,old"):
        asyncio.run(keys.rotate(database, Settings(secret_key=old)))
    done = asyncio.run(keys.rotate(database, Settings(secret_key=f"{new},{old}")))
    assert done == keys.Reencrypted(0, 0, in_file=False)
