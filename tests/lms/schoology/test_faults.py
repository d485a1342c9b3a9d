"""The connector to Schoology: refusals that are none, lists that are not whole, and what it shows too late or changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.submission import SubmissionFields
from passback.lms.interface import LmsError, Unavailable
from passback.testing.faulty_world import world_of
from passback.testing.lms import ESSAY, TEXT, Lms, try_of
from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology import seed
from support.sandbox import NOW
from support.schoology import item, schoology, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


Spoil = Callable[[Request, Reply], Reply]


def spoiling(lms: Lms, method: str, ending: str, spoil: Spoil, times: int | None = None) -> None:
    """Have `spoil` change the answers to requests whose path ends so, the first `times` of them or all."""
    real, left = simulator(lms).answer, [times]

    async def answer(request: Request) -> Reply:
        reply = await real(request)
        if request.method != method or not request.path.endswith(ending) or left[0] == 0:
            return reply
        left[0] = None if left[0] is None else left[0] - 1
        return spoil(request, reply)

    simulator(lms).answer = answer  # type: ignore[method-assign]


def refusing(lms: Lms, method: str, ending: str, status: int, times: int) -> None:
    """Refuse requests whose path ends so, `times` times."""
    real, left = simulator(lms).answer, [times]

    async def answer(request: Request) -> Reply:
        if request.method != method or not request.path.endswith(ending) or left[0] == 0:
            return await real(request)
        left[0] -= 1
        return Reply(status)

    simulator(lms).answer = answer  # type: ignore[method-assign]


def changed(**changes: Any) -> Spoil:
    """An answer with other members; None removes one."""

    def spoil(_: Request, reply: Reply) -> Reply:
        content = json.loads(reply.body) | changes
        return json_reply(reply.status, {name: it for name, it in content.items() if it is not None})

    return spoil


# What it shows too late.


def test_a_grade_that_it_shows_too_late_is_not_refused(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    with world_of(lms.served) as world:
        world.begin(behind=2)
        graded = lms.grade(assignment, grade_points=Decimal(7))
    assert (graded.grade_points, graded.warnings) == (Decimal(7), ())
    assert [it.partition(" ")[0] for it in world.requests].count("PUT") == 1


def test_grades_of_many_that_it_shows_too_late_are_read_again_together(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    changes = [(student, SubmissionFields(grade_points=Decimal(8))) for student in lms.students[:10]]
    with world_of(lms.served) as world:
        world.begin(behind=1)
        outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [getattr(it, "grade_points", it) for it in outcomes] == [8] * 10
    assert [it.partition(" ")[0] for it in world.requests] == ["PUT", "GET", "GET"]


def test_assignees_that_it_shows_too_late_are_not_taken_back(lms: Lms) -> None:
    assignment = lms.create().lms_id
    with world_of(lms.served) as world:
        world.begin(behind=1)
        held = lms.change(assignment, assignee_mode="individuals", assignee_ids=(lms.students[0],))
    assert held.assignee_ids == lms.assignment(assignment).assignee_ids == (lms.students[0],)


def test_work_that_it_shows_much_later_is_not_handed_in_again(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    with world_of(lms.served) as world:
        world.begin(behind=100)
        with pytest.raises(Unavailable) as caught:
            lms.grade(assignment, state="submitted", attachments=(TEXT,))
        assert caught.value.in_doubt
    done = lms.grade(assignment, state="submitted", attachments=(TEXT,))
    assert (done.attachments, len(simulator(lms).records.all("revisions"))) == ((TEXT,), 1)


def test_work_whose_files_it_does_not_show_is_not_shown(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id

    def without_files(_: Request, reply: Reply) -> Reply:
        content = json.loads(reply.body)
        return json_reply(200, {"revision": [it | {"attachments": {}} for it in content["revision"]]})

    spoiling(lms, "GET", lms.students[0], without_files)
    assert lms.grade(assignment, state="submitted", attachments=(TEXT,)).attachments == ()


# What it changes.


def keeping(lms: Lms, **changes: Any) -> None:
    """Have Schoology keep something else of each grade."""

    def spoil(_: Request, reply: Reply) -> Reply:
        for grade in simulator(lms).records.all("grades"):
            grade |= changes
        return reply

    spoiling(lms, "PUT", "/grades", spoil)


def test_a_grade_that_it_limits_is_shown_as_it_keeps_it(lms: Lms) -> None:
    assignment = lms.create().lms_id
    keeping(lms, grade=20)
    graded = lms.grade(assignment, grade_points=Decimal(25))
    assert (graded.grade_points, graded.warnings) == (Decimal(20), ("SCORE_CHANGED_BY_LMS",))


@pytest.mark.parametrize(
    ("comment", "warnings"),
    [("Go", ("CHANGED_BY_LMS:grade_comment",)), ("<b>Good &amp; brief</b>", ())],
)
def test_a_comment_that_it_cuts_is_shown_as_it_keeps_it(
    lms: Lms, comment: str, warnings: tuple[str, ...]
) -> None:
    assignment = lms.create().lms_id
    keeping(lms, comment=comment)
    graded = lms.grade(assignment, grade_points=Decimal(5), grade_comment="Good & brief")
    assert (graded.grade_points, graded.grade_comment, graded.warnings) == (Decimal(5), comment, warnings)


@pytest.mark.parametrize(
    ("fields", "members"),
    [
        ({"title": "Second"}, {"title": "Essay"}),
        ({"description": "<p>One page</p>"}, {"description": "<p>Two pages</p>"}),
        ({"due_date": NOW + 7 * DAY + HOUR}, {"due": (NOW + 7 * DAY) // 1000}),
        ({"attachments": (Attachment("link", url="https://app.example/a"),)}, {"attachments": []}),
    ],
)
def test_a_field_that_it_ignores_is_a_warning(
    lms: Lms, fields: dict[str, Any], members: dict[str, Any]
) -> None:
    created = lms.create()
    [name] = fields

    def ignore(_: Request, reply: Reply) -> Reply:
        simulator(lms).ui_change_assignment(item(created.lms_id), **members)
        return reply

    spoiling(lms, "PUT", str(item(created.lms_id)), ignore)
    changed = lms.change(created.lms_id, **fields)
    assert getattr(changed, name) == getattr(created, name)
    assert changed.warnings == (f"CHANGED_BY_LMS:{name}",)


# Refusals that are none.


@pytest.mark.parametrize("status", [401, 403])
def test_one_stray_refusal_is_not_believed(lms: Lms, status: int) -> None:
    refusing(lms, "POST", "assignments", status, 1)
    assignment = lms.create(submission_types=("text",)).lms_id
    refusing(lms, "PUT", "grades", status, 1)
    assert lms.grade(assignment, grade_points=Decimal(5)).grade_points == 5
    refusing(lms, "POST", "create", status, 1)
    assert lms.grade(assignment, state="submitted", attachments=(TEXT,)).attachments == (TEXT,)
    refusing(lms, "GET", "enrollments", status, 1)
    assert lms.run(lms.connector.read_people(lms.section))
    assert len(simulator(lms).records.all("grade_items")) == 1


def test_a_create_that_was_made_and_refused_is_in_doubt(lms: Lms) -> None:
    spoiling(lms, "POST", "assignments", lambda *_: Reply(403))
    with pytest.raises(Unavailable) as caught:
        lms.create()
    assert (caught.value.in_doubt, len(simulator(lms).records.all("grade_items"))) == (True, 1)


def test_an_outage_says_nothing_of_the_key(lms: Lms) -> None:
    assignment = lms.create().lms_id
    refusing(lms, "GET", str(item(assignment)), 401, 2)
    lms.served.fail("error-before", path="users/", times=None)
    with pytest.raises(Unavailable) as caught:
        lms.assignment(assignment)
    assert not getattr(caught.value, "credentials", False)


def test_a_category_that_was_refused_once_is_made(lms: Lms) -> None:
    refusing(lms, "POST", "grading_categories", 403, 1)
    assert lms.create(seed.STUDY_HALL).category_id is not None


# What is remembered.


def test_a_letter_that_is_new_on_the_scale_is_taken(lms: Lms) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    lms.grade(assignment, grade="A")
    for scale in simulator(lms).records.all("scales"):
        for level in scale["levels"]:
            level["grade"] = {"A": "Top"}.get(level.get("grade"), level.get("grade"))
    assert lms.grade(assignment, grade="Top").grade == "Top"


def test_a_student_who_has_just_been_given_an_assignment_is_graded(lms: Lms) -> None:
    first, second = lms.students[:2]
    assignment = lms.create(assignee_mode="individuals", assignee_ids=(first,)).lms_id
    lms.grade(assignment, first, grade_points=Decimal(1))
    given = [int(seed.enrollment_lms_id("000007", digits)) for digits in ("001001", "001002")]
    simulator(lms).ui_change_assignment(item(assignment), assignees=given)
    assert lms.grade(assignment, second, grade_points=Decimal(6)).grade_points == 6


def test_a_student_who_left_and_came_back_is_graded(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    simulator(lms).ui_unenroll(lms.section, lms.students[0], status=None)
    simulator(lms).ui_enroll(lms.section, lms.students[0])
    assert lms.grade(assignment, grade_points=Decimal(6)).grade_points == 6


# Lists.


def listing(lms: Lms, spoil: Spoil) -> list[str]:
    """Spoil the list of a section's people, and read it; returns the requests, if that fails."""
    lms.set(largest_page=10)
    spoiling(lms, "GET", "enrollments", spoil)
    lms.calls()
    with pytest.raises(Unavailable):
        lms.run(lms.connector.read_people(lms.section))
    return lms.calls()


