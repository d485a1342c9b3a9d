"""The commands for webhooks, as people run them."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from passback.sandbox.seed import seed
from passback.settings import Settings
from passback.store import webhooks
from passback.store.engine import migrate
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault
from passback.store.webhooks import Webhook
from support import commands as running
from support.sandbox import DISTRICT, NOW, stored

WEBHOOK = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a12"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    vault = Vault(Settings(data=str(tmp_path)).secret_keys)
    webhook = Webhook(
        id=WEBHOOK, district_id=DISTRICT, application="Maths app", url="https://app.example/hook?key=s3cret",
        events=("delivery.refused", "connection.broken"), secret=webhooks.seal(vault, WEBHOOK, "whsec_AAAA"),
        secret_before=webhooks.seal(vault, WEBHOOK, "whsec_BBBB"), secret_before_until=NOW, disabled=None,
        created=NOW, last_modified=NOW,
    )  # fmt: skip
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        database.write_now(lambda conn: webhooks.insert(conn, webhook))
    return tmp_path


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return running.run(*arguments, "--data", str(data))


def test_a_webhook_is_listed_and_shown_without_what_is_secret(data: Path) -> None:
    listed = run(data, "webhook", "list").stdout.splitlines()
    assert listed[1].split()[:3] == [WEBHOOK, DISTRICT, "enabled"]
    assert listed[1].endswith("  Maths app    https://app.example/hook?...")
    assert (
        len(run(data, "webhook", "list", "--district", "4fee004cca2e43cf28000000").stdout.splitlines()) == 1
    )
    shown = run(data, "webhook", "show", WEBHOOK.upper()).stdout
    assert "events         delivery.refused, connection.broken\n" in shown
    assert "created        2026-01-01T00:00:00Z\n" in shown
    assert not any(secret in shown for secret in ("s3cret", "AAAA", "BBBB"))


def test_it_can_be_disabled_enabled_and_deleted(data: Path) -> None:
    told = [
        run(data, "webhook", command, WEBHOOK).stdout
        for command in ("disable", "disable", "enable", "enable", "delete")
    ]
    assert told == [
        f"Webhook {WEBHOOK} is {state}.\n"
        for state in ("disabled", "already disabled", "enabled", "already enabled", "deleted")
    ]
    assert stored(data / "passback.db", "SELECT * FROM webhooks") == []


@pytest.mark.parametrize("command", ["show", "disable", "enable", "delete"])
def test_an_unknown_one_is_told(data: Path, command: str) -> None:
    done = run(data, "webhook", command, "x")
    assert (done.returncode, done.stderr) == (2, "passback: there is no webhook x\n")


def test_rotating_the_key_takes_webhooks_along(data: Path) -> None:
    assert run(data, "key", "rotate").stdout == "0 connections, 1 webhook and 0 LTI keys encrypted again\n"
    with contextlib.closing(connect("", data / "passback.db")) as database:
        webhook = database.read_now(lambda conn: webhooks.find(conn, WEBHOOK))
    assert webhook is not None
    secrets = webhooks.secrets(Vault(Settings(data=str(data)).secret_keys), webhook, NOW - 1)
    assert secrets == ["whsec_AAAA", "whsec_BBBB"]
