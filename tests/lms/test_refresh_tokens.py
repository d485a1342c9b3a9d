"""Refresh tokens that an LMS replaces with each use: none is lost, whoever uses it, and whatever fails."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from passback.domain.clock import DAY, MINUTE, SECOND
from passback.lms.canvas import KIND
from passback.lms.http.oauth2 import TokenEndpoint, exchange_code
from passback.lms.interface import Connector, LmsConnection, NotAllowed, Unavailable
from passback.lms.registry import Connectors
from passback.lms.stored_tokens import StoredRefreshToken
from passback.lms.tokens import Exchanged, Token
from passback.operations import connections as operations
from passback.sandbox.seed import seed
from passback.store import connections, token_refreshes
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database, StoreUnavailable, Transaction
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault, new_key, parse_keys
from passback.testing.jumping import JumpingTime
from passback.testing.served import Served, serving
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.seed import ADMIN, CLIENT_ID, CLIENT_SECRET
from support.postgres import DATABASES, database_of
from support.sandbox import NOW, SetClock

T = TypeVar("T")

DISTRICT = "4fee004cca2e43cf28000000"
FIRST = "first-refresh-token"
TOKEN_PATH = "oauth2/token$"
SENSELESS: list[Any] = [
    None,
    0,
    -1,
    "0",
    "-1",
    "soon",
    "",
    "NaN",
    "1e3",
    math.nan,
    math.inf,
    -math.inf,
    True,
    [],
    {},
]
UNSENDABLE: list[Any] = [None, "", " ", "a b", "a\r\nX: y", "\x00", "é", 5, ["x"], "x" * 100_000]
KEYS = parse_keys(new_key(), "KEY")


class Faulty:
    """A database that takes no write while `full`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, fn: Transaction[T]) -> T:
        if self.full:
            raise StoreUnavailable("the disk is full")
        return await self._database.write(fn)


@dataclass
class World:
    """A district on a Canvas that replaces refresh tokens, and any number of processes of a gateway on one database."""

    served: Served
    url: str
    path: Path
    clock: SetClock
    vault: Vault = field(default_factory=lambda: Vault(lambda: KEYS))
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def database(self) -> Database:
        return self.opened.enter_context(contextlib.closing(connect(self.url, self.path)))

    def process(self, database: Any = None) -> Connectors:
        return Connectors(database or self.database(), self.clock, self.vault)

    def canvas(self) -> CanvasSimulator:
        assert isinstance(self.served.simulator, CanvasSimulator)
        return self.served.simulator

    def valid(self) -> list[str]:
        """The refresh tokens that the LMS takes."""
        return list(self.canvas().records.content()["refresh_tokens"])

    def stored(self, database: Database) -> str:
        found = database.read_now(lambda conn: connections.find(conn, DISTRICT))
        assert found is not None
        return connections.unseal(self.vault, found)["refresh_token"]

    def calls(self) -> list[str]:
        made: list[str] = self.served.control("GET", "requests")
        self.served.control("DELETE", "requests")
        return made

    def exchanges(self) -> int:
        return sum(call.endswith("/login/oauth2/token") for call in self.calls())

    def set(self, **settings: Any) -> None:
        self.served.control("PUT", "settings", settings)


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with database_of(request.param) as url:
        yield from made(url, tmp_path)


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    yield from made("", tmp_path)


def made(url: str, folder: Path) -> Iterator[World]:
    simulator = CanvasSimulator(SetClock())
    simulator.start()
    simulator.records.put("refresh_tokens", FIRST, {"user": ADMIN, "scopes": None})
    with serving(simulator) as served:
        assert isinstance(simulator.clock, SetClock)
        world = World(served, url, folder / "passback.db", simulator.clock)
        with world.opened:
            database = world.database()
            migrate.prepare(database, "sandbox")
            database.write_now(lambda conn: seed(conn, NOW))
            database.write_now(lambda conn: sign_in(conn, world, FIRST))
            world.set(rotate_refresh_tokens=True)
            yield world


def sign_in(conn: Connection, world: World, refresh_token: str) -> None:
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": refresh_token}
    sealed = connections.seal(world.vault, DISTRICT, given)
    address = f"{world.served.url}/"
    connections.save(conn, DISTRICT, address=address, options={}, credentials=sealed, now=world.clock())


async def connector(process: Connectors, database: Database) -> Connector:
    found = await database.read(lambda conn: process.find(conn, DISTRICT, "canvas"))
    assert found is not None
    return found


def run(action: Callable[[], Awaitable[T]]) -> T:
    async def scenario() -> T:
        return await action()

    return asyncio.run(scenario())


