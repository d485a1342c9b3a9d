"""Where the parts are joined: a data file, its connectors, the API, and the server around them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import secrets
import signal
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import uvicorn
from msgspec.structs import replace

import passback
from passback.context import Gateway
from passback.delivery.looks import run_looks
from passback.delivery.worker import Worker
from passback.domain.clock import DAY, Clock, system_clock
from passback.gateway.authorization import Authorization, keep_uses
from passback.in_flight import InFlight
from passback.lms.registry import Connectors
from passback.network.addresses import Network, is_this_machine
from passback.network.proxies import Proxies
from passback.observe import logs, tracing
from passback.observe.metrics import Metrics
from passback.operations import start_notes
from passback.operations.older_copies import Ticking, count_file
from passback.rosters import metrics as sync_metrics
from passback.rosters.notices import run_notices
from passback.rosters.schedule import run_due
from passback.sandbox.banner import banner
from passback.sandbox.clock import start_note
from passback.sandbox.control import Control
from passback.sandbox.faults import gateway_with
from passback.sandbox.pages import folder_of_parts, from_here, pages_of_parts, state_pages
from passback.sandbox.parts import sandbox_parts
from passback.sandbox.people import People
from passback.sandbox.recorded import Recorded
from passback.sandbox.seed import seed
from passback.settings import SettingsError, trust_authorities
from passback.stopping import ended_by_sigterm, server_ended_by_signals
from passback.store import districts
from passback.store.engine import migrate
from passback.store.engine.database import NotYet, StoreError
from passback.store.engine.files import served_alone
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault
from passback.web.api import Api
from passback.web.asgi import AsgiApplication, Mounted
from passback.web.connections import Connections, Patience, most_connections
from passback.web.guide import Guide
from passback.web.lti import lti_pages
from passback.web.pages import Guard, health_pages, lead_to, metrics_pages, reference_pages
from passback.web.protocol import HttpProtocol
from passback.web.proxied import behind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from passback.lms.registry import Given
    from passback.sandbox.parts import Parts
    from passback.settings import Settings
    from passback.store.engine.database import Connection, Opened
    from passback.store.engine.migrate import Kind
    from passback.web.messages import Application
    from passback.web.pages import Page

    ByOthers = Callable[[socket.socket, Settings], int]
    """Lets other processes serve on a socket; returns the exit code."""

log = logging.getLogger(__name__)


DATABASE_PATIENCE = 60.0
"""How many seconds a start waits for a database server: one that recovers from a crash may take as long."""
_LOOK_FOR_DATABASE_SECONDS = 2.0
_LONGEST_FORM = 1024 * 1024
_LONGEST_ROSTER = 1024 * 1024 * 1024
_ROSTER_PAGE = re.compile(rb"/console/districts/[^/]+/roster")


def open_database(settings: Settings, kind: Kind) -> Opened:
    """The database that the settings name, ready for use. Raises `StoreError`."""
    database = connect(settings.database_url, settings.data_file)
    try:
        migrate.prepare(database, kind)
    except BaseException:
        database.close()
        raise
    return database


def open_database_soon(settings: Settings, kind: Kind, patience: float = DATABASE_PATIENCE) -> Opened:
    """`open_database` as a start does it: a database server that is starting, too, is waited for, and the log says so.

    `patience` is in seconds. Raises `StoreError`.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return open_database(settings, kind)
        except NotYet as error:
            left = end - time.monotonic()
            if left <= 0:
                raise StoreError(f"{error} (it was waited for {patience:.0f} seconds)") from error
            log.warning("%s; waiting for it, for at most %.0f seconds more", error, left)
            time.sleep(min(_LOOK_FOR_DATABASE_SECONDS, left))


