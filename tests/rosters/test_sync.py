"""Keeping a district in step with its LMS: an LMS over HTTP, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from passback.app import build_gateway, open_database
from passback.context import Gateway
from passback.domain.clock import DAY, MINUTE
from passback.domain.matching import LmsCourse, Person, Place
from passback.domain.roster import District
from passback.lms.interface import Connection as LmsConnection
from passback.lms.interface import LmsError, NotAllowed
from passback.observe.exposition import exposition
from passback.rosters import decide, import_files, read_lms, sync
from passback.rosters.decide import CannotTell, NotThere
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.progress import Progress, Quiet
from passback.rosters.read_lms import LeaseLost
from passback.rosters.sync import Broken, SyncLease
from passback.settings import Settings
from passback.store import matching, roster, roster_events, syncs
from passback.store.engine.database import Connection, Opened
from passback.store.matching import AlreadyMatched, Decision, Known
from passback.store.staging.tables import RosterChanged
from passback_simulators.canvas.simulator import CanvasSimulator
from support.postgres import DATABASES, database_of
from support.sandbox import NOW, SetClock
from support.simulators import Served, serving
from support.slate import SlateSimulator, installed

T = TypeVar("T")

DISTRICT = "d" * 24
SETTINGS = Settings(data=":memory:")


@dataclass
class Synced:
    """A district that is connected to Slate."""

    slate: Served
    database: Opened
    clock: SetClock

    def write(self, fn: Callable[[Connection], T]) -> T:
        return self.database.write_now(fn)

    def execute(self, sql: str, **parameters: Any) -> list[Any]:
        return self.write(lambda conn: conn.execute(sql, parameters).fetchall())

    def change(self, sql: str, **parameters: Any) -> None:
        self.write(lambda conn: conn.execute(sql, parameters))

    def user(self, id_: str, name: str, *sections: str, role: str = "student", **known: str) -> None:
        first, _, last = name.rpartition(" ")
        fields = {
            "id": id_, "district_id": DISTRICT, "role": role, "first_name": first, "last_name": last, "created": 0,
            "last_modified": 0, **known,
        }  # fmt: skip
        self.change(
            f"INSERT INTO users ({', '.join(fields)}) VALUES ({', '.join(':' + it for it in fields)})",
            **fields,
        )
        for section in sections:
            self.change(
                "INSERT INTO enrollments (section_id, user_id, role) VALUES (:section, :user, :role)",
                section=section, user=id_, role=role,
            )  # fmt: skip

    def section(self, id_: str, name: str) -> None:
        self.change(
            "INSERT INTO sections (id, district_id, name, created, last_modified) VALUES (:id, :d, :name, 0, 0)",
            id=id_, d=DISTRICT, name=name,
        )  # fmt: skip

    def at_slate(self, section: str, *people: str) -> None:
        self.slate.simulator.records.put(
            "sections", section, {"id": section, "name": section, "people": list(people)}
        )

    def run(self, do: Callable[[Gateway], Awaitable[T]], lms: LmsConnection | None = None) -> T:
        """Do something with a gateway of its own, as another process would."""
        slate = LmsConnection(f"{self.slate.url}/", {"api_key": "slate-key"}, patience=1.0)

        async def run() -> T:
            gateway = build_gateway(self.database, SETTINGS, self.clock, {DISTRICT: lambda: lms or slate})
            try:
                return await do(gateway)
            finally:
                await gateway.connectors.close()

        return asyncio.run(run())

    def claim(self) -> SyncLease | None:
        return self.run(sync.claim)

    def sync(self, lms: LmsConnection | None = None, progress: Progress | None = None) -> None:
        async def do(gateway: Gateway) -> None:
            held = await sync.claim(gateway)
            assert held is not None
            await sync.sync(held, progress or Quiet())

        self.run(do, lms)

    def ask(self, *, removals: bool = False) -> None:
        self.write(lambda conn: syncs.ask(conn, DISTRICT, self.clock(), removals=removals))

    @property
    def state(self) -> syncs.Sync:
        found = self.database.read_now(lambda conn: syncs.find(conn, DISTRICT))
        assert found is not None
        return found

    @property
    def district(self) -> District:
        found = self.database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, DISTRICT, DISTRICT))
        assert found is not None
        return found

    def all(self) -> list[matching.Ours]:
        return self.database.read_now(lambda conn: matching.all_of(conn, DISTRICT))

    def matched(self) -> dict[str, str | None]:
        return {it.id: it.lms_id for it in self.all()}

    def candidates(self) -> dict[str, list[str]]:
        found = self.database.read_now(lambda conn: matching.candidates(conn, DISTRICT))
        return {key: [it.id for it in them] for key, them in found.items()}

    def events(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        page = self.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=1000))
        return [(it.kind, it.what, it.object_id, it.previous) for it in page.items]

    def asked_of_slate(self) -> list[str]:
        found = [it.removeprefix("GET ") for it in self.slate.simulator.requests]
        self.slate.simulator.requests.clear()
        return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, in another's work."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - it is another process's, as far as we can see
            await asyncio.sleep(0.02)


@pytest.fixture(params=DATABASES)
def synced(request: pytest.FixtureRequest) -> Iterator[Synced]:
    simulator = SlateSimulator(SetClock())
    simulator.start()
    clock = SetClock()
    with installed(), serving(simulator) as slate, database_of(request.param, "production") as url:
        settings = Settings(data=":memory:", database_url=url)
        with contextlib.closing(open_database(settings, "production")) as database:
            found = Synced(slate, database, clock)
            found.write(_connect)
            yield found


def _connect(conn: Connection) -> None:
    district = District(DISTRICT, "Slate Unified", "slate", "initial_sync_processing", None, 0, 0, {})
    roster.insert(conn, roster.DISTRICTS, [district])
    syncs.begin(conn, DISTRICT, DAY, NOW)


@pytest.fixture
def known(synced: Synced) -> Synced:
    """The district's roster has Slate's two sections and two of its people."""
    synced.section("a1", "s1")
    synced.section("a2", "s2")
    synced.user("u1", "student-1", "a1")
    synced.user("u6", "student-6", "a2")
    return synced


def test_all_is_matched_and_written_down(known: Synced) -> None:
    known.sync()
    assert known.matched() == {"a1": "s1", "a2": "s2", "u1": "student-1", "u6": "student-6"}
    assert known.events() == [
        (kind, "updated", id_, {"synced_in_lms": False})
        for kind, id_ in (("users", "u1"), ("users", "u6"), ("sections", "a1"), ("sections", "a2"))
    ]
    district = known.district
    assert (district.lms_state, district.last_lms_sync) == ("success", NOW)
    assert district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 0.0}


def test_a_second_one_changes_nothing(known: Synced) -> None:
    known.sync()
    before = known.execute("SELECT * FROM users"), known.execute("SELECT * FROM sections"), known.events()
    known.clock.now += DAY
    known.sync()
    assert (
        known.execute("SELECT * FROM users"), known.execute("SELECT * FROM sections"), known.events()
    ) == before  # fmt: skip
    assert known.district.last_lms_sync == NOW + DAY


def test_what_was_read_is_not_kept(known: Synced) -> None:
    known.sync()
    assert known.execute("SELECT * FROM lms_members") + known.execute("SELECT * FROM lms_sections") == []


def test_the_next_one_is_a_day_later(known: Synced) -> None:
    known.sync()
    assert (known.state.due, known.state.worker, known.claim()) == (NOW + DAY, None, None)
    known.clock.now += DAY
    assert known.claim() is not None


def test_it_goes_on_where_it_was_broken_off(known: Synced) -> None:
    for number in range(3, 30):
        known.at_slate(f"s{number}", f"student-{number}")
    known.slate.fail("error-before", path="/sections/s9/", times=100)
    with pytest.raises(LmsError):
        known.sync()
    found = known.database.read_now(lambda conn: syncs.progress(conn, DISTRICT))
    assert (0 < found.sections_read < found.sections, known.district.lms_state) == (
        True,
        "initial_sync_processing",
    )
    read_already = {row[0] for row in known.execute("SELECT id FROM lms_sections WHERE read = 1")}
    assert "the LMS cannot be read" in (known.state.error or "")
    assert (known.state.due, known.claim()) == (NOW + MINUTE, None)
    known.slate.simulator.faults.rules.clear()
    known.asked_of_slate()
    known.clock.now += MINUTE
    known.sync()
    asked = known.asked_of_slate()
    assert "/sections" not in asked
    again = {path.split("/")[2] for path in asked}
    assert again == {f"s{number}" for number in range(1, 30)} - read_already
    assert (known.matched()["u6"], known.state.error, known.district.lms_state) == (
        "student-6",
        None,
        "success",
    )


def test_one_section_that_fails_does_not_keep_the_others_from_being_read(known: Synced) -> None:
    for number in range(3, 30):
        known.at_slate(f"s{number}", f"student-{number}")
    known.slate.fail("error-before", path="/sections/s1/", times=1000)
    with pytest.raises(LmsError):
        known.sync()
    assert known.execute("SELECT id FROM lms_sections WHERE read = 0") == [("s1",)]
    assert "section s1" in (known.state.error or "")


def test_a_section_that_fails_again_and_again_stays_as_it_is(known: Synced) -> None:
    known.sync()
    known.user("u2", "student-2", "a1")
    known.user("u5", "student-5", "a2")
    known.at_slate("s2", "student-5", "student-6")
    known.slate.fail("error-before", path="/sections/s1/", times=1000)
    for _ in range(2):
        known.ask()
        with pytest.raises(LmsError):
            known.sync()
    assert known.matched()["u5"] is None
    known.ask()
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u2"], found["u5"], found["a1"]) == ("student-1", None, "student-5", "s1")
    assert (known.state.error or "").startswith("done without section s1, which could not be read")
    assert known.state.due == NOW + DAY
    known.slate.simulator.faults.rules.clear()
    known.ask()
    known.sync()
    assert (known.matched()["u2"], known.state.error) == ("student-2", None)


def test_in_a_roster_from_the_lms_a_section_that_fails_keeps_its_people(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    before = synced.matched(), synced.execute("SELECT * FROM enrollments ORDER BY 1, 2, 3")
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)
    for _ in range(2):
        synced.ask()
        with pytest.raises(LmsError):
            synced.sync()
    synced.ask()
    synced.sync()
    assert (synced.matched(), synced.execute("SELECT * FROM enrollments ORDER BY 1, 2, 3")) == before


def test_sections_that_fail_do_not_stop_the_grades(known: Synced) -> None:
    for number in range(10):
        known.at_slate(f"x{number}")
    known.slate.fail("error-before", path="/sections/x", times=1000)

    async def do(gateway: Gateway) -> None:
        held = await sync.claim(gateway)
        assert held is not None
        with pytest.raises(LmsError):
            await sync.sync(held, Quiet())
        connector = await sync.connector_of(gateway, DISTRICT)
        assert [it.id for it in await connector.read_people("s2")]  # it is asked at once

    known.run(do)


def test_many_sections_that_fail_in_a_row_do_not_keep_the_others_for_ever(known: Synced) -> None:
    for number in range(5):
        known.at_slate(f"a{number}")
    known.slate.fail("error-before", path="/sections/a", times=1000)
    for _ in range(2):
        with pytest.raises(LmsError):
            known.sync()
        known.ask()
    known.sync()
    assert known.matched()["u1"] == "student-1"


def test_a_section_that_fails_and_is_not_known_yet_is_left_out(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)
    for _ in range(2):
        with pytest.raises(LmsError):
            synced.sync()
        synced.ask()
    synced.sync()
    assert {it.name for it in synced.all() if it.kind == "section"} == {"s2"}
    assert "s1" in (synced.state.error or "")


def test_an_import_from_the_lms_is_done_without_such_a_section_too(synced: Synced) -> None:
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)

    async def do(gateway: Gateway) -> list[str] | None:
        held = await sync.claim(gateway, DISTRICT)
        assert held is not None
        began = await sync.items_read(held)
        async with sync.leased(held):
            try:
                return [*await sync.read(held, Quiet())]
            except LmsError as error:
                await sync.record_failure(held, error, began)
        return None

    assert [synced.run(do) for _ in range(3)] == [None, None, ["s1"]]


def test_what_was_tried_without_a_roster_is_no_try_of_the_lms(synced: Synced) -> None:
    for _ in range(3):
        with pytest.raises(Broken):
            synced.sync()
        synced.ask()
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)

    async def do(gateway: Gateway) -> None:
        held = await sync.claim(gateway)
        assert held is not None
        with pytest.raises(LmsError):
            await sync.read(held, Quiet())

    synced.run(do)


def test_who_is_in_no_section_gives_way_to_another(known: Synced) -> None:
    known.sync()
    known.change("DELETE FROM enrollments WHERE user_id = 'u1'")
    known.user("u9", "student-1", "a1")
    known.ask()
    with contextlib.suppress(Broken):
        known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_a_decision_meanwhile_makes_no_two_the_same(known: Synced) -> None:
    """u1 moves to another's place that a person gives away meanwhile, while a third takes its own."""
    known.sync()
    known.user("u2", "somebody else", "a1")
    known.user("u3", "student-1", "a1")
    known.change("UPDATE users SET first_name = 'student-2', last_name = '' WHERE id = 'u1'")
    known.ask(removals=True)

    class Deciding(Quiet):
        def read(self, done: int, total: int) -> None:
            if known.state.phase == "matching" and done == total:
                known.write(lambda conn: matching.decide(conn, "u2", "student-2", NOW))

    known.sync(progress=Deciding())
    found = known.matched()
    assert (found["u1"], found["u2"], found["u3"]) == (None, "student-2", "student-1")


