"""Reading an LMS: it resumes where it failed, and skips what cannot be read."""

from __future__ import annotations

import pytest

from passback.context import Gateway
from passback.domain.clock import DAY, MINUTE
from passback.domain.matching import LmsCourse
from passback.lms.interface import LmsConnection as LmsConnection
from passback.lms.interface import LmsError
from passback.rosters import lease, read_lms, sync
from passback.rosters.failures import Broken, record_failure
from passback.rosters.progress import Quiet
from passback.store import districts, lms_roster, syncs
from passback.testing.served import serving
from passback_simulators.canvas.app import CanvasSimulator
from support.sandbox import NOW, SetClock
from support.syncs import DISTRICT, Synced


def test_what_was_read_is_deleted_in_the_end(known: Synced) -> None:
    known.sync()
    assert known.execute("SELECT * FROM lms_members") + known.execute("SELECT * FROM lms_sections") == []


def test_it_resumes_where_it_failed(known: Synced) -> None:
    for number in range(3, 30):
        known.at_slate(f"s{number}", f"student-{number}")
    known.slate.fail("error-before", path="/sections/s9/", times=100)
    with pytest.raises(LmsError):
        known.sync()
    found = known.database.read_now(lambda conn: lms_roster.count(conn, DISTRICT))
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
    assert (known.state.error or "").startswith("finished without section s1, which could not be read")
    assert known.state.due == NOW + DAY
    known.slate.simulator.faults.rules.clear()
    known.ask()
    known.sync()
    assert (known.matched()["u2"], known.state.error) == ("student-2", None)


def test_in_a_roster_from_the_lms_a_section_that_fails_keeps_its_people(synced: Synced) -> None:
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
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
        held = await lease.claim(gateway)
        assert held is not None
        with pytest.raises(LmsError):
            await sync.sync(held, Quiet())
        connector = await read_lms.connector_of(gateway, DISTRICT)
        assert [it.id for it in await connector.read_people("s2")]  # the LMS is called at once

    known.run(do)


def test_many_sections_that_fail_in_a_row_do_not_block_the_others_for_ever(known: Synced) -> None:
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
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)
    for _ in range(2):
        with pytest.raises(LmsError):
            synced.sync()
        synced.ask()
    synced.sync()
    assert {it.name for it in synced.all() if it.kind == "section"} == {"s2"}
    assert "s1" in (synced.state.error or "")


def test_an_import_from_the_lms_skips_a_failing_section_too(synced: Synced) -> None:
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)

    async def do(gateway: Gateway) -> list[str] | None:
        held = await lease.claim(gateway, DISTRICT)
        assert held is not None
        began = await read_lms.items_read(held)
        async with lease.leased(held):
            try:
                return [*await sync.read(held, Quiet())]
            except LmsError as error:
                await record_failure(held, error, began)
        return None

    assert [synced.run(do) for _ in range(3)] == [None, None, ["s1"]]


def test_a_try_without_a_roster_does_not_count_as_a_try_of_the_lms(synced: Synced) -> None:
    for _ in range(3):
        with pytest.raises(Broken):
            synced.sync()
        synced.ask()
    synced.slate.fail("error-before", path="/sections/s1/", times=1000)

    async def do(gateway: Gateway) -> None:
        held = await lease.claim(gateway)
        assert held is not None
        with pytest.raises(LmsError):
            await sync.read(held, Quiet())

    synced.run(do)


def test_without_a_roster_what_an_import_has_read_is_kept_for_the_next(synced: Synced) -> None:
    course = LmsCourse("c", "Algebra")
    synced.write(lambda conn: syncs.set_phase(conn, DISTRICT, "people", NOW))
    synced.write(lambda conn: lms_roster.add_courses(conn, DISTRICT, [course]))
    with pytest.raises(Broken):
        synced.sync()
    assert (synced.state.phase, len(synced.execute("SELECT * FROM lms_courses"))) == ("people", 1)


def test_without_a_roster_the_lms_is_not_read(synced: Synced) -> None:
    with pytest.raises(Broken, match="no roster yet"):
        synced.sync()
    assert (synced.asked_of_slate(), synced.district.lms_state) == ([], "initial_sync_processing")


def test_what_was_begun_long_ago_is_read_again(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections/s2/", times=100)
    with pytest.raises(LmsError):
        known.sync()
    known.slate.simulator.faults.rules.clear()
    known.asked_of_slate()
    known.clock.now += DAY
    known.sync()
    assert "/sections" in known.asked_of_slate()


def test_a_sync_that_holds_something_back_deletes_what_it_read(known: Synced) -> None:
    hidden = known.more_sections(6)
    known.sync()
    known.hide(*hidden)
    known.ask()
    known.sync()
    assert known.state.error is not None
    assert known.execute("SELECT * FROM lms_members") + known.execute("SELECT * FROM lms_sections") == []


def test_courses_that_were_read_are_not_read_again(synced: Synced) -> None:
    simulator = CanvasSimulator(SetClock())
    simulator.start()
    synced.change("UPDATE districts SET lms_type = 'canvas'")
    synced.section("a1", "s1")
    with serving(simulator) as canvas:
        given = LmsConnection(f"{canvas.url}/", simulator.connection_credentials(canvas.url), patience=2.0)
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


def test_what_no_database_takes_is_replaced_in_names(synced: Synced) -> None:
    synced.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
    synced.slate.simulator.records.put("sections", "s1", {"id": "s1", "name": "A\0lgebra", "people": []})
    synced.sync()
    assert "A\ufffdlgebra" in {it.name for it in synced.all()}


def test_a_section_that_is_deleted_meanwhile_has_nobody(known: Synced) -> None:
    class Deleting(Quiet):
        def read(self, done: int, total: int) -> None:
            if (done, total) == (0, 2):
                known.slate.simulator.records.remove("sections", "s2")

    known.sync(progress=Deleting())
    assert known.matched() == {"a1": "s1", "a2": "s2", "u1": "student-1", "u6": None}
