"""The rules of the ledger, on every database."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from passback.delivery import backoff, clock_set_back, creates, ledger, submissions
from passback.delivery.groups import MOST_TO_A_WEBHOOK, MOST_TO_AN_LMS
from passback.delivery.submissions import SubmissionTarget
from passback.domain.clock import DAY, HOUR, MINUTE, SECOND
from passback.domain.delivery import Delivered, Delivery, Failed, Operation, Refused
from passback.domain.submission import SubmissionFields
from passback.sandbox.seed import seed
from passback.store import attempts, deliveries, delivery_lanes, destinations, districts, workers
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database
from passback.store.engine.open import connect
from passback.store.workers import RegisteredWorker
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, NOW

T = TypeVar("T")

FAILED = Failed(500, "Error updating submission", "status 503")
DOWN = Failed(500, "Error updating submission", "it is not asked now", down=True)
DONE = Delivered(b'{"state":"created"}')


@pytest.fixture(scope="module", params=DATABASES)
def opened(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database_of(request.param) as url, contextlib.closing(connect(url, None)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        yield database


@pytest.fixture
def run(opened: Database) -> Callable[[Callable[[Connection], T]], T]:
    def clear(conn: Connection) -> None:
        for table in ("deliveries", "parties", "workers", "idempotency_keys"):
            conn.execute(f"DELETE FROM {table}")
        for name in ("w1", "w2"):
            workers.add(conn, RegisteredWorker(name, "", 0, 0), NOW)

    opened.write_now(clear)
    return opened.write_now


Run = Callable[[Callable[[Connection], Any]], Any]


def accept(run: Run, *wanted: Delivery) -> None:
    for one in wanted:
        run(partial(_accept, one))


def _all_done(found: list[Delivery], now: int, conn: Connection) -> None:
    ledger.finish(conn, found, [DONE] * len(found), now)


def _accept(one: Delivery, conn: Connection) -> None:
    ledger.accept(conn, one)


def begin(conn: Connection, one: Delivery, worker: str) -> Delivery | None:
    return next(iter(ledger.begin(conn, delivery_lanes.unsettled_in(conn, {one.lane}), [one], worker)), None)


def claim(run: Run, worker: str = "w1", now: int = NOW, limit: int = 10) -> list[Delivery]:
    found: list[Delivery] = run(lambda conn: ledger.claim(conn, worker, now, limit))
    return found


def ids(found: list[Delivery]) -> list[str]:
    return [one.id for one in found]


def state(run: Run, delivery_id: str) -> str:
    return str(read(run, delivery_id).state)


def read(run: Run, delivery_id: str) -> Delivery:
    found: Delivery = run(lambda conn: deliveries.find(conn, delivery_id))
    return found


def finish(run: Run, one: Delivery, outcome: Any, now: int = NOW, **how: Any) -> bool:
    return bool(run(lambda conn: ledger.finish(conn, [one], [outcome], now, **how)[0]))


def test_what_is_due_is_claimed_once(run: Run) -> None:
    accept(
        run, delivery("d1", lane="l1"), delivery("d2", lane="l2"), delivery("later", lane="l3", due=NOW + 1)
    )
    assert ids(claim(run, "w1")) == ["d1", "d2"]
    assert ids(claim(run, "w2")) == []


def test_grades_of_one_assignment_are_claimed_together_the_longest_due_first(run: Run) -> None:
    accept(
        run,
        *(
            delivery(f"d{student}{assignment}", lane=f"{assignment}/{student}", assignment_id=assignment)
            for student in range(4)
            for assignment in ("a", "b", "c")
        ),
        delivery("alone", lane="a", assignment_id="a", operation="update_assignment"),
    )
    assert ids(claim(run, limit=2)) == ["d0a", "d0b", "d1a", "d1b", "d2a", "d2b", "d3a", "d3b"]
    assert ids(claim(run, limit=2)) == ["alone", "d0c", "d1c", "d2c", "d3c"]


def test_no_grade_waits_for_ever_behind_an_assignment_that_gets_more_and_more(run: Run) -> None:
    busy = [delivery(f"busy {n:03}", lane=f"busy/{n}", assignment_id="busy") for n in range(300)]
    accept(run, *busy, delivery("other", lane="other", assignment_id="other", due=NOW + 1))
    for n in range(10):
        one = delivery(f"more {n:03}", lane=f"more/{n}", assignment_id="busy", due=NOW + 2)
        accept(run, one)
    claims = [ids(claim(run, now=NOW + 3, limit=1)) for _ in range(5)]
    assert [len(found) for found in claims] == [100, 100, 100, 1, 10]
    assert claims[3] == ["other"]


@pytest.mark.parametrize(
    ("operation", "full"), [("update_submission", MOST_TO_AN_LMS), ("send_webhook", MOST_TO_A_WEBHOOK)]
)
def test_a_destination_gets_no_more_groups_than_it_takes_at_once(
    run: Run, operation: Operation, full: int
) -> None:
    accept(
        run,
        *(
            delivery(f"d{n:03}", lane=f"l{n}", assignment_id=f"a{n}", operation=operation)
            for n in range(full + 10)
        ),
    )

    def claimed(under_way: int) -> int:
        claimed: list[Delivery] = run(
            lambda conn: ledger.claim(conn, "w1", NOW, 64, under_way={DISTRICT: under_way})
        )
        return len(claimed)

    assert [claimed(0), claimed(full - 2), claimed(full)] == [full, 2, 0]


def test_one_of_a_lane_is_under_way_at_a_time(run: Run) -> None:
    accept(run, delivery("d1", {"grade_comment": "a"}), delivery("d2", {"grade_comment": "b"}))
    [first] = claim(run)
    assert (first.id, claim(run)) == ("d1", [])
    finish(run, first, DONE)
    assert ids(claim(run)) == ["d2"]


def test_the_newest_value_wins_where_several_wait(run: Run) -> None:
    accept(run, *(delivery(f"d{n}", {"grade_points": str(n)}) for n in range(1, 4)))
    [only] = claim(run)
    assert only.id == "d3"
    finish(run, only, DONE)
    assert (state(run, "d1"), read(run, "d1").superseded_by) == ("delivered", "d3")
    assert claim(run) == []


def test_a_value_that_was_passed_over_is_delivered_where_the_newer_is_refused(run: Run) -> None:
    accept(run, delivery("d1", {"grade_points": "5"}), delivery("d2", {"grade_points": "-"}))
    [newer] = claim(run)
    finish(run, newer, Refused(400, "INVALID_GRADE: no"))
    assert ids(claim(run)) == ["d1"]


def test_what_is_accepted_later_comes_later_whatever_the_clock_says(run: Run) -> None:
    accept(
        run, delivery("d2", {"grade_comment": "a"}, rank=NOW + HOUR), delivery("d1", {"grade_comment": "b"})
    )
    assert ids(claim(run)) == ["d2"]


def test_what_a_client_waits_for_goes_past_those_that_wait_and_settles_them(run: Run) -> None:
    accept(run, delivery("d1", {"grade_points": "5", "extra_attempts": 2}))
    now = run(lambda conn: begin(conn, delivery("d2", {"grade_points": "6"}, background=False), "w1"))
    assert finish(run, now, DONE, client_waiting=True)
    [older] = claim(run)
    assert (older.id, older.content) == ("d1", '{"extra_attempts":2}')


def test_what_a_client_waits_for_begins_only_where_nothing_of_its_lane_is_under_way(run: Run) -> None:
    accept(run, delivery("d1"))
    claim(run)
    assert run(lambda conn: begin(conn, delivery("d2", background=False), "w1")) is None
    assert read(run, "d2") is None


def test_what_failed_waits_and_is_tried_again(run: Run) -> None:
    accept(run, delivery("d1"))
    [one] = claim(run)
    finish(run, one, FAILED)
    waiting = read(run, "d1")
    assert (waiting.state, waiting.message, waiting.cause) == ("waiting", FAILED.message, "status 503")
    assert waiting.due is not None
    assert NOW + SECOND / 2 <= waiting.due <= NOW + SECOND
    assert (claim(run), ids(claim(run, now=waiting.due))) == ([], ["d1"])


def test_a_lane_waits_for_the_first_of_it(run: Run) -> None:
    accept(run, delivery("d1", {"grade_comment": "a"}), delivery("d2", {"grade_comment": "b"}))
    [one] = claim(run)
    finish(run, one, FAILED)
    accept(run, delivery("d3", {"grade_comment": "c"}))
    assert claim(run) == []
    assert ids(claim(run, now=NOW + SECOND)) == ["d1"]


def test_a_failure_that_a_waiting_client_was_told_has_ended(run: Run) -> None:
    one = run(lambda conn: begin(conn, delivery("d1", background=False), "w1"))
    finish(
        run,
        one,
        Failed(500, "Error updating submission", "it took too long", doubt=True),
        client_waiting=True,
    )
    ended = read(run, "d1")
    assert (ended.state, ended.doubt, claim(run, now=NOW + DAY)) == ("failed", True, [])


def test_what_is_refused_has_ended_with_the_contracts_error(run: Run) -> None:
    accept(run, delivery("d1"))
    [one] = claim(run)
    finish(run, one, Refused(404, "User not found"))
    ended = read(run, "d1")
    assert (ended.state, ended.status, ended.message) == ("refused", 404, "User not found")


def test_who_was_overtaken_can_no_longer_finish(run: Run) -> None:
    accept(run, delivery("d1"))
    [late] = claim(run, "w1")
    run(lambda conn: workers.remove(conn, "w1"))
    run(lambda conn: ledger.requeue_orphans(conn, NOW))
    [mine] = claim(run, "w2")
    assert (mine.doubt, mine.fence) == (True, late.fence + 2)
    assert not finish(run, late, Refused(400, "no"))
    assert finish(run, mine, DONE)
    assert state(run, "d1") == "delivered"


def test_what_one_that_came_back_from_the_dead_overwrote_is_delivered_again(run: Run) -> None:
    accept(run, delivery("d1", {"grade_points": "5"}))
    [late] = claim(run, "w1")
    run(lambda conn: workers.remove(conn, "w1"))
    run(lambda conn: ledger.requeue_orphans(conn, NOW))
    accept(run, delivery("d2", {"grade_points": "6"}))
    [newer] = claim(run, "w2")
    finish(run, newer, DONE)
    assert not finish(run, late, DONE)
    assert run(lambda conn: ledger.redeliver_newest(conn, late, NOW))
    assert ids(claim(run, "w2")) == ["d2"]


def test_what_a_client_waited_for_when_the_process_died_is_finished_for_an_hour(run: Run) -> None:
    run(lambda conn: begin(conn, delivery("d1", background=False), "dead"))
    [orphan] = run(lambda conn: ledger.requeue_orphans(conn, NOW))
    assert (orphan.id, read(run, "d1").expires) == ("d1", NOW + HOUR)
    kept = run(lambda conn: attempts.find_all(conn, "d1"))
    assert [(it.number, it.result) for it in kept] == [(1, "interrupted")]
    [one] = claim(run)
    finish(run, one, FAILED)
    assert state(run, "d1") == "waiting"


def test_what_cannot_be_delivered_in_time_expires(run: Run) -> None:
    accept(run, delivery("d1", expires=NOW + MINUTE))
    [early] = claim(run)
    finish(run, early, FAILED, now=NOW + MINUTE - 1)
    assert state(run, "d1") == "waiting"
    [last] = claim(run, now=NOW + MINUTE)
    finish(run, last, replace(FAILED, doubt=True), now=NOW + MINUTE)
    ended = read(run, "d1")
    assert (ended.state, ended.status, ended.doubt) == ("expired", 500, True)


@pytest.mark.parametrize("outcome", [DONE, replace(DOWN, outage=True, untried=True)])
def test_a_clock_that_is_set_four_days_ahead_and_back_expires_nothing_untried(run: Run, outcome: Any) -> None:
    accept(run, delivery("d1"))
    ahead = NOW + 4 * DAY
    run(lambda conn: ledger.end_expired(conn, ahead))
    [tried] = claim(run, now=ahead)
    finish(run, tried, outcome, now=ahead)
    run(lambda conn: clock_set_back.pull_in(conn, NOW))
    assert state(run, "d1") == ("delivered" if outcome is DONE else "waiting")
    assert ids(claim(run)) == ([] if outcome is DONE else ["d1"])


@pytest.mark.parametrize(
    ("words", "heard", "repeats"), [("Good", False, True), ("Better", False, False), ("Good", True, False)]
)
def test_words_that_a_dead_worker_may_have_left_are_repeated_by_a_client_that_has_not_heard(
    run: Run, words: str, heard: bool, repeats: bool
) -> None:
    accept(run, delivery("d1", {"grade_comment": "Good"}, unacknowledged=not heard))
    claim(run)
    run(lambda conn: workers.remove(conn, "w1"))
    run(lambda conn: ledger.requeue_orphans(conn, NOW))
    section: Any = None
    target = SubmissionTarget(section, None, "s1", None, SubmissionFields(grade_comment=words))
    second = delivery("d2", {"grade_comment": words}, rank=NOW + 1)
    [begun] = run(
        lambda conn: submissions.begun(
            conn, [(second, target)], delivery_lanes.unsettled_in(conn, {second.lane}), NOW
        )
    )
    assert (begun.asked.comment_since is not None) == repeats
    assert begun.asked.comment_marks == (("d2", "d1") if repeats else ("d2",))
    assert begun.asked.asked_at == second.created


@pytest.mark.parametrize(("unacknowledged", "waits"), [(True, []), (False, ["d1"])])
def test_what_a_client_repeats_need_not_be_said_again(
    run: Run, unacknowledged: bool, waits: list[str]
) -> None:
    accept(run, delivery("d1", {"grade_comment": "Good"}, unacknowledged=unacknowledged, doubt=True))
    second = delivery("d2", {"grade_comment": "Good"}, rank=NOW + 1, background=False, due=None)
    begun = run(lambda conn: begin(conn, second, "w1"))
    finish(run, begun, DONE)
    assert ids(claim(run)) == waits


def test_the_district_says_for_how_long_it_is_tried(run: Run) -> None:
    assert run(lambda conn: ledger.keep_until(conn, DISTRICT, NOW)) == NOW + 72 * HOUR
    run(lambda conn: districts.set_keep_trying(conn, DISTRICT, HOUR))
    assert run(lambda conn: ledger.keep_until(conn, DISTRICT, NOW)) == NOW + HOUR
    run(lambda conn: districts.set_keep_trying(conn, DISTRICT, None))


@pytest.mark.parametrize(
    ("outcomes", "ends_as"),
    [((DONE, DONE), "delivered"), ((DONE, Refused(404, "User not found")), "refused")],
)
def test_one_of_many_ends_with_its_last_part_as_the_worst(
    run: Run, outcomes: tuple[Any, Any], ends_as: str
) -> None:
    whole = delivery("many", {}, operation="update_submissions", lane="many", due=None)
    parts = [delivery(f"p{n}", lane=f"l{n}", batch_id="many", position=n) for n in range(2)]
    run(lambda conn: ledger.accept_many(conn, whole, parts))
    first, second = claim(run)
    finish(run, first, outcomes[0])
    assert state(run, "many") == "waiting"
    finish(run, second, outcomes[1])
    assert state(run, "many") == ends_as


def test_many_of_which_nothing_can_be_delivered_have_ended(run: Run) -> None:
    whole = delivery("many", {}, operation="update_submissions", lane="many", due=None)
    part = delivery("p0", lane="l0", batch_id="many", position=0, state="refused", finished=NOW)
    run(lambda conn: ledger.accept_many(conn, whole, [part]))
    assert state(run, "many") == "refused"


def test_an_lms_that_is_down_rests_and_is_tried_with_one(run: Run) -> None:
    accept(run, *(delivery(f"d{n:02}", lane=f"l{n}", assignment_id=f"a{n}") for n in range(20)))
    [one] = claim(run, limit=1)
    finish(run, one, DOWN)
    assert claim(run, now=NOW + SECOND) == []
    resting = run(lambda conn: destinations.find(conn, DISTRICT))
    probes = claim(run, now=resting.backing_off_until)
    assert len(probes) == 1
    assert claim(run, now=resting.backing_off_until) == []
    finish(run, probes[0], DOWN, now=resting.backing_off_until)
    longer = run(lambda conn: destinations.find(conn, DISTRICT))
    assert longer.backing_off_until - resting.backing_off_until >= backoff.FIRST_BACKOFF


def test_what_was_refused_without_asking_lengthens_no_rest(run: Run) -> None:
    accept(run, *(delivery(f"d{n:02}", lane=f"l{n}", assignment_id=f"a{n}") for n in range(20)))
    group = claim(run)
    run(lambda conn: ledger.finish(conn, group, [replace(DOWN, outage=True)] * len(group), NOW))
    resting = run(lambda conn: destinations.find(conn, DISTRICT))
    refused = replace(DOWN, outage=True, untried=True, wait=9)
    for _ in range(50):
        run(lambda conn: backoff.record(conn, DISTRICT, [refused], NOW))
    assert run(lambda conn: destinations.find(conn, DISTRICT)) == resting
    [probe] = claim(run, now=resting.backing_off_until)
    finish(run, probe, refused, now=resting.backing_off_until)
    assert read(run, probe.id).attempts == probe.attempts - 1


def test_what_an_outage_delayed_is_tried_as_soon_as_one_gets_through(run: Run) -> None:
    accept(run, delivery("d1", lane="l1"), delivery("d2", lane="l2"), delivery("d3", lane="l3"))
    one, two, three = claim(run)
    finish(run, one, replace(FAILED, wait=900))
    finish(run, two, replace(DOWN, outage=True))
    finish(run, three, DONE, now=NOW + MINUTE)
    assert ids(claim(run, now=NOW + MINUTE)) == ["d1", "d2"]


def test_one_that_gets_no_answer_is_not_the_only_one_to_try(run: Run) -> None:
    accept(
        run,
        delivery("d1", lane="l1", assignment_id="a1"),
        delivery("d2", lane="l2", assignment_id="a2"),
        delivery("d3", lane="l3", assignment_id="a3"),
    )
    [one] = claim(run, limit=1)
    finish(run, one, replace(DOWN, outage=True))
    now = NOW + backoff.FIRST_BACKOFF
    assert len(claim(run, now=now)) == 1
    assert claim(run, now=now + backoff.PROBE_AFTER - 1) == []
    assert len(claim(run, now=now + backoff.PROBE_AFTER)) == 1


def test_what_fails_together_is_one_failure(run: Run) -> None:
    accept(run, *(delivery(f"d{n:02}", lane=f"l{n}", assignment_id=f"a{n}") for n in range(20)))
    group = claim(run)
    run(lambda conn: ledger.finish(conn, group, [DOWN] * len(group), NOW))
    assert run(lambda conn: destinations.find(conn, DISTRICT)).failures == 1


def test_one_that_fails_alone_does_not_stop_the_others(run: Run) -> None:
    accept(run, delivery("d1", lane="l1", assignment_id="a1"), delivery("d2", lane="l2", assignment_id="a2"))
    [one] = claim(run, limit=1)
    finish(run, one, FAILED)
    assert ids(claim(run)) == ["d2"]


def test_an_lms_that_is_back_is_asked_for_more_and_more(run: Run) -> None:
    accept(run, *(delivery(f"d{n:03}", lane=f"l{n}", assignment_id=f"a{n > 0}") for n in range(200)))
    [one] = claim(run, limit=1)
    finish(run, one, DOWN)
    now = NOW + HOUR
    sizes = []
    while found := claim(run, now=now, limit=100):
        sizes.append(len(found))
        run(partial(_all_done, found, now))
    assert sizes == [1, 2, 4, 8, 16, 32, 101, 36]


def test_others_do_not_wait_for_one_that_rests(run: Run) -> None:
    accept(run, delivery("d1", lane="l1", assignment_id="a1"), delivery("d2", lane="l2", assignment_id="a2"))
    [one] = claim(run, limit=1)
    finish(run, one, DOWN)
    accept(run, delivery("other", lane="other", destination="another"))
    assert ids(claim(run, now=NOW + SECOND)) == ["other"]


def test_what_has_ended_can_be_tried_again_and_what_waits_can_be_taken_back(run: Run) -> None:
    accept(run, delivery("d1"))
    [one] = claim(run)
    finish(run, one, Refused(404, "User not found"))
    refused = read(run, "d1")
    assert run(lambda conn: ledger.retry(conn, refused, NOW + DAY * 40))
    again = read(run, "d1")
    assert (again.state, again.expires) == ("waiting", NOW + DAY * 40 + 72 * HOUR)
    assert run(lambda conn: ledger.cancel(conn, again, NOW))
    assert (state(run, "d1"), claim(run, now=NOW + DAY * 50)) == ("cancelled", [])
    assert not run(lambda conn: ledger.cancel(conn, again, NOW))


ONE = {"grade_comment": "Hm", "comment_replaces": True}
"""A comment in an LMS that keeps one only."""


@pytest.mark.parametrize(
    ("refused", "newer", "left"),
    [
        ({"grade_points": "5"}, {}, None),
        ({"grade_points": "5", "grade_comment": "Hm"}, {}, {"grade_comment": "Hm"}),
        ({"grade_points": "5", "grade_comment": "Hm"}, {"grade_comment": "Oh"}, {"grade_comment": "Hm"}),
        ({"grade_points": "5", "state": "turned_in"}, {}, {"state": "turned_in"}),
        ({"grade_points": "5", **ONE}, {}, ONE),
        ({"grade_points": "5", **ONE}, {**ONE, "grade_comment": "Oh"}, None),
        ({"grade_points": "5", "grade_comment": "Hm"}, {**ONE, "grade_comment": "Oh"}, None),
        ({"state": "turned_in", "grader_id": "g", **ONE}, {**ONE, "grade_comment": "Oh"},
         {"state": "turned_in", "grader_id": "g"}),
    ],
)  # fmt: skip
def test_what_a_newer_one_has_set_since_is_not_set_again(
    run: Run, refused: dict[str, Any], newer: dict[str, Any], left: dict[str, Any] | None
) -> None:
    accept(run, delivery("d1", refused))
    finish(run, claim(run)[0], Refused(404, "User not found"))
    accept(run, delivery("d2", {"grade_points": "7", **newer}, rank=NOW + 1))
    finish(run, claim(run)[0], DONE)
    again = read(run, "d1")
    assert run(lambda conn: ledger.retry(conn, again, NOW)) is (left is not None)
    assert [msgspec.json.decode(one.content) for one in claim(run)] == ([] if left is None else [left])


def test_one_that_stands_for_none_has_ended_at_once(run: Run) -> None:
    whole = delivery("many", {}, operation="update_submissions", lane="many", user_id=None, due=None)
    run(lambda conn: ledger.accept_many(conn, whole, []))
    assert state(run, "many") == "delivered"


def test_what_has_ended_long_ago_is_removed_and_nothing_else(run: Run) -> None:
    accept(run, delivery("old", lane="l1"), delivery("open", lane="l2", due=NOW + DAY))
    [one] = claim(run)
    finish(run, one, DONE)
    assert run(lambda conn: deliveries.remove_finished(conn, NOW + 1, 10)) == 1
    assert state(run, "open") == "waiting"
    assert run(lambda conn: deliveries.find(conn, "old")) is None


def test_a_lost_create_is_taken_up_in_the_background_instead_of_made_again(run: Run) -> None:
    def lost(conn: Connection) -> str | None:
        made = create("c1", background=False, unacknowledged=True)
        begun = creates.begin(conn, made, "w1")
        assert begun is not None
        doubtful = Failed(500, "Error creating assignment", "status 500", doubt=True)
        ledger.finish(conn, [begun], [doubtful], NOW, client_waiting=True)
        return creates.accept(conn, create("c2"))

    assert run(lost) == "c1"
    waiting = run(lambda conn: deliveries.find(conn, "c1"))
    assert (waiting.state, waiting.background, waiting.doubt, waiting.unacknowledged) == (
        "waiting", True, True, False,
    )  # fmt: skip
    assert run(lambda conn: deliveries.find(conn, "c2")) is None
    assert run(lambda conn: creates.accept(conn, create("c3"))) == "c3"


def test_an_equal_create_under_way_elsewhere_is_waited_for(run: Run) -> None:
    def under_way(conn: Connection) -> str | None:
        made = create("c1", background=False, unacknowledged=True)
        assert creates.begin(conn, made, "w2")
        return creates.accept(conn, create("c2"))

    assert run(under_way) is None


def create(delivery_id: str, **changes: Any) -> Delivery:
    return delivery(
        delivery_id, {"title": "Essay"}, operation="create_assignment", assignment_id=delivery_id, user_id=None,
        lane="equal", digest="equal", **changes,
    )  # fmt: skip


def accept_behind(run: Run, *wanted: Delivery) -> None:
    def transaction(conn: Connection) -> None:
        for one in ledger.behind_create(conn, wanted):
            ledger.accept(conn, one)

    run(transaction)


def test_what_waits_for_a_create_is_not_tried_before_it_and_at_once_after_it(run: Run) -> None:
    accept(run, create("a1"))
    accept_behind(run, delivery("d1"), delivery("d2", lane="l2"))
    [first] = claim(run)
    assert (first.id, claim(run, now=NOW + HOUR)) == ("a1", [])
    finish(run, first, Failed(500, "Error creating assignment", "status 503", doubt=True))
    accept_behind(run, delivery("d3", {"grade_points": "6"}))
    assert ids(claim(run, now=NOW + SECOND)) == ["a1"]
    finish(run, read(run, "a1"), Delivered(b"{}", lms_id="1"), NOW + SECOND)
    assert ids(claim(run, now=NOW + SECOND)) == ["d2", "d3"]


def test_what_is_accepted_when_the_create_has_just_ended_does_not_wait(run: Run) -> None:
    accept(run, create("a1"))
    finish(run, claim(run)[0], Delivered(b"{}", lms_id="1"))
    accept_behind(run, delivery("d1"))
    assert ids(claim(run)) == ["d1"]


def test_what_waits_for_a_create_does_not_expire_before_it(run: Run) -> None:
    accept(run, create("a1", expires=NOW + DAY))
    accept_behind(run, delivery("d1", expires=NOW + HOUR))
    run(lambda conn: ledger.end_expired(conn, NOW + HOUR))
    assert (state(run, "d1"), state(run, "a1")) == ("waiting", "waiting")


def test_what_waits_for_a_create_counts_as_waiting(run: Run) -> None:
    accept(run, create("a1"))
    accept_behind(run, delivery("d1"))
    whole = delivery("many", {}, operation="update_submissions", lane="many", due=None)
    run(
        lambda conn: ledger.accept_many(conn, whole, [delivery("p1", lane="l2", batch_id="many", position=0)])
    )
    assert sum(tally.count for tally in run(deliveries.tallies) if tally.state == "waiting") == 3


def test_what_waits_for_a_create_can_be_cancelled_and_tried_again(run: Run) -> None:
    accept(run, create("a1"))
    accept_behind(run, delivery("d1"))
    held = read(run, "d1")
    assert not run(lambda conn: ledger.retry(conn, held, NOW))
    assert run(lambda conn: ledger.cancel(conn, held, NOW))
    assert run(lambda conn: ledger.retry(conn, read_in(conn, "d1"), NOW))
    assert ids(claim(run)) == ["a1"]


def read_in(conn: Connection, delivery_id: str) -> Delivery:
    found = deliveries.find(conn, delivery_id)
    assert found is not None
    return found


def test_a_create_that_is_in_doubt_or_being_made_is_not_withdrawn(run: Run) -> None:
    accept(run, create("a1", doubt=True))
    assert not run(lambda conn: ledger.withdraw(conn, "a1", NOW))
    claim(run)
    assert not run(lambda conn: ledger.withdraw(conn, "a1", NOW))


def test_a_change_accepted_while_the_create_ends_elsewhere_is_never_forgotten(
    opened: Database, run: Run
) -> None:
    """Whichever comes first, the change is made or refused; on PostgreSQL both come at once."""
    for outcome in (Delivered(b"{}", lms_id="1"), Refused(404, "Resource not found")) * 10:
        run(lambda conn: conn.execute("DELETE FROM deliveries"))
        accept(run, create("a1"))
        [begun] = claim(run)
        with ThreadPoolExecutor(2 if opened.shared else 1) as threads:
            accepted = threads.submit(accept_behind, run, delivery("d1"))
            finished = threads.submit(finish, run, begun, outcome)
            accepted.result()
            assert finished.result()
        assert state(run, "d1") == "refused" or ids(claim(run)) == ["d1"]
