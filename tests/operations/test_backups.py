"""Backing up a data file that is served, and restoring it: nothing that was delivered since is sent twice."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from passback.app import open_database
from passback.domain.clock import HOUR, MINUTE, SECOND
from passback.operations import backups
from passback.operations.errors import NotFound, OperationError, StoreError
from passback.operations.older_copies import Ticking, count_file
from passback.sandbox.seed import seed
from passback.settings import Settings
from passback.store import connections, deliveries
from passback.store.engine import migrate
from passback.store.engine.copies import InUse
from passback.store.engine.database import Connection
from passback.store.engine.vault import Vault
from passback.testing.served import Served
from passback.testing.served import serving as simulating
from passback_simulators import address_of, simulator_of
from passback_simulators.identities import SIMULATED, SandboxDistrict
from passback_simulators.reply import Reply as SimulatorReply
from passback_simulators.request import Request
from support.postgres import dump, fresh_database, restore_dump
from support.sandbox import ESSAY, NOW, Client, Reply, Sandbox, SetClock, serving, stored

KINDS = {district.lms_type: district for district in SIMULATED}
CREATED = {
    "canvas": "assignments",
    "schoology": "grade_items",
    "google": "course_work",
    "moodle": "assigns",
    "lti": "items",
}


@dataclass(frozen=True)
class World:
    """A district in production whose LMS outlives every restore."""

    folder: Path
    known: SandboxDistrict
    lms: Served
    database_url: str = ""

    @property
    def database(self) -> dict[str, Any]:
        if not self.database_url:
            return {}
        return {"database_url": self.database_url, "secret_key": base64.b64encode(bytes(32)).decode()}

    @property
    def settings(self) -> Settings:
        return Settings(data=str(self.folder), **self.database)

    @property
    def file(self) -> Path:
        return self.folder / "passback.db"

    @property
    def assignments(self) -> str:
        return f"/v3.1/sections/{self.known.id('000007')}/assignments"

    def student(self, assignment: str) -> str:
        return f"{self.assignments}/{assignment}/submissions/{self.known.id('001001')}"

    @contextlib.contextmanager
    def served(self, now: int) -> Iterator[tuple[Sandbox, Client]]:
        self.start(now)
        with serving(self.folder, "production", now=now, **self.database) as gateway:
            self.lms.simulator.clock = gateway.clock  # so that no token of the gateway's is of the future
            yield gateway, gateway.client(self.known.token)

    def start(self, now: int) -> list[str]:
        """What a start notices of the data file."""
        with contextlib.closing(open_database(self.settings, "production")) as database:
            return Ticking(database, count_file(self.settings)).begin(now)

    def count(self) -> int:
        return len(self.lms.simulator.records.all(CREATED[self.known.lms_type]))


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world_of(request.param, tmp_path / "data") as world:
        yield world


@contextlib.contextmanager
def world_of(lms_type: str, folder: Path, database_url: str = "") -> Iterator[World]:
    """A world of a kind of LMS, with a data file or on PostgreSQL."""
    known = KINDS[lms_type]
    simulator = simulator_of(known.lms_type, SetClock())
    simulator.start()
    with simulating(simulator) as lms:
        world = World(folder, known, lms, database_url)
        with contextlib.closing(open_database(world.settings, "production")) as database:
            database.write_now(lambda conn: seed(conn, NOW))
            given = dict(simulator.connection_credentials(lms.url))
            sealed = connections.seal(Vault(world.settings.secret_keys), known.district_id, given)
            database.write_now(
                lambda conn: connections.save(
                    conn,
                    known.district_id,
                    address=address_of(known.lms_type, lms.url),
                    options=dict(simulator.connection_options(lms.url)),
                    credentials=sealed,
                    now=NOW,
                )
            )
        yield world


def later(client: Client, path: str, body: Mapping[str, Any], method: str = "PATCH") -> Reply:
    reply = client.call(method, path, json.dumps(dict(body)), {"Prefer": "respond-async"})
    assert reply.status == 202, reply
    return reply


def ended(gateway: Sandbox, client: Client, delivery_id: str) -> dict[str, Any]:
    """A delivery once it has ended; the clock goes on meanwhile."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/v3.1/deliveries/{delivery_id}").data
        if found["state"] not in ("waiting", "delivering"):
            return found
        gateway.clock.now += MINUTE
        gateway.gateway.in_flight.wake()
        time.sleep(0.05)
    raise AssertionError(found)


