"""What every use case works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from passback.network.addresses import Resolve, resolve
from passback.observe.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery, Outcome
    from passback.lms.interface import Connector
    from passback.store.engine.database import Connection, Opened
    from passback.store.engine.vault import Vault

T = TypeVar("T")


class Reach(Protocol):
    """How a district's LMS is reached (`passback.lms.registry.Connectors`)."""

    pretending: bool
    """Whether the LMSs only pretend to fail, so that nothing is to be concluded from it."""

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:
        """The connector to a district's LMS; None where there is none."""
        ...

    def forget(self) -> None:
        """Open every connection anew when it is next needed."""
        ...

    async def close(self) -> None:
        """Close all that are open."""
        ...


class Engine(Protocol):
    """What delivers in the background (`passback.delivery.worker.Worker`)."""

    @property
    def name(self) -> str:
        """As which worker this process delivers."""
        ...

    def wake(self) -> None:
        """Look for what is due now."""
        ...

    def may_act(self) -> bool:
        """Whether nobody can have taken up what this process is delivering."""
        ...

    def at(self, delivery_ids: Iterable[str]) -> AbstractContextManager[None]:
        """While these are delivered for clients that wait: else they would be given back to be delivered later."""
        ...

    def close_later(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Write down what came of deliveries once the store takes it again; their clients were told nothing."""
        ...

    def is_closing(self, delivery_id: str) -> bool:
        """Whether what came of a delivery is still to be written down."""
        ...


class Gateway(Struct, frozen=True):
    """The parts of a running gateway."""

    database: Opened
    connectors: Reach
    clock: Clock
    cursor_key: bytes
    """What cursors are sealed with; kept in the database, so that they outlive a restart."""
    engine: Engine
    vault: Vault
    """What the secrets of webhooks are encrypted with."""
    private_webhooks: bool = False
    """Whether webhooks may be sent to the own network."""
    resolve: Resolve = resolve
    """How the names of webhooks' servers are looked up."""
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    """What is counted of it."""


class Caller(Struct, frozen=True):
    """Whose request it is, and how it is to be carried out."""

    district_id: str
    application: str
    background: bool = False
    """Whether the answer is to be 202, and the LMS's comes later (``Prefer: respond-async``)."""
    key: str | None = None
    """The ``Idempotency-Key``."""
    fault: str | None = None
    """How the sandbox's LMS shall fail (``Sandbox-Fault``), where that is after the answer."""
    request_id: str | None = None
    trace: str | None = None


class Answer(Struct, Generic[T], frozen=True):
    """What a use case answers, and the codes of what it ignored or changed (``Passback-Warnings``)."""

    value: T
    warnings: tuple[str, ...] = ()


class Accepted(Struct, frozen=True):
    """It is kept, and will be delivered in the background."""

    delivery_id: str
