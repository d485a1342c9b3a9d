"""The client against a gateway: each operation, on each LMS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import pytest

from passback.sandbox.published import PUBLISHED, Published
from passback_client import Accepted, AsyncPassback, Passback, Pending, _calls, errors
from passback_client.models import Attachment
from passback_simulators.identities import ALGEBRA, DISTRICTS, SANDBOX_UNIFIED, SandboxDistrict
from support.sandbox import Sandbox, serving

DUE = datetime(2030, 6, 1, 23, 59, tzinfo=UTC)
ESSAY = {"title": "Essay", "description": "Two pages", "due_date": DUE, "points_possible": 20}
SECTION = SANDBOX_UNIFIED.id(ALGEBRA.digits)
STUDENTS = [SANDBOX_UNIFIED.id(digits) for digits in ALGEBRA.students]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


def address(sandbox: Sandbox) -> str:
    return f"http://127.0.0.1:{sandbox.port}"


@pytest.fixture
def passback(sandbox: Sandbox) -> Iterator[Passback]:
    with Passback(SANDBOX_UNIFIED.token, address(sandbox), retries=0) as client:
        yield client


CONNECTED = [it for it in DISTRICTS if it.name != "Elsewhere Unified"]


@pytest.mark.parametrize("district", CONNECTED, ids=lambda it: it.lms_type)
def test_the_seven_operations_on_each_lms(sandbox: Sandbox, district: SandboxDistrict) -> None:
    section, student = district.id(ALGEBRA.digits), district.id(ALGEBRA.students[0])
    with Passback(district.token, address(sandbox), on_warnings=lambda *_: None) as passback:
        made = passback.assignments.create(
            section, title="Essay", description="x", due_date=DUE, points_possible=100
        )
        assert passback.assignments.get(section, made.id).title == "Essay"
        assert passback.assignments.update(section, made.id, title="Essay 2").title == "Essay 2"
        held = passback.submissions.update(section, made.id, student, grade_points=18)
        assert (held.grade_points, passback.submissions.get(section, made.id, student).grade_points) == (
            18,
            18,
        )
        assert len(list(passback.submissions.list(section, made.id, page_size=20))) == len(ALGEBRA.students)
        passback.assignments.delete(section, made.id)
        with pytest.raises(errors.AssignmentNotFound):
            passback.assignments.get(section, made.id)


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda it: str(it.number))
def test_each_published_error_has_a_class(sandbox: Sandbox, passback: Passback, one: Published) -> None:
    made = passback.assignments.create(SECTION, title="Essay", description="x", due_date=DUE)
    answer = sandbox.client(one.token).call(one.method, one.path.replace("{a}", made.id), one.body)
    reply = _calls.Reply(answer.status, answer.headers, answer.body)
    with pytest.raises(errors.Refused) as refused:
        _calls.content_of(reply)
    assert (type(refused.value), refused.value.row) == (errors.ROWS[one.number - 1], one.number)
    assert refused.value.request_id


def test_what_is_sent_is_what_comes_back(passback: Passback) -> None:
    link = Attachment(type="link", url="https://app.example/1")
    made = passback.assignments.create(
        SECTION, title="Essay", description="x", due_date=DUE, attachments=[link], submission_types=["text"]
    )
    assert (made.due_date, made.attachments, made.submission_types) == (DUE, (link,), ("text",))
    assert made.to_dict()["attachments"] == [{"type": "link", "url": "https://app.example/1"}]


def test_a_create_with_the_same_key_creates_once(passback: Passback) -> None:
    one, other = (
        passback.assignments.create(
            SECTION, title="Once", description="x", due_date=DUE, idempotency_key="k1"
        )
        for _ in range(2)
    )
    assert one.id == other.id
    with pytest.raises(errors.KeyReused):
        passback.assignments.create(
            SECTION, title="Other", description="x", due_date=DUE, idempotency_key="k1"
        )


def test_in_the_background_it_is_delivered(passback: Passback) -> None:
    accepted = passback.assignments.create_in_background(
        SECTION, title="Later", description="x", due_date=DUE
    )
    assert isinstance(accepted, Accepted)
    grade = passback.submissions.update_in_background(
        SECTION, accepted.assignment_id, STUDENTS[0], grade_points=7
    )
    created = passback.deliveries.wait(accepted.delivery.id, every=0.02)
    graded = passback.deliveries.wait(grade.delivery.id, every=0.02)
    assert created.assignment is not None
    assert graded.submission is not None
    assert (created.assignment.title, graded.submission.grade_points) == ("Later", 7)
    assert graded.id in {it.id for it in passback.deliveries.list(state=["delivered"])}


def test_many_students_at_once(passback: Passback) -> None:
    made = passback.assignments.create(SECTION, title="Many", description="x", due_date=DUE)
    stranger = SANDBOX_UNIFIED.id("001031")
    outcomes = passback.submissions.update_many(
        SECTION,
        made.id,
        {STUDENTS[0]: {"grade": "9"}, stranger: {"grade": "9"}, STUDENTS[1]: {"flags": ["excused"]}},
    )
    assert [it.status for it in outcomes] == [200, 404, 200]
    later = passback.submissions.update_many_in_background(SECTION, made.id, {STUDENTS[2]: {"grade": "8"}})
    [outcome] = passback.deliveries.wait(later.delivery.id, every=0.02).outcomes
    assert outcome.data is not None
    assert outcome.data.grade == "8"


def test_a_change_that_was_accepted_unasked_is_not_taken_for_done(passback: Passback) -> None:
    passback._http.headers["Sandbox-Fault"] = "error-before"  # noqa: SLF001 - as no client of an application would
    accepted = passback.assignments.create_in_background(SECTION, title="Slow", description="x", due_date=DUE)
    del passback._http.headers["Sandbox-Fault"]  # noqa: SLF001
    try:
        passback.submissions.update(SECTION, accepted.assignment_id, STUDENTS[0], grade_points=7)
    except Pending as pending:
        assert pending.accepted.delivery.operation == "update_submission"


def test_the_roster(passback: Passback) -> None:
    roster = passback.roster
    district, section = roster.district(), roster.section(SECTION)
    assert (district.id, section.district, section.lms_status.synced_in_lms) == (
        SANDBOX_UNIFIED.district_id, SANDBOX_UNIFIED.district_id, True,
    )  # fmt: skip
    students = list(roster.students(SECTION))
    assert {it.id for it in students} == set(STUDENTS) == set(section.students)
    first = students[0]
    assert roster.user(first.id) == first
    assert [it.id for it in roster.users(email=first.email)] == [first.id]
    assert SECTION in {it.id for it in roster.sections_of(first.id)}
    assert [it.id for it in roster.teachers(SECTION)] == list(section.teachers)
    assert {it.id for it in islice(roster.users(role="teacher"), 50)} >= set(section.teachers)
    school, course, term = next(roster.schools()), next(roster.courses()), next(roster.terms())
    assert (roster.school(school.id), roster.course(course.id), roster.term(term.id)) == (
        school,
        course,
        term,
    )
    assert [it.id for it in roster.sections(sis_id=section.sis_id)] == [SECTION]
    assert isinstance(list(roster.events(record_types=["users"])), list)


def test_webhooks(sandbox: Sandbox, passback: Passback) -> None:
    sandbox.names["app.example"] = ["93.184.216.34"]
    made = passback.webhooks.create("https://app.example/hook", events=["delivery.refused"], disabled=True)
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert passback.webhooks.get(made.id).secret is None
    assert passback.webhooks.rotate(made.id).secret_before_until is not None
    assert (
        passback.webhooks.update(made.id, url="https://app.example/other").url == "https://app.example/other"
    )
    assert made.id in {it.id for it in passback.webhooks.list()}
    passback.webhooks.delete(made.id)
    with pytest.raises(errors.NotFound):
        passback.webhooks.get(made.id)


def test_messages_are_fetched_read_and_sent_again(passback: Passback) -> None:
    hook = passback.webhooks.create(fetch=True, events=["delivery.delivered"])
    assert hook.secret is not None
    passback.assignments.create_in_background(SECTION, title="Told", description="x", due_date=DUE)
    [message] = passback.webhooks.fetch(hook.id)
    assert message.body
    assert passback.webhooks.fetch(hook.id, done=[message.id], wait=0) == ()
    assert passback.webhooks.message(hook.id, message.id).state == "delivered"
    assert [it.id for it in passback.webhooks.messages(hook.id, state=["delivered"])] == [message.id]
    assert passback.webhooks.resend(hook.id, message.id).id == message.id
    assert [it.id for it in passback.webhooks.fetch(hook.id, wait=5)] == [message.id]
    assert passback.webhooks.resend_all(hook.id, since=datetime(2026, 1, 1, tzinfo=UTC)).more is False


def test_what_the_districts_lms_can_do(sandbox: Sandbox) -> None:
    found = {}
    for district in CONNECTED:
        with Passback(district.token, address(sandbox)) as passback:
            capabilities = passback.roster.district().lms_capabilities
            assert capabilities is not None
            found[district.lms_type] = capabilities.comments
    assert (found["canvas"], found["google"]) == ("added", "none")


def test_without_waiting(sandbox: Sandbox) -> None:
    async def both() -> list[str]:
        async with AsyncPassback(SANDBOX_UNIFIED.token, address(sandbox)) as passback:
            titles = [f"At once {number}" for number in range(3)]
            made = await asyncio.gather(
                *(
                    passback.assignments.create(SECTION, title=title, description="x", due_date=DUE)
                    for title in titles
                )
            )
            found = [it.id async for it in passback.assignments.list(SECTION, page_size=2)]
            assert {it.id for it in made} <= set(found)
            return [it.title for it in made]

    assert asyncio.run(both()) == ["At once 0", "At once 1", "At once 2"]


def test_warnings_are_reported(sandbox: Sandbox) -> None:
    seen: list[tuple[str, ...]] = []
    with Passback(
        SANDBOX_UNIFIED.token, address(sandbox), on_warnings=lambda _, codes: seen.append(codes)
    ) as passback:
        passback.assignments.create(
            SECTION,
            title="All",
            description="x",
            due_date=DUE,
            assignee_mode="all",
            assignee_ids=STUDENTS[:1],
        )
    assert seen == [("ASSIGNEES_IGNORED",)]
