"""Looking for assignments that were deleted in the LMS: what is concluded, and what is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.app import build_gateway, open_database
from passback.context import Gateway
from passback.delivery import clock_set_back, looks
from passback.domain.assignment import Assignment
from passback.domain.clock import DAY, HOUR, MINUTE
from passback.domain.delivery import Delivery
from passback.domain.submission import Submission
from passback.lms.http import within
from passback.lms.interface import Connector, Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.lms.registry import Reached
from passback.sandbox.seed import seed
from passback.settings import Settings
from passback.store import assignments, deliveries, roster, webhooks
from passback.store import looks as stored
from passback.store.engine.database import Connection
from support.postgres import DATABASES, database_of
from support.sandbox import BIOLOGY, DISTRICT, ELSEWHERE_SECTION, NOW, SECTION, SetClock


def lms_assignment(id_: str) -> Assignment:
    """An assignment in the LMS."""
    return Assignment(
        id_, f"Essay {id_}", "", None, Decimal(20), "points", (), None, None, None, None, None, "all", (), (), None,
        published=True, created=NOW, last_modified=NOW,
    )  # fmt: skip


class Lms:
    """A connector to an LMS that has some assignments."""

    def __init__(self) -> None:
        self.has: set[str] = set()
        self.hidden_from_lists: set[str] = set()
        self.errors: dict[str, LmsError] = {}
        """What a method raises, by its name."""
        self.grades: dict[str, int] = {}
        """The points of the only student who is graded, by assignment."""
        self.errors_of: dict[str, LmsError] = {}
        """What reading an assignment by itself raises."""
        self.calls: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens each time that grades are read."""

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.errors:
            raise self.errors[name]

    async def read_assignments(self, _section: str, wanted: Sequence[str]) -> Mapping[str, Any]:
        self._called("read_assignments")
        return {it: lms_assignment(it) for it in self.has & {*wanted} - self.hidden_from_lists}

    async def read_assignment(self, _section: str, assignment: str) -> None:
        self._called("read_assignment")
        if assignment in self.errors_of:
            raise self.errors_of[assignment]
        if assignment not in self.has:
            raise Gone("assignment")

    async def read_submissions(
        self, _section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Any]:
        self._called("read_submissions")
        if self.meanwhile is not None:
            await self.meanwhile()
        if assignment in self.errors_of:
            raise self.errors_of[assignment]
        points = Decimal(self.grades.get(assignment, 0))
        return {students[0]: Submission(students[0], "created", (), grade_points=points)}

    async def read_people(self, _section: str) -> list[Any]:
        self._called("read_people")
        return []


class OnlyLms:
    """Reaches one LMS. See `passback.context.Reach`."""

    pretending = False

    def __init__(self, connector: Any) -> None:
        self.connector: Any = connector

    def find(self, _conn: Connection, _district_id: str, _lms_type: str) -> Connector | None:
        found: Connector | None = self.connector
        return found

    def of_kind(self, _conn: Connection, _lms_type: str) -> list[Reached]:
        return []

    def forget(self) -> None: ...

    async def close(self) -> None: ...


class World:
    """A gateway whose LMS is an `Lms`."""

    def __init__(self, gateway: Gateway, clock: SetClock) -> None:
        self.lms = Lms()
        self.reach = OnlyLms(self.lms)
        self.gateway = replace(gateway, connectors=self.reach)
        self.clock = clock
        self.failing: dict[str, int] = {}

    def add(
        self, *names: str, section: str = SECTION, in_lms: bool = True, made_in: str | None = None
    ) -> None:
        def write(conn: Connection) -> None:
            for name in names:
                assignments.add(
                    conn, assignment_id=name, section_id=section, lms_id=name, lms_section_id=made_in
                )
            stored.request(conn, section, self.clock())

        self.write(write)
        if in_lms:
            self.lms.has |= {*names}

    def look(self) -> bool:
        return asyncio.run(looks.look_at_next(self.gateway, self.failing))

    def unmatch(self) -> None:
        self.write(lambda conn: conn.execute("UPDATE sections SET lms_id = NULL"))

    def write(self, transaction: Callable[[Connection], Any]) -> Any:
        return self.gateway.database.write_now(transaction)

    def select(self, query: str) -> list[Any]:
        return self.gateway.database.read_now(lambda conn: conn.execute(query).fetchall())

    def gone(self) -> list[str]:
        return [
            row[0] for row in self.select("SELECT id FROM assignments WHERE gone IS NOT NULL ORDER BY id")
        ]

    def due(self) -> int:
        """In how many milliseconds the section is due."""
        [row] = self.select("SELECT due FROM assignment_looks")
        return int(row[0]) - self.clock()


