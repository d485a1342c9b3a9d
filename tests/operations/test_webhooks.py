"""Operations on webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from passback.operations import webhooks
from passback.operations.errors import NotFound
from passback.store.engine.database import Opened
from passback.store.engine.vault import Vault
from passback.store.webhooks import Webhook, insert, seal
from support.sandbox import DISTRICT, NOW


def add(database: Opened, vault: Vault) -> Webhook:
    webhook = Webhook(
        id="w", district_id=DISTRICT, application="Maths app", url="https://app.example/", events=("connection.broken",),
        secret=seal(vault, "w", "whsec_AAAA"), secret_before=None, secret_before_until=None, disabled=None, created=NOW,
        last_modified=NOW,
    )  # fmt: skip
    database.write_now(lambda conn: insert(conn, webhook))
    return webhook


def test_they_are_found_by_district_and_id(database: Opened, vault: Vault) -> None:
    webhook = add(database, vault)
    assert asyncio.run(webhooks.list_all(database)) == [webhook]
    assert asyncio.run(webhooks.list_all(database, DISTRICT)) == [webhook]
    assert asyncio.run(webhooks.list_all(database, "x")) == []
    assert asyncio.run(webhooks.find(database, "w")) == webhook


def test_one_is_disabled_and_enabled_once(database: Opened, vault: Vault) -> None:
    add(database, vault)
    done = [
        asyncio.run(change(database, "w", lambda: NOW + 1))
        for change in (webhooks.disable, webhooks.disable, webhooks.enable, webhooks.enable)
    ]
    assert done == [True, False, True, False]
    asyncio.run(webhooks.delete(database, "w"))
    assert asyncio.run(webhooks.list_all(database)) == []


def test_one_that_does_not_exist_is_not_found(database: Opened) -> None:
    tried: list[Coroutine[Any, Any, Any]] = [
        webhooks.find(database, "x"),
        webhooks.disable(database, "x", lambda: NOW),
        webhooks.enable(database, "x", lambda: NOW),
        webhooks.delete(database, "x"),
    ]
    for one in tried:
        with pytest.raises(NotFound, match="there is no webhook x"):
            asyncio.run(one)