def test_what_was_created_after_the_backup_is_found_when_it_is_asked_for_again(world: World) -> None:
    before, comment = world.count(), {"grade_points": 7, "grade_comment": "Well done"}
    if world.known.lms_type == "google":
        del comment["grade_comment"]
    with world.served(NOW) as (_, client):
        client.post(world.assignments, {**ESSAY, "title": "Known"})
        backups.back_up(world.settings, world.folder / "copy.db", NOW)
    with world.served(NOW + HOUR) as (_, client):
        made = client.post(world.assignments, ESSAY).data["id"]
        assert client.patch(world.student(made), comment).status == 200
    assert backups.restore(world.settings, world.folder / "copy.db", NOW + 2 * HOUR).in_doubt == 0
    with world.served(NOW + 3 * HOUR) as (_, client):
        assert client.get(f"{world.assignments}/{made}").status == 404
        again = client.post(world.assignments, ESSAY).data["id"]
        assert client.patch(world.student(again), comment).status == 200
        other = client.post(world.assignments, ESSAY).data["id"]  # a second is wanted now
    assert (world.count() - before, again != other) == (3, True)
    if world.known.lms_type == "canvas":
        held = world.lms.simulator.records.all("submissions")
        assert [note["comment"] for it in held for note in it.get("comments", [])] == ["Well done"]


@pytest.mark.parametrize("by", ["command", "hand"])
def test_what_waits_in_the_backup_is_not_sent_twice(world: World, by: str) -> None:
    before = world.count()
    with world.served(NOW) as (gateway, client):
        graded = client.post(world.assignments, {**ESSAY, "title": "Graded"}).data["id"]
        world.lms.fail("expired-credentials", times=None)
        create = later(client, world.assignments, ESSAY, "POST").data["id"]
        grade = later(client, world.student(graded), {"grade_points": 8}).data["id"]
        if by == "command":
            backups.back_up(world.settings, world.folder / "copy.db", NOW)
        else:
            stored(world.file, f"VACUUM INTO '{world.folder / 'copy.db'}'")
        world.lms.control("DELETE", "faults")
        world.lms.simulator.clock.now = gateway.clock.now = NOW + HOUR  # type: ignore[attr-defined]
        assert [ended(gateway, client, it)["state"] for it in (create, grade)] == ["delivered"] * 2
        world.lms.simulator.clock.now = gateway.clock.now = NOW + 2 * HOUR  # type: ignore[attr-defined]
        assert client.patch(world.student(graded), {"grade_points": 9}).status == 200
    made = world.count()
    if by == "command":
        assert backups.restore(world.settings, world.folder / "copy.db", NOW + 100 * HOUR).in_doubt == 2
    else:
        world.start(NOW + 2 * HOUR)
        shutil.copyfile(world.folder / "copy.db", world.file)
        assert world.start(NOW + 100 * HOUR)[1].startswith("2 changes that wait in it are in doubt")
    with world.served(NOW + 100 * HOUR) as (gateway, client):
        created, regraded = (ended(gateway, client, it) for it in (create, grade))
        assert (created["state"], world.count() - before, made - before) == ("delivered", 2, 2)
        assert client.get(world.student(graded)).data["grade_points"] == 9
        assert regraded["state"] == "refused"
        assert "CHANGED_SINCE_BACKUP" in str(regraded)


def test_what_was_set_in_the_second_of_the_backup_is_not_overwritten(world: World) -> None:
    backed_up = NOW + SECOND // 2
    with world.served(NOW) as (gateway, client):
        graded = client.post(world.assignments, ESSAY).data["id"]
        world.lms.fail("expired-credentials", times=None)
        grade = later(client, world.student(graded), {"grade_points": 8}).data["id"]
        backups.back_up(world.settings, world.folder / "copy.db", backed_up)
        world.lms.control("DELETE", "faults")
        # Newer, and the LMS writes a time that is not: it tells whole seconds.
        gateway.clock.now = backed_up + SECOND // 4
        assert client.patch(world.student(graded), {"grade_points": 9}).status == 200
    assert backups.restore(world.settings, world.folder / "copy.db", NOW + HOUR).in_doubt == 1
    with world.served(NOW + HOUR) as (gateway, client):
        assert ended(gateway, client, grade)["state"] == "refused"
        assert client.get(world.student(graded)).data["grade_points"] == 9