def test_one_process_at_a_time_exchanges_and_all_use_what_it_got(world: World) -> None:
    async def scenario() -> list[int]:
        databases = [world.database() for _ in range(3)]
        processes = [world.process(it) for it in databases]
        exchanges = []
        for _ in range(3):
            found = [await connector(*it) for it in zip(processes, databases, strict=True)]
            await asyncio.gather(*(one.read_courses() for one in found for _ in range(3)))
            exchanges.append(world.exchanges())
            world.clock.now += 61 * MINUTE
        assert world.valid() == [world.stored(databases[0])]
        for process in processes:
            await process.close()
        return exchanges

    assert run(scenario) == [1, 1, 1]


def test_a_restart_goes_on_with_what_is_stored(world: World) -> None:
    async def once() -> None:
        database = world.database()
        process = world.process(database)
        assert await (await connector(process, database)).read_courses()
        await process.close()

    seen = []
    for wait in (0, 10, 61, 0):
        world.clock.now += wait * MINUTE
        run(once)
        seen.append(world.exchanges())
    assert seen == [1, 0, 1, 0]


def test_a_new_refresh_token_is_stored_before_the_access_token_is_used(small_world: World) -> None:
    world = small_world

    async def scenario() -> None:
        faulty = Faulty(world.database())
        given = LmsConnection(
            f"{world.served.url}/", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            timer=JumpingTime().timer, patience=1.0,
        )  # fmt: skip
        store = StoredRefreshToken(faulty, world.clock, world.vault, DISTRICT, given)
        asked: list[str] = []

        async def exchange(refresh_token: str) -> Exchanged:
            asked.append(refresh_token)
            faulty.full = True
            return Exchanged(Token("access", None), "second-refresh-token")

        with pytest.raises(Unavailable, match="cannot be stored yet"):
            await store.token(exchange, "")
        with pytest.raises(Unavailable, match="cannot be stored yet"):
            await store.token(exchange, "")
        faulty.full = False
        assert (await store.token(exchange, "")).text == "access"
        assert (asked, world.stored(world.database())) == ([FIRST], "second-refresh-token")

    run(scenario)


def test_a_lost_answer_is_asked_for_again_with_the_same_token(small_world: World) -> None:
    world = small_world
    world.set(rotate_refresh_tokens=False)
    world.served.fail("dropped-after", path=TOKEN_PATH)

    async def scenario() -> None:
        database = world.database()
        process = world.process(database)
        assert await (await connector(process, database)).read_courses()
        await process.close()

    run(scenario)
    assert (world.exchanges(), world.valid()) == (2, [FIRST])


def test_a_token_that_got_lost_for_good_is_a_connection_error(small_world: World) -> None:
    world = small_world
    world.served.fail("dropped-after", path=TOKEN_PATH)

    async def scenario() -> list[bool]:
        database = world.database()
        process = world.process(database)
        refused = []
        for _ in range(2):  # and nobody waits for a turn that was not given back
            with pytest.raises(NotAllowed, match="refresh_token not found") as caught:
                await (await connector(process, database)).read_courses()
            refused.append(caught.value.credentials)
        await process.close()
        return refused

    assert run(scenario) == [True, True]


def test_the_others_wait_for_one_that_exchanges_but_not_for_a_dead_one(world: World) -> None:
    async def scenario() -> None:
        database = world.database()
        process = world.process(database)
        until = NOW + 40 * SECOND
        await database.write(lambda conn: token_refreshes.hold(conn, DISTRICT, "another", until))
        reading = asyncio.ensure_future((await connector(process, database)).read_courses())
        await asyncio.wait([reading], timeout=0.5)
        assert (reading.done(), world.exchanges()) == (False, 0)
        world.clock.now = until
        assert await reading
        await process.close()

    run(scenario)


def test_a_dead_one_is_not_waited_for_until_a_time_before_the_clock_was_set_back(small_world: World) -> None:
    world = small_world

    async def scenario() -> None:
        database = world.database()
        process = world.process(database)
        until = NOW + 4 * DAY + 40 * SECOND
        await database.write(lambda conn: token_refreshes.hold(conn, DISTRICT, "another", until))
        assert await (await connector(process, database)).read_courses()
        await process.close()

    run(scenario)


