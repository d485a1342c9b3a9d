"""What torture works on: a database, a simulated Canvas, and gateway processes that can be killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passback.delivery import ledger
from passback.domain.clock import system_clock
from passback.domain.delivery import OPEN
from passback.sandbox.seed import seed
from passback.store import connections, deliveries, notes
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault, new_key, parse_keys
from passback.testing.served import Served, end_servers, serving
from passback_simulators.canvas.seed import ADMIN_TOKEN, SECTION_LMS_ID, person_lms_id
from passback_simulators.identities import ALGEBRA, CANVAS_UNIFIED
from passback_simulators.simulator import Simulator
from support.postgres import database_of
from torture.lmss import CANVAS, Tortured

TOKEN = CANVAS_UNIFIED.token
SECTION = CANVAS_UNIFIED.id(ALGEBRA.digits)
STUDENTS = [CANVAS_UNIFIED.id(digits) for digits in ALGEBRA.students]
ASSIGNMENTS = f"/v3.1/sections/{SECTION}/assignments"
LEASE_SECONDS = 3.0
"""A quarter of it is what a busy machine may add to the 300 ms that the simulated Canvas takes for a request, before a
process that was stopped amid one is declared dead and the request sent again."""
COURSE = SECTION_LMS_ID[ALGEBRA.digits].partition("/")[0]


class Gone(Exception):
    """A server does not answer: it was killed, or is starting."""


@dataclass
class Process:
    """A gateway process."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    port: int = 0
    running: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it says that it serves (or delivers)."""
        with self.log.open("a") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "passback", *self.arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
            )
        assert self.running.stdout is not None
        line = self.running.stdout.readline()
        if found := re.search(r"http://[^:]+:(\d+)", line):
            self.port = int(found[1])
        elif "delivers" not in line:
            raise RuntimeError(f"it does not start: {self.log.read_text()[-2000:]}")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it at once."""
        if self.running is not None:
            self.running.send_signal(how)
            self.running.wait(60)
            assert self.running.stdout is not None
            self.running.stdout.close()
            self.running = None


@dataclass
class World:
    """A database, a Canvas, and the processes in between."""

    folder: Path
    url: str
    canvas: Served
    environment: dict[str, str]
    lms: Tortured = CANVAS
    processes: list[Process] = field(default_factory=list)
    opened: list[http.client.HTTPConnection] = field(default_factory=list)
    """Connections to close in the end."""

    def add(self, *arguments: str) -> Process:
        """A new process that serves (or delivers)."""
        process = Process(arguments, self.environment, self.folder / f"{len(self.processes)}.log")
        process.start()
        self.processes.append(process)
        return process

    @property
    def servers(self) -> list[Process]:
        """Those that serve."""
        return [process for process in self.processes if process.arguments[0] == "serve"]

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """The database, beside the processes."""
        with contextlib.closing(connect(self.url, self.folder / "passback.db")) as database:
            yield database

    def open_deliveries(self) -> int:
        """How many deliveries have not ended."""
        with self.database() as database:
            return database.read_now(
                lambda conn: int(
                    conn.execute(
                        "SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'delivering')"
                    ).fetchone()[0]
                )
            )

    def settle(self, seconds: float = 120.0, *, patient: bool = True) -> None:
        """Wait until every delivery has ended; unless `patient`, have those that wait tried each second."""
        give_up = time.monotonic() + seconds
        hasten = time.monotonic() + 1
        while left := self.open_deliveries():
            if time.monotonic() > give_up:
                with self.database() as database:
                    stuck = database.read_now(lambda conn: deliveries.page(conn, limit=5, states=OPEN))
                raise RuntimeError(f"{left} deliveries do not end, such as {stuck}")
            if not patient and time.monotonic() > hasten:
                with self.database() as database:
                    database.write_now(_hasten)
                hasten = time.monotonic() + 1
            time.sleep(0.1)

    def in_lms(self) -> dict[str, dict[str, Any]]:
        """What there is in the LMS: by title, the submissions by our ids of the students, in Canvas's form."""
        if self.lms.grades is None:
            return self.in_canvas()
        found: dict[str, dict[str, Any]] = {}
        ours = self.lms.ours
        for title, grades in self.lms.grades(self.canvas.simulator):
            assert title not in found, f"{title} is there twice"
            found[title] = {student: {"entered_score": None} for student in ours.values()} | {
                ours[student]: {
                    "entered_score": points,
                    "submission_comments": [] if comment is None else [{"comment": comment}],
                }
                for student, points, comment in grades
                if student in ours
            }
        return found

    def in_canvas(self) -> dict[str, dict[str, Any]]:
        """What there is in Canvas: by title, the submissions by our ids of the students."""
        found: dict[str, dict[str, Any]] = {}
        ours = {person_lms_id(digits): CANVAS_UNIFIED.id(digits) for digits in ALGEBRA.students}
        for assignment in self._read(f"courses/{COURSE}/assignments"):
            submissions = self._read(
                f"courses/{COURSE}/assignments/{assignment['id']}/submissions",
                "include[]=submission_comments",
            )
            assert assignment["name"] not in found, f"{assignment['name']} is there twice"
            found[assignment["name"]] = {
                ours[str(one["user_id"])]: one for one in submissions if str(one["user_id"]) in ours
            }
        return found

    def titles_in_canvas(self) -> list[str]:
        """The title of each assignment in Canvas; a title comes as often as it is there."""
        return [str(assignment["name"]) for assignment in self._read(f"courses/{COURSE}/assignments")]

    def _read(self, path: str, query: str = "") -> list[Any]:
        import httpx2

        items: list[Any] = []
        url = f"{self.canvas.url}/api/v1/{path}?per_page=100&{query}"
        while url:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            reply = httpx2.get(url, headers=headers, timeout=30, verify=False)  # without reading certificates
            assert reply.status_code == 200, reply.text
            items += reply.json()
            url = reply.links.get("next", {}).get("url", "")
        return items


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]


