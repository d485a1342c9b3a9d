"""Whatever the LMS: applications hear, once, of what was deleted there, and of nothing that was not.

Like test_connectors.py, this is for every connector; the gateway around it is the real one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lms.conftest import Builtin
from passback.context import Caller, Gateway
from passback.delivery import ledger, looks, perform
from passback.delivery.groups import together
from passback.domain.assignment import Assignment
from passback.gateway import assignments, submissions
from passback.in_flight import InFlight
from passback.lms.interface import Connector
from passback.lms.registry import Reached
from passback.rosters import lease, sync
from passback.rosters.progress import Quiet
from passback.sandbox.seed import seed
from passback.store import assignments as records
from passback.store import looks as stored
from passback.store import syncs, webhooks
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Opened
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault
from passback.testing.lms import Lms
from passback.wire.errors import Refusal
from passback.wire.events import EVENTS
from passback.wire.requests import AssignmentRequest, SubmissionItem, SubmissionRequest
from passback_simulators.reply import text_reply
from support.sandbox import DISTRICT, NOW, SECTION, STUDENTS, TEACHER

APPLICATION = "Sandbox application"
WAITING = Caller(DISTRICT, APPLICATION)
BACKGROUND = Caller(DISTRICT, APPLICATION, background=True)
GRADE = SubmissionRequest(grade_points=Decimal(1))


class Reach:
    """Reaches the one LMS. See `passback.context.Reach`."""

    pretending = False

    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    def find(self, _conn: Connection, _district_id: str, _lms_type: str) -> Connector:
        return self.connector

    def of_kind(self, _conn: Connection, _lms_type: str) -> list[Reached]:
        return []

    def forget(self) -> None: ...

    async def close(self) -> None: ...


class Served:
    """A gateway in front of the LMS, with two assignments there and a webhook."""

    def __init__(self, lms: Lms, database: Opened) -> None:
        self.lms, self.database = lms, database
        self.reach = Reach(lms.connector)
        vault = Vault(lambda: [b"k" * 32])
        self.gateway = Gateway(
            database=database, connectors=self.reach, clock=lms.clock, cursor_key=b"k" * 32, vault=vault,
            in_flight=InFlight(1e6),
        )  # fmt: skip
        hook = webhooks.Webhook(
            id="hook", district_id=DISTRICT, application=APPLICATION, url="https://app.example/", events=EVENTS,
            secret=webhooks.seal(vault, "hook", "whsec_x"), secret_before=None, secret_before_until=None, disabled=None,
            created=NOW, last_modified=NOW,
        )  # fmt: skip
        self.write(lambda conn: webhooks.insert(conn, hook))
        self.ids = [self.add(lms.create().lms_id) for _ in range(2)]
        self.id = self.ids[0]

    def write(self, transaction: Callable[[Connection], Any]) -> Any:
        return self.database.write_now(transaction)

    def select(self, query: str) -> list[Any]:
        return self.database.read_now(lambda conn: conn.execute(query).fetchall())

    def add(self, lms_id: str) -> str:
        """Record an assignment of the LMS as one that was made through the gateway."""
        id_ = f"019aafe2-4b1c-7d33-9a60-{len(self.select('SELECT 1 FROM assignments')):012}"

        def add(conn: Connection) -> None:
            records.add(
                conn, assignment_id=id_, section_id=SECTION, lms_id=lms_id, lms_section_id=self.lms.section
            )
            stored.schedule(conn, SECTION, self.lms.clock() + stored.EVERY)

        self.write(add)
        return id_

    def delete(self) -> None:
        """Delete the first assignment in the LMS's own UI."""
        [(lms_id,)] = self.select(f"SELECT lms_id FROM assignments WHERE id = '{self.id}'")
        self.lms.delete(lms_id)

    def run(self, action: Any) -> Any:
        """Run a use case; a refusal is an answer."""
        with contextlib.suppress(Refusal):
            return self.lms.run(action)

    def deliver(self) -> None:
        """Deliver what waits in the background."""

        def claim(conn: Connection) -> Any:
            return ledger.claim(conn, "worker", self.lms.clock(), 500, but=["hook"])

        for group in together(self.write(claim)):
            outcomes = self.lms.run(perform.deliver(self.gateway, group))
            now = self.lms.clock()
            self.write(partial(ledger.finish, group=group, outcomes=outcomes, now=now))

    def sync(self) -> None:
        async def run() -> None:
            held = await lease.claim(self.gateway)
            assert held is not None
            await sync.sync(held, Quiet())

        self.write(lambda conn: syncs.request(conn, DISTRICT, self.lms.clock()))
        self.lms.run(run())

    def look(self) -> None:
        """Take the looks that are due now."""
        while self.lms.run(looks.look_at_next(self.gateway)):
            pass

    def next_day(self) -> None:
        self.lms.clock.advance(hours=27)

    def told(self) -> list[str]:
        """The assignments that the webhook is to hear of as deleted."""
        return [
            next(id_ for id_ in self.ids if id_ in content)
            for (content,) in self.select(
                "SELECT content FROM deliveries WHERE operation = 'send_webhook' AND content LIKE '%deleted_in_lms%'"
            )
        ]


