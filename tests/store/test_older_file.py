"""Data files that version 0.1.0 wrote (tests/fixtures/data_files): they open, hold what they held, and go on."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from passback.domain.clock import HOUR, MINUTE, SECOND
from passback.operations import backups
from passback.settings import Settings
from passback.store import (
    assignments,
    connections,
    deliveries,
    destinations,
    idempotency,
    matching,
    roster,
    roster_events,
    syncs,
    tokens,
    webhooks,
)
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Opened, StoreError
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault
from passback.store.notes import StoredNotes
from passback.testing.lms import Lms
from support.canvas import canvas, simulator
from support.sandbox import Sandbox, serving

T = TypeVar("T")

FILES = Path(__file__).parents[1] / "fixtures" / "data_files" / "0.1.0"
KNOWN = json.loads((FILES / "known.json").read_text())
DISTRICT = KNOWN["district"]
APPLICATION = "Maths app"
SCHEMA = 10
"""The schema of the files."""
DUE = 1_906_588_740_123
ESSAY: dict[str, Any] = {
    "title": "Essay", "description": "Two pages", "due_date": "2030-06-01T23:59:00.123Z", "points_possible": 20,
}  # fmt: skip


def copy(kind: str, folder: Path) -> Path:
    """A copy of a data file, with its key."""
    with contextlib.closing(sqlite3.connect(folder / "passback.db")) as connection:
        connection.executescript(gzip.decompress((FILES / f"{kind}.sql.gz").read_bytes()).decode())
    if kind == "production":
        shutil.copy(FILES / "production.key", folder / "secret.key")
        (folder / "secret.key").chmod(0o600)
    return folder


def written(folder: Path) -> int:
    """When the last delivery of a data file was accepted."""
    with contextlib.closing(sqlite3.connect(folder / "passback.db")) as connection:
        found: int = connection.execute("SELECT MAX(created) FROM deliveries").fetchone()[0]
    return found


@pytest.fixture
def production(tmp_path: Path) -> Path:
    return copy("production", tmp_path)


@pytest.fixture
def opened(production: Path) -> Iterator[Opened]:
    with contextlib.closing(connect("", production / "passback.db")) as database:
        migrate.prepare(database, "production")
        yield database


@pytest.fixture
def read(opened: Opened) -> Callable[[Callable[[Connection], T]], T]:
    return opened.read_now


@pytest.mark.parametrize("kind", ["production", "sandbox"])
def test_it_is_known_and_its_schema_becomes_ours(tmp_path: Path, kind: migrate.Kind) -> None:
    copy(kind, tmp_path)
    other: migrate.Kind = "sandbox" if kind == "production" else "production"
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        assert database.read_now(lambda conn: migrate.meta(conn, "schema")) == str(SCHEMA)
        migrate.prepare(database, kind)
        assert migrate.kind_of(database) == kind
        ours = migrate.migrations()[-1][0]
        assert database.read_now(lambda conn: migrate.meta(conn, "schema")) == str(ours)
        after = database.read_now(_tables)
        migrate.prepare(database, kind)
        assert database.read_now(_tables) == after
        with pytest.raises(StoreError, match=f"holds a {kind} gateway's data"):
            migrate.prepare(database, other)


def _tables(conn: Connection) -> list[tuple[Any, ...]]:
    found = conn.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return [tuple(row) for row in found]


def test_a_file_of_version_0_1_0_becomes_what_we_make_of_an_empty_one(tmp_path: Path) -> None:
    copy("production", tmp_path)
    with (
        contextlib.closing(connect("", tmp_path / "passback.db")) as old,
        contextlib.closing(connect("", tmp_path / "new.db")) as new,
    ):
        migrate.prepare(old, "production")
        migrate.prepare(new, "production")
        assert old.read_now(_tables) == new.read_now(_tables)


def test_the_roster_is_there_with_what_happened_to_it(
    read: Callable[[Callable[[Connection], Any]], Any],
) -> None:
    district: Any = read(lambda conn: roster.find(conn, roster.DISTRICTS, DISTRICT, DISTRICT))
    assert (district.name, district.lms_type, district.lms_state) == ("Old Unified", "canvas", "success")
    assert district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 100.0}
    ours = read(lambda conn: matching.all_of(conn, DISTRICT))
    assert sorted((it.kind, it.name, it.lms_id, it.matched_by) for it in ours) == [
        ("section", "Algebra 1", "107/207", "sis_id"),
        ("section", "Biology 2", "108/208", "sis_id"),
        ("student", "Student Nº 01", "3001001", "sis_id"),
        ("student", "Student Nº 02", "3001002", "sis_id"),
        ("student", "Student Nº 03", "3001003", "sis_id"),
        ("student", "Student Nº 31", "3001031", "sis_id"),
        ("teacher", "Teacher 1", "3000001", "sis_id"),
        ("teacher", "Teacher 2", "3000002", "sis_id"),
    ]
    events = read(lambda conn: roster_events.page(conn, DISTRICT, limit=100)).items
    assert [(it.kind, it.what) for it in events] == [
        *[("schools", "created"), ("terms", "created")], *[("courses", "created")] * 2, *[("users", "created")] * 7,
        *[("sections", "created")] * 2, ("sections", "updated"), ("users", "deleted"),
        *[("users", "updated")] * 6, *[("sections", "updated")] * 2,
    ]  # fmt: skip
    assert (events[13].previous["name"], len(events[13].previous["students"])) == ("Biology", 2)
    assert events[-1].previous == {"synced_in_lms": False}
    sync = read(lambda conn: syncs.find(conn, DISTRICT))
    assert (sync.every, sync.phase, sync.failures, sync.error) == (6 * HOUR, "idle", 0, None)
    assert sync.due == district.last_lms_sync + 6 * HOUR


def test_secrets_open_and_tokens_are_good(
    production: Path, read: Callable[[Callable[[Connection], Any]], Any]
) -> None:
    vault = Vault(Settings(data=str(production)).secret_keys)
    stored = read(lambda conn: connections.find(conn, DISTRICT))
    assert stored.address.startswith("http://127.0.0.1:")
    assert stored.options == {
        "client_id": "", "masquerade": "yes", "sis_mark": "no", "submit_as": "student", "post_grades": "no",
    }  # fmt: skip
    assert connections.unseal(vault, stored)["access_token"] == "canvas-sandbox-admin-token"
    (webhook,) = read(lambda conn: webhooks.find_all(conn, DISTRICT))
    assert (webhook.url, webhook.events, webhook.disabled) == (
        "http://127.0.0.1:9/hook", ("delivery.refused",), None,
    )  # fmt: skip
    (secret,) = webhooks.secrets(vault, webhook, written(production))
    assert secret.startswith("whsec_")
    token = read(lambda conn: tokens.find_by_secret(conn, KNOWN["token"].encode()))
    revoked = read(lambda conn: tokens.find_by_secret(conn, KNOWN["revoked"].encode()))
    now = written(production)
    assert (token.application, token.state(now)) == (APPLICATION, "active")
    assert (revoked.application, revoked.state(now)) == ("Old app", "revoked")


def test_deliveries_are_as_they_were_left(
    production: Path, opened: Opened, read: Callable[[Callable[[Connection], Any]], Any]
) -> None:
    found = read(lambda conn: deliveries.page(conn, limit=100))
    told = [(it.operation, it.state, it.doubt, it.unacknowledged, it.background) for it in reversed(found)]
    assert told == [
        ("create_assignment", "delivered", False, False, False),
        ("create_assignment", "delivered", False, False, False),
        ("delete_assignment", "delivered", False, False, False),
        ("update_submission", "delivered", False, False, False),
        ("update_submission", "delivered", False, False, True),
        ("create_assignment", "delivered", False, False, False),
        ("update_submission", "refused", False, False, True),
        ("send_webhook", "waiting", False, False, True),
        ("create_assignment", "failed", True, True, False),
        ("update_submissions", "waiting", False, False, True),
        ("update_submission", "waiting", False, False, True),
        ("create_assignment", "waiting", False, False, True),
        ("update_submission", "cancelled", False, False, True),
        ("create_assignment", "delivering", False, True, False),
    ]
    essay, _, _, grade, *_ = reversed(found)
    assert json.loads(essay.content) == {
        "title": "Essay", "description": "Two pages", "points_possible": "20", "due_date": DUE,
    }  # fmt: skip
    assert json.loads(grade.content)["grade_comment"] == "Well done: 100 %, ½ — ☺"
    assert grade.expires - grade.created == 72 * HOUR
    (refused,) = (it for it in found if it.state == "refused")
    assert (refused.status, refused.message, refused.expires - refused.created) == (
        404,
        "User not found",
        48 * HOUR,
    )
    (many,) = (it for it in found if it.operation == "update_submissions")
    parts = read(lambda conn: deliveries.parts(conn, many.id))
    assert [json.loads(it.content) for it in parts] == [{"grade_points": "5"}, {"grade_points": "6.25"}]
    assert {it.cause for it in parts} == {"it failed several times in a row and is not asked now"}
    backing_off = read(destinations.find_all)
    (webhook,) = read(lambda conn: webhooks.find_all(conn, DISTRICT))
    assert {key: (it.failures > 0, it.allowed) for key, it in backing_off.items()} == {
        DISTRICT: (True, 1), webhook.id: (True, 1),
    }  # fmt: skip
    now = written(production)
    keyed = read(lambda conn: idempotency.find(conn, DISTRICT, APPLICATION, "essay", now))
    assert keyed.delivery_id == essay.id
    located = read(lambda conn: assignments.locate(conn, essay.id))
    assert (located[0], located[1].lms_id) == (essay.section_id, "501")
    notes = asyncio.run(StoredNotes(opened, DISTRICT).read(["assignment/501"]))
    assert notes == {"assignment/501": {"dates": {"due_date": [DUE, 1_906_588_740_000]}}}


def test_its_deliveries_go_on(production: Path) -> None:
    """At a Canvas as it was then, at another address now."""
    now = written(production)
    with canvas() as lms:
        lms.clock.now = now - 20 * SECOND
        fields = {"description": "Two pages", "due_date": DUE, "points_possible": Decimal(20)}
        made = [
            lms.create("107/207", title=title, **fields)
            for title in ("Essay", "unused", "Second", "In doubt")
        ]
        assert [it.lms_id for it in made] == ["501", "502", "503", "504"]
        lms.delete("502")
        lms.clock.now = now + 10 * MINUTE
        _move(production, lms)
        with serving(production, "production", now=now + 10 * MINUTE, lease_seconds=2.0) as gateway:
            gateway.token = KNOWN["token"]
            sections = gateway.write(
                lambda conn: dict(conn.execute("SELECT name, id FROM sections").fetchall())
            )
            students = gateway.write(
                lambda conn: [
                    row[0] for row in conn.execute("SELECT id FROM users ORDER BY sis_id LIMIT 3").fetchall()
                ]
            )
            algebra = f"/v3.1/sections/{sections['Algebra 1']}/assignments"
            again = gateway.call("POST", algebra, ESSAY, {"Idempotency-Key": "essay"})
            assert (again.status, again.data["title"]) == (200, "Essay")
            _settle(gateway)
            found = gateway.call("POST", algebra, {**ESSAY, "title": "In doubt"})
            assert found.status == 200
            listed = {it["title"]: it["id"] for it in gateway.get(f"{algebra}?limit=100").data}
            grades = {
                (title, it["user_id"]): it["grade_points"]
                for title, id_ in listed.items()
                for it in gateway.get(f"{algebra}/{id_}/submissions?limit=100").data
                if "grade_points" in it
            }
            ended = gateway.write(lambda conn: deliveries.page(conn, limit=100))
        records = [it["name"] for it in simulator(lms).records.all("assignments") if not it["deleted"]]
    assert sorted(listed) == ["Essay", "In doubt", "Second"]
    assert listed["Essay"] == again.data["id"]
    assert listed["In doubt"] == next(it.id for it in ended if "In doubt" in it.content)
    ada, _, chloe = students
    assert grades == {("Essay", ada): 5, ("Essay", chloe): 6.25, ("Second", chloe): 12}
    assert sorted(records) == ["Essay", "In doubt", "Later", "Second"]
    assert [(it.state, it.cause) for it in ended if it.unacknowledged] == [
        ("failed", "a crash left it in doubt, and it is not to be seen in the LMS")
    ]
    assert [it.state for it in reversed(ended) if it.background] == [
        "delivered", "refused", "waiting", "delivered", "delivered", "delivered", "cancelled", "failed",
    ]  # fmt: skip


def _move(folder: Path, lms: Lms) -> None:
    """Let the district's LMS be where the simulator is."""
    assert lms.connection is not None
    address, given = lms.connection.address, lms.connection.credentials
    vault = Vault(Settings(data=str(folder)).secret_keys)

    def write(conn: Connection) -> None:
        stored = connections.find(conn, DISTRICT)
        assert stored is not None
        credentials = connections.seal(vault, DISTRICT, {**connections.unseal(vault, stored), **given})
        connections.save(
            conn, DISTRICT, address=address, options=stored.options, credentials=credentials,
            now=stored.last_modified + 1,
        )  # fmt: skip

    with contextlib.closing(connect("", folder / "passback.db")) as database:
        database.write_now(write)


