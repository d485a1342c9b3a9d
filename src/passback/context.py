"""The parts of a running gateway, which every use case works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from passback.domain.clock import DAY
from passback.in_flight import InFlight
from passback.network.addresses import Network, Resolve, resolve
from passback.observe.metrics import Metrics

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.lms.interface import Connector
    from passback.lms.registry import Reached
    from passback.store.engine.database import Connection, Opened
    from passback.store.engine.vault import Vault

T = TypeVar("T")


class Reach(Protocol):
    """How districts' LMSs are reached (`passback.lms.registry.Connectors`)."""

    pretending: bool
    """Whether the LMSs only pretend to fail, so that nothing may be concluded from it."""

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:
        """The connector to a district's LMS; None if it has none."""
        ...

    def of_kind(self, conn: Connection, lms_type: str) -> Sequence[Reached]:
        """The connections to LMSs of one kind."""
        ...

    def forget(self) -> None:
        """Open every connection again when it is next needed."""
        ...

    async def close(self) -> None:
        """Close all open connections."""
        ...


Faults = Callable[["Gateway", Sequence[bytes]], AbstractAsyncContextManager["Gateway"]]
"""Makes of ``Sandbox-Fault`` headers the gateway that a request or delivery with them meets."""


class Gateway(Struct, frozen=True):
    """The parts of a running gateway."""

    database: Opened
    connectors: Reach
    clock: Clock
    cursor_key: bytes
    """What cursors are sealed with; kept in the database, so that they outlive a restart."""
    vault: Vault
    """What the secrets of webhooks are encrypted with."""
    in_flight: InFlight = msgspec.field(default_factory=InFlight)
    """What this process is delivering."""
    base_url: str = "http://127.0.0.1:8080"
    """Where browsers and LMSs reach the gateway, without a slash at its end."""
    keep_ended: int = 30 * DAY
    """For how many milliseconds deliveries that have ended are kept."""
    webhooks_reach: Network = "public"
    """Which servers webhooks may target."""
    resolve: Resolve = resolve
    """How the names of webhooks' servers are looked up."""
    faults: Faults | None = None
    """How faults on demand are made, which only the sandbox takes."""
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    """What is counted."""
    token_uses: dict[str, Instant] = msgspec.field(default_factory=dict)
    """When requests last came with tokens, by the tokens' ids, as far as it is not stored yet."""


async def _never() -> bool:
    return False


class Caller(Struct, frozen=True):
    """Whose request it is, and how to execute it."""

    district_id: str
    application: str
    background: bool = False
    """Whether to answer 202 now and deliver later (``Prefer: respond-async``)."""
    key: str | None = None
    """The ``Idempotency-Key``."""
    fault: str | None = None
    """How the sandbox's LMS fails (``Sandbox-Fault``) if it is asked after the answer."""
    request_id: str | None = None
    trace: str | None = None
    is_gone: Callable[[], Awaitable[bool]] = _never
    """Whether the client has hung up and will not get the answer."""


class Answer(Struct, Generic[T], frozen=True):
    """The answer of a use case, and the codes of what it ignored or changed (``Passback-Warnings``)."""

    value: T
    warnings: tuple[str, ...] = ()
    replayed: bool = False
    """Whether it repeats an earlier answer, to a request with the same ``Idempotency-Key``."""


class Accepted(Struct, frozen=True):
    """The change is on disk and will be delivered in the background."""

    delivery_id: str
    replayed: bool = False
    """Whether it was accepted before, as a request with the same ``Idempotency-Key``."""
