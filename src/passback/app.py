"""Where the parts are joined: a data file, its connectors, the API, and the server around them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import sys
from typing import TYPE_CHECKING

import uvicorn

from passback.domain.clock import Clock, system_clock
from passback.gateway.context import Gateway
from passback.lms.builtin.connector import BuiltinConnector
from passback.lms.registry import Connectors
from passback.sandbox.banner import banner
from passback.sandbox.pages import sandbox_pages
from passback.sandbox.seed import seed
from passback.store import migrate, roster
from passback.store.database import Database
from passback.web.api import Api
from passback.web.pages import health_pages, reference_pages
from passback.web.protocol import AnyMethodProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from passback.settings import Settings
    from passback.store.database import Connection
    from passback.store.migrate import Kind


def open_database(settings: Settings, kind: Kind) -> Database:
    """The data file that the settings name, ready for use. Raises `StoreError`."""
    database = Database(settings.data_file)
    try:
        migrate.prepare(database, kind)
    except BaseException:
        database.close()
        raise
    return database


def build_gateway(database: Database, clock: Clock = system_clock) -> Gateway:
    """The use cases' parts, on an open data file."""
    return Gateway(
        database=database,
        connectors=Connectors({"builtin": BuiltinConnector(database, clock)}),
        clock=clock,
        cursor_key=database.write_now(_cursor_key),
    )


def build_api(gateway: Gateway, settings: Settings, kind: Kind) -> Api:
    """The ASGI application. A sandbox that has no district yet is filled."""
    pages = health_pages(gateway.database) | reference_pages()
    if kind == "sandbox":
        gateway.database.write_now(lambda conn: _seed_if_empty(conn, gateway.clock))
        pages |= sandbox_pages(gateway.database, gateway.clock)
    return Api(
        gateway,
        requests_per_minute=settings.rate_limit,
        max_body_bytes=settings.max_body_bytes,
        pages=pages,
    )


def serve(settings: Settings, kind: Kind) -> int:
    """Serve until told to stop; returns the exit code. Raises `StoreError`."""
    # Standard output is for the start's message; what goes wrong is on standard error.
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    with contextlib.closing(open_database(settings, kind)) as database:
        api = build_api(build_gateway(database), settings, kind)
        server = _Server(server_config(api, settings), banner if kind == "sandbox" else _production_banner)
        with _stopping_on_sigterm():
            server.run()
        return 0 if server.started else 1


class _Server(uvicorn.Server):
    """uvicorn, saying where it is once it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], str]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            print(self._announce(f"http://{host}:{port}"), flush=True)  # noqa: T201 - this is its output


def server_config(api: Api, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the API: any method, no logs of requests, no word of itself."""
    return uvicorn.Config(
        api,
        host=settings.host,
        port=settings.port,
        http=AnyMethodProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=30,
    )


def _production_banner(url: str) -> str:
    return f"Passback serves {url}/v3.1"


@contextlib.contextmanager
def _stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the process by way of its clean-up: uvicorn raises the signal again when it is done."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _cursor_key(conn: Connection) -> bytes:
    """The data file's own key for cursors, made when it is first needed."""
    key = migrate.meta(conn, "cursor_key")
    if key is None:
        key = secrets.token_hex(32)
        migrate.set_meta(conn, "cursor_key", key)
    return bytes.fromhex(key)


def _seed_if_empty(conn: Connection, clock: Clock) -> None:
    if not roster.districts_exist(conn):
        seed(conn, clock())