def build_gateway(
    database: Opened,
    settings: Settings,
    clock: Clock = system_clock,
    given: Given | None = None,
    kind: Kind = "production",
) -> Gateway:
    """The use cases' parts, on an open data file. `given` are connections beside those in the store."""
    vault = Vault(settings.secret_keys, settings.keys_at_hand)
    metrics = Metrics()
    sync_metrics.add_to(metrics, database, clock)
    in_flight = InFlight(settings.lease_seconds)
    return Gateway(
        database=database,
        connectors=Connectors(database, clock, vault, given, lambda: in_flight.worker, metrics),
        clock=clock,
        cursor_key=database.write_now(_cursor_key),
        vault=vault,
        in_flight=in_flight,
        base_url=settings.base_url,
        keep_ended=settings.keep_deliveries_days * DAY,
        webhooks_reach=_webhooks_reach(settings, kind),
        faults=gateway_with,
        metrics=metrics,
    )


def _webhooks_reach(settings: Settings, kind: Kind) -> Network:
    """Which servers webhooks may target. A sandbox's may be on the same machine, unless others can call the sandbox.

    Its tokens are published, so it would let them call what only this machine can reach.
    """
    if settings.allow_private_webhooks:
        return "private"
    return "loopback" if _is_own_sandbox(settings, kind) else "public"


def _is_own_sandbox(settings: Settings, kind: Kind) -> bool:
    """Whether it is a sandbox that only this machine can call: the settings name no proxy that leads others to it."""
    is_proxied = bool(Proxies(settings.trusted_proxies))
    hosts = settings.host, urlsplit(settings.base_url).hostname or ""
    return kind == "sandbox" and not is_proxied and all(map(is_this_machine, hosts))


def build_api(gateway: Gateway, settings: Settings, kind: Kind, parts: Parts | None = None) -> Application:
    """The application. A sandbox that has no district yet is filled; `parts` are its own."""
    authorization = Authorization(gateway.database, gateway.token_uses)
    pages = reference_pages(sandbox=kind == "sandbox")
    if settings.metrics:
        pages |= metrics_pages(gateway.metrics)
    guard = Guard(settings.pages_token, pages)
    pages |= lti_pages(gateway)
    pages |= health_pages(gateway.database, gateway.in_flight.may_act)
    pages["/"] = lead_to("/console")
    folders: dict[str, Page] = {
        "/console": Mounted(lambda: _console(gateway, settings, kind), most_bytes=_most_to_console),
        "/docs": Guide(b"/docs/guide"),
    }
    if kind == "sandbox":
        gateway.database.write_now(lambda conn: _seed_if_empty(conn, gateway.clock))
        control = Control(gateway, parts, authorization.forget)
        controls = state_pages(gateway.database, control)
        if parts is not None:
            people = People(gateway, parts.lmss)
            controls |= pages_of_parts(parts, control)
            folders["/sandbox"] = from_here(folder_of_parts(parts, people))
            make = partial(_console_of_sandbox, gateway, settings, parts, control, people)
            folders["/console"] = Mounted(make, most_bytes=_most_to_console)
        pages |= {path: from_here(page) for path, page in controls.items()}
    api = Api(
        gateway,
        authorization,
        requests_per_minute=settings.rate_limit,
        max_body_bytes=settings.max_body_bytes,
        pages=pages,
        guard=guard,
        faults=gateway.faults if kind == "sandbox" else None,
        folders=folders,
    )
    application: Application = api
    if parts is not None:
        parts.journal.under_way = gateway.in_flight.groups.values
        application = Recorded(api, parts.journal, authorization, aside={*pages, *folders})
    return behind(Proxies(settings.trusted_proxies), application)


def _most_to_console(path: bytes) -> int:
    """How many bytes the console takes at once. Only a roster is long, and only somebody signed in is asked for it."""
    return _LONGEST_ROSTER if _ROSTER_PAGE.fullmatch(path) else _LONGEST_FORM


def _console(gateway: Gateway, settings: Settings, kind: Kind) -> AsgiApplication:
    # Imported with its first page: the server starts without it.
    from passback.console.app import console
    from passback.console.visit import Console, Provider

    provider = None
    if settings.oidc_issuer:
        provider = Provider(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_name
        )
    own = _is_own_sandbox(settings, kind)
    return console(Console(gateway, kind, gateway.clock, provider, signs_in_itself=own))


