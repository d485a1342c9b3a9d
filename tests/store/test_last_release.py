"""Upgrades from the last release: its code on today's tables, and today's code on its data.

Nothing has been released yet: a commit stands for it. Its code comes from the repository's history, and runs with the
packages of this environment.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from passback.domain.clock import system_clock
from passback.store import deliveries
from passback.store.engine.migrate import migrations, statements
from passback.store.engine.open import connect
from passback.store.engine.vault import new_key
from passback.testing.served import Served, serving
from passback_simulators import address_of, simulator_of
from support.commands import ENVIRONMENT, command, real
from support.postgres import fresh_database
from support.sandbox import ESSAY, Client, free_port

LAST_RELEASE = "ccc55a4"
"""The release that this one must work beside: version 0.1.0 as it was when its data files were made (see
``tests/fixtures/data_files``). Each release puts the tag of the one before here."""
ROOT = Path(__file__).parents[2]
DISTRICTS = {
    "27": "DEMO_TOKEN", "ca": "DEMO_CANVAS_TOKEN", "5c": "DEMO_SCHOOLOGY_TOKEN", "6c": "DEMO_GOOGLE_TOKEN",
}  # fmt: skip
"""The tokens of the sandbox's districts, by what their ids have after ``4fee004cca2e43cf``."""


@pytest.fixture(scope="module")
def last(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the last release's code."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", LAST_RELEASE, "src"], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip("the repository's history is not here")
    folder = tmp_path_factory.mktemp("last")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder / "src"


@contextlib.contextmanager
def sandbox(code: Path, data: Path | str = ":memory:", **settings: str) -> Iterator[int]:
    """A sandbox that runs that code, until the end: its port."""
    port = free_port()
    with subprocess.Popen(
        command("sandbox", "--port", str(port), "--data", str(data)), stdout=subprocess.PIPE, text=True,
        env={**ENVIRONMENT, "PYTHONPATH": str(code), **settings},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            assert "Passback" in process.stdout.readline()
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=60)


def work(port: int, title: str) -> dict[str, Any]:
    """Do in each LMS's district what applications do, and return what came of it."""
    done = {}
    for digits, token in DISTRICTS.items():
        prefix = f"4fee004cca2e43cf{digits}"
        path = f"/v3.1/sections/{prefix}000007/assignments"
        student = f"{prefix}001001"
        with contextlib.closing(Client(port, token)) as client:
            made = client.call("POST", path, {**ESSAY, "title": title}, {"Idempotency-Key": title})
            assert made.status == 200, made
            again = client.call("POST", path, {**ESSAY, "title": title}, {"Idempotency-Key": title})
            assert again.json == made.json
            own = f"{path}/{made.data['id']}"
            changed = client.patch(own, {"points_possible": 30})
            assert (changed.status, changed.data["points_possible"]) == (200, 30)
            grade = {"grade_points": 18, "grader_id": f"{prefix}000001", "state": "returned"}
            graded = client.patch(f"{own}/submissions/{student}", grade)
            assert (graded.status, graded.data["grade_points"]) == (200, 18), graded
            later = client.call(
                "PATCH",
                f"{own}/submissions/{student}",
                {**grade, "grade_points": 19},
                {"Prefer": "respond-async"},
            )
            assert later.status == 202, later
            delivery = later.headers["location"]
            delivered(client, delivery)
            for listed in (
                path,
                f"{own}/submissions",
                "/v3.1/deliveries",
                f"/v3.1/sections/{prefix}000007",
                "/v3.1/events",
            ):
                assert client.get(f"{listed}?limit=2").status == 200, listed
            webhook = client.post(
                "/v3.1/webhooks", {"url": "https://hooks.example/x", "events": ["delivery.refused"]}
            )
            done[digits] = {
                "assignment": own,
                "student": student,
                "delivery": delivery,
                "webhook": webhook.status,
            }
            unwanted = client.post(path, {**ESSAY, "title": f"{title}, not wanted"})
            assert client.delete(f"{path}/{unwanted.data['id']}").status == 200
    return done


def delivered(client: Client, delivery: str) -> None:
    give_up = time.monotonic() + 60
    while (found := client.get(delivery).data)["state"] != "delivered":
        assert time.monotonic() < give_up, found
        time.sleep(0.1)


def assert_there(port: int, done: dict[str, Any]) -> None:
    """What was done by one version is what another says."""
    for digits, it in done.items():
        with contextlib.closing(Client(port, DISTRICTS[digits])) as client:
            assert client.get(it["assignment"]).data["points_possible"] == 30
            assert client.get(f"{it['assignment']}/submissions/{it['student']}").data["grade_points"] == 19
            assert client.get(it["delivery"]).data["state"] == "delivered"


def test_the_last_release_goes_on_while_this_one_migrates_and_serves_beside_it(last: Path) -> None:
    """As when processes on one PostgreSQL are replaced one after the other."""
    with fresh_database() as url:
        settings = {"PASSBACK_DATABASE_URL": url}
        with sandbox(last, **settings) as old:
            before = work(old, "Before")
            with sandbox(ROOT / "src", **settings) as new:
                assert_there(new, before)
                beside = work(old, "Beside"), work(new, "New")
                for done in beside:
                    assert_there(old, done)
                    assert_there(new, done)
            assert_there(old, work(old, "After"))


@dataclass(frozen=True)
class Release:
    """The code of a release, in production on one PostgreSQL database."""

    code: Path
    settings: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, "PYTHONPATH": str(self.code), **self.settings}

    def run(self, *arguments: str) -> str:
        """What a command says."""
        done = real(*arguments, environment=self.environment)
        assert done.returncode == 0, done
        return done.stdout

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[None]:
        """A process that serves or delivers, until the end."""
        with subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, text=True, env=self.environment
        ) as process:
            assert process.stdout is not None
            try:
                assert "Passback" in process.stdout.readline()
                yield
            finally:
                process.terminate()
                process.communicate(timeout=60)

    @contextlib.contextmanager
    def serving(self) -> Iterator[int]:
        """A server, until the end: its port."""
        port = free_port()
        with self.started("serve", "--port", str(port)):
            yield port

    def connected(self, kind: str, lms: Served) -> str:
        """The token of an application in a new district, whose LMS that is and whose roster the LMS has."""
        of = lms.simulator
        given = {**of.connection_credentials(lms.url), **of.connection_options(lms.url)}
        settings = [
            word for name, value in given.items() if ":" not in name for word in ("--set", f"{name}={value}")
        ]
        told = self.run("connect", kind, "--name", kind, "--address", address_of(kind, lms.url), *settings)
        [district] = re.findall(r"^district (\w+) is connected", told)
        self.run("roster", "import", "--from-lms", "--district", district)
        made = self.run("token", "create", "--district", district, "--application", "App")
        [token] = re.findall(r"(?m)^  (\S+)$", made)
        return str(token)