@pytest.fixture
def served(lms: Lms) -> Iterator[Served]:
    with contextlib.ExitStack() as stack:
        database = lms.database if isinstance(lms, Builtin) else None
        if database is not None and database.shared:
            pytest.skip("what differs by database is in tests/delivery/test_looks.py")
        if database is None:
            database = stack.enter_context(contextlib.closing(connect("", None)))
            migrate.prepare(database, "sandbox")
            database.write_now(lambda conn: seed(conn, NOW))
            database.write_now(lambda conn: match(conn, lms))
        yield Served(lms, database)


def match(conn: Connection, lms: Lms) -> None:
    """Match the sandbox's first section to the LMS's."""
    kind = lms.connector.capabilities.kind
    conn.execute(f"UPDATE districts SET lms_type = '{kind}' WHERE id = '{DISTRICT}'")
    conn.execute(f"UPDATE sections SET lms_id = NULL WHERE district_id = '{DISTRICT}'")
    conn.execute(f"UPDATE users SET lms_id = NULL WHERE district_id = '{DISTRICT}'")
    conn.execute(f"UPDATE sections SET lms_id = '{lms.section}' WHERE id = '{SECTION}'")
    for ours, theirs in zip([TEACHER, *STUDENTS], [lms.teacher, *lms.students], strict=False):
        conn.execute(f"UPDATE users SET lms_id = '{theirs}' WHERE id = '{ours}'")


def list_assignments(it: Served) -> None:
    it.run(assignments.page(it.gateway, DISTRICT, SECTION, limit=100, after_cursor=None))


def read(it: Served) -> None:
    it.run(assignments.read(it.gateway, DISTRICT, SECTION, it.id))


def change(it: Served) -> None:
    it.run(assignments.update(it.gateway, WAITING, SECTION, it.id, AssignmentRequest(title="Essay 2")))


def delete(it: Served) -> None:
    it.run(assignments.delete(it.gateway, WAITING, SECTION, it.id))


def list_submissions(it: Served) -> None:
    it.run(submissions.page(it.gateway, DISTRICT, SECTION, it.id, limit=100, after_cursor=None))


def read_submission(it: Served) -> None:
    it.run(submissions.read(it.gateway, DISTRICT, SECTION, it.id, STUDENTS[0]))


def grade(it: Served, caller: Caller = WAITING) -> None:
    it.run(submissions.update(it.gateway, caller, SECTION, it.id, STUDENTS[0], GRADE))


def grade_many(it: Served, caller: Caller = WAITING) -> None:
    items = [SubmissionItem(student, GRADE) for student in STUDENTS[:2]]
    it.run(submissions.update_many(it.gateway, caller, SECTION, it.id, items))


def change_later(it: Served) -> None:
    it.run(assignments.update(it.gateway, BACKGROUND, SECTION, it.id, AssignmentRequest(title="Essay 2")))
    it.deliver()


def grade_later(it: Served) -> None:
    grade(it, BACKGROUND)
    it.deliver()


def grade_many_later(it: Served) -> None:
    grade_many(it, BACKGROUND)
    it.deliver()


CALLS = [
    list_assignments, read, change, delete, list_submissions, read_submission, grade, grade_many, change_later,
    grade_later, grade_many_later, Served.sync, Served.next_day,
]  # fmt: skip
calls = pytest.mark.parametrize("call", CALLS, ids=lambda it: it.__name__)