def _console_of_sandbox(
    gateway: Gateway, settings: Settings, parts: Parts, control: Control, people: People
) -> AsgiApplication:
    from passback.console.app import console
    from passback.console.visit import Console
    from passback.sandbox.console_pages import LINKS, SandboxPages

    own = _is_own_sandbox(settings, "sandbox")
    # By the machine's clock, so that nobody is signed out because the sandbox's is moved.
    of_sandbox = Console(gateway, "sandbox", parts.clock.real, signs_in_itself=own, links=LINKS)
    return console(of_sandbox, SandboxPages(parts, control, people).pages())


def serve(settings: Settings, kind: Kind, by_others: ByOthers | None = None) -> int:
    """Serve until told to stop, in this process or `by_others`; returns the exit code.

    Raises `StoreError`, `CannotListen` and `SettingsError`.
    """
    start_notes.require_shared_key(settings, keeps=kind == "production")
    observe(settings)
    with contextlib.ExitStack() as stack:
        came = stack.enter_context(ended_by_sigterm())
        stack.callback(tracing.stop)
        listener = stack.enter_context(contextlib.closing(_listen(settings.host, settings.port)))
        settings = replace(settings, port=listener.getsockname()[1])
        stack.enter_context(served_alone(None if settings.database_url else settings.data_file))
        is_new = start_notes.is_new(settings)
        database = stack.enter_context(contextlib.closing(open_database_soon(settings, kind)))
        ticking = Ticking(database, count_file(settings))
        copy_notes = ticking.begin(system_clock())
        if by_others is not None:
            notes = [*copy_notes, *start_notes.notes(database, settings, is_new=is_new)]
            database.close()
            print("\n".join((_start_message(settings, kind, listener, None), *notes)), flush=True)  # noqa: T201
            code = by_others(listener, settings)
            _say_what_they_left(settings)
            return code
        parts, clock, given = None, system_clock, None
        if kind == "sandbox":
            parts = stack.enter_context(sandbox_parts(database, system_clock))
            clock, given = parts.clock, parts.lmss.given()
        gateway = build_gateway(database, settings, clock, given, kind)
        server = uvicorn.Server(
            server_config(build_api(gateway, settings, kind, parts), settings.max_connections)
        )
        settle()
        # From here on connections are taken, if only into the queue.
        notes = [*copy_notes, *start_notes.notes(database, settings, is_new=is_new)]
        if parts is not None:
            notes += start_note(parts.clock)
        print("\n".join((_start_message(settings, kind, listener, parts), *notes)), flush=True)  # noqa: T201 - its output
        if settings.database_url or settings.data_file is not None:
            stack.callback(_say_what_is_left, database)
        stack.enter_context(server_ended_by_signals(server, came))
        run_server(server, listener, gateway, parts, ticking)
    return 0


def work(settings: Settings) -> int:
    """Deliver until told to stop, without serving; returns the exit code. Raises `StoreError` and `SettingsError`."""
    start_notes.require_shared_key(settings)
    observe(settings)
    with contextlib.ExitStack() as stack:
        stack.callback(tracing.stop)
        database = stack.enter_context(contextlib.closing(open_database_soon(settings, "production")))
        ticking = Ticking(database, count_file(settings))
        copy_notes = ticking.begin(system_clock())
        gateway = build_gateway(database, settings)
        notes = [*copy_notes, *start_notes.notes(database, settings, is_new=False)]

        async def run() -> None:
            stopped = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            async with delivering(gateway, ticking):
                message = "\n".join((f"Passback delivers for {database.name}", *notes))
                print(message, flush=True)  # noqa: T201 - this is its output
                await stopped.wait()

        settle()
        asyncio.run(run())
        _say_what_is_left(database)
    return 0


def _say_what_is_left(database: Opened | None) -> None:
    with contextlib.suppress(OSError):  # nobody may be reading any more
        print(start_notes.left_behind(database), flush=True)  # noqa: T201 - its output


def _say_what_they_left(settings: Settings) -> None:
    try:
        with contextlib.closing(open_database(settings, "production")) as database:
            _say_what_is_left(database)
    except StoreError:
        _say_what_is_left(None)


