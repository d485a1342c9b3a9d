"""Several processes that serve on one address and one PostgreSQL database.

It is as with several servers behind a load balancer: each is whole, serves, delivers and keeps rosters in step, and
shares with the others what servers on one database share. uvicorn starts them, and starts another in the place of one
that has ended or hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from passback.app import (
    SERVING,
    build_api,
    build_gateway,
    delivering,
    http_protocol,
    observe,
    open_database_soon,
    settle,
)
from passback.domain.clock import system_clock
from passback.observe import tracing
from passback.operations.errors import StoreError
from passback.operations.older_copies import Ticking, count_file

if TYPE_CHECKING:
    import socket

    from passback.settings import Settings

log = logging.getLogger(__name__)

_HANGS_AFTER_SECONDS = 10
"""Without an answer for so long, a process is taken for hung: a busy machine may keep one waiting."""
_LOOK_FOR_PARENT_SECONDS = 1.0


def serve_on(listener: socket.socket, settings: Settings) -> int:
    """Serve on a listening socket, in `settings.workers` processes, until told to stop; returns the exit code."""
    supervisor = Multiprocess(_Process(settings), [listener])
    supervisor.run()
    return int(any(it.exitcode == STARTUP_FAILURE for it in supervisor.processes))


class _Process(uvicorn.Config):
    """What each process is sent, and goes by."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            cast("Any", None),  # `_Lifespan` makes the application
            workers=settings.workers,
            timeout_worker_healthcheck=_HANGS_AFTER_SECONDS,
            **SERVING,
        )
        self.settings = settings
        self.parent = os.getpid()

    def load(self) -> None:
        super().load()
        self.lifespan_class = _Lifespan


class _Lifespan:
    """What a process does before and after it serves, and beside. See ``uvicorn.lifespan``."""

    def __init__(self, config: _Process) -> None:
        self.should_exit = False
        self.state: dict[str, Any] = {}
        self._config = config
        self._stack = contextlib.AsyncExitStack()

    async def startup(self) -> None:
        """Open the database and begin to deliver."""
        settings = self._config.settings
        observe(settings)
        self._stack.callback(tracing.stop)
        try:
            database = self._stack.enter_context(
                contextlib.closing(open_database_soon(settings, "production"))
            )
        except StoreError as error:
            log.critical("%s", error)
            self.should_exit = True
            return
        ticking = Ticking(database, count_file(settings))
        ticking.begin(system_clock())
        gateway = build_gateway(database, settings)
        api = build_api(gateway, settings, "production")
        self._config.http_protocol_class = http_protocol(api, settings.max_connections)
        settle()
        await self._stack.enter_async_context(delivering(gateway, ticking))
        self._look_for_parent()

    async def shutdown(self) -> None:
        """Deliver no more, and close the database."""
        await self._stack.aclose()

    def _look_for_parent(self) -> None:
        """Stop if the process has gone that started this one: nobody else would end it."""
        if os.getppid() == self._config.parent:
            asyncio.get_running_loop().call_later(_LOOK_FOR_PARENT_SECONDS, self._look_for_parent)
        else:
            signal.raise_signal(signal.SIGTERM)
