"""Which connector serves which district."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NoReturn, cast

from msgspec import Struct
from msgspec.structs import replace

from passback.lms.builtin.connector import BuiltinConnector
from passback.lms.interface import Capabilities, ConnectorKind, Finding, LmsConnection, NotAllowed
from passback.lms.shared import Shared
from passback.lms.stored_keys import StoredKeys
from passback.lms.stored_tokens import StoredRefreshToken
from passback.lms.verified import Verified
from passback.observe.counts import Gauge
from passback.observe.lms import LmsWatch
from passback.observe.metrics import Metrics
from passback.store import connections, districts
from passback.store.engine.vault import Vault, VaultError
from passback.store.notes import StoredNotes

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.lms.interface import Connector
    from passback.lms.signing import SigningKeys
    from passback.lms.tokens import RefreshTokens
    from passback.store.connections import StoredConnection
    from passback.store.engine.database import Connection, Database

GROUP = "passback.connectors"
"""The group of entry points in which packages offer connectors."""

BUILTIN = "builtin"

Given = Mapping[str, Callable[[], LmsConnection]]
"""Connections that are not in the store, by district: the sandbox's."""


class Reached(Struct, frozen=True):
    """Where a district's LMS is, without the credentials for it."""

    district_id: str
    address: str
    options: Mapping[str, str]


class UnknownKind(LookupError):
    """There is no connector for that kind of LMS; the message names the kinds that exist."""


