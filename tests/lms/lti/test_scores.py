"""What becomes of grades in LMSs that each keep the standard in their own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import HOUR, SECOND
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone, RefusedByLms, Unavailable
from passback.lms.lti.map_assignments import id_from
from passback.lms.toolkit.json_fields import isoformat
from passback.lms.verified import Verified
from passback.testing.lms import Lms
from passback_simulators.reply import Reply
from support.lti_lms import ALGEBRA_COURSE, held, item, lti, simulator
from support.sandbox import SetClock

FAMILIES = ["moodle", "canvas", "brightspace", "blackboard", "sakai", "openedx", "schoology", "other"]


@pytest.fixture(params=FAMILIES)
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    with lti(request.param) as served:
        yield served


@pytest.fixture
def openedx() -> Iterator[Lms]:
    with lti("openedx") as served:
        yield served


@pytest.fixture
def canvas() -> Iterator[Lms]:
    with lti("canvas") as served:
        yield served


def added(lms: Lms, title: str = "Essay", maximum: float = 20.0) -> str:
    """The id of an assignment for an activity that a teacher has added in the LMS."""
    number = simulator(lms).ui_add_link(ALGEBRA_COURSE, title, maximum)
    path = simulator(lms).path(simulator(lms).profile.item, course=ALGEBRA_COURSE, item=number)
    return id_from(lms.served.url + path, lms.served.url)


def essay(lms: Lms) -> str:
    """An assignment of 20 points, as this LMS gets its own."""
    return lms.create().lms_id if simulator(lms).profile.own_items_published else added(lms)


def sent_scores(lms: Lms) -> list[dict[str, Any]]:
    """The scores that reach the LMS from now on."""
    seen: list[dict[str, Any]] = []
    served = lms.served.simulator
    real = served.answer

    async def answer(request: Any) -> Any:
        if request.method == "POST" and request.path.endswith("/scores"):
            seen.append(json.loads(request.body))
        return await real(request)

    served.answer = answer  # type: ignore[method-assign]
    return seen


def test_a_grade_is_in_the_gradebook_and_read_from_it(lms: Lms) -> None:
    assignment = essay(lms)
    changed = lms.grade(assignment, grade_points=Decimal("17.5"), grader_id=lms.teacher)
    assert (changed.grade_points, changed.state, changed.grader_id) == (
        Decimal("17.5"),
        "returned",
        lms.teacher,
    )
    assert lms.read(assignment) == changed
    published = held(lms, assignment)["published"]
    assert published == (0.875 if simulator(lms).profile.family == "openedx" else 17.5)


def test_times_of_scores_rise_by_whole_seconds(lms: Lms) -> None:
    assignment, seen = essay(lms), sent_scores(lms)
    for points in (1, 2, 3):
        lms.grade(assignment, grade_points=Decimal(points))
    with lms.another() as other:
        change = SubmissionFields(grade_points=Decimal(4))
        lms.run(other.update_submission(lms.section, assignment, lms.students[0], change))
    times = [it["timestamp"][:19] for it in seen]
    assert times == sorted(set(times))
    assert lms.read(assignment).grade_points == 4


@pytest.mark.parametrize("fault", ["error-after", "dropped-after", "malformed"])
def test_a_score_whose_answer_was_lost_is_delivered_once(lms: Lms, fault: str) -> None:
    assignment, seen = essay(lms), sent_scores(lms)
    lms.served.fail(fault, method="POST", path="/scores$")
    assert lms.grade(assignment, grade_points=Decimal(9)).grade_points == 9
    assert len({json.dumps(it, sort_keys=True) for it in seen}) == 1


def test_an_lms_whose_clock_is_almost_a_minute_behind_issues_tokens(lms: Lms) -> None:
    simulator(lms).clock = SetClock(lms.clock() - 59_000)
    with lms.another() as later:
        assert lms.run(later.read_people(lms.section))


def test_a_token_that_the_lms_no_longer_takes_is_replaced(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(8))
    lms.served.fail("expired-credentials", path="/scores$|/results$|memberships|names|people")
    assert lms.grade(assignment, grade_points=Decimal(9)).grade_points == 9


def test_a_teachers_later_edit_stays_and_is_told(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    moodle.grade(assignment, grade_points=Decimal(9))
    moodle.clock.now += HOUR
    simulator(moodle).ui_grade(item(assignment), moodle.students[0], 12.0)
    moodle.clock.now -= HOUR
    with pytest.raises(RefusedByLms, match="CHANGED_IN_LMS"):
        moodle.grade(assignment, grade_points=Decimal(10))
    assert moodle.read(assignment).grade_points == 12


@pytest.mark.parametrize("fault", ["error-before", "error-after"])
@pytest.mark.parametrize("comment", [None, "From the teacher"])
def test_a_score_in_doubt_does_not_replace_what_a_teacher_wrote_since(
    lms: Lms, fault: str, comment: str | None
) -> None:
    assignment, change = essay(lms), SubmissionFields(grade_points=Decimal(10))
    lms.grade(assignment, grade_points=Decimal(9), grade_comment="Good")
    lms.served.fail(fault, method="POST", path="/scores$", times=None)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.update_submission(lms.section, assignment, lms.students[0], change))
    lms.served.control("DELETE", "faults")
    lms.clock.now += HOUR
    simulator(lms).ui_grade(item(assignment), lms.students[0], 12.0, comment)
    lms.clock.now += HOUR
    with lms.another() as later, pytest.raises(RefusedByLms, match="CHANGED_IN_LMS"):
        lms.run(later.update_submission(lms.section, assignment, lms.students[0], change))
    assert held(lms, assignment)["published"] == 12
    with lms.another() as later:  # what is asked for after that is newer than the teacher's
        done = lms.run(later.update_submission(lms.section, assignment, lms.students[0], change))
    assert done.grade_points == 10


def test_a_teachers_later_edit_is_replaced_if_the_district_wants_that() -> None:
    with lti("moodle", teacher_edits="overwrite") as lms:
        assignment = lms.create().lms_id
        lms.grade(assignment, grade_points=Decimal(9))
        lms.clock.now += HOUR
        simulator(lms).ui_grade(item(assignment), lms.students[0], 12.0)
        lms.clock.now -= HOUR
        assert lms.grade(assignment, grade_points=Decimal(10)).grade_points == 10


def test_a_score_that_had_to_wait_does_not_replace_what_a_teacher_wrote_meanwhile(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(9))
    asked_at = lms.clock.now = lms.clock() + HOUR
    lms.clock.now += HOUR
    simulator(lms).ui_grade(item(assignment), lms.students[0], 12.0)
    lms.clock.now += HOUR
    with pytest.raises(RefusedByLms, match="CHANGED_IN_LMS"):
        lms.grade(assignment, grade_points=Decimal(10), asked_at=asked_at)
    assert held(lms, assignment)["published"] == 12


@pytest.mark.parametrize("graded", [False, True])
def test_a_comment_that_a_teacher_wrote_meanwhile_stays(moodle: Lms, graded: bool) -> None:
    assignment = moodle.create().lms_id
    if graded:
        moodle.grade(assignment, grade_points=Decimal(9), grade_comment="Good")
    asked_at = moodle.clock.now = moodle.clock() + HOUR
    moodle.clock.now += HOUR
    points = 9.0 if graded else None
    simulator(moodle).ui_grade(item(assignment), moodle.students[0], points, "From the teacher")
    moodle.clock.now += HOUR
    with pytest.raises(RefusedByLms, match="CHANGED_IN_LMS"):
        moodle.grade(assignment, grade_points=Decimal(10), grade_comment="Fine", asked_at=asked_at)
    assert moodle.read(assignment).grade_comment == "From the teacher"
    done = moodle.grade(assignment, grade_points=Decimal(10), asked_at=asked_at)  # takes nothing away
    assert (done.grade_points, done.grade_comment) == (Decimal(10), "From the teacher")


def test_scores_that_had_to_wait_are_delivered_in_their_order(lms: Lms) -> None:
    assignment, seen, start = essay(lms), sent_scores(lms), lms.clock()
    lms.clock.now += HOUR
    for points in (1, 2, 3):
        done = lms.grade(assignment, grade_points=Decimal(points), asked_at=start + points)
        assert done.last_modified == lms.clock()  # that is when it reaches the LMS
    times = [it["timestamp"][:19] for it in seen]
    assert times == sorted(set(times))
    assert times[-1] < str(isoformat(lms.clock()))
    assert lms.read(assignment).grade_points == 3


def test_a_score_that_is_asked_for_by_a_clock_that_was_set_back_is_never_ahead(lms: Lms) -> None:
    assignment, seen = essay(lms), sent_scores(lms)
    lms.grade(assignment, grade_points=Decimal(1), asked_at=lms.clock() + HOUR)
    assert seen[0]["timestamp"][:19] == str(isoformat(lms.clock()))[:19]


def test_a_teachers_earlier_edit_is_replaced(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(9))
    lms.clock.now += HOUR
    simulator(lms).ui_grade(item(assignment), lms.students[0], 12.0)
    lms.clock.now += HOUR
    assert lms.grade(assignment, grade_points=Decimal(10)).grade_points == 10


def test_an_lms_whose_clock_is_ahead_takes_a_grade_all_the_same(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    moodle.grade(assignment, grade_points=Decimal(9))
    records = simulator(moodle).records
    key = f"{item(assignment)}/{moodle.students[0]}"
    score = records.get("scores", key)
    assert score is not None
    records.put("scores", key, score | {"stamp": moodle.clock.now + 600 * SECOND})
    assert moodle.grade(assignment, grade_points=Decimal(10)).grade_points == 10


def without_times(request: Any, reply: Any) -> Any:
    """Results as most LMSs show them: without the times of grades."""
    if not request.path.endswith("/results"):
        return reply
    content = [{name: it[name] for name in it if name != "timestamp"} for it in json.loads(reply.body)]
    return replace(reply, body=json.dumps(content).encode())


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("ahead", [-50, 50])
def test_whatever_its_clock_an_lms_takes_every_grade(moodle: Lms, shown: bool, ahead: int) -> None:
    served, seen = moodle.served.simulator, sent_scores(moodle)
    real = served.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        return reply if shown else without_times(request, reply)

    served.answer = answer  # type: ignore[method-assign]
    assert moodle.kind is not None
    assert moodle.connection is not None
    ours = moodle.kind.open(moodle.connection, moodle.notes, lambda: moodle.clock() - ahead * SECOND)
    assignment, student = moodle.create().lms_id, moodle.students[0]

    def grade(**fields: Any) -> Decimal | None:
        change = ours.update_submission(moodle.section, assignment, student, SubmissionFields(**fields))
        return moodle.run(change).grade_points

    assert grade(grade_points=Decimal(9), grade_comment="Good") == 9
    assert grade(grade="") is None
    assert grade(grade_points=Decimal(10)) == 10
    larger = AssignmentFields(points_possible=Decimal(40))
    moodle.run(ours.update_assignment(moodle.section, assignment, larger))
    assert moodle.read(assignment).grade_points == 20
    assert grade(grade_points=Decimal(30)) == 30
    assert grade(grade_points=Decimal(31)) == 31
    moodle.run(ours.close())
    times = [it["timestamp"] for it in seen]
    assert times == sorted(set(times))
    latest = isoformat(moodle.clock() + max(0, -ahead) * SECOND + 9 * SECOND)
    assert max(times)[:19] <= (latest or "")[:19]


@pytest.mark.parametrize("day", ["Fri, 31 Dec 9999 23:59:59 GMT", "soon", ""])
def test_a_clock_that_cannot_be_is_not_believed(moodle: Lms, day: str) -> None:
    assignment, seen = moodle.create().lms_id, sent_scores(moodle)
    moodle.grade(assignment, grade_points=Decimal(9))
    served = moodle.served.simulator
    real, refusals = served.answer, [1]

    async def answer(request: Any) -> Any:
        if request.path.endswith("/scores") and refusals.pop():
            return replace(await real(replace(request, method="GET")), status=409, body=b"[]").with_headers(
                Date=day
            )
        refusals.append(0)
        return await real(request)

    served.answer = answer  # type: ignore[method-assign]
    assert moodle.grade(assignment, grade_points=Decimal(10)).grade_points == 10
    assert seen[-1]["timestamp"] < (isoformat(moodle.clock() + HOUR) or "")


def test_a_teachers_grade_on_a_links_own_column_stays_with_a_warning(moodle: Lms) -> None:
    assignment = added(moodle)
    simulator(moodle).ui_grade(item(assignment), moodle.students[0], 12.0)
    moodle.clock.now += HOUR
    assert moodle.connection is not None
    checked = Verified(moodle.connector, moodle.connection.timer, moodle.clock)
    change = SubmissionFields(grade_points=Decimal(10))
    kept = moodle.run(checked.update_submission(moodle.section, assignment, moodle.students[0], change))
    assert (kept.grade_points, kept.warnings) == (Decimal(12), ("SCORE_CHANGED_BY_LMS",))


def test_more_than_the_maximum_is_shown_as_the_lms_keeps_it(lms: Lms) -> None:
    assignment = essay(lms)
    assert lms.connection is not None
    checked = Verified(lms.connector, lms.connection.timer, lms.clock)
    change = SubmissionFields(grade_points=Decimal(25))
    kept = lms.run(checked.update_submission(lms.section, assignment, lms.students[0], change))
    profile = simulator(lms).profile
    capped = profile.caps or profile.family == "openedx"
    assert kept.warnings == (("SCORE_CHANGED_BY_LMS",) if capped else ())
    assert kept.grade_points == (20 if profile.caps else 25)


@pytest.mark.parametrize("students", [1, 5])
@pytest.mark.parametrize("before", [None, Decimal(3)])
def test_a_score_that_something_else_has_answered_is_sent_again(
    lms: Lms, students: int, before: Decimal | None
) -> None:
    assignment = essay(lms)
    assert lms.connection is not None
    checked = Verified(lms.connector, lms.connection.timer, lms.clock)

    def grade(points: Decimal) -> list[Any]:
        changes = [(it, SubmissionFields(grade_points=points)) for it in lms.students[:students]]
        return list(lms.run(checked.update_submissions(lms.section, assignment, changes)))

    if before is not None:
        grade(before)
    served, swallowed = lms.served.simulator, [lms.students[0]]
    real = served.answer

    async def answer(request: Any) -> Any:
        if request.path.endswith("/scores") and json.loads(request.body)["userId"] in swallowed:
            swallowed.clear()
            return Reply(200)
        return await real(request)

    served.answer = answer  # type: ignore[method-assign]
    done = grade(Decimal(9))
    assert [(it.grade_points, it.warnings) for it in done] == [(Decimal(9), ())] * students
    assert [held(lms, assignment, it)["points"] for it in lms.students[:students]] == [9] * students


def test_a_comment_stays_beside_another_grade(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(5), grade_comment="Good")
    changed = lms.grade(assignment, grade_points=Decimal(6))
    assert (changed.grade_points, changed.grade_comment) == (Decimal(6), "Good")
    if simulator(lms).profile.comments == "added":
        assert held(lms, assignment)["comments"] == ["Good"]


def test_a_comment_is_replaced_and_removed(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(5), grade_comment="Good")
    assert lms.grade(assignment, grade_comment="Better").grade_comment == "Better"
    if simulator(lms).profile.comments != "added":
        assert lms.grade(assignment, grade_comment="").grade_comment is None
    assert lms.read(assignment).grade_points == 5


def test_what_is_blank_around_a_comment_makes_no_other_of_it(openedx: Lms) -> None:
    assignment = added(openedx)
    sent = sent_scores(openedx)
    for points in (5, 6):
        shown = openedx.grade(assignment, grade_points=Decimal(points), grade_comment=" Well done\n")
        assert shown.grade_comment == "Well done"
    assert len(sent) == 2
    openedx.served.fail("error-after", method="POST", path="/scores$")
    assert openedx.grade(assignment, grade_points=Decimal(7), grade_comment=" Well done\n").grade_points == 7
    assert (len(sent), sent[2]) == (4, sent[3])


def test_a_comment_is_sent_without_its_tags(lms: Lms) -> None:
    assignment, seen = essay(lms), sent_scores(lms)
    for words in ("<p>Good &amp; <b>short</b></p>", "5 < 6 & 7 > 6"):
        lms.grade(assignment, grade_points=Decimal(5), grade_comment=words)
    assert [it["comment"] for it in seen] == ["Good & short", "5 < 6 & 7 > 6"]


def test_a_teachers_comment_is_not_erased(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    simulator(moodle).ui_grade(item(assignment), moodle.students[0], 3.0, "From the teacher")
    moodle.clock.now += HOUR
    assert moodle.grade(assignment, grade_points=Decimal(6)).grade_comment == "From the teacher"


def test_a_grade_is_taken_away_where_that_is_possible(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(5))
    if simulator(lms).profile.family == "openedx":
        with pytest.raises(RefusedByLms, match="INVALID_GRADE: Open edX keeps a grade"):
            lms.grade(assignment, grade="")
        return
    changed = lms.grade(assignment, grade="")
    assert (changed.grade_points, changed.state) == (None, "created")


def test_work_that_is_handed_in_never_takes_a_grade_away(lms: Lms) -> None:
    assignment = essay(lms)
    assert lms.grade(assignment, state="submitted").state == "submitted"
    lms.grade(assignment, grade_points=Decimal(5))
    changed = lms.grade(assignment, state="submitted")
    assert (changed.state, changed.grade_points, lms.read(assignment)) == (
        "submitted",
        Decimal(5),
        changed,
    )
    assert lms.grade(assignment, state="reclaimed").state == "reclaimed"


def test_a_score_of_zero_that_is_not_shown_is_zero(moodle: Lms) -> None:
    moodle.set(omits_zero=True)
    assignment = moodle.create().lms_id
    assert moodle.grade(assignment, grade_points=Decimal(0)).grade_points == 0


def test_a_score_of_zero_that_a_teacher_clears_is_none(lms: Lms) -> None:
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(0))
    lms.clock.now += HOUR
    simulator(lms).ui_grade(item(assignment), lms.students[0], None)
    assert lms.read(assignment).grade_points is None


def test_a_grade_counts_as_it_was_given_though_a_teacher_has_just_changed_the_maximum(lms: Lms) -> None:
    if not simulator(lms).profile.own_items_published:
        pytest.skip("its gradebook has shares of the maximum")
    assignment = lms.create().lms_id
    first, second, third = lms.students[:3]
    lms.grade(assignment, first, grade_points=Decimal(5), grade_comment="Good", comment_marks=("1",))
    simulator(lms).ui_change_item(item(assignment), scoreMaximum=40.0)
    changes = [
        (first, SubmissionFields(grade_points=Decimal(19), grade_comment="Better", comment_marks=("2",))),
        (second, SubmissionFields(grade_points=Decimal("9.5"))),
        (third, SubmissionFields(grade_comment="Only this")),
    ]
    done = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [getattr(it, "grade_points", it) for it in done] == [19, Decimal("9.5"), None]
    assert [held(lms, assignment, it)["points"] for it in (first, second, third)] == [19, 9.5, None]
    assert held(lms, assignment, first)["comments"] in ([], ["Good", "Better"])


def test_an_lms_that_always_shows_another_maximum_gets_each_score_once(lms: Lms) -> None:
    assignment, seen, real = essay(lms), sent_scores(lms), lms.served.simulator.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        if request.path.endswith("/results") and reply.status == 200:
            shown = [
                {**it, "resultScore": it["resultScore"] * 5, "resultMaximum": 100}
                for it in json.loads(reply.body)
                if "resultScore" in it
            ]
            return replace(reply, body=json.dumps(shown).encode())
        return reply

    lms.served.simulator.answer = answer  # type: ignore[method-assign]
    for points in (5, 6):
        assert lms.grade(assignment, grade_points=Decimal(points)).grade_points == points
    assert len(seen) == 2


def test_another_maximum_rescales_and_the_next_grade_is_taken(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    moodle.grade(assignment, grade_points=Decimal(10))
    moodle.change(assignment, points_possible=Decimal(40))
    assert moodle.read(assignment).grade_points == 20
    assert moodle.grade(assignment, grade_points=Decimal(30)).grade_points == 30


def test_who_cannot_be_graded_is_gone(lms: Lms) -> None:
    if simulator(lms).profile.family == "openedx":
        return  # it takes scores of everybody whom it knows
    assignment = essay(lms)
    lms.grade(assignment, grade_points=Decimal(5))  # the class list is remembered
    lms.unenroll(lms.students[0])
    assert lms.connection is not None
    checked = Verified(lms.connector, lms.connection.timer, lms.clock)
    change = SubmissionFields(grade_points=Decimal(6))
    with pytest.raises(Gone, match="student"):
        lms.run(checked.update_submission(lms.section, assignment, lms.students[0], change))


def test_open_edx_has_only_what_a_teacher_added(openedx: Lms) -> None:
    with pytest.raises(RefusedByLms, match="MADE_IN_LMS"):
        openedx.create()
    assignment = added(openedx)
    for changes in ({"points_possible": Decimal(40)}, {"title": "Other"}):
        with pytest.raises(RefusedByLms, match="LINKED_IN_LMS"):
            openedx.change(assignment, **changes)
    assert openedx.change(assignment, title="Essay", description="Two pages").description == "Two pages"
    with pytest.raises(RefusedByLms, match="LINKED_IN_LMS"):
        openedx.run(openedx.connector.delete_assignment(openedx.section, assignment))
    with pytest.raises(RefusedByLms, match="INVALID_COMMENT"):
        openedx.grade(assignment, grade_comment="Good")


def test_an_lms_that_refuses_every_time_is_unavailable(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    served = moodle.served.simulator
    real = served.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        return replace(reply, status=409, body=b"[]") if request.path.endswith("/scores") else reply

    served.answer = answer  # type: ignore[method-assign]
    moodle.grade(assignment, grade_points=Decimal(5))  # it is there
    simulator(moodle).settings["tool_removed"] = False
    real_send = served.answer

    async def deaf(request: Any) -> Any:
        if request.path.endswith("/scores"):
            return replace(await real_send(replace(request, method="GET")), status=409, body=b"[]")
        return await real_send(request)

    served.answer = deaf  # type: ignore[method-assign]
    with pytest.raises(Unavailable) as caught:
        moodle.grade(assignment, grade_points=Decimal(6))
    assert caught.value.in_doubt


@pytest.mark.parametrize("fault", ["error-after", "error-before"])
def test_a_comment_that_canvas_adds_comes_once(canvas: Lms, fault: str) -> None:
    assignment = canvas.create().lms_id
    canvas.grade(assignment, grade_points=Decimal(5))
    change = SubmissionFields(grade_points=Decimal(6), grade_comment="Good", comment_marks=("one",))
    canvas.served.fail(fault, method="POST", path="/scores$")
    with pytest.raises(Unavailable) as caught:
        canvas.run(canvas.connector.update_submission(canvas.section, assignment, canvas.students[0], change))
    assert caught.value.in_doubt
    for _ in range(2):
        changed = canvas.run(
            canvas.connector.update_submission(canvas.section, assignment, canvas.students[0], change)
        )
        assert (changed.grade_points, changed.grade_comment) == (Decimal(6), "Good")
    assert (held(canvas, assignment)["comments"], held(canvas, assignment)["attempts"]) == (["Good"], 0)
    again = replace(change, comment_marks=("two",))
    canvas.run(canvas.connector.update_submission(canvas.section, assignment, canvas.students[0], again))
    assert held(canvas, assignment)["comments"] == ["Good", "Good"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id":"7"}'])
def test_an_answer_without_what_it_always_has_leaves_a_doubt(canvas: Lms, body: bytes) -> None:
    assignment = canvas.create().lms_id
    served, spoilt = canvas.served.simulator, [True]
    real = served.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        return replace(reply, body=body) if request.path.endswith("/scores") and spoilt else reply

    served.answer = answer  # type: ignore[method-assign]
    fields: dict[str, Any] = {
        "grade_points": Decimal(6), "grade_comment": "Good", "comment_marks": ("one",),
    }  # fmt: skip
    with pytest.raises(Unavailable) as caught:
        canvas.grade(assignment, **fields)
    assert caught.value.in_doubt
    spoilt.clear()
    assert canvas.grade(assignment, **fields).grade_comment == "Good"
    assert held(canvas, assignment)["comments"] == ["Good"]


def test_a_column_that_a_teacher_renamed_is_shown_so(moodle: Lms) -> None:
    assignment = moodle.create().lms_id
    simulator(moodle).ui_change_item(item(assignment), label="Renamed")
    assert moodle.assignment(assignment).title == "Renamed"


def test_a_column_that_a_teacher_locked_refuses_and_keeps_what_it_has(moodle: Lms) -> None:
    assignment, other = moodle.create().lms_id, moodle.create().lms_id
    moodle.grade(assignment, grade_points=Decimal(5))
    simulator(moodle).ui_change_item(item(assignment), locked=True)
    moodle.calls()
    changes = [(student, SubmissionFields(grade_points=Decimal(6))) for student in moodle.students]
    outcomes = moodle.run(moodle.connector.update_submissions(moodle.section, assignment, changes))
    assert {str(it).partition(":")[0] for it in outcomes} == {"GRADE_LOCKED"}
    assert sum(it.endswith("/scores") for it in moodle.calls()) == 2 * len(changes)
    assert moodle.read(assignment).grade_points == 5
    assert moodle.grade(other, grade_points=Decimal(6)).grade_points == 6  # the LMS is not taken for failing
    simulator(moodle).ui_change_item(item(assignment), locked=False)
    assert moodle.grade(assignment, grade_points=Decimal(6)).grade_points == 6


def test_a_failure_that_looks_like_a_lock_passes(moodle: Lms) -> None:
    assignment, served, failures = moodle.create().lms_id, moodle.served.simulator, [True]
    real = served.answer

    async def answer(request: Any) -> Any:
        if request.path.endswith("/scores") and failures:
            failures.pop()
            return Reply(500, b"[]")
        return await real(request)

    served.answer = answer  # type: ignore[method-assign]
    assert moodle.grade(assignment, grade_points=Decimal(6)).grade_points == 6


def test_activities_of_open_edx_are_read_each_by_itself(openedx: Lms) -> None:
    made = [added(openedx, f"Quiz {number}") for number in range(6)]
    simulator(openedx).ui_delete_item(item(made[-1]))
    openedx.calls()
    found = openedx.run(openedx.connector.read_assignments(openedx.section, made))
    assert [it.title for it in found.values()] == [f"Quiz {number}" for number in range(5)]
    assert not [it for it in openedx.calls() if it.endswith("/lti-ags")]