@pytest.mark.parametrize("first", ["waited", "async"])
def test_what_replaces_a_grade_of_just_before_the_backup_is_delivered(world: World, first: str) -> None:
    with world.served(NOW) as (gateway, client):
        graded = world.student(client.post(world.assignments, ESSAY).data["id"])
        if first == "async":
            earlier = later(client, graded, {"grade_points": 5}).data["id"]
            assert ended(gateway, client, earlier)["state"] == "delivered"
        else:
            assert client.patch(graded, {"grade_points": 5}).status == 200
        gateway.clock.now = backed_up = gateway.clock.now + SECOND
        world.lms.fail("expired-credentials", times=None)
        grade = later(client, graded, {"grade_points": 8}).data["id"]
        backups.back_up(world.settings, world.folder / "copy.db", backed_up)
    world.lms.control("DELETE", "faults")
    assert backups.restore(world.settings, world.folder / "copy.db", NOW + HOUR).in_doubt == 1
    with world.served(NOW + HOUR) as (gateway, client):
        assert ended(gateway, client, grade)["state"] == "delivered"
        assert client.get(graded).data["grade_points"] == 8


@pytest.mark.parametrize("lms_type", KINDS)
def test_a_postgresql_dump_that_is_restored_sends_nothing_twice(lms_type: str, tmp_path: Path) -> None:
    with (
        fresh_database("production") as url,
        fresh_database() as other,
        world_of(lms_type, tmp_path / "data", url) as world,
    ):
        before = world.count()
        with world.served(NOW) as (gateway, client):
            graded = client.post(world.assignments, {**ESSAY, "title": "Graded"}).data["id"]
            world.lms.fail("expired-credentials", times=None)
            create = later(client, world.assignments, ESSAY, "POST").data["id"]
            grade = later(client, world.student(graded), {"grade_points": 8}).data["id"]
            dump(url, tmp_path / "dump")
            world.lms.control("DELETE", "faults")
            world.lms.simulator.clock.now = gateway.clock.now = NOW + HOUR  # type: ignore[attr-defined]
            assert [ended(gateway, client, it)["state"] for it in (create, grade)] == ["delivered"] * 2
            world.lms.simulator.clock.now = gateway.clock.now = NOW + 2 * HOUR  # type: ignore[attr-defined]
            assert client.patch(world.student(graded), {"grade_points": 9}).status == 200
            later_one = {**ESSAY, "title": "Later"}
            assert client.post(world.assignments, later_one).status == 200
        restore_dump(tmp_path / "dump", other)
        copy = replace(world, database_url=other)
        assert copy.start(NOW + 100 * HOUR)[1].startswith("2 changes that wait in it are in doubt")
        with copy.served(NOW + 100 * HOUR) as (gateway, client):
            created, regraded = (ended(gateway, client, it) for it in (create, grade))
            assert (created["state"], regraded["state"]) == ("delivered", "refused")
            assert "CHANGED_SINCE_BACKUP" in str(regraded)
            assert client.get(world.student(graded)).data["grade_points"] == 9
            assert client.post(world.assignments, later_one).status == 200
        assert world.count() - before == 3


def test_grades_that_wait_in_the_backup_and_are_in_the_lms_are_not_sent_again(world: World) -> None:
    others = [f"{world.known.id('001002')}", f"{world.known.id('001003')}"]
    with world.served(NOW) as (gateway, client):
        graded = client.post(world.assignments, ESSAY).data["id"]
        world.lms.fail("expired-credentials", times=None)
        many = {"submissions": [{"user_id": it, "grade_points": 3} for it in others]}
        waiting = [
            later(client, world.student(graded), {"grade_points": 8}).data["id"],
            later(client, f"{world.assignments}/{graded}/submissions", many).data["id"],
        ]
        backups.back_up(world.settings, world.folder / "copy.db", NOW)
        world.lms.control("DELETE", "faults")
        world.lms.simulator.clock.now = gateway.clock.now = NOW + HOUR  # type: ignore[attr-defined]
        assert {ended(gateway, client, it)["state"] for it in waiting} == {"delivered"}
    assert backups.restore(world.settings, world.folder / "copy.db", NOW + 2 * HOUR).in_doubt == 3
    with sent_to(world) as sent, world.served(NOW + 3 * HOUR) as (gateway, client):
        results = [ended(gateway, client, it)["result"] for it in waiting]
        assert results[0]["grade_points"] == 8
        assert [one["status"] for one in results[1]] == [200, 200]
    assert sent == []


