"""A district that is connected to an LMS, and its syncs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from passback.app import build_gateway
from passback.context import Gateway
from passback.domain.roster import District
from passback.lms.interface import LmsConnection as LmsConnection
from passback.rosters import lease, sync
from passback.rosters.lease import SyncLease
from passback.rosters.progress import Progress, Quiet
from passback.settings import Settings
from passback.store import match_candidates, matching, roster, roster_events, syncs
from passback.store.engine.database import Connection, Opened
from passback.testing.served import Served
from support.sandbox import SetClock

T = TypeVar("T")

DISTRICT = "d" * 24
SETTINGS = Settings(data=":memory:")


@dataclass
class Synced:
    """A district that is connected to Slate."""

    slate: Served
    database: Opened
    clock: SetClock

    def write(self, fn: Callable[[Connection], T]) -> T:
        return self.database.write_now(fn)

    def execute(self, sql: str, **parameters: Any) -> list[Any]:
        return self.write(lambda conn: conn.execute(sql, parameters).fetchall())

    def change(self, sql: str, **parameters: Any) -> None:
        self.write(lambda conn: conn.execute(sql, parameters))

    def user(self, id_: str, name: str, *sections: str, role: str = "student", **known: str) -> None:
        first, _, last = name.rpartition(" ")
        fields = {
            "id": id_, "district_id": DISTRICT, "role": role, "first_name": first, "last_name": last, "created": 0,
            "last_modified": 0, **known,
        }  # fmt: skip
        self.change(
            f"INSERT INTO users ({', '.join(fields)}) VALUES ({', '.join(':' + it for it in fields)})",
            **fields,
        )
        for section in sections:
            self.change(
                "INSERT INTO enrollments (section_id, user_id, role) VALUES (:section, :user, :role)",
                section=section, user=id_, role=role,
            )  # fmt: skip

    def section(self, id_: str, name: str) -> None:
        """Add a section that has the id of Slate's section of that name, as one that was read from Slate has it."""
        self.change(
            "INSERT INTO sections (id, district_id, name, sis_id, created, last_modified)"
            " VALUES (:id, :d, :name, :sis_id, 0, 0)",
            id=id_, d=DISTRICT, name=name, sis_id=f"lms:{name}",
        )  # fmt: skip

    def more_sections(self, count: int) -> list[str]:
        """Add sections with one student each, here and at Slate. Their names, and ids at Slate."""
        names = [f"more-{number}" for number in range(count)]
        for number, name in enumerate(names):
            self.section(f"m{number}", name)
            self.user(f"n{number}", f"student-m{number}", f"m{number}")
            self.at_slate(name, f"student-m{number}")
        return names

    def hide(self, *sections: str) -> None:
        """Let Slate not have these sections any more."""
        for section in sections:
            self.slate.simulator.records.remove("sections", section)

    def at_slate(self, section: str, *people: str) -> None:
        self.slate.simulator.records.put(
            "sections", section, {"id": section, "name": section, "people": list(people)}
        )

    def run(self, do: Callable[[Gateway], Awaitable[T]], lms: LmsConnection | None = None) -> T:
        """Run `do` with a gateway of its own, as another process would."""
        slate = LmsConnection(f"{self.slate.url}/", {"api_key": "slate-key"}, patience=1.0)

        async def run() -> T:
            gateway = build_gateway(self.database, SETTINGS, self.clock, {DISTRICT: lambda: lms or slate})
            try:
                return await do(gateway)
            finally:
                await gateway.connectors.close()

        return asyncio.run(run())

    def claim(self) -> SyncLease | None:
        return self.run(lease.claim)

    def sync(self, lms: LmsConnection | None = None, progress: Progress | None = None) -> None:
        async def do(gateway: Gateway) -> None:
            held = await lease.claim(gateway)
            assert held is not None
            await sync.sync(held, progress or Quiet())

        self.run(do, lms)

    def ask(self, *, removals: bool = False) -> None:
        self.write(lambda conn: syncs.request(conn, DISTRICT, self.clock(), removals=removals))

    @property
    def state(self) -> syncs.Sync:
        found = self.database.read_now(lambda conn: syncs.find(conn, DISTRICT))
        assert found is not None
        return found

    @property
    def district(self) -> District:
        found = self.database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, DISTRICT, DISTRICT))
        assert found is not None
        return found

    def all(self) -> list[matching.Ours]:
        return self.database.read_now(lambda conn: matching.all_of(conn, DISTRICT))

    def matched(self) -> dict[str, str | None]:
        return {it.id: it.lms_id for it in self.all()}

    def candidates(self) -> dict[str, list[str]]:
        found = self.database.read_now(lambda conn: match_candidates.find_all(conn, DISTRICT))
        return {key: [it.id for it in them] for key, them in found.items()}

    def events(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        page = self.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=1000))
        return [(it.kind, it.what, it.object_id, it.previous) for it in page.items]

    def asked_of_slate(self) -> list[str]:
        found = [it.removeprefix("GET ") for it in self.slate.simulator.requests]
        self.slate.simulator.requests.clear()
        return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)