def test_who_signs_in_meanwhile_is_not_undone(world: World) -> None:
    async def scenario() -> str:
        database = world.database()
        given = LmsConnection("", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
        store = StoredRefreshToken(database, world.clock, world.vault, DISTRICT, given)

        async def exchange(_: str) -> Exchanged:
            await database.write(lambda conn: sign_in(conn, world, "from-a-new-sign-in"))
            return Exchanged(Token("access", None), "of-the-old-sign-in")

        await store.token(exchange, "")
        return world.stored(database)

    assert run(scenario) == "from-a-new-sign-in"


def test_an_access_token_of_an_earlier_sign_in_is_not_used(small_world: World) -> None:
    world = small_world
    world.canvas().records.put("refresh_tokens", "second", {"user": ADMIN, "scopes": None})

    async def scenario() -> int:
        database = world.database()
        process = world.process(database)
        assert await (await connector(process, database)).read_courses()
        await database.write(lambda conn: sign_in(conn, world, "second"))
        assert await (await connector(process, database)).read_courses()
        await process.close()
        return world.exchanges()

    assert run(scenario) == 2
    assert "second" not in world.valid()


def test_a_refusal_of_what_another_has_replaced_meanwhile_is_none(world: World) -> None:
    async def scenario() -> list[str]:
        database = world.database()
        given = LmsConnection("", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
        store = StoredRefreshToken(database, world.clock, world.vault, DISTRICT, given)
        asked: list[str] = []

        async def exchange(refresh_token: str) -> Exchanged:
            asked.append(refresh_token)
            if len(asked) == 1:
                await database.write(lambda conn: sign_in(conn, world, "newer"))
                raise NotAllowed("invalid_grant", credentials=True)
            return Exchanged(Token("access", None))

        await store.token(exchange, "")
        return asked

    assert run(scenario) == [FIRST, "newer"]


def exchanged(world: World, says: dict[str, Any]) -> Exchanged:
    """What a refresh token is exchanged for if the LMS's answer `says` something else than usual."""
    world.canvas().settings["token_says"] = says
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": FIRST,
    }

    async def scenario() -> Exchanged:
        endpoint = TokenEndpoint(f"{world.served.url}/login/oauth2/token", world.clock)
        try:
            return await endpoint.exchange(form)
        finally:
            await endpoint.close()

    return run(scenario)


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        *(({"expires_in": odd}, None) for odd in SENSELESS),
        ({}, 3300), ({"expires_in": "3600"}, 3300), ({"expires_in": 3600.5}, 3300.5), ({"expires_in": 60}, 30),
        ({"expires_in": 1}, 0.5), ({"expires_in": 1e300}, 86_100), ({"expires_in": 10**400}, 86_100),
        ({"token_type": "bearer"}, 3300), ({"token_type": None}, 3300), ({"scope": 5}, 3300),
    ],
)  # fmt: skip
def test_a_token_is_used_for_as_long_as_what_is_said_makes_sense(
    small_world: World, says: dict[str, Any], seconds: float | None
) -> None:
    token = exchanged(small_world, says).token
    assert isinstance(token, Token)
    assert token.expires == (None if seconds is None else NOW + round(seconds * SECOND))


@pytest.mark.parametrize(
    "says",
    [*({"access_token": odd} for odd in UNSENDABLE), {"token_type": "mac"}, {"token_type": "DPoP"}],
)
def test_a_token_that_cannot_be_used_is_none_but_the_next_refresh_token_counts(
    small_world: World, says: dict[str, Any]
) -> None:
    found = exchanged(small_world, says)
    assert isinstance(found.token, Unavailable)
    assert [found.refresh_token] == small_world.valid()


@pytest.mark.parametrize("odd", [None, "", "a b", 5, {}, "\n", "x" * 100_000])
def test_a_next_refresh_token_that_is_none_is_ignored(small_world: World, odd: Any) -> None:
    assert exchanged(small_world, {"refresh_token": odd}).refresh_token is None


def test_a_code_is_never_sent_twice(small_world: World) -> None:
    world = small_world
    world.served.fail("dropped-after", path=TOKEN_PATH, times=None)
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    async def scenario() -> None:
        url = f"{world.served.url}/login/oauth2/token"
        await exchange_code(url, given, "http://127.0.0.1/", {"state": "s"}, {"state": "s", "code": "c"})

    with pytest.raises(Unavailable):
        run(scenario)
    assert world.exchanges() == 1


def test_a_connection_that_was_tried_is_made_with_the_refresh_token_of_then(small_world: World) -> None:
    world = small_world
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": FIRST}
    wanted = operations.NewConnection(KIND, f"{world.served.url}/", given)

    async def scenario() -> operations.NewConnection:
        findings, tried = await operations.try_out(world.database(), world.vault, wanted, world.clock)
        assert operations.works(findings)
        return tried

    assert [run(scenario).given["refresh_token"]] == world.valid()
