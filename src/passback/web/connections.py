"""The connections of a server: how many there may be, and how long each may keep us waiting.

Every connection takes a descriptor and some memory. If there are as many as allowed, a new one takes the place of one
that has kept us waiting longest, of the address that has most of these; a request that is being answered is never
given up for another. So a client that opens connections and sends nothing, or sends or reads slowly, keeps nobody out.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from passback.observe import request_id
from passback.web.messages import refused, reply
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.web.messages import Application, Reply, Request

log = logging.getLogger(__name__)


class Patience(Struct, frozen=True):
    """How many seconds a client may keep us waiting."""

    idle: float = 75.0
    """Between two requests: longer than proxies keep a connection, so that they never meet a closed one."""
    head: float = 20.0
    """From the first byte of a request to the last one of its address and headers."""
    request: float = 60.0
    """From the first byte of a request to its last one: the longest body, by default 1 MiB, at 140 kbit/s."""
    rate: float = 17_500.0
    """How many bytes of a longer body must arrive in each further second: 140 kbit/s."""
    unread: float = 60.0
    """Without reading on in an answer that is too long for the network's buffers."""
    linger: float = 5.0
    """For closing a connection that was refused."""
    look: float = 1.0
    """How often all of this is looked at."""


_SPARE = 32
"""How many connections more are taken than may be used, for the pages on health: whoever watches must get an answer."""
_SHARE_OF_DESCRIPTORS = 0.75
"""The rest is for the database, the LMSs and webhooks."""
_WARN_SECONDS = 60.0


class Connection(Protocol):
    """What is asked of a connection, and done to it."""

    @property
    def peer(self) -> str: ...
    @property
    def since(self) -> float: ...
    @property
    def taken(self) -> int: ...
    @property
    def unread(self) -> int: ...
    @property
    def is_working(self) -> bool: ...
    @property
    def is_idle(self) -> bool: ...
    @property
    def is_in_head(self) -> bool: ...
    @property
    def lingers(self) -> bool: ...

    def restrict(self, how: Callable[[Application], Application]) -> None: ...
    def time_out(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def most_connections(wanted: int) -> int:
    """How many connections the process can have: `wanted`, or as many as its limit of descriptors leaves.

    The limit is raised as far as it may be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = int(wanted / _SHARE_OF_DESCRIPTORS) + _SPARE
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(1, int((soft - _SPARE) * _SHARE_OF_DESCRIPTORS))
    log.warning(
        "the limit of %d open files leaves room for %d connections, not %d: raise it", soft, possible, wanted
    )
    return possible


class Connections:
    """The connections of one server, at most so many."""

    def __init__(self, most: int, patience: Patience | None = None) -> None:
        self._most = most
        self._patience = patience or Patience()
        self._all: dict[Connection, _Reader] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._warn_again = 0.0

    def admit(self, new: Connection) -> None:
        """Take a connection in. If there is no room, another one goes, or the new one may only ask for health."""
        if len(self._all) >= self._most:
            self._warn()
            if (other := self._most_dispensable()) is not None:
                self.discard(other)
                other.abort()
            elif len(self._all) >= self._most + _SPARE:
                new.abort()
                return
            else:
                new.restrict(_only_health)
        self._all[new] = _Reader()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience.look, self._look)

    def discard(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._all.pop(connection, None)

    def _most_dispensable(self) -> Connection | None:
        """The connection that has kept us waiting longest, of the address that has most such; None if none has."""
        waiting = [it for it in self._all if not it.is_working or it.unread]
        if not waiting:
            return None
        by_peer = Counter(it.peer for it in waiting)
        most = max(by_peer.values())
        return min((it for it in waiting if by_peer[it.peer] == most), key=lambda it: it.since)

    def _look(self) -> None:
        """End the connections that have kept us waiting too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection, reader in list(self._all.items()):
            if reader.stopped_for(connection.unread, now) > self._patience.unread:
                connection.abort()
            elif not connection.is_working and now - connection.since > self._patience_with(connection):
                if connection.lingers:
                    connection.abort()
                elif connection.is_idle:
                    connection.close()
                else:
                    connection.time_out()
        self._timer = loop.call_later(self._patience.look, self._look) if self._all else None

    def _patience_with(self, connection: Connection) -> float:
        """How long the client may keep us waiting for what comes next."""
        if connection.lingers:
            return self._patience.linger
        if connection.is_idle:
            return self._patience.idle
        if connection.is_in_head:
            return self._patience.head
        return self._patience.request + connection.taken / self._patience.rate

    def _warn(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._warn_again:
            self._warn_again = now + _WARN_SECONDS
            log.warning(
                "%d connections are open, as many as may be: others are closed for new ones", self._most
            )


class _Reader:
    """Notices that a client has stopped reading an answer."""

    __slots__ = ("_since", "_unread")

    def __init__(self) -> None:
        self._unread = 0
        self._since = 0.0

    def stopped_for(self, unread: int, now: float) -> float:
        """For how long the client has read nothing, now that so many bytes wait for it."""
        if unread != self._unread or not unread:
            self._unread, self._since = unread, now
        return now - self._since


def _only_health(application: Application) -> Application:
    """Refuse everything but the pages on health."""

    async def answer(request: Request) -> Reply | None:
        if request.path.startswith(b"/health/"):
            return await application(request)
        refusal = refused(errors.store_unavailable(), b"")
        return replace(reply(refusal, [(request_id.HEADER, request_id.new().encode())]), close=True)

    return answer