class Caller:
    """Calls one server or another, each thread over connections of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._own = threading.local()

    def __call__(
        self,
        process: Process,
        method: str,
        path: str,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer. Raises `Gone` where there is none."""
        connections = self._own.__dict__.setdefault("connections", {})
        connection = connections.get(process.port)
        if connection is None:
            connection = connections[process.port] = http.client.HTTPConnection(
                "127.0.0.1", process.port, timeout=60
            )
            self._world.opened.append(connection)
        try:
            body = None if content is None else json.dumps(content)
            token = self._world.lms.district.token
            connection.request(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Gone(str(error)) from None


@contextlib.contextmanager
def world(
    kind: str, *, url: str | None = None, rate_limit: int = 10**9, lms: Tortured = CANVAS
) -> Iterator[World]:
    """A world on a kind of database: a new one, unless a `url` is given."""
    key = new_key()
    simulator = lms.make()
    simulator.start()
    with (
        tempfile.TemporaryDirectory(prefix="passback-torture-") as folder,
        contextlib.nullcontext(url) if url is not None else database_of(kind) as url,
        serving(simulator) as canvas,
    ):
        made = World(
            Path(folder),
            url,
            canvas,
            {
                "PASSBACK_DATA": folder,
                "PASSBACK_SECRET_KEY": key,
                "PASSBACK_PORT": "0",
                "PASSBACK_RATE_LIMIT": str(rate_limit),
                "PASSBACK_LEASE_SECONDS": str(LEASE_SECONDS),
                **({"PASSBACK_DATABASE_URL": url} if url else {}),
            },
            lms,
        )
        with made.database() as database:
            migrate.prepare(database, "production")
            database.write_now(lambda conn: _fill(conn, lms, simulator, canvas.url, key))
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()
            for connection in made.opened:
                connection.close()
    end_servers()


def _hasten(conn: Connection) -> None:
    for left in deliveries.page(conn, limit=1000, states=OPEN):
        ledger.retry(conn, left, system_clock())


def _fill(conn: Connection, lms: Tortured, simulator: Simulator, url: str, key: str) -> None:
    seed(conn, system_clock())
    district = lms.district.district_id
    notes.save(conn, district, lms.notes)
    sealed = connections.seal(
        Vault(lambda: parse_keys(key, "the key")), district, simulator.connection_credentials(url)
    )
    connections.save(
        conn,
        district,
        address=f"{url}/",
        options=simulator.connection_options(url),
        credentials=sealed,
        now=system_clock(),
    )
