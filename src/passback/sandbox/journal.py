"""The sandbox's request journal: what applications asked lately, what they got, and which calls to the LMS it caused.

It is in memory and bounded. A call to a simulated LMS says in a header what caused it (`Caused`), and the simulator
hands it in (`Journal.heard`): nothing outside of the sandbox knows of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from passback.observe import request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from passback.domain.clock import Clock, Instant
    from passback.domain.delivery import Delivery
    from passback_simulators.simulator import Heard

MOST_KEPT = 500
LONGEST_BODY = 16 * 1024
"""How many bytes of a body are kept."""
MOST_CALLS = 200
"""How many calls of one request are kept."""

_CAUSE = "Sandbox-Cause"
_cause: ContextVar[Entry | None] = ContextVar("cause", default=None)


class LmsCall(Struct, frozen=True):
    """A call to a simulated LMS."""

    lms: str
    """The kind of LMS."""
    method: str
    path: str
    """With its query."""
    status: int | None
    """None if the LMS gave no answer."""
    milliseconds: float


class Body(Struct, frozen=True):
    """A body as far as it is kept."""

    kept: bytes
    size: int

    @property
    def text(self) -> str:
        """What is kept, as text; bytes that are none are shown as replacements."""
        return self.kept.decode("utf-8", "replace")


class Answer(Struct, frozen=True):
    """What a request got."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: Body


class Entry(Struct, eq=False):
    """A request with its answer and what came of it; filled while it is answered, and by deliveries later."""

    id: int
    request_id: str
    at: Instant
    method: str
    path: str
    """As sent, without the query."""
    query: str
    headers: Sequence[tuple[str, str]]
    body: Body | None = None
    """None if it was not read."""
    district_id: str = ""
    application: str = ""
    token: bytes = b""
    """A hash of the token, to find its requests by."""
    answer: Answer | None = None
    """None if the client hung up, or still waits."""
    milliseconds: float = 0.0
    warnings: Sequence[str] = ()
    lms_calls: list[LmsCall] = msgspec.field(default_factory=list)


class Wanted(Struct, frozen=True):
    """Which requests to find: those that have all that is given."""

    token: bytes = b""
    """A hash of it."""
    district: str = ""
    application: str = ""
    method: str = ""
    path: str = ""
    """What the path begins with."""
    status: int | None = None
    request_id: str = ""
    since: Instant | None = None
    before: int | None = None
    """The id of an entry: only older ones."""

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is one of them."""
        status = None if entry.answer is None else entry.answer.status
        return (
            (not self.token or entry.token == self.token)
            and (not self.district or entry.district_id == self.district)
            and (not self.application or entry.application == self.application)
            and (not self.method or entry.method == self.method)
            and entry.path.startswith(self.path)
            and (self.status is None or status == self.status)
            and (not self.request_id or entry.request_id == self.request_id)
            and (self.since is None or entry.at >= self.since)
            and (self.before is None or entry.id < self.before)
        )


class Journal:
    """The last requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=MOST_KEPT)
        self._last_id = 0
        self.under_way: Callable[[], Iterable[Sequence[Delivery]]] = tuple
        """What is delivered in the background just now, in groups."""

    def begin(
        self, id_: str, method: str, path: str, query: str, headers: Sequence[tuple[str, str]]
    ) -> Entry:
        """Note a request that is about to be answered here, and that what follows in this context is caused by it."""
        self._last_id += 1
        entry = Entry(self._last_id, id_, self._clock(), method, path, query, headers)
        self._entries.append(entry)
        _cause.set(entry)
        return entry

    def find(self, wanted: Wanted, limit: int) -> list[Entry]:
        """The newest entries of those that are wanted, the newest first."""
        found: list[Entry] = []
        for entry in reversed(self._entries):
            if wanted.fits(entry):
                found.append(entry)
                if len(found) == limit:
                    break
        return found

    def entry(self, id_: int) -> Entry | None:
        """One entry; None if it is no longer kept."""
        return next((it for it in self._entries if it.id == id_), None)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def heard(self, lms: str, heard: Heard) -> None:
        """Note a call that a simulated LMS has heard, with what caused it."""
        call = LmsCall(lms, heard.method, heard.path, heard.status, round(heard.seconds * 1000, 1))
        for entry in self._caused(heard.headers.get(_CAUSE.lower(), "")):
            if len(entry.lms_calls) < MOST_CALLS:
                entry.lms_calls.append(call)

    def _caused(self, cause: str) -> Collection[Entry]:
        """The entries of what caused a call."""
        kind, _, name = cause.partition(" ")
        if kind == "entry":
            entry = self.entry(int(name))
            return [] if entry is None else [entry]
        if kind != "request":
            return []
        # Deliveries that go together are sent as the first of them.
        together = next((it for it in self.under_way() if it[0].request_id == name), ())
        ids = {name, *(it.request_id for it in together)}
        # Clients may use an id again: it is of the newest.
        newest = {it.request_id: it for it in self._entries if it.request_id in ids}
        return newest.values()


class Caused(Mapping[str, str]):
    """The headers of a call to a simulated LMS: what caused it, as of the moment in which it is sent; and `others`."""

    def __init__(self, others: Mapping[str, str] | None = None) -> None:
        self._others = others or {}

    def _now(self) -> dict[str, str]:
        entry, id_ = _cause.get(), request_id.current()
        if entry is not None:
            return {**self._others, _CAUSE: f"entry {entry.id}"}
        return {**self._others, _CAUSE: f"request {id_}"} if id_ else dict(self._others)

    def __getitem__(self, name: str) -> str:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())