@contextlib.contextmanager
def sent_to(world: World) -> Iterator[list[str]]:
    """The paths of the changes that the LMS is sent meanwhile."""
    simulator, sent = world.lms.simulator, list[str]()
    real = simulator.answer

    async def answer(request: Request) -> SimulatorReply:
        method, path = simulator.named(request)
        if method != "GET" and "oauth" not in path and "token" not in path:
            sent.append(path)
        return await real(request)

    simulator.answer = answer  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        simulator.answer = real  # type: ignore[method-assign]


def test_what_waits_in_the_backup_and_was_not_delivered_is(world: World) -> None:
    before = world.count()
    with world.served(NOW) as (_, client):
        graded = client.post(world.assignments, {**ESSAY, "title": "Graded"}).data["id"]
        world.lms.fail("expired-credentials", times=None)
        create = later(client, world.assignments, ESSAY, "POST").data["id"]
        grade = later(client, world.student(graded), {"grade_points": 8}).data["id"]
        backups.back_up(world.settings, world.folder / "copy.db", NOW + 1)
    world.lms.control("DELETE", "faults")
    backups.restore(world.settings, world.folder / "copy.db", NOW + HOUR)
    with world.served(NOW + 2 * HOUR) as (gateway, client):
        assert [ended(gateway, client, it)["state"] for it in (create, grade)] == ["delivered"] * 2
        assert client.get(world.student(graded)).data["grade_points"] == 8
    assert world.count() - before == 2


# The files.


def test_a_backup_is_one_file_that_only_its_owner_can_read(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with contextlib.closing(open_database(settings, "production")):  # as a gateway has it open
        done = backups.back_up(settings, target, NOW)
    assert (done.size, target.stat().st_mode & 0o777) == (target.stat().st_size, 0o600)
    assert [it.name for it in tmp_path.iterdir()] == ["data", "copy.db"] or len(list(tmp_path.iterdir())) == 2
    with pytest.raises(OperationError, match="exists already"):
        backups.back_up(settings, target, NOW)


def test_a_data_file_in_use_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    backups.back_up(settings, target, NOW)
    with contextlib.closing(open_database(settings, "production")) as database:
        with pytest.raises(InUse, match="stop the gateway first"):
            backups.restore(settings, target, NOW)
        assert database.read_now(lambda conn: deliveries.find(conn, "x")) is None
    done = backups.restore(settings, target, NOW)
    assert done.kept is not None
    assert sorted(it.name for it in Path(settings.data).iterdir()) == ["passback.db", done.kept.name]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"nothing of ours", "not a database"),
        (b"", "is empty"),
        ("CREATE TABLE x (y)", "not Passback's"),
        (
            "CREATE TABLE passback_meta (name, value); INSERT INTO passback_meta VALUES ('schema', '9999')",
            "newer",
        ),
    ],
)
def test_what_is_no_backup_of_ours_is_not_restored(
    settings: Settings, tmp_path: Path, content: bytes | str, told: str
) -> None:
    source = tmp_path / "other.db"
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        with contextlib.closing(sqlite3.connect(source)) as connection:
            connection.executescript(content)
    before = (Path(settings.data) / "passback.db").read_bytes()
    with pytest.raises(StoreError, match=told):
        backups.restore(settings, source, NOW)
    assert (Path(settings.data) / "passback.db").read_bytes() == before
    assert [it.name for it in Path(settings.data).iterdir()] == ["passback.db"]


def test_a_sandboxs_backup_does_not_replace_real_data(settings: Settings, tmp_path: Path) -> None:
    sandbox = Settings(data=str(tmp_path / "sandbox"))
    open_database(sandbox, "sandbox").close()
    backups.back_up(sandbox, tmp_path / "copy.db", NOW)
    with pytest.raises(StoreError, match="holds a production gateway's data"):
        backups.restore(settings, tmp_path / "copy.db", NOW)


