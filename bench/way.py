"""The way of one grade through the gateway: what a PATCH of a submission runs through, counted, not timed.

A simulated Canvas answers. Counted are the distinct functions and files of the gateway that the request runs, the rooms
(top packages) they are in, and its reads and writes of the store. ``python -m bench.way`` prints them for the first
grade after a start, when nothing is cached, and for a later one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import passback
from passback.app import build_api, build_gateway, open_database
from passback.domain.clock import system_clock
from passback.gateway import rate_limit
from passback.lms.http.client import LmsClient
from passback.sandbox.parts import sandbox_parts
from passback.settings import Settings
from passback.web.messages import Request
from passback_simulators.identities import ALGEBRA, SIMULATED

_ROOT = f"{Path(passback.__file__).parent}/"
_NOT_COUNTED = "sandbox"
_READS, _WRITES = ("read", "snapshot"), ("write", "note")
ESSAY = {"title": "Essay", "description": "x", "due_date": "2099-06-01T23:59:00Z", "points_possible": 100}


class _Connection:
    """A transaction's connection that counts its statements."""

    def __init__(self, connection: Any, count: Count) -> None:
        self._connection = connection
        self._count = count

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        self._count.statements += 1
        return self._connection.execute(sql, {} if parameters is None else parameters)

    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]]) -> Any:
        self._count.statements += 1
        return self._connection.executemany(sql, parameters)

    def insert(self, *what: Any) -> int:
        self._count.statements += 1
        added: int = self._connection.insert(*what)
        return added

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Count:
    """What one request ran through."""

    def __init__(self) -> None:
        self.counting = False
        self.codes: set[CodeType] = set()
        self.reads = self.writes = self.statements = 0
        self.before_lms: tuple[int, int] | None = None
        """The reads and writes before the LMS was first asked."""

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """See `sys.setprofile`."""
        if self.counting and event == "call" and frame.f_code.co_filename.startswith(_ROOT):
            self.codes.add(frame.f_code)

    def store(self, database: Any) -> None:
        """Count the transactions of this database: others may be in use in the same process."""
        for name in (*_READS, *_WRITES):
            setattr(database, name, self._counted(getattr(database, name), reads=name in _READS))

    def _counted(
        self, method: Callable[..., Awaitable[Any]], *, reads: bool
    ) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any) -> Any:
            transact = arguments[0]
            # Simulators keep their state in the same database, and rate counts are shared beside requests.
            code = transact.__code__
            if not self.counting or _room(code) == _NOT_COUNTED or code.co_filename == rate_limit.__file__:
                return await method(*arguments)
            self.reads += reads
            self.writes += not reads
            return await method(lambda conn: transact(_Connection(conn, self)))

        return counted

    @contextlib.contextmanager
    def lms(self) -> Iterator[None]:
        """Notice inside the ``with`` when the LMS is first asked."""
        send = LmsClient.send

        async def noticed(*arguments: Any, **how: Any) -> Any:
            if self.counting and self.before_lms is None:
                self.before_lms = self.reads, self.writes
            return await send(*arguments, **how)

        LmsClient.send = noticed  # type: ignore[method-assign]
        try:
            yield
        finally:
            LmsClient.send = send  # type: ignore[method-assign]

    def __str__(self) -> str:
        rooms = {code: _room(code) for code in self.codes}
        ours = [code for code, room in rooms.items() if room != _NOT_COUNTED]
        reads, writes = self.before_lms or (0, 0)
        return (
            f"{len(ours)} functions in {len({code.co_filename for code in ours})} files of"
            f" {len({rooms[code] for code in ours} - {''})} rooms; {self.reads} reads and {self.writes} writes,"
            f" {reads} and {writes} of them before Canvas is asked"
        )


def _room(code: CodeType) -> str:
    """The top package of a function; empty for a module beside the packages."""
    path = Path(code.co_filename)
    parts = path.relative_to(_ROOT).parts if path.is_relative_to(_ROOT) else ("",)
    return parts[0] if len(parts) > 1 else ""


async def call(api: Any, token: str, method: str, address: str, body: bytes, *, status: int = 200) -> Any:
    """The content of an answer, which must have that status."""
    path, _, query = address.partition("?")
    headers = {b"authorization": [f"Bearer {token}".encode()]}
    request = Request(method, path.encode(), query.encode(), headers)
    request.add(body)
    request.end()
    reply = await api(request)
    assert reply.status == status, reply
    return json.loads(reply.body)


async def measure() -> list[Count]:
    """Count the first grade and a later one."""
    district = next(it for it in SIMULATED if it.lms_type == "canvas")
    count = Count()
    threading.setprofile(count.profile)
    sys.setprofile(count.profile)
    settings = Settings(data=":memory:")
    counts = []
    with (
        count.lms(),
        contextlib.closing(open_database(settings, "sandbox")) as database,
        sandbox_parts(database, system_clock) as parts,
    ):
        count.store(database)
        gateway = build_gateway(database, settings, given=parts.lmss.given())
        api = build_api(gateway, settings, "sandbox")  # as in production, without the sandbox's journal
        assignments = f"/v3.1/sections/{district.id(ALGEBRA.digits)}/assignments"
        async with parts.lmss.serving():
            essay = json.dumps(ESSAY).encode()
            made = (await call(api, district.token, "POST", assignments, essay))["data"]
            gateway.connectors.forget()
            for points in (5, 6):
                count.codes, count.reads, count.writes, count.before_lms = set(), 0, 0, None
                await asyncio.sleep(0.05)  # the token is looked up again
                path = f"{assignments}/{made['id']}/submissions/{district.id(ALGEBRA.students[0])}"
                grade = {"grade_points": points, "grader_id": district.id(ALGEBRA.teacher)}
                count.counting = True
                await call(api, district.token, "PATCH", path, json.dumps(grade).encode())
                count.counting = False
                done = Count()
                done.codes, done.reads, done.writes, done.before_lms = (
                    count.codes, count.reads, count.writes, count.before_lms
                )  # fmt: skip
                counts.append(done)
        await gateway.connectors.close()
    sys.setprofile(None)
    threading.setprofile(None)
    return counts


def bench() -> None:
    """Measure and print."""
    first, later = asyncio.run(measure())
    print(f"\nthe way of a grade through Canvas\n  the first  {first}\n  a later    {later}")


if __name__ == "__main__":
    bench()
