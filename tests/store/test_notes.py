"""Connectors' notes: found by their keys, or by how these begin."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from passback.domain.roster import District
from passback.store import roster
from passback.store.engine import migrate
from passback.store.engine.open import connect
from passback.store.notes import StoredNotes
from support.postgres import database_of


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_notes_are_found_by_how_their_keys_begin(kind: str) -> None:
    with database_of(kind, "production") as url, contextlib.closing(connect(url, None)) as database:
        migrate.prepare(database, "production")
        made = [District(it, it, "lti", "success", None, 0, 0, {}) for it in ("one", "two")]
        database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, made))
        notes, others = StoredNotes(database, "one"), StoredNotes(database, "two")

        async def run() -> None:
            await notes.write({"a%/2": {"n": 2}, "a%/1": {"n": 1}, "ab/3": {"n": 3}, "a": {"n": 4}})
            await others.write({"a%/5": {"n": 5}})
            assert list((await notes.find("a%/")).items()) == [("a%/1", {"n": 1}), ("a%/2", {"n": 2})]
            assert await notes.find("b") == {}
            await notes.write({"a%/1": None, "a%/2": {"n": 7}})
            assert await notes.find("a%/") == {"a%/2": {"n": 7}}

        asyncio.run(run())
