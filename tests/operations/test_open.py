"""Opening what operations work on."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from passback.operations import districts, start_notes
from passback.operations.errors import NotFound, OperationError, StoreError
from passback.operations.open import existing
from passback.settings import Settings
from passback.store.engine.database import Opened
from passback.store.engine.open import connect
from support.sandbox import DISTRICT


def test_what_was_started_before_is_opened(database: Opened, tmp_path: Path) -> None:
    with existing(Settings(data=str(tmp_path))) as opened:
        assert asyncio.run(districts.find(opened, DISTRICT)).id == DISTRICT


def test_data_that_is_kept_nowhere_cannot_be_opened() -> None:
    with pytest.raises(OperationError, match="kept nowhere"), existing(Settings(data=":memory:")):
        pass


def test_a_file_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no data file"), existing(Settings(data=str(tmp_path))):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_empty_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "passback.db").touch()
    with pytest.raises(StoreError, match="is empty"), existing(Settings(data=str(tmp_path))):
        pass


def test_a_stop_whose_database_cannot_be_read_says_so(tmp_path: Path) -> None:
    with contextlib.closing(connect("", tmp_path / "passback.db")) as unreadable:  # it has no tables
        told = [start_notes.left_behind(it) for it in (unreadable, None)]
    assert told == ["Stopped. The database cannot be read now: whatever waits to be delivered is in it."] * 2