def observe(settings: Settings) -> None:
    """Begin to log and trace, and trust whom the settings name. Raises `SettingsError`."""
    trust_authorities(settings)
    # Standard output is for the start's message; what goes wrong is on standard error.
    logs.configure(settings.log_level, settings.log_format)
    if settings.database_url and not (
        settings.secret_key or settings.secret_key_file or settings.key_file is None
    ):
        log.warning(
            "the database may be shared, but the key that opens the LMSs' credentials is in the data folder of this"
            " machine: give all processes the same PASSBACK_SECRET_KEY"
        )
    try:
        tracing.start(settings.tracing, passback.__version__)
    except tracing.NotInstalled as error:
        raise SettingsError(f"setting 'tracing' is {settings.tracing!r}: {error}") from None


def run_server(
    server: uvicorn.Server,
    listener: socket.socket,
    gateway: Gateway,
    parts: Parts | None,
    ticking: Ticking | None = None,
) -> None:
    """Serve on a listening socket until told to stop, with the sandbox's simulated LMSs beside."""

    async def run() -> None:
        async with (
            parts.lmss.serving() if parts is not None else contextlib.nullcontext(),
            delivering(gateway, ticking),
        ):
            await server.serve([listener])

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(run())


@contextlib.asynccontextmanager
async def delivering(gateway: Gateway, ticking: Ticking | None = None) -> AsyncIterator[None]:
    """Deliver, sync, look for changes in LMSs and tell of those of rosters inside the ``with``, while the data ticks.

    At its end, deliveries in flight are finished or left to others.
    """
    worker = Worker(gateway)
    await worker.presence.enter()
    jobs = [worker.run(), run_due(gateway), run_looks(gateway), run_notices(gateway), keep_uses(gateway)]
    tasks = [asyncio.create_task(it) for it in jobs]
    if ticking is not None:
        tasks.append(asyncio.create_task(ticking.run(system_clock)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if ticking is not None:
            await ticking.tick(system_clock)
        await gateway.connectors.close()


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except UnicodeError:
        raise CannotListen(f"cannot listen on {host!r}, which is not the name of a host") from None
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}") from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _start_message(settings: Settings, kind: Kind, listener: socket.socket, parts: Parts | None) -> str:
    if kind == "production":
        return f"Passback serves {_url(listener)}/v3.1"
    simulators = parts.lmss.urls if parts else {}
    return banner(_url(listener), simulators, is_own=_is_own_sandbox(settings, kind))


def settle() -> None:
    """Spare the garbage collector what has been built by now, and let it look less often at what comes.

    A request leaves hardly any cycles; without this, a tenth of the time goes to looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


SERVING: dict[str, Any] = {
    "interface": "asgi3",
    "http": asyncio.Protocol,  # `http_protocol` takes its place
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "proxy_headers": False,  # `passback.web.proxied` reads them
    "log_config": None,
    "server_header": False,
    "timeout_graceful_shutdown": 30,
}
"""How uvicorn serves: no logs of requests, no word of itself."""


def http_protocol(
    application: Application, most: int, patience: Patience | None = None
) -> type[asyncio.Protocol]:
    """What a connection to an application is: any method, within bounds.

    `most` is how many connections there may be, if the descriptors suffice.
    """
    admitted = Connections(most_connections(most), patience)
    return cast("type[asyncio.Protocol]", partial(HttpProtocol, application, admitted))


def server_config(
    application: Application, most: int = 1000, patience: Patience | None = None
) -> uvicorn.Config:
    """How uvicorn serves an application. The rest is as for `http_protocol`."""
    # The application is not asked by uvicorn, but by our protocol.
    config = uvicorn.Config(cast("Any", application), **SERVING)
    config.http = http_protocol(application, most, patience)
    return config


def _cursor_key(conn: Connection) -> bytes:
    """The data file's own key for cursors, made when it is first needed."""
    conn.lock("cursor_key")
    key = migrate.meta(conn, "cursor_key")
    if key is None:
        key = secrets.token_hex(32)
        migrate.set_meta(conn, "cursor_key", key)
    return bytes.fromhex(key)


def _seed_if_empty(conn: Connection, clock: Clock) -> None:
    conn.lock("seed")
    if not districts.any_exist(conn):
        seed(conn, clock())