@pytest.mark.parametrize("follows", [True, False])
def test_who_was_taken_for_dead_changes_no_roster(known: Synced, follows: bool) -> None:
    known.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=follows))
    before = known.all()

    class Losing(Quiet):
        def step(self, what: str) -> None:
            if what == ("noting what was before" if follows else "matching"):
                known.change("UPDATE lms_syncs SET worker = 'another'")

    known.ask(removals=True)
    with pytest.raises(LeaseLost):
        known.sync(progress=Losing())
    assert known.all() == before


def test_a_file_that_is_imported_meanwhile_is_what_counts(known: Synced) -> None:
    known.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    before = known.all()

    class Importing(Quiet):
        def step(self, what: str) -> None:
            if what == "checking":
                known.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=False))

    known.ask(removals=True)
    with pytest.raises(RosterChanged):
        known.sync(progress=Importing())
    assert (known.all(), known.database.read_now(lambda conn: roster.follows_lms(conn, DISTRICT))) == (
        before,
        False,
    )


def test_what_may_be_removed_is_not_lost_to_another_who_asks(known: Synced) -> None:
    known.ask(removals=True)
    known.ask()
    assert known.state.removals == 1
    assert known.claim() is not None
    known.ask()  # for one more after this
    assert known.state.removals == 0


