"""Who did what: a line for each token, connection, webhook and match that is made, changed or revoked."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from passback.operations import audit, connections, districts, tokens, webhooks
from passback.operations.errors import OperationError
from passback.operations.tokens import NewToken
from passback.store.engine.database import Opened
from support.commands import run
from support.sandbox import SetClock, serving

CLOCK = SetClock()


def lines(database: Opened, district: str | None = None) -> list[tuple[str, str, str]]:
    return [
        (it.action, it.object_id, it.detail)
        for it in asyncio.run(audit.list_all(database, district_id=district))
    ]


@pytest.fixture
def district(database: Opened) -> str:
    return asyncio.run(connections.create_with_gradebook(database, "North", CLOCK))


def create(database: Opened, district: str) -> NewToken:
    return asyncio.run(tokens.create(database, district, "App", CLOCK))


def test_what_becomes_of_tokens_is_recorded(database: Opened, district: str) -> None:
    first = create(database, district)
    second = asyncio.run(tokens.rotate(database, first.token.id, CLOCK, overlap=1000)).new
    asyncio.run(tokens.revoke(database, second.token.id, CLOCK))
    with pytest.raises(OperationError):
        asyncio.run(tokens.revoke(database, second.token.id, CLOCK))
    assert lines(database) == [
        ("connection.made", district, "builtin"),
        ("token.created", first.token.id, "App"),
        ("token.rotated", first.token.id, f"App, replaced by {second.token.id}"),
        ("token.revoked", second.token.id, "App"),
    ]
    [actor] = {it.actor for it in asyncio.run(audit.list_all(database))}
    assert re.fullmatch(r"command:.+", actor)


def test_the_lines_of_a_district_outlive_it(database: Opened, district: str) -> None:
    other = asyncio.run(connections.create_with_gradebook(database, "South", CLOCK))
    create(database, district)
    asyncio.run(districts.delete(database, district))
    assert [action for action, *_ in lines(database, district)] == [
        "connection.made", "token.created", "district.deleted",
    ]  # fmt: skip
    assert [action for action, *_ in lines(database, other)] == ["connection.made"]


def test_what_applications_do_to_webhooks_is_recorded_without_secrets() -> None:
    with serving() as sandbox:
        hook = sandbox.post("/v3.1/webhooks", {"url": "https://192.0.2.1/hook?key=s3cret"})
        path = f"/v3.1/webhooks/{hook.data['id']}"
        sandbox.patch(path, {"disabled": True})
        rotated = sandbox.call("POST", f"{path}/rotate")
        assert rotated.status == 200
        database = sandbox.gateway.database
        asyncio.run(webhooks.enable(database, hook.data["id"], sandbox.clock))
        sandbox.delete(path)
        found = asyncio.run(audit.list_all(database))
    assert [(it.action, it.actor.partition(":")[0]) for it in found] == [
        ("webhook.created", "application"),
        ("webhook.changed", "application"),
        ("webhook.secret_rotated", "application"),
        ("webhook.enabled", "command"),
        ("webhook.deleted", "application"),
    ]
    text = repr(found)
    assert "192.0.2.1" in text
    assert "s3cret" not in text
    assert rotated.data["secret"] not in text


def test_the_command_lists_who_did_what(database: Opened, district: str, tmp_path: Path) -> None:
    made = create(database, district)
    shown = run("audit", "--district", district, "--last", "1h", "--data", str(tmp_path))
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 3)
    assert re.search(rf"command:\S+ +token\.created +{made.token.id} +{district} +.+  App\n", shown.stdout)
    assert made.secret not in shown.stdout