def skip_sync_of_builtin(it: Served, call: Callable[[Served], None]) -> None:
    if call is Served.sync and it.lms.simulator is None:
        pytest.skip("the built-in gradebook is not synced")


@calls
def test_a_deletion_is_told_after_any_call_a_sync_or_a_day(
    served: Served, call: Callable[[Served], None]
) -> None:
    skip_sync_of_builtin(served, call)
    served.delete()
    served.look()
    assert served.told() == []
    call(served)
    served.look()
    assert served.told() == [served.id]


def test_a_deletion_is_told_once(served: Served) -> None:
    served.delete()
    for call in CALLS:
        if call is not Served.sync:
            call(served)
            served.look()
    served.next_day()
    served.look()
    assert served.told() == [served.id]


def test_what_is_there_is_not_told(served: Served) -> None:
    everything(served)
    assert served.told() == []


def everything(it: Served) -> None:
    """Make every call, and look, on two days."""
    for call in CALLS:
        if call not in (delete, Served.sync):
            call(it)
    it.look()
    it.next_day()
    it.look()


@pytest.mark.parametrize(
    "fault", ["error-before", "dropped", "throttled", "malformed", "expired-credentials"]
)
def test_an_lms_that_is_down_deletes_nothing(served: Served, fault: str) -> None:
    if served.lms.simulator is None:
        pytest.skip("the built-in gradebook is not reached over a network")
    served.lms.served.fail(fault, times=None)
    everything(served)
    assert served.told() == []
    served.lms.served.control("DELETE", "faults")
    served.delete()
    with served.lms.another() as fresh:  # the first may be resting now
        served.reach.connector = fresh
        served.next_day()
        served.look()
    assert served.told() == [served.id]


def test_a_page_of_html_deletes_nothing(served: Served) -> None:
    if served.lms.simulator is None:
        pytest.skip("the built-in gradebook is not reached over a network")
    simulator = served.lms.served.simulator
    real = simulator.answer

    async def page(request: Any) -> Any:
        if request.path.endswith("/token"):
            return await real(request)
        return text_reply(404, "<!DOCTYPE html><h1>We will be back soon</h1>", "text/html; charset=utf-8")

    simulator.answer = page  # type: ignore[method-assign]
    everything(served)
    assert served.told() == []


def test_a_section_that_is_hidden_for_an_hour_deletes_nothing(served: Served) -> None:
    if served.lms.simulator is None:
        pytest.skip("the built-in gradebook's sections are the roster's")

    def move(section: str) -> None:
        """Let the section and its assignments be in another one of the LMS."""
        served.write(
            lambda conn: conn.execute(f"UPDATE sections SET lms_id = '{section}' WHERE id = '{SECTION}'")
        )
        served.write(lambda conn: conn.execute(f"UPDATE assignments SET lms_section_id = '{section}'"))

    move(served.lms.nowhere)
    for call in CALLS:
        if call not in (delete, Served.sync, Served.next_day):
            call(served)
    served.look()
    assert served.told() == []
    served.lms.clock.advance(hours=1)
    move(served.lms.section)
    served.look()
    served.next_day()
    served.look()
    assert served.told() == []


def test_a_list_that_was_cut_deletes_nothing(served: Served) -> None:
    class Cutting:
        def __getattr__(self, name: str) -> Any:
            return getattr(served.lms.connector, name)

        async def read_assignments(self, section: str, wanted: Sequence[str]) -> Mapping[str, Assignment]:
            found = await served.lms.connector.read_assignments(section, wanted)
            return dict(list(found.items())[1:])

    cutting: Any = Cutting()
    served.reach.connector = cutting
    list_assignments(served)
    served.look()
    served.next_day()
    served.look()
    assert served.told() == []


@pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after"])
def test_what_an_application_deletes_itself_is_not_told(served: Served, fault: str) -> None:
    if served.lms.simulator is not None:
        served.lms.served.fail(fault, method="DELETE", times=None)
    delete(served)
    if served.lms.simulator is not None:
        served.lms.served.control("DELETE", "faults")
        served.lms.clock.advance(hours=1)
    for call in (delete, read, list_assignments):
        call(served)
        served.look()
    served.next_day()
    served.look()
    assert served.told() == []