def test_without_a_roster_what_an_import_has_read_is_kept_for_the_next(synced: Synced) -> None:
    course = LmsCourse("c", "Algebra")
    synced.write(lambda conn: syncs.enter(conn, DISTRICT, "people", NOW))
    synced.write(lambda conn: syncs.add_courses(conn, DISTRICT, [course]))
    with pytest.raises(Broken):
        synced.sync()
    assert (synced.state.phase, len(synced.execute("SELECT * FROM lms_courses"))) == ("people", 1)


def test_without_a_roster_there_is_nothing_to_read_for(synced: Synced) -> None:
    with pytest.raises(Broken, match="no roster yet"):
        synced.sync()
    assert (synced.asked_of_slate(), synced.district.lms_state) == ([], "initial_sync_processing")


def test_it_is_tried_less_and_less_often_while_it_gets_no_further(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections", times=10_000)
    waits = []
    for _ in range(9):
        with pytest.raises(LmsError):
            known.sync()
        due = known.state.due
        assert due is not None
        waits.append((due - known.clock.now) // MINUTE)
        known.clock.now = due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_was_begun_long_ago_is_read_anew(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections/s2/", times=100)
    with pytest.raises(LmsError):
        known.sync()
    known.slate.simulator.faults.rules.clear()
    known.asked_of_slate()
    known.clock.now += DAY
    known.sync()
    assert "/sections" in known.asked_of_slate()


def test_only_one_holds_it(known: Synced) -> None:
    first = known.claim()
    assert first is not None
    assert known.claim() is None
    known.clock.now += MINUTE
    second = known.claim()
    assert second is not None
    with pytest.raises(LeaseLost):
        known.write(first.renew)
    known.write(second.renew)


def test_who_was_taken_for_dead_writes_nothing(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await sync.claim(gateway)
        assert held is not None
        known.clock.now += MINUTE
        assert await sync.claim(gateway) is not None
        with pytest.raises(LeaseLost):
            await sync.sync(held, Quiet())

    known.run(do)
    assert (known.execute("SELECT * FROM lms_sections"), known.matched()["u1"]) == ([], None)
    assert known.state.worker is not None


def test_after_a_crash_another_goes_on(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await sync.claim(gateway)
        assert held is not None
        await sync.read(held, Quiet())

    known.run(do)  # its process ends here, with all that was read
    known.asked_of_slate()
    assert (known.claim(), known.district.lms_state) == (None, "matching_in_progress")
    known.clock.now += MINUTE
    known.sync()
    assert (known.asked_of_slate(), known.matched()["u1"]) == ([], "student-1")


def test_one_that_is_stopped_is_left_to_others_at_once(known: Synced) -> None:
    known.slate.simulator.settings["latency_ms"] = 60_000

    async def do(gateway: Gateway) -> None:
        loop = asyncio.create_task(sync.run_due(gateway))
        await until(lambda: known.state.phase == "courses")
        loop.cancel()
        await asyncio.wait([loop])

    known.run(do)
    known.slate.simulator.settings["latency_ms"] = 0
    assert known.claim() is not None


def test_whoever_is_due_is_read_in_the_background(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        loop = asyncio.create_task(sync.run_due(gateway))
        await until(lambda: known.district.lms_state == "success" and known.state.worker is None)
        loop.cancel()
        await asyncio.wait([loop])

    known.run(do)
    assert known.matched()["u1"] == "student-1"


def test_where_it_is_asked_for_meanwhile_it_is_done_once_more(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await sync.claim(gateway)
        assert held is not None
        known.clock.now += 1
        await sync.read(held, Quiet())
        known.clock.now += 1
        known.ask()
        await sync.finish(held)

    known.run(do)
    assert known.state.due == known.clock.now


def test_who_leaves_a_section_of_the_lms_is_not_matched_to_it_any_more(known: Synced) -> None:
    for number in range(30):
        known.user(f"v{number}", f"student-{100 + number}", "a1")
    known.at_slate("s1", "student-1", *(f"student-{100 + number}" for number in range(30)))
    known.sync()
    known.at_slate("s1", *(f"student-{100 + number}" for number in range(30)))
    known.ask()
    known.sync()
    assert (known.matched()["u1"], known.events()[-1]) == (
        None, ("users", "updated", "u1", {"synced_in_lms": True}),
    )  # fmt: skip


def test_what_the_lms_suddenly_does_not_show_stays_matched_unless_it_is_said(known: Synced) -> None:
    known.sync()
    before = known.matched()
    known.slate.simulator.records.remove("sections", "s2")
    known.user("u2", "student-2", "a1")
    known.ask()
    with pytest.raises(Broken, match="1 of 2 sections, 1 of 2 users would be matched no more"):
        known.sync()
    assert (known.matched(), known.district.lms_state) == ({**before, "u2": "student-2"}, "success")
    assert (known.state.due, known.claim()) == (NOW + DAY, None)
    assert "passback sync run --allow-removals" in (known.state.error or "")
    known.ask(removals=True)
    known.sync()
    assert (known.matched()["u6"], known.state.removals) == (None, 0)


def test_what_may_be_removed_holds_for_one_time(known: Synced) -> None:
    known.sync()
    known.slate.simulator.records.remove("sections", "s2")
    known.ask(removals=True)
    known.change("UPDATE districts SET lms_type = 'unknown'")  # so that it cannot be finished
    with pytest.raises(NotAllowed):
        known.sync()
    assert known.state.removals == 1  # it goes on
    known.clock.now += MINUTE
    known.change("UPDATE districts SET lms_type = 'builtin'")
    with pytest.raises(sync.NotConnected):
        known.sync()
    assert known.state.removals == 0


def test_asked_for_while_another_is_refused_it_is_done_as_it_was_asked_for(known: Synced) -> None:
    known.sync()
    known.slate.simulator.records.remove("sections", "s2")
    known.ask()

    class Asking(Quiet):
        def step(self, what: str) -> None:
            if what == "matching":
                known.clock.now += 1
                known.ask(removals=True)

    with pytest.raises(Broken):
        known.sync(progress=Asking())
    assert (known.state.due, known.state.removals) == (known.clock.now, 1)
    known.sync()
    assert known.matched()["a2"] is None


def test_a_refused_one_keeps_nothing_of_what_it_read(known: Synced) -> None:
    known.sync()
    known.slate.simulator.records.remove("sections", "s2")
    known.ask()
    with pytest.raises(Broken):
        known.sync()
    assert known.execute("SELECT * FROM lms_members") + known.execute("SELECT * FROM lms_sections") == []


def test_in_step_is_what_was_read_when_the_reading_began(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections/s2/", times=1000)
    with pytest.raises(LmsError):
        known.sync()
    known.slate.simulator.faults.rules.clear()
    known.clock.now += 10 * MINUTE
    known.sync()
    assert (known.district.last_lms_sync, known.state.due) == (NOW, known.clock.now + DAY)


def test_another_schedule_does_not_put_off_what_is_due(known: Synced) -> None:
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, 2 * DAY, NOW, NOW))
    assert (known.state.due, known.state.every) == (NOW, 2 * DAY)
    known.sync()
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, 3 * DAY, NOW, NOW))
    assert known.state.due == NOW + 3 * DAY
    known.ask()
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, None, NOW, NOW))
    assert known.state.due == NOW


def test_what_a_person_decides_stands(known: Synced) -> None:
    known.write(lambda conn: matching.decide(conn, "u1", "student-5", NOW))
    known.user("u5", "student-5", "a1")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u5"]) == ("student-5", None)


def test_a_decision_is_no_obstacle_for_another_kind_of_the_same_id(known: Synced) -> None:
    known.at_slate("student-6", "student-1")
    known.section("a3", "student-6")
    known.write(lambda conn: matching.decide(conn, "u6", "student-6", NOW))
    known.sync()
    assert known.matched()["a3"] == "student-6"


def test_two_never_become_the_same_one(known: Synced) -> None:
    known.at_slate("s2", "student-1", "student-6")
    known.user("u9", "student-1", "a2")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, None)
    assert known.candidates() == {"u1": ["student-1"], "u9": ["student-1"]}


def test_the_surer_of_two_is_the_one(known: Synced) -> None:
    known.at_slate("s2", "student-1", "student-6")
    known.user("u9", "Ann Lee", "a2", sis_id="lms:student-1")
    known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_who_may_be_either_of_two_is_left_to_a_person(known: Synced) -> None:
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    assert (known.matched()["u1"], known.candidates()["u1"]) == (None, ["student-1", "student-1 "])


def test_what_tells_sections_of_one_name_apart_is_kept(known: Synced) -> None:
    known.at_slate("s1", *(f"teacher-{it}" for it in (4, 2, 3, 1, 5)), "student-1", "student-2")
    known.slate.simulator.records.put("sections", "s3", {"id": "s3", "name": "s1", "people": []})
    known.sync()
    found = known.database.read_now(lambda conn: matching.candidates(conn, DISTRICT))
    assert found == {
        "a1": [
            Known("s1", "s1", None, None, "s1", "teacher-1, teacher-2, teacher-3 and 2 more", 2),
            Known("s3", "s1", None, None, "s1", None, 0),
        ]
    }


def test_what_is_asked_tells_of_ours_and_of_what_no_other_is(known: Synced) -> None:
    known.user("t1", "Ann Lee", "a1", role="teacher")
    known.user("u2", "student-1", "a1", "a2", email="u2@x", sis_id="7")
    known.at_slate("s1", "student-1", "student-1 ")
    known.slate.simulator.records.put("sections", "s3", {"id": "s3", "name": "s2", "people": []})
    known.sync()
    waiting = known.database.read_now(lambda conn: matching.undecided(conn, DISTRICT))
    assert [it.id for it in waiting] == ["a2", "u1", "u2"]
    known.write(lambda conn: matching.choose(conn, waiting[1], "student-1 ", NOW))
    asked = [known.database.read_now(lambda conn, it=it: matching.decision(conn, it)) for it in waiting]  # type: ignore[misc]
    assert asked == [
        Decision(
            Known("a2", "s2", None, students=2),
            [
                Known("s2", "s2", None, None, "s2", "teacher-2", 1),
                Known("s3", "s2", None, None, "s2", None, 0),
            ],
        ),
        None,
        Decision(
            Known("u2", "student-1", "7", "u2@x", sections="s1, s2"), [Known("student-1", "student-1", None)]
        ),
    ]


def test_of_two_who_decide_at_once_the_first_does(known: Synced) -> None:
    known.user("u2", "student-1", "a1")
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    one, other = known.database.read_now(lambda conn: matching.undecided(conn, DISTRICT))
    assert known.write(lambda conn: matching.choose(conn, one, "student-1", NOW))
    assert not known.write(lambda conn: matching.choose(conn, one, "student-1 ", NOW))
    with pytest.raises(AlreadyMatched, match="u1"):
        known.write(lambda conn: matching.choose(conn, other, "student-1", NOW))
    assert not known.write(lambda conn: matching.choose(conn, other, "student-2", NOW))
    assert (known.matched()["u1"], known.matched()["u2"]) == ("student-1", None)


def test_two_who_decide_beside_each_other_do_not_take_the_same_one(known: Synced) -> None:
    known.user("u2", "student-1", "a1")
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    waiting = known.database.read_now(lambda conn: matching.undecided(conn, DISTRICT))

    async def do(gateway: Gateway) -> list[bool | BaseException]:
        choices = [
            gateway.database.write(lambda conn, it=it: matching.choose(conn, it, "student-1", NOW))  # type: ignore[misc]
            for it in waiting
        ]
        return await asyncio.gather(*choices, return_exceptions=True)

    assert sorted(str(type(it).__name__) for it in known.run(do)) == ["AlreadyMatched", "bool"]


@pytest.mark.parametrize(
    ("id_", "lms_id", "told"),
    [
        ("a1", "s2", None),
        ("a1", "s9", "the LMS has no section s9"),
        ("u1", "student-2", None),
        ("u1", "student-6", "the LMS has no student student-6 in the sections of u1"),
        ("u1", "teacher-1", "the LMS has no student teacher-1 in the sections of u1"),
    ],
)
def test_what_a_person_decides_is_looked_up(known: Synced, id_: str, lms_id: str, told: str | None) -> None:
    known.sync()
    ours = next(it for it in known.all() if it.id == id_)
    expected = contextlib.nullcontext() if told is None else pytest.raises(NotThere, match=told)
    with expected:
        known.run(lambda gateway: decide.verify(gateway, ours, lms_id))


def test_what_cannot_be_looked_up_is_told(known: Synced) -> None:
    section, student = (it for it in known.all() if it.id in ("a1", "u1"))
    with pytest.raises(CannotTell, match="none of the sections of u1 is matched"):
        known.run(lambda gateway: decide.verify(gateway, student, "student-1"))
    known.slate.fail("error-before", times=100)
    with pytest.raises(CannotTell, match="the LMS cannot be read"):
        known.run(lambda gateway: decide.verify(gateway, section, "s1"))


def test_refused_credentials_are_an_error_until_it_goes_well(known: Synced) -> None:
    known.slate.fail("expired-credentials", times=100)
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "error"
    known.ask()
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "error"  # all the while, so that it is told once
    known.slate.simulator.faults.rules.clear()
    known.ask()
    known.sync()
    assert known.district.lms_state == "success"


def test_a_removed_connection_is_not_made_a_broken_one(known: Synced) -> None:
    known.slate.fail("expired-credentials", times=100)

    class Removing(Quiet):
        def step(self, what: str) -> None:
            known.write(lambda conn: roster.set_lms_state(conn, DISTRICT, "disconnected"))

    with pytest.raises(LmsError):
        known.sync(progress=Removing())
    assert known.district.lms_state == "disconnected"


def test_a_failure_of_the_lms_is_no_error_of_the_connection(known: Synced) -> None:
    known.sync()
    known.slate.fail("error-before", times=100)
    known.ask()
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "success"


def test_a_change_of_the_roster_meanwhile_is_seen(known: Synced) -> None:
    class Changing(Quiet):
        def read(self, done: int, total: int) -> None:
            if known.state.phase == "matching":
                known.change("UPDATE districts SET roster_version = roster_version + 1")

    with pytest.raises(RosterChanged):
        known.sync(progress=Changing())
    assert (known.matched()["u1"], known.state.due) == (None, NOW)
    known.sync()
    assert known.matched()["u1"] == "student-1"


def test_a_roster_from_the_lms_follows_it(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    assert {(it.kind, it.name.strip(), it.lms_id) for it in synced.all()} == {
        ("section", name, name) for name in ("s1", "s2")
    } | {("teacher", f"teacher-{it}", f"teacher-{it}") for it in (1, 2)} | {
        ("student", f"student-{it}", f"student-{it}") for it in range(1, 7)
    }  # fmt: skip
    assert synced.district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 100.0}
    before = {it.lms_id: it.id for it in synced.all()}
    synced.at_slate("s2", "teacher-2", "student-6", "student-7", "student-5")
    synced.ask()
    synced.sync()
    after = {it.lms_id: it.id for it in synced.all()}
    assert after.keys() - before.keys() == {"student-7"}
    assert {key: after[key] for key in before} == before


def test_sections_are_of_the_lmss_courses(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    rows = synced.execute(
        "SELECT sections.name, courses.name FROM sections JOIN courses ON courses.id = sections.course_id"
        " ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("s1", "s1"), ("s2", "s2")]


def test_courses_that_were_read_are_not_read_again(synced: Synced) -> None:
    simulator = CanvasSimulator(SetClock())
    simulator.start()
    synced.change("UPDATE districts SET lms_type = 'canvas'")
    synced.section("a1", "s1")
    with serving(simulator) as canvas:
        given = LmsConnection(
            f"{canvas.url}/",
            simulator.connection_credentials(canvas.url),
            patience=2.0,
        )
        broken = [f"/courses/{it['id']}/sections" for it in simulator.records.all("courses")][-1]
        canvas.fail("error-before", path=broken, times=100)
        with pytest.raises(LmsError):
            synced.sync(given)
        read = {row[0] for row in synced.execute("SELECT id FROM lms_courses WHERE read = 1")}
        assert read
        simulator.faults.rules.clear()
        simulator.requests.clear()
        synced.clock.now += MINUTE
        synced.sync(given)
        asked = {line.split("/")[4] for line in simulator.requests if line.endswith("/sections")}
    assert asked == {broken.split("/")[2]}
    assert asked.isdisjoint(read)


def test_a_roster_from_the_lms_is_not_emptied_unless_it_is_said(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.sync()
    for section in ("s1", "s2"):
        synced.slate.simulator.records.remove("sections", section)
    synced.ask()
    with pytest.raises(Broken, match="would remove 2 of 2 courses, 2 of 2 sections, 6 of 6 students"):
        synced.sync()
    assert len(synced.all()) == 10
    synced.ask(removals=True)
    synced.sync()
    assert synced.all() == []


def test_whose_place_another_takes_does_not_stay_matched(known: Synced) -> None:
    known.sync()
    known.change("UPDATE users SET first_name = 'Somebody', last_name = 'Else' WHERE id = 'u1'")
    known.user("u9", "student-1", "a1")
    known.ask()
    with contextlib.suppress(Broken):
        known.sync()
    found = known.matched()
    assert (found["u1"], found["u9"]) == (None, "student-1")


def test_who_is_in_no_section_stays_matched(known: Synced) -> None:
    known.sync()
    known.change("DELETE FROM enrollments WHERE user_id = 'u1'")
    known.ask()
    known.sync()
    assert known.matched()["u1"] == "student-1"


def test_how_long_it_is_out_of_step_is_counted(known: Synced) -> None:
    known.sync()
    known.clock.now += DAY
    known.slate.fail("error-before", path="/sections", times=100)
    with pytest.raises(LmsError):
        known.sync()
    shown = known.run(lambda gateway: exposition(gateway.metrics, "1")).decode()
    labels = f'{{district="{DISTRICT}",lms="slate"}}'
    assert f"passback_lms_sync_age_seconds{labels} 86400.0" in shown
    assert f"passback_lms_sync_failures{labels} 1.0" in shown


def test_what_no_database_takes_is_left_out_of_names(synced: Synced) -> None:
    synced.write(lambda conn: roster.follow_lms(conn, DISTRICT, follows=True))
    synced.slate.simulator.records.put("sections", "s1", {"id": "s1", "name": "A\0lgebra", "people": []})
    synced.sync()
    assert "Algebra" in {it.name for it in synced.all()}


def test_a_section_that_is_deleted_meanwhile_has_nobody(known: Synced) -> None:
    class Deleting(Quiet):
        def read(self, done: int, total: int) -> None:
            if (done, total) == (0, 2):
                known.slate.simulator.records.remove("sections", "s2")

    known.sync(progress=Deleting())
    assert known.matched() == {"a1": "s1", "a2": "s2", "u1": "student-1", "u6": None}


def test_who_was_taken_for_dead_forgets_nothing_of_anothers(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        dead = await sync.claim(gateway)
        assert dead is not None
        await sync.read(dead, Quiet())
        known.clock.now += MINUTE
        other = await sync.claim(gateway)
        assert other is not None
        with pytest.raises(LeaseLost):
            await read_lms.clear(gateway, DISTRICT, dead.renew)

    known.run(do)
    assert len(known.execute("SELECT * FROM lms_sections")) == 2


# Who is who, in a roster that follows the LMS

Read = dict[str, tuple[str | None, list[tuple[str, str | None]]]]
"""What was read of an LMS: each section's SIS id, and the id and SIS id of each student."""


def follow(synced: Synced, read: Read) -> None:
    """Take over what was read."""

    def fill(conn: Connection) -> None:
        while syncs.clear(conn, DISTRICT, 100):
            pass
        course = LmsCourse("c", "Algebra")
        syncs.add_courses(conn, DISTRICT, [course])
        syncs.add_sections(
            conn, DISTRICT, course, [Place(id_, id_, sis_id) for id_, (sis_id, _) in read.items()]
        )
        for id_, (_, people) in read.items():
            students = [Person(it, "student", f"Student {it}", None, sis_id) for it, sis_id in people]
            syncs.add_members(conn, DISTRICT, id_, students)

    synced.write(fill)
    with synced.database.session() as session:
        checked = import_files.check(
            session, LmsRoster(session, DISTRICT, "Slate"), DISTRICT, synced.clock, Quiet()
        )
        assert checked.plan is not None, checked.problems
        import_files.apply(session, checked.plan, synced.clock, Quiet(), lambda _: None)


def ids(synced: Synced) -> dict[str, tuple[str, str]]:
    """Our id and the SIS id, by the LMS's."""
    rows = synced.execute(
        "SELECT lms_id, id, sis_id FROM users WHERE removed IS NULL UNION ALL"
        " SELECT lms_id, id, sis_id FROM sections WHERE removed IS NULL"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


START: Read = {"x": ("S1", [("a", "1"), ("b", "2"), ("c", None)])}
LATER: dict[str, tuple[Read, dict[str, str]]] = {
    "one gets a SIS id": (
        {"x": ("S1", [("a", "1"), ("b", "2"), ("c", "3")])}, {"x": "S1", "a": "1", "b": "2", "c": "3"},
    ),
    "one loses it": (
        {"x": (None, [("a", None), ("b", "2"), ("c", None)])}, {"x": "lms:x", "a": "lms:a", "b": "2", "c": "lms:c"},
    ),
    "two change theirs": (
        {"x": ("S1", [("a", "2"), ("b", "1"), ("c", None)])}, {"x": "S1", "a": "2", "b": "1", "c": "lms:c"},
    ),
    "one gets another's, who leaves": (
        {"x": ("S1", [("a", "2"), ("c", None)])}, {"x": "S1", "a": "2", "c": "lms:c"},
    ),
    "two share one": (
        {"x": ("S1", [("a", "2"), ("b", "2"), ("c", None)])},
        {"x": "S1", "a": "lms:a", "b": "lms:b", "c": "lms:c"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("read", "sis_ids"), LATER.values(), ids=LATER)
def test_who_is_who_is_told_by_the_lmss_id(synced: Synced, read: Read, sis_ids: dict[str, str]) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, read)
    assert ids(synced) == {lms_id: (before[lms_id][0], sis_id) for lms_id, sis_id in sis_ids.items()}


def test_an_account_that_is_made_anew_is_known_by_its_sis_id(synced: Synced) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, {"x": ("S1", [("new", "1"), ("b", "2"), ("c", None)])})
    rows = synced.execute("SELECT id, sis_id FROM users WHERE removed IS NULL ORDER BY sis_id")
    assert [tuple(row) for row in rows] == [(before[it][0], before[it][1]) for it in ("a", "b", "c")]


def test_who_returns_to_the_lms_is_who_they_were(synced: Synced) -> None:
    follow(synced, START)
    before = ids(synced)
    follow(synced, {"x": ("S1", [("a", "2")])})
    assert "c" not in ids(synced)
    follow(synced, START)
    assert ids(synced) == before


def test_who_returns_is_not_taken_for_another_who_had_their_sis_id(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1"), ("z", None)])})
    before = ids(synced)
    follow(synced, {"x": ("S1", [("z", "1")])})
    follow(synced, {"x": ("S1", [("a", "1")])})
    assert ids(synced)["a"] == before["a"]


def test_an_account_that_was_made_anew_and_the_old_one_are_two(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1")])})
    before = ids(synced)
    follow(synced, {"x": ("S1", [("n", "1")])})
    follow(synced, {"x": ("S1", [("n", "1"), ("a", None)])})
    assert ids(synced)["n"][0] == before["a"][0]
    assert ids(synced)["a"][0] != before["a"][0]


def test_who_has_two_accounts_with_one_sis_id_is_two_with_names_of_their_own(synced: Synced) -> None:
    follow(synced, {"x": ("S1", [("a", "1"), ("b", "1")])})
    rows = synced.execute("SELECT lms_id, last_name FROM users ORDER BY lms_id")
    assert [tuple(row) for row in rows] == [("a", "a"), ("b", "b")]


def test_what_the_lms_has_is_matched_as_soon_as_it_is_there(synced: Synced) -> None:
    follow(synced, START)
    assert synced.district.lms_matched_percentage == {"sections": 100.0, "students": 100.0, "teachers": 0.0}
    synced.change("UPDATE lms_syncs SET worker = 'me'")
    held = sync.SyncLease(synced.state, "me", synced.run(lambda gateway: asyncio.sleep(0, gateway)))
    seen = len(synced.events())
    with synced.database.session() as session:
        sync.match(held, session, Quiet(), allow_losses=False)
    assert (synced.events()[seen:], {it.matched_by for it in synced.all()}) == ([], {"sis_id", "lms_id"})