def test_a_damaged_data_file_can_be_replaced(settings: Settings, tmp_path: Path) -> None:
    backups.back_up(settings, tmp_path / "copy.db", NOW)
    path = Path(settings.data) / "passback.db"
    path.write_bytes(b"damaged" * 1000)
    assert backups.restore(settings, tmp_path / "copy.db", NOW).kept is not None
    open_database(settings, "production").close()


def test_a_backup_makes_a_data_file_in_a_new_folder(settings: Settings, tmp_path: Path) -> None:
    backups.back_up(settings, tmp_path / "copy.db", NOW)
    elsewhere = Settings(data=str(tmp_path / "new" / "data"))
    assert backups.restore(elsewhere, tmp_path / "copy.db", NOW).kept is None
    open_database(elsewhere, "production").close()


def test_the_log_of_a_data_file_that_is_lost_is_not_taken_for_the_backups(
    settings: Settings, tmp_path: Path
) -> None:
    path = Path(settings.data) / "passback.db"
    backups.back_up(settings, tmp_path / "copy.db", NOW)
    with contextlib.closing(open_database(settings, "production")) as database:
        database.write_now(lambda conn: migrate.set_meta(conn, "later", "x"))
        log = path.with_name("passback.db-wal").read_bytes()
    path.unlink()
    path.with_name("passback.db-wal").write_bytes(log)
    assert backups.restore(settings, tmp_path / "copy.db", NOW).kept is None
    with contextlib.closing(open_database(settings, "production")) as database:
        assert database.read_now(lambda conn: migrate.meta(conn, "later")) is None
    assert stored(path, "PRAGMA integrity_check") == [("ok",)]
    [kept] = [it for it in path.parent.iterdir() if "replaced" in it.name]
    assert kept.read_bytes() == log


@pytest.mark.parametrize("part", [0.0001, 0.3, 0.9])
def test_a_torn_backup_is_not_restored(settings: Settings, tmp_path: Path, part: float) -> None:
    source = tmp_path / "copy.db"
    backups.back_up(settings, source, NOW)
    whole = source.read_bytes()
    source.write_bytes(whole[: int(len(whole) * part)])
    before, names = (Path(settings.data) / "passback.db").read_bytes(), sorted(Path(settings.data).iterdir())
    with pytest.raises(StoreError):
        backups.restore(settings, source, NOW)
    assert (Path(settings.data) / "passback.db").read_bytes() == before
    assert sorted(Path(settings.data).iterdir()) == names


def test_a_share_without_links_takes_a_backup(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("passback.store.engine.copies.os.link", refuse)
    backups.back_up(settings, tmp_path / "copy.db", NOW)
    assert sorted(it.name for it in tmp_path.iterdir()) == ["copy.db", "data"]
    assert (tmp_path / "copy.db").stat().st_size > 100_000


def test_a_backup_is_whole_while_the_gateway_writes(settings: Settings, tmp_path: Path) -> None:
    with contextlib.closing(open_database(settings, "production")) as database:
        done = threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1

                def both(conn: Connection, number: int = number) -> None:
                    for name in ("a", "b"):
                        migrate.set_meta(conn, name, str(number))

                database.write_now(both)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(5):
                backups.back_up(settings, tmp_path / f"{number}.db", NOW)
        finally:
            done.set()
            thread.join()
    for number in range(5):
        rows = stored(tmp_path / f"{number}.db", "SELECT value FROM passback_meta WHERE name IN ('a', 'b')")
        assert len(set(rows)) <= 1


def test_only_a_data_file_is_backed_up(settings: Settings, tmp_path: Path) -> None:
    for other in (Settings(database_url="postgresql://x"), Settings(data=":memory:")):
        with pytest.raises(OperationError):
            backups.back_up(other, tmp_path / "copy.db", NOW)
        with pytest.raises(OperationError):
            backups.restore(other, tmp_path / "copy.db", NOW)
    with pytest.raises(NotFound):
        backups.back_up(Settings(data=str(tmp_path / "none")), tmp_path / "copy.db", NOW)
    with pytest.raises(NotFound):
        backups.restore(settings, tmp_path / "none.db", NOW)
    with pytest.raises(OperationError, match="the data file itself"):
        backups.restore(settings, Path(settings.data) / "passback.db", NOW)