def to_itself(request: Request, reply: Reply) -> Reply:
    content = json.loads(reply.body)
    content["links"]["next"] = content["links"]["self"]
    return json_reply(200, content)


def other_pages(request: Request, reply: Reply) -> Reply:
    """Each page says that there is another, which is the same with another address."""
    content = json.loads(reply.body)
    content["links"]["next"] = f"{content['links']['self']}&page={request.query_string.count('page=')}"
    return json_reply(200, content)


@pytest.mark.parametrize(
    "spoil",
    [
        changed(enrollment=None), changed(enrollment={}), changed(enrollment="none"), changed(enrollment=[[]]),
        changed(enrollment=[]), changed(enrollment=[None]), changed(links={}, total="33"), changed(total="500"),
        to_itself, other_pages,
    ],
)  # fmt: skip
def test_a_list_that_is_not_whole_is_an_error_after_few_requests(lms: Lms, spoil: Spoil) -> None:
    assert 0 < len(listing(lms, spoil)) <= 8


def test_an_empty_page_with_another_is_an_error(lms: Lms) -> None:
    assert (
        len(listing(lms, lambda request, reply: changed(enrollment=[])(request, to_itself(request, reply))))
        == 1
    )


def test_people_who_come_twice_are_there_once(lms: Lms) -> None:
    def doubled(_: Request, reply: Reply) -> Reply:
        content = json.loads(reply.body)
        return json_reply(200, content | {"enrollment": content["enrollment"] * 2})

    before = lms.run(lms.connector.read_people(lms.section))
    spoiling(lms, "GET", "enrollments", doubled)
    assert lms.run(lms.connector.read_people(lms.section)) == before