def kinds() -> list[str]:
    """Return every kind of LMS that has a connector, besides the built-in gradebook."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def kind(name: str) -> ConnectorKind:
    """Load the kind of LMS with that name. Raises `UnknownKind`."""
    # If several packages offer one of the same name, ours counts.
    found_entries = sorted(
        entry_points(group=GROUP, name=name), key=lambda it: not it.value.startswith("passback.")
    )
    for entry in found_entries:
        try:
            found = entry.load()
        except Exception as error:
            raise UnknownKind(
                f"the connector for {name!r} cannot be loaded ({entry.value}): {error}"
            ) from error
        if isinstance(found, ConnectorKind):
            return found
        raise UnknownKind(f"the package that brings {name!r} gives no ConnectorKind ({entry.value})")
    raise UnknownKind(f"there is no connector for {name!r}: there are {', '.join(kinds())}")


class Unusable:
    """Stands in for a connector that cannot be opened: every method raises the reason. See `Connector`."""

    def __init__(self, lms_type: str, reason: str) -> None:
        self.capabilities = Capabilities(lms_type, lms_type)
        self._reason = reason

    async def check(self) -> list[Finding]:
        return [Finding(False, self._reason)]

    async def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[NoReturn]]:
        async def refuse(*_: object) -> NoReturn:
            raise NotAllowed(self._reason)

        return refuse


class Connectors:
    """The connectors: the built-in gradebook's, and one for each connected district, opened when first needed."""

    pretending = False

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: Vault,
        given: Given | None = None,
        worker: Callable[[], str] = str,
        metrics: Metrics | None = None,
    ) -> None:
        """`given` are connections besides those in the store; `worker` returns the id of this process's worker."""
        self._database = database
        self._clock = clock
        self._vault = vault
        self._given = given or {}
        self._worker = worker
        self._builtin = BuiltinConnector(database, clock)
        self._open: dict[str, tuple[int, Connector, LmsWatch]] = {}
        self._opening = threading.Lock()  # transactions may run in several threads
        self._retired: list[Connector] = []
        self._metrics = metrics or Metrics()
        self._metrics.add(
            Gauge(
                "passback_breaker_open",
                "Whether a district's LMS is not asked now, because it failed several times in a row.",
                ("lms", "district"),
                self._breakers,
            )
        )

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:
        """Return the connector to a district's LMS; None if the district has no connection."""
        if lms_type == BUILTIN:
            return self._builtin
        stored = None if district_id in self._given else connections.find(conn, district_id)
        with self._opening:
            return self._find(district_id, lms_type, stored)

    def of_kind(self, conn: Connection, lms_type: str) -> list[Reached]:
        """The connections to LMSs of one kind, by the ids of their districts."""
        stored = {
            it.district_id: Reached(it.district_id, it.address, it.options)
            for it in connections.of_kind(conn, lms_type)
        }
        if self._given:
            types = districts.lms_types(conn)
            for district_id, make in self._given.items():
                if types.get(district_id) == lms_type:
                    made = make()
                    stored[district_id] = Reached(district_id, made.address, made.options)
        return [it for _, it in sorted(stored.items())]

    def _find(self, district_id: str, lms_type: str, stored: StoredConnection | None) -> Connector | None:
        version = stored.last_modified if stored is not None else 0
        held = self._open.get(district_id)
        if held is not None:
            if held[0] == version:
                return held[1]
            self._retired.append(held[1])  # it may still have calls under way
        try:
            connection = self._connection(district_id, stored)
            if connection is None:
                self._open.pop(district_id, None)
                return None
            watch = self._metrics.lms_watch(lms_type, district_id)
            connector = self._opened(district_id, lms_type, replace(connection, watch=watch))
        except (UnknownKind, VaultError) as error:
            return cast("Connector", Unusable(lms_type, str(error)))
        self._open[district_id] = version, connector, watch
        return connector

    def open(self, district_id: str, lms_type: str, connection: LmsConnection) -> Connector:
        """Open a separate connector on a connection. Raises `UnknownKind`."""
        watch = self._metrics.lms_watch(lms_type, district_id)
        return self._opened(district_id, lms_type, replace(connection, watch=watch))

    def _opened(self, district_id: str, lms_type: str, connection: LmsConnection) -> Connector:
        connection = replace(connection, signing=StoredKeys(self._database, self._vault, self._clock))
        if self._database.shared:
            shared = Shared(self._database, self._clock, district_id, self._worker)
            connection = replace(connection, shared=shared)
        opened = kind(lms_type).open(connection, StoredNotes(self._database, district_id), self._clock)
        return Verified(opened, connection.timer, self._clock)

    def connection(self, conn: Connection, district_id: str) -> LmsConnection | None:
        """Return the connection to a district's LMS; None if there is none. Raises `VaultError`."""
        return self._connection(district_id, connections.find(conn, district_id))

    def _connection(self, district_id: str, stored: StoredConnection | None) -> LmsConnection | None:
        if district_id in self._given:
            return self._given[district_id]()
        if stored is None:
            return None
        connection = LmsConnection(stored.address, connections.unseal(self._vault, stored), stored.options)
        refresh = StoredRefreshToken(self._database, self._clock, self._vault, district_id, connection)
        return replace(connection, refresh=refresh)

    def _breakers(self) -> Iterator[tuple[tuple[str, str], float]]:
        for district_id, (_, _, watch) in self._open.items():
            yield (watch.lms, district_id), watch.resting()

    def forget(self) -> None:
        """Have every connection opened again when it is next needed, because what was known of it is outdated."""
        self._retired += [connector for _, connector, _ in self._open.values()]
        self._open.clear()

    async def close(self) -> None:
        """Close all that are open."""
        for _, connector, _ in self._open.values():
            await connector.close()
        for connector in self._retired:
            await connector.close()
        self._open.clear()
        self._retired.clear()


def not_stored(
    database: Database,
    clock: Clock,
    found: ConnectorKind,
    address: str,
    credentials: Mapping[str, str],
    options: Mapping[str, str],
    *,
    refresh: RefreshTokens,
    signing: SigningKeys,
) -> Connector:
    """Open a connector on a connection that is not stored, to check it."""
    connection = LmsConnection(address, credentials, options, refresh=refresh, signing=signing)
    return found.open(connection, StoredNotes(database, ""), clock)
