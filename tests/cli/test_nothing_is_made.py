"""What commands make by the way: no data file, and no key unless they encrypt. A table of every command there is."""

from __future__ import annotations

import base64
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App
from msgspec.structs import replace

from passback.cli import app
from passback.operations import start_notes
from passback.sandbox.seed import seed
from passback.settings import NO_KEY_FOR_POSTGRESQL, Settings
from passback.store import connections, districts, lti_keys, webhooks
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault, new_key
from passback_simulators.identities import CANVAS_UNIFIED
from support import commands as running
from support.postgres import fresh_database
from support.sandbox import NOW

X = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a11"
DISTRICT = CANVAS_UNIFIED.district_id
SECTION, TEACHER, STUDENT = (CANVAS_UNIFIED.id(digits) for digits in ("000007", "000001", "001001"))
IN_DISTRICT = ("--district", DISTRICT)
COMMANDS = {
    "token create": (*IN_DISTRICT, "--application", "A"),
    "token list": (),
    "token rotate": (X,),
    "token revoke": (X,),
    "account create": ("ada@example.org", "--role", "owner"),
    "account list": (),
    "account disable": ("ada@example.org",),
    "account enable": ("ada@example.org",),
    "account reset": ("ada@example.org",),
    "gradebook list": (SECTION,),
    "gradebook show": (X,),
    "gradebook edit": (X, "--title", "T"),
    "gradebook delete": (X,),
    "gradebook grade": (X, STUDENT, "--points", "1"),
    "gradebook enroll": (SECTION, STUDENT),
    "gradebook unenroll": (SECTION, STUDENT),
    "district list": (),
    "district rename": ("N", *IN_DISTRICT),
    "district delete": (*IN_DISTRICT, "--yes"),
    "connection list": (),
    "connection show": IN_DISTRICT,
    "connection check": IN_DISTRICT,
    "connection remove": IN_DISTRICT,
    "connection sign-in-student": (*IN_DISTRICT, "--user", STUDENT),
    "deliveries list": (),
    "deliveries show": (X,),
    "deliveries retry": (X,),
    "deliveries cancel": (X,),
    "deliveries policy": IN_DISTRICT,
    "roster import": ("nothing.zip", *IN_DISTRICT),
    "roster status": (),
    "sync run": IN_DISTRICT,
    "sync status": (),
    "sync schedule": (*IN_DISTRICT, "--hours", "12"),
    "match status": IN_DISTRICT,
    "match review": IN_DISTRICT,
    "match by": ("sis_id", *IN_DISTRICT),
    "match set": (TEACHER, "1"),
    "match clear": (TEACHER,),
    "webhook list": (),
    "webhook show": (X,),
    "webhook disable": (X,),
    "webhook enable": (X,),
    "webhook delete": (X,),
    "key rotate": (),
    "lti add-deployment": (*IN_DISTRICT, "--deployment", "1"),
    "lti rotate-key": (),
    "audit": (),
    "status": (),
    "backup": ("copy.db",),
    "restored": ("--backed-up", "2026-01-01T00:00:00Z"),
    "connect": ("builtin", "--name", "N"),
}
"""Every command but those of `WITHOUT`, with arguments that it takes."""
WITHOUT = {
    "sandbox", "serve", "restore", "worker", "simulate", "key new", "lti addresses", "doctor", "completion",
    "connector new", "connector example", "listen", "trigger",
}  # fmt: skip
"""Those that are there to make a data file, and those that have none."""


def leaves(group: App, *names: str) -> Iterator[str]:
    """The names of all commands."""
    for name in group:
        if not name.startswith("-"):
            below = [*leaves(group[name], *names, name)]
            yield from below or [" ".join((*names, name))]


def test_every_command_is_in_the_table() -> None:
    assert set(leaves(app)) == {*COMMANDS, *WITHOUT}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_makes_a_data_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing.zip").touch()
    before = sorted(tmp_path.rglob("*"))
    done = running.run(*name.split(), *COMMANDS[name], "--data", "none")
    assert (done.returncode, f"there is no data file {tmp_path}/none/passback.db" in done.stderr) == (
        2,
        True,
    ), done
    assert sorted(tmp_path.rglob("*")) == before


def with_secrets(conn: Connection) -> None:
    """A district with a connection and a webhook, and a key that signs for LMSs, whose key is lost."""
    seed(conn, NOW)
    vault = Vault(lambda: [bytes(32)])
    sealed = connections.seal(vault, DISTRICT, {"access_token": "x"})
    connections.save(conn, DISTRICT, address="http://127.0.0.1:9", options={}, credentials=sealed, now=NOW)
    lti_keys.add(conn, vault, lti_keys.NewKey("kid-1", b"private", {}), NOW, signs_since=NOW)
    webhooks.insert(
        conn,
        webhooks.Webhook(
            id=X,
            district_id=DISTRICT,
            application="A",
            url="https://app.example/hook",
            events=("delivery.refused",),
            secret=webhooks.seal(vault, X, "whsec_x"),
            secret_before=None,
            secret_before_until=None,
            disabled=None,
            created=NOW,
            last_modified=NOW,
        ),
    )


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data file whose secrets wait for a key that is lost."""
    path = tmp_path_factory.mktemp("locked") / "passback.db"
    with contextlib.closing(connect("", path)) as database:
        migrate.prepare(database, "production")
        database.write_now(with_secrets)
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_makes_a_key_for_secrets_that_another_key_opens(
    name: str, locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copyfile(locked, tmp_path / "data" / "passback.db")
    done = running.run(*name.split(), *COMMANDS[name])
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "secret.key").exists()


@pytest.mark.parametrize("keys", [(), (new_key(),)], ids=["no key", "another key"])
def test_the_start_says_which_secrets_no_key_opens(
    keys: tuple[str, ...], locked: Path, tmp_path: Path
) -> None:
    settings = Settings(data=str(tmp_path), secret_key=",".join(keys))
    with contextlib.closing(connect("", locked)) as database:
        [said] = start_notes.notes(database, settings, is_new=False)
        known = base64.b64encode(bytes(32)).decode()
        assert start_notes.notes(database, replace(settings, secret_key=known), is_new=False) == []
    assert "secret key is missing: 3 stored credentials, webhook secrets and LTI keys" in said
    assert str(tmp_path / "secret.key") in said


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with fresh_database("production") as url:
        yield url


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "0"),
        ("worker",),
        ("key", "rotate"),
        ("connect", "canvas", "--name", "N", "--address", "http://127.0.0.1:9", "--set", "access_token=x"),
    ],
)
def test_postgresql_without_a_key_neither_starts_nor_takes_secrets(
    arguments: tuple[str, ...], postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = running.run(*arguments, environment={**running.ENVIRONMENT, "PASSBACK_DATABASE_URL": postgresql})
    assert (done.returncode, NO_KEY_FOR_POSTGRESQL in done.stderr) == (2, True), done
    assert list(tmp_path.iterdir()) == []
    with contextlib.closing(connect(postgresql, None)) as database:
        assert database.read_now(districts.all_ids) == []