@pytest.fixture(params=DATABASES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    clock = SetClock()
    with database_of(request.param, "sandbox") as url:
        settings = Settings(data=":memory:", database_url=url)
        with contextlib.closing(open_database(settings, "sandbox")) as database:
            database.write_now(lambda conn: seed(conn, NOW))
            yield World(build_gateway(database, settings, clock), clock)


def test_what_is_there_is_looked_at_again_a_day_later(world: World) -> None:
    world.add("a", "b")
    assert (world.look(), world.gone(), world.lms.calls) == (True, [], ["read_assignments"])
    assert DAY <= world.due() <= DAY + 2 * HOUR
    assert not world.look()
    world.clock.advance(hours=27)
    assert world.look()


def test_the_title_that_an_older_version_did_not_keep_is_that_of_the_lms(world: World) -> None:
    world.add("older", "newer")
    world.write(lambda conn: conn.execute("UPDATE assignments SET district_id = NULL WHERE id = 'older'"))
    world.write(lambda conn: assignments.set_title(conn, "newer", "Its own"))
    world.look()
    kept = world.select("SELECT id, title, district_id FROM assignments ORDER BY id")
    assert [tuple(it) for it in kept] == [
        ("newer", "Its own", DISTRICT),
        ("older", "Essay older", DISTRICT),
    ]


def told_of_grades(world: World) -> Callable[[], list[str]]:
    """The assignments whose grades an application is told of, which it asks for."""
    webhook = webhooks.Webhook(
        id="hook", district_id=DISTRICT, application="Sandbox", url="", events=("grade.changed_in_lms",), secret="",
        secret_before=None, secret_before_until=None, disabled=None, created=NOW, last_modified=NOW,
    )  # fmt: skip

    def insert(conn: Connection) -> None:
        [(application,)] = conn.execute(
            "SELECT application FROM tokens WHERE district_id = :id", {"id": DISTRICT}
        ).fetchall()
        webhooks.insert(conn, replace(webhook, application=application))

    world.write(insert)
    query = "SELECT content FROM deliveries WHERE operation = 'send_webhook' ORDER BY id"
    return lambda: [json.loads(row[0])["data"]["assignment_id"] for row in world.select(query)]


def again(world: World) -> None:
    world.clock.advance(hours=9)
    assert world.look()


def test_grades_are_read_four_times_a_day_if_somebody_wants_to_hear_of_them(world: World) -> None:
    told = told_of_grades(world)
    world.add("a", "b")
    world.look()
    assert 6 * HOUR <= world.due() <= 8 * HOUR
    assert (world.lms.calls, told()) == (["read_assignments", "read_submissions", "read_submissions"], [])
    world.lms.grades["a"] = 7
    again(world)
    again(world)
    assert told() == ["a"]


@pytest.mark.parametrize("error", [RefusedByLms("NOT_GRADABLE", "no"), Gone("assignment")])
def test_grades_that_nobody_may_read_hide_no_others(world: World, error: LmsError) -> None:
    told = told_of_grades(world)
    world.add("a", "b")
    world.look()
    world.lms.errors_of["b"], world.lms.grades["a"] = error, 7
    again(world)
    assert told() == ["a"]


def test_what_is_gone_is_noticed_although_grades_cannot_be_read(world: World) -> None:
    told_of_grades(world)
    world.add("a", "b")
    world.look()
    world.lms.has.discard("a")
    world.lms.errors["read_submissions"] = NotAllowed("no")
    again(world)
    assert world.gone() == ["a"]


def test_grades_cost_nothing_if_nobody_asks_for_them(world: World) -> None:
    world.add("a")
    world.look()
    assert world.lms.calls == ["read_assignments"]


def test_what_was_deleted_among_others_is_noticed(world: World) -> None:
    world.add("a", "b")
    world.lms.has.discard("a")
    world.look()
    assert (world.gone(), world.lms.calls) == (["a"], ["read_assignments", "read_assignment"])


def test_the_only_one_of_a_section_that_can_be_read_is_noticed(world: World) -> None:
    world.add("a", in_lms=False)
    world.look()
    assert (world.gone(), world.lms.calls[-1]) == (["a"], "read_people")


def test_what_nobody_may_read_is_there_and_keeps_no_other_from_being_noticed(world: World) -> None:
    world.add("a", "b", "c")
    world.lms.has = {"a", "b"}
    world.lms.hidden_from_lists = {"b"}
    world.lms.errors_of = {"b": RefusedByLms("NOT_GRADABLE", "denied")}
    world.look()
    assert world.gone() == ["c"]


def test_what_only_a_list_lacks_is_there(world: World) -> None:
    world.add("a", "b", "c")
    world.lms.hidden_from_lists = {"a", "b", "c"}
    world.look()
    assert world.gone() == []


@pytest.mark.parametrize("method", ["read_assignments", "read_assignment", "read_people"])
@pytest.mark.parametrize(
    "error", [Unavailable("down"), NotAllowed("no right"), NotAllowed("revoked", credentials=True), Gone("student")],
    ids=["down", "no right", "revoked", "odd"],
)  # fmt: skip
def test_an_lms_that_fails_deletes_nothing(world: World, method: str, error: LmsError) -> None:
    world.add("a", in_lms=False)
    world.lms.errors[method] = error
    for _ in range(3):
        assert world.look()
        assert (world.gone(), world.due()) == ([], 2 * HOUR)
        world.clock.advance(hours=30)


def test_refused_credentials_are_reported_until_a_look_finds_that_they_work(world: World) -> None:
    def state() -> str:
        found = world.gateway.database.read_now(
            lambda conn: roster.find(conn, roster.DISTRICTS, DISTRICT, DISTRICT)
        )
        assert found is not None
        return found.lms_state

    world.add("a")
    for error, expected in ((NotAllowed("revoked", credentials=True), "error"), (None, "success")):
        world.lms.errors = {} if error is None else {"read_assignments": error}
        world.clock.advance(hours=3)
        assert world.look()
        assert state() == expected


@pytest.mark.parametrize("method", ["read_assignments", "read_assignment", "read_people"])
def test_a_section_that_cannot_be_found_needs_two_looks_a_day_apart(world: World, method: str) -> None:
    world.add("a", in_lms=False)
    world.lms.errors[method] = Gone("section")
    assert (world.look(), world.gone()) == (True, [])
    world.write(lambda conn: stored.request(conn, SECTION, world.clock()))
    world.clock.now += MINUTE
    assert (world.look(), world.gone()) == (True, [])  # asked again soon, the LMS says the same
    world.clock.advance(hours=27)
    assert (world.look(), world.gone()) == (True, ["a"])


def test_a_section_that_comes_back_has_its_assignments(world: World) -> None:
    world.add("a", "b")
    world.lms.errors["read_assignments"] = Gone("section")
    world.look()
    world.lms.errors.clear()
    world.clock.advance(hours=27)
    world.look()
    world.lms.errors["read_assignments"] = Gone("section")
    world.clock.advance(hours=27)
    world.look()
    assert world.gone() == []


def test_what_is_restored_in_the_lms_can_be_deleted_again(world: World) -> None:
    world.add("a", "b")
    for expected in (["a"], [], ["a"]):
        world.lms.has ^= {"a"}
        assert (world.look(), world.gone()) == (True, expected)
        world.clock.advance(hours=27)
    world.clock.advance(days=31)
    world.lms.has.add("a")
    assert (world.look(), world.gone()) == (True, ["a"])  # too late to look for it


def test_an_error_of_ours_is_no_end_of_looking(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.add("a")
    world.reach.connector = object()
    assert world.look()
    assert "internal error while looking" in caplog.text
    world.reach.connector = world.lms
    world.clock.advance(hours=27)
    assert (world.look(), world.gone()) == (True, [])


def test_a_section_without_a_match_or_connection_is_left_alone(world: World) -> None:
    world.add("a", in_lms=False)
    world.reach.connector = None
    assert (world.look(), world.gone(), world.due() >= DAY) == (True, [], True)
    world.unmatch()
    world.reach.connector = world.lms
    world.clock.advance(hours=27)
    assert (world.look(), world.gone(), world.lms.calls) == (True, [], [])
    world.clock.advance(hours=27)
    assert not world.look()
    world.write(lambda conn: stored.request_all(conn, DISTRICT, world.clock(), even_recent=False))
    assert world.look()


def test_a_section_that_lost_its_match_is_looked_for_where_it_was(world: World) -> None:
    world.add("a", "b", made_in=SECTION)
    world.unmatch()
    world.lms.has.discard("a")
    assert (world.look(), world.gone()) == (True, ["a"])
    world.lms.errors["read_assignments"] = Gone("section")  # its course was deleted, too
    for expected in (["a"], ["a", "b"]):
        world.clock.advance(hours=27)
        assert (world.look(), world.gone()) == (True, expected)


def test_an_assignment_of_another_class_is_not_looked_for_in_this_one(world: World) -> None:
    world.add("a", made_in="another", in_lms=False)
    world.add("b", made_in=SECTION)
    assert (world.look(), world.gone()) == (True, [])


def test_a_section_without_assignments_is_forgotten_until_it_has_one(world: World) -> None:
    world.add("a")
    world.write(lambda conn: assignments.mark_deleted(conn, "a", NOW))
    assert world.look()
    assert world.select("SELECT * FROM assignment_looks") == []
    world.add("b")
    assert world.look()


def test_a_section_that_no_longer_exists_is_forgotten(world: World) -> None:
    world.add("a")
    world.write(lambda conn: conn.execute("UPDATE assignment_looks SET section_id = 'no longer'"))
    assert world.look()
    assert world.select("SELECT * FROM assignment_looks") == []


def test_a_look_asks_little_of_the_lms(world: World) -> None:
    names = [f"{number:04}" for number in range(600)]
    world.add(*names, in_lms=False)
    world.lms.has = {names[-1]}
    world.look()
    assert world.gone() == names[-21:-1]
    assert (world.lms.calls.count("read_assignments"), world.lms.calls.count("read_assignment")) == (5, 20)
    assert world.due() == MINUTE


def test_a_section_is_looked_at_by_one_process(world: World) -> None:
    world.add("a")
    claimed = [
        world.write(lambda conn: stored.claim(conn, world.clock(), world.clock() + MINUTE)) for _ in range(2)
    ]
    assert [it is not None for it in claimed] == [True, False]
    world.clock.now += MINUTE  # if that process dies, another looks
    assert world.look()


def test_a_look_that_is_repeated_since_another_noted_changes_stays_the_only_one(world: World) -> None:
    told_of_grades(world)
    world.add("a")
    claimed: list[bool] = []

    async def look_too() -> None:
        claimed.append(
            world.select("SELECT busy_until FROM assignment_looks") == [(NOW + stored.LONGEST_CLAIM,)]
        )
        if len(claimed) == 1:
            world.lms.grades["a"] = 7
            await looks.look_at(world.gateway, DISTRICT, SECTION)

    world.lms.meanwhile = look_too
    world.look()
    assert claimed == [True, True, True]  # the first time, by the other look, and when it is repeated


def test_two_looks_at_once_report_a_change_once(world: World) -> None:
    told = told_of_grades(world)
    world.add("a")
    world.look()

    async def both() -> None:
        meeting = asyncio.Barrier(2)

        async def meet() -> None:
            with contextlib.suppress(asyncio.BrokenBarrierError):
                await meeting.wait()  # so both have read, and neither has noted it
                await meeting.abort()

        world.lms.meanwhile = meet
        await asyncio.gather(*(looks.look_at(world.gateway, DISTRICT, SECTION) for _ in range(2)))

    for points in range(1, 6):
        world.lms.grades["a"] = points
        world.clock.advance(hours=1)
        asyncio.run(both())
    assert told() == ["a"] * 5


def test_a_clock_that_is_set_four_days_ahead_and_back_delays_no_look(world: World) -> None:
    world.add("a")
    world.clock.now += 4 * DAY
    assert world.look()
    claimed = world.clock() + stored.LONGEST_CLAIM
    world.write(lambda conn: stored.request(conn, SECTION, world.clock() + MINUTE))
    assert world.write(lambda conn: stored.claim(conn, world.clock() + MINUTE, claimed))  # and then it dies
    world.clock.now = NOW
    world.write(lambda conn: clock_set_back.pull_in(conn, NOW))
    world.write(lambda conn: stored.request(conn, SECTION, NOW + MINUTE))
    world.clock.now += MINUTE
    assert world.look()
    assert world.due() <= DAY + 2 * HOUR


def test_what_is_asked_for_during_a_look_is_looked_at_afterwards(world: World) -> None:
    world.add("a")
    look = world.write(lambda conn: stored.claim(conn, world.clock(), world.clock() + MINUTE))
    world.write(lambda conn: stored.request(conn, SECTION, world.clock()))
    assert not world.look()  # not by two at once
    world.write(lambda conn: stored.finish(conn, look, world.clock() + DAY, world.clock()))
    assert world.look()


def test_the_longest_overdue_comes_first(world: World) -> None:
    world.add("a", section=BIOLOGY)
    world.clock.now += MINUTE
    world.add("b")
    look = world.write(lambda conn: stored.claim(conn, world.clock(), world.clock() + MINUTE))
    assert look.section_id == BIOLOGY


def due_in(world: World, section: str, when: int) -> None:
    world.write(
        lambda conn: conn.execute(
            "UPDATE assignment_looks SET due = :due WHERE section_id = :id", {"due": when, "id": section}
        )
    )


def claimed(world: World) -> str:
    look = world.write(lambda conn: stored.claim(conn, world.clock(), world.clock() + MINUTE))
    assert look is not None
    return str(look.section_id)


def test_what_is_requested_comes_before_what_is_due(world: World) -> None:
    world.add("a")
    world.add("b", section=BIOLOGY)
    due_in(world, BIOLOGY, world.clock() - DAY)
    assert claimed(world) == SECTION


def test_a_district_with_many_sections_keeps_no_other_waiting(world: World) -> None:
    world.add("a")
    world.add("b", section=ELSEWHERE_SECTION)
    first = set()
    for _ in range(100):
        due_in(world, SECTION, world.clock() - DAY)
        due_in(world, ELSEWHERE_SECTION, world.clock() - 1)
        world.write(lambda conn: conn.execute("UPDATE assignment_looks SET busy_until = 0"))
        first.add(claimed(world))
    assert first == {SECTION, ELSEWHERE_SECTION}


def test_however_often_clients_ask_a_section_is_looked_at_once_a_minute(world: World) -> None:
    world.add("a")
    looks = 0
    for _ in range(30):
        world.write(lambda conn: stored.request(conn, SECTION, world.clock()))
        looks += world.look()
        world.clock.now += 10_000
    assert looks == 5


def test_an_lms_that_fails_is_not_asked_for_the_next_section_at_once(world: World) -> None:
    world.add("a")
    world.add("b", section=BIOLOGY)
    due_in(world, BIOLOGY, world.clock() - 1)
    world.lms.errors["read_assignments"] = Unavailable("down")
    assert [world.look() for _ in range(2)] == [True, False]
    world.lms.errors.clear()
    world.clock.now += 5 * MINUTE
    assert [world.look() for _ in range(2)] == [True, False]


def test_looks_that_fail_do_not_stop_grades(world: World) -> None:
    world.add("a")
    spared = []

    class Sparing(Lms):
        def _called(self, name: str) -> None:
            spared.append(within.SPARES_BREAKER.get())

    world.reach.connector = Sparing()
    world.look()
    assert set(spared) == {True}


def deleting(world: World, **how: Any) -> None:
    """Add a delivery that deletes the assignment ``a``."""
    delivery = Delivery(
        id="d" * 32,
        district_id=DISTRICT,
        application="app",
        operation="delete_assignment",
        destination=DISTRICT,
        lane="assignment/a",
        section_id=SECTION,
        assignment_id="a",
        created=NOW,
        expires=NOW + DAY,
        rank=NOW,
        due=NOW,
        content="{}",
        **{"background": False, **how},
    )
    world.write(lambda conn: deliveries.add(conn, [delivery]))


@pytest.mark.parametrize(
    "how", [{"state": "delivering", "worker": "w"}, {"state": "waiting", "doubt": True}], ids=["now", "again"]
)
def test_what_an_application_is_deleting_is_not_reported(world: World, how: dict[str, Any]) -> None:
    world.add("a", in_lms=False)
    deleting(world, **how)
    assert (world.look(), world.gone()) == (True, [])


def test_what_an_application_deleted_without_getting_the_answer_is_not_reported(world: World) -> None:
    world.add("a", in_lms=False)
    deleting(world, state="failed", doubt=True)
    assert (world.look(), world.gone()) == (True, [])
    assert world.select("SELECT deleted FROM assignments WHERE id = 'a'") == [(world.clock(),)]


def test_sections_of_an_older_file_are_spread_over_a_day(world: World) -> None:
    world.add("a")
    world.write(lambda conn: conn.execute("UPDATE assignment_looks SET due = 0"))
    assert not world.look()
    assert 0 < world.due() <= DAY


@pytest.mark.parametrize(("even_recent", "looked"), [(True, [True, True]), (False, [True, False])])
def test_a_sync_has_a_district_looked_at(world: World, even_recent: bool, looked: list[bool]) -> None:
    world.add("a", section=BIOLOGY)
    found = []
    for _ in range(2):
        world.clock.now += MINUTE
        world.write(lambda conn: stored.request_all(conn, DISTRICT, world.clock(), even_recent=even_recent))
        found.append(world.look())
    assert found == looked
    world.write(lambda conn: stored.request_all(conn, "other", world.clock(), even_recent=True))
    assert not world.look()


def test_looks_are_taken_until_cancelled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("a", in_lms=False)
    world.add("b", section=BIOLOGY, in_lms=False)
    monkeypatch.setattr("passback.delivery.looks._PAUSE_SECONDS", 0.001)

    async def run() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(looks.run_looks(world.gateway), 0.5)

    asyncio.run(run())
    assert world.gone() == ["a", "b"]