def graded_later(port: int, token: str, lms: Served) -> str:
    """A grade that a server accepted for an LMS that is down from then on: its delivery."""
    with contextlib.closing(Client(port, token)) as client:
        listed = [it["data"] for it in client.get("/v3.1/sections").data]
        section = next(it for it in listed if it["students"])
        own = f"/v3.1/sections/{section['id']}"
        made = client.post(f"{own}/assignments", ESSAY)
        assert made.status == 200, made
        lms.fail("error-before", times=None)
        later = client.call(
            "PATCH",
            f"{own}/assignments/{made.data['id']}/submissions/{section['students'][0]}",
            {"grade_points": 18},
            {"Prefer": "respond-async"},
        )
    assert later.status == 202, later
    return later.headers["location"].rpartition("/")[2]


def test_workers_of_either_release_deliver_what_servers_of_the_other_accepted(last: Path) -> None:
    """Into LMSs that both know; and what is for one that the last release does not know waits for the new worker."""
    kinds = ("canvas", "schoology", "moodle")
    with fresh_database() as url, contextlib.ExitStack() as ends:
        settings = {"PASSBACK_DATABASE_URL": url, "PASSBACK_SECRET_KEY": new_key()}
        old, new = Release(last, settings), Release(ROOT / "src", settings)
        simulators = [simulator_of(kind, system_clock) for kind in kinds]
        for simulator in simulators:
            simulator.start()
        canvas, schoology, moodle = (ends.enter_context(serving(it)) for it in simulators)
        database = ends.enter_context(contextlib.closing(connect(url, None)))

        def state(delivery_id: str) -> str:
            found = database.read_now(lambda conn: deliveries.find(conn, delivery_id))
            assert found is not None
            return found.state

        def arrive(delivery_id: str) -> None:
            # Unless it is under way, it would wait as long as LMSs are let rest.
            real("deliveries", "retry", delivery_id, environment=new.environment)
            give_up = time.monotonic() + 120
            while state(delivery_id) != "delivered":
                assert time.monotonic() < give_up, state(delivery_id)
                time.sleep(0.1)

        with contextlib.ExitStack() as before:
            before.enter_context(old.started("worker"))
            with old.serving() as old_port:
                in_canvas, in_schoology = (
                    old.connected("canvas", canvas),
                    old.connected("schoology", schoology),
                )
                with new.serving() as new_port:
                    to_canvas = graded_later(new_port, in_canvas, canvas)
                    to_moodle = graded_later(new_port, new.connected("moodle", moodle), moodle)
                    to_schoology = graded_later(old_port, in_schoology, schoology)
            canvas.mend()
            moodle.mend()
            arrive(to_canvas)
            assert state(to_moodle) in ("waiting", "delivering")
        with new.started("worker"):
            schoology.mend()
            arrive(to_schoology)
            arrive(to_moodle)


