"""What tests share: a sandbox that really serves on loopback, with a clock that tests set."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import json
import select
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from msgspec.structs import replace

from passback.app import build_api, build_gateway, open_database, run_server, server_config
from passback.context import Gateway
from passback.domain.clock import Timer
from passback.lms.interface import LmsConnection as LmsConnection
from passback.lms.registry import Given
from passback.network.addresses import Resolve
from passback.sandbox.parts import sandbox_parts
from passback.settings import Settings
from passback.store.engine.database import Connection
from passback.store.engine.migrate import Kind
from passback.testing.clock import NOW as NOW
from passback.testing.clock import SetClock as SetClock
from passback.testing.jumping import JumpingTime
from passback.wire.warnings import meaning

TOKEN = "DEMO_TOKEN"
DISTRICT = "4fee004cca2e43cf27000000"
SECTION = "4fee004cca2e43cf27000007"
BIOLOGY = "4fee004cca2e43cf27000008"
TEACHER = "4fee004cca2e43cf27000001"
BIOLOGY_TEACHER = "4fee004cca2e43cf27000002"
STUDENT = "4fee004cca2e43cf27001001"
BIOLOGY_STUDENT = "4fee004cca2e43cf27001031"
STUDENTS = [f"4fee004cca2e43cf2700{number}" for number in range(1001, 1031)]
ELSEWHERE_SECTION = "4fee004cca2e43cf28000007"
NO_SUCH_ID = "4fee004cca2e43cf27ffffff"
NO_SUCH_ASSIGNMENT = "00000000-0000-7000-8000-000000000000"

ASSIGNMENTS = f"/v3.1/sections/{SECTION}/assignments"
ESSAY: Mapping[str, Any] = {
    "title": "Essay 1",
    "description": "Two pages",
    "due_date": "2030-06-01T23:59:00Z",
    "points_possible": 20,
}


def stored(path: Path, query: str) -> list[Any]:
    """What a query of another process finds in a data file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


@dataclass
class Client:
    """One keep-alive connection to a server, sending what it is told to, byte for byte."""

    port: int
    token: str | None = TOKEN
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        if isinstance(body, Mapping):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        own = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if self._is_closed_by_server():
            self._connection.close()
        try:
            self._connection.request(method, path, body=body, headers={**own, **(headers or {})})
            response = self._connection.getresponse()
            content = response.read()
        except BaseException:
            self._connection.close()  # or the next request would fail, too
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        codes = headers.get("passback-warnings", "").split(", ")
        assert [
            code for code in codes if code and not meaning(code)
        ] == []  # whatever is warned of is documented
        return Reply(response.status, headers, content)

    def _is_closed_by_server(self) -> bool:
        """Whether it was idle for so long that the server gave it up: then its end, and nothing else, can be read."""
        if self._connection.sock is None:
            return False
        ready = select.poll()
        ready.register(self._connection.sock, select.POLLIN)
        return bool(ready.poll(0))

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: bytes | str | Mapping[str, Any]) -> Reply:
        return self.call("POST", path, body)

    def patch(self, path: str, body: bytes | str | Mapping[str, Any]) -> Reply:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path)

    def create(self, **changes: Any) -> str:
        """Create an assignment in Algebra 1 and return its path."""
        reply = self.post(ASSIGNMENTS, {**ESSAY, **changes})
        assert reply.status == 200, reply
        return f"{ASSIGNMENTS}/{reply.data['id']}"

    def close(self) -> None:
        self._connection.close()


@dataclass
class Sandbox(Client):
    """A sandbox that serves on loopback."""

    gateway: Gateway = field(kw_only=True)
    clock: SetClock = field(kw_only=True)
    names: dict[str, list[str]] = field(kw_only=True)
    """What the names of webhooks' servers lead to; no resolver is asked."""
    _others: dict[str | None, Client] = field(default_factory=dict)

    def write(self, transaction: Callable[[Connection], Any]) -> Any:
        """Run a transaction beside the server."""

        async def run() -> Any:
            return await self.gateway.database.write(transaction)

        with ThreadPoolExecutor(1) as beside:  # a test of pages has an event loop of its own
            return beside.submit(asyncio.run, run()).result()

    def faults_of(self, district_id: str) -> str:
        """The address of the faults of the simulated LMS that a district has."""
        reach: Any = self.gateway.connectors
        address = urlsplit(self.write(lambda conn: reach.connection(conn, district_id)).address)
        return f"{address.scheme}://{address.netloc}/_simulator/faults"

    def client(self, token: str | None) -> Client:
        """A connection of its own, for another caller."""
        return self._others.setdefault(token, Client(self.port, token))

    def close(self) -> None:
        for client in self._others.values():
            client.close()
        super().close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def resolver(names: Mapping[str, Sequence[str]]) -> Resolve:
    """Knows these names, and addresses themselves."""

    async def resolve(host: str) -> Sequence[str]:
        if host in names:
            return names[host]
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        raise OSError(host)

    return resolve


def waiting_by(timer: Timer, given: Given) -> Given:
    """Connections that wait by `timer`."""

    def timed(make: Callable[[], LmsConnection]) -> Callable[[], LmsConnection]:
        return lambda: replace(make(), timer=timer)

    return {district: timed(make) for district, make in given.items()}


@contextlib.contextmanager
def serving(
    data: Path | None = None,
    kind: Kind = "sandbox",
    *,
    now: int = NOW,
    clock: SetClock | None = None,
    **settings: Any,
) -> Iterator[Sandbox]:
    """A sandbox (or a gateway of the other kind) on a free port, on the data folder `data` or on none."""
    clock = clock or SetClock(now)
    configured = Settings(
        port=0,
        data=":memory:" if data is None else str(data),
        **{"rate_limit": 1_000_000, "allow_private_webhooks": True, **settings},
    )
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(contextlib.closing(open_database(configured, kind)))
        parts = None
        if kind == "sandbox":
            parts = stack.enter_context(sandbox_parts(database, clock))
        names: dict[str, list[str]] = {}
        given = None if parts is None else parts.lmss.given()
        if given is not None and not database.shared:  # where the pace is shared, it keeps to the set clock
            given = waiting_by(JumpingTime().timer, given)
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        gateway = replace(
            build_gateway(database, configured, clock if parts is None else parts.clock, given, kind),
            resolve=resolver(names),
            base_url=configured.public_url or f"http://127.0.0.1:{listener.getsockname()[1]}",
        )
        server = uvicorn.Server(
            server_config(build_api(gateway, configured, kind, parts), configured.max_connections)
        )
        thread = threading.Thread(target=run_server, args=(server, listener, gateway, parts), daemon=True)
        thread.start()
        sandbox = Sandbox(listener.getsockname()[1], gateway=gateway, clock=clock, names=names)
        try:
            yield sandbox
        finally:
            sandbox.close()
            server.should_exit = True
            thread.join(20)
            listener.close()


def wait_until(holds: Callable[[], bool], within: float = 15.0) -> None:
    """Wait until something holds that the server is about to bring about, for at most so many seconds."""
    give_up = time.monotonic() + within
    while not holds():
        assert time.monotonic() < give_up, "it never came to be"
        time.sleep(0.01)


def titles_in_lmss(sandbox: Sandbox) -> list[str]:
    """The titles of all that the simulated LMSs have, known to us or not."""
    state = sandbox.client(None).get("/sandbox/state").json
    records = [json.loads(row["record"]) for row in state["tables"]["simulator_records"]]
    named = [[record[name] for name in ("name", "title", "label") if record.get(name)] for record in records]
    return [str(names[0]) for names in named if names]