def test_a_list_that_changes_while_it_is_read_is_read_again(lms: Lms) -> None:
    lms.set(largest_page=10)
    before = {it.id for it in lms.run(lms.connector.read_people(lms.section))}

    def leave(request: Request, reply: Reply) -> Reply:
        # The first page has been read: all others move up by one.
        simulator(lms).ui_unenroll(lms.section, lms.students[0], status=None)
        return reply

    spoiling(lms, "GET", "enrollments", leave, times=1)
    assert {it.id for it in lms.run(lms.connector.read_people(lms.section))} == before - {lms.students[0]}


def test_a_list_of_users_that_is_said_to_be_missing_takes_nobodys_address(lms: Lms) -> None:
    refusing(lms, "GET", "/users", 404, 1)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.read_people(lms.section))


@pytest.mark.parametrize(
    "spoil",
    [
        changed(assignees="all"),
        changed(assignees=[None]),
        changed(assignees=[]),
        changed(id=7),
        changed(id=None),
    ],
)
def test_an_assignment_of_a_few_never_looks_like_one_of_all(lms: Lms, spoil: Spoil) -> None:
    assignment = lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],)).lms_id
    spoiling(lms, "GET", str(item(assignment)), spoil)
    with pytest.raises(Unavailable):
        lms.assignment(assignment)


def test_a_zone_that_is_not_said_is_not_guessed(lms: Lms) -> None:
    spoiling(lms, "GET", "", lambda request, reply: changed(tz_name=None)(request, reply)
             if "/users/" in request.path else reply)  # fmt: skip
    with pytest.raises(LmsError):
        lms.create()


@pytest.mark.parametrize("place", ["sections", "sections/999999/enrollments", "nowhere"])
def test_a_list_that_goes_on_at_a_wrong_address_is_a_failure_of_schoology(lms: Lms, place: str) -> None:
    def astray(_: Request, reply: Reply) -> Reply:
        content = json.loads(reply.body)
        return json_reply(200, content | {"total": 10**6, "links": {"next": f"{lms.served.url}/v1/{place}"}})

    spoiling(lms, "GET", "/enrollments", astray)
    spoiling(lms, "GET", "/assignments", astray)
    for read in (
        lms.connector.read_people(lms.section),
        lms.connector.find_assignment(lms.section, ESSAY, try_of("", NOW)),
    ):
        with pytest.raises(Unavailable):
            lms.run(read)