def test_this_one_opens_the_data_file_of_the_last_release_and_that_one_refuses_it_then(
    last: Path, tmp_path: Path
) -> None:
    with sandbox(last, tmp_path) as old:
        done = work(old, "Before")
    with sandbox(ROOT / "src", tmp_path) as new:
        assert_there(new, done)
        assert_there(new, work(new, "After"))
    if schema_of(last) == migrations()[-1][0]:
        with sandbox(last, tmp_path) as old:
            assert_there(old, done)
    else:
        refused = real(
            "sandbox",
            "--port",
            "0",
            "--data",
            str(tmp_path),
            environment={**ENVIRONMENT, "PYTHONPATH": str(last)},
        )
        assert (refused.returncode, "upgrade Passback" in refused.stderr) == (1, True)


def schema_of(code: Path) -> int:
    return max(int(it.name[:4]) for it in (code / "passback" / "store" / "migrations").glob("*.sql"))


_ADDS = re.compile(
    r"CREATE TABLE \w+|CREATE INDEX \w+|DROP INDEX \w+"
    r"|ALTER TABLE \w+ ADD COLUMN \w+ \w+(?!.* NOT NULL)|ALTER TABLE \w+ ADD COLUMN \w+ \w+ NOT NULL DEFAULT"
)
"""What older processes do not notice. A unique index, a column that must be given, a renamed or dropped one they do."""


def test_migrations_since_the_last_release_only_add(last: Path) -> None:
    files = ROOT / "src" / "passback" / "store" / "migrations"
    since = [name for number, name in migrations() if number > schema_of(last)]
    rest = {
        name: [it for it in statements((files / name).read_text("utf-8")) if not _adds(it)] for name in since
    }
    assert {name: found for name, found in rest.items() if found} == {}


def _adds(statement: str) -> bool:
    found = _ADDS.match(" ".join(statement.split()))
    return found is not None or statement.startswith(("UPDATE ", "INSERT ", "DELETE "))


@pytest.mark.parametrize(
    ("statement", "adds"),
    [
        ("CREATE TABLE things (id TEXT PRIMARY KEY)", True),
        ("CREATE INDEX things_by_name\n    ON things (name)", True),
        ("ALTER TABLE things ADD COLUMN name TEXT", True),
        ("ALTER TABLE things ADD COLUMN size BIGINT NOT NULL DEFAULT 0", True),
        ("ALTER TABLE things ADD COLUMN name TEXT NOT NULL", False),
        ("ALTER TABLE things DROP COLUMN name", False),
        ("ALTER TABLE things RENAME TO others", False),
        ("CREATE UNIQUE INDEX one_name ON things (name)", False),
        ("DROP TABLE things", False),
    ],
)
def test_what_older_processes_would_notice_is_known(statement: str, adds: bool) -> None:
    assert _adds(statement) is adds