def _settle(gateway: Sandbox) -> None:
    """Wait until all but the webhook's delivery have ended; its server is not there."""
    give_up = time.monotonic() + 60
    query = "SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'delivering') AND operation <> 'send_webhook'"
    while gateway.write(lambda conn: conn.execute(query).fetchone()[0]):
        assert time.monotonic() < give_up
        gateway.clock.advance(hours=0.002)
        time.sleep(0.05)


def test_the_sandboxes_gradebooks_are_as_they_were_left(tmp_path: Path) -> None:
    folder = copy("sandbox", tmp_path)
    with serving(folder, now=written(folder) + MINUTE) as sandbox:
        for digits, token in (
            ("27", "DEMO_TOKEN"), ("ca", "DEMO_CANVAS_TOKEN"), ("5c", "DEMO_SCHOOLOGY_TOKEN"), ("6c", "DEMO_GOOGLE_TOKEN"),
        ):  # fmt: skip
            prefix = f"4fee004cca2e43cf{digits}"
            client = sandbox.client(token)
            path = f"/v3.1/sections/{prefix}000007/assignments"
            essay = next(it for it in client.get(path).data if it["title"] == "Essay")
            assert {name: essay[name] for name in ESSAY} == ESSAY, digits
            grade = client.get(f"{path}/{essay['id']}/submissions/{prefix}001001").data
            assert (grade["grade_points"], grade["grader_id"]) == (7.5, f"{prefix}000001"), digits
            assert grade.get("grade_comment") == (None if digits == "6c" else f"From {digits}")
        _settle(sandbox)
        titles = [
            it["title"] for it in sandbox.get("/v3.1/sections/4fee004cca2e43cf27000007/assignments").data
        ]
        assert titles == ["Essay", "Late"]


@pytest.mark.parametrize("copied", ["by backup", "by hand"])
def test_a_backup_of_an_older_version_is_restored_and_goes_on(tmp_path: Path, copied: str) -> None:
    """A copy by hand does not say when it was made; then it is as old as what happened last in it."""
    (tmp_path / "old").mkdir()
    old, target = copy("production", tmp_path / "old"), tmp_path / "copy.db"
    if copied == "by hand":
        shutil.copyfile(old / "passback.db", target)
    else:
        backups.back_up(Settings(data=str(old)), target, written(old))
    now = written(old) + HOUR
    done = backups.restore(Settings(data=str(tmp_path / "new")), target, now)
    assert (written(old) <= done.backed_up <= now, done.kept) == (True, None)
    shutil.copy(old / "secret.key", tmp_path / "new")
    with serving(tmp_path / "new", "production", now=now) as gateway:
        assert gateway.client(None).get("/health/ready").status == 200
