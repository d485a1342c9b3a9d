"""What every connector makes of a world that spoils answers: no change is lost, doubled, or refused for good.

Each operation is tried once for each request that it makes and each way in which that one answer can be spoiled. What
a connector says then must be true of the LMS, and the same change again must have the effect of one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from lms.conftest import LMSS
from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Connector, Gone, LmsError, Unavailable
from passback.lms.verified import Verified
from passback_simulators.reply import Reply
from passback_simulators.request import Request
from support.faulty_world import ALL, EVERY, FEW, OUTAGE, UNREASONABLE, Spoil, World, own, world_of
from support.lms import ESSAY, LINK, TEXT, Lms, try_of
from support.sandbox import NOW

LATER = NOW + 9 * DAY

NETWORKED: dict[str, Callable[[], AbstractContextManager[Lms]]] = {
    name: open_ for name, open_ in LMSS.items() if not name.startswith("builtin")
}


@pytest.fixture(params=NETWORKED)
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    with NETWORKED[request.param]() as served:
        yield served


@dataclass(frozen=True)
class Operation:
    """A change, and how to see in the LMS what became of it."""

    name: str
    prepare: Callable[[Lms], Any]
    """What the change is about."""
    act: Callable[[Lms, Connector, Any], Any]
    """Make the change; returns what the client would see."""
    seen: Callable[[Lms, Any], Any]
    """What the LMS has."""
    done: Callable[[Any], bool]
    """Whether what was seen, or returned, is what was asked for."""


@contextlib.contextmanager
def verified(lms: Lms) -> Iterator[Connector]:
    """Another connector, as the registry opens it."""
    assert lms.connection is not None
    with lms.another() as connector:
        yield Verified(connector, lms.connection.timer, lms.clock)


def _essay(lms: Lms) -> str:
    return lms.ready() if lms.ready is not None else lms.create().lms_id


def _graded(lms: Lms) -> str:
    assignment = _essay(lms)
    lms.grade(assignment, grade_points=Decimal(3))
    return assignment


def _work(lms: Lms) -> Attachment:
    return LINK if "text" in lms.unsupported else TEXT


def _for_work(lms: Lms) -> str:
    return lms.create(submission_types=("text", "link")).lms_id


def _hand_in(lms: Lms, connector: Connector, assignment: str) -> Any:
    change = SubmissionFields(state="submitted", attachments=(_work(lms),))
    return lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))


def _is_handed_in(it: Any) -> bool:
    return it.state == "submitted" and [work.text or work.url for work in it.attachments] in (
        [TEXT.text],
        [LINK.url],
    )


def _commented(lms: Lms) -> str:
    assignment = _essay(lms)
    lms.grade(assignment, grade_points=Decimal(3), grade_comment="Good")
    return assignment


def _for_attempts(lms: Lms) -> str:
    return lms.create(submission_types=("text",), max_attempts=1).lms_id


def _grade(**fields: Any) -> Callable[[Lms, Connector, str], Any]:
    def act(lms: Lms, connector: Connector, assignment: str) -> Any:
        given = {"grader_id": lms.teacher, **fields} if "state" not in fields else fields
        change = SubmissionFields(**given)
        return lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))

    return act


def _bulk(lms: Lms, connector: Connector, assignment: str) -> Any:
    changes = [
        (student, SubmissionFields(grade_points=Decimal(10 + at)))
        for at, student in enumerate(lms.students[:2])
    ]
    outcomes = lms.run(connector.update_submissions(lms.section, assignment, changes))
    for outcome in outcomes:
        if isinstance(outcome, LmsError):
            raise outcome
    return outcomes


def _bulk_seen(lms: Lms, assignment: str) -> Any:
    students = lms.students[:2]
    found = lms.run(lms.connector.read_submissions(lms.section, assignment, students))
    return [found.get(student) for student in students]


def _submission(lms: Lms, assignment: str) -> Any:
    return lms.read(assignment)


def _change(lms: Lms, connector: Connector, assignment: str) -> Any:
    points = None if "points_possible" in lms.unsupported else Decimal(30)
    fields = AssignmentFields(title="Second essay", points_possible=points)
    return lms.run(connector.update_assignment(lms.section, assignment, fields))


def _change_dates(lms: Lms, connector: Connector, assignment: str) -> Any:
    return lms.run(connector.update_assignment(lms.section, assignment, AssignmentFields(due_date=LATER)))


def _delete(lms: Lms, connector: Connector, assignment: str) -> Any:
    return lms.run(connector.delete_assignment(lms.section, assignment))


def _exists(lms: Lms, assignment: str) -> Any:
    return assignment in lms.run(lms.connector.read_assignments(lms.section, [assignment]))


OPERATIONS = [
    Operation(
        "change", _essay, _change, lambda lms, it: lms.assignment(it),
        lambda it: it.title == "Second essay" and it.points_possible in (30, ESSAY.points_possible),
    ),
    Operation("delete", _essay, _delete, _exists, lambda it: not it),
    Operation(
        "grade", _essay, _grade(grade_points=Decimal("17.5")), _submission,
        lambda it: it.grade_points == Decimal("17.5"),
    ),
    Operation(
        "grade again", _graded, _grade(grade_points=Decimal(4)), _submission, lambda it: it.grade_points == 4
    ),
    Operation(
        "clear a grade", _graded, _grade(grade=""), _submission, lambda it: it.grade_points is None,
    ),
    Operation(
        "comment", _essay, _grade(grade_points=Decimal(5), grade_comment="Good", comment_since=NOW), _submission,
        lambda it: (it.grade_points, it.grade_comment) == (5, "Good"),
    ),
    Operation(
        "excuse", _essay, _grade(flags=frozenset({"excused"})), _submission, lambda it: "excused" in it.flags
    ),
    Operation(
        "hand in", _for_work, _hand_in, _submission, _is_handed_in,
    ),
    Operation(
        "comment again", _commented, _grade(grade_comment="Better", comment_since=NOW), _submission,
        lambda it: it.grade_comment == "Better",
    ),
    Operation(
        "give attempts", _for_attempts, _grade(extra_attempts=2), _submission, lambda it: it.extra_attempts == 2
    ),
    Operation(
        "give a due date", _essay, _grade(override_due_date=LATER), _submission,
        lambda it: it.override_due_date == LATER,
    ),
    Operation(
        "change dates", _essay, _change_dates, lambda lms, it: lms.assignment(it), lambda it: it.due_date == LATER
    ),
    Operation(
        "bulk", _essay, _bulk, _bulk_seen, lambda them: [it.grade_points for it in them] == [10, 11]
    ),
]  # fmt: skip

NEEDS = {
    "comment": "grade_comment", "comment again": "grade_comment", "excuse": "excused",
    "give attempts": "extra_attempts", "give a due date": "override_due_date",
}  # fmt: skip


def _spoils(lms: Lms, world: World) -> tuple[Spoil, ...]:
    """What is spoilt here: the LMS's own refusals, too, of what is not theirs to refuse."""
    gone = _essay(lms)
    lms.delete(gone)
    with contextlib.suppress(LmsError):
        lms.assignment(gone)
    assert world.last is not None
    missing = own(world.last, "what it has") if world.last.status == 404 else ()
    refusals = (spoil for it in lms.refusals for spoil in own(it, "what it allows"))
    return (*(ALL if EVERY else FEW), *missing, *refusals)


def _cases(methods: list[str], spoils: tuple[Spoil, ...]) -> list[tuple[int, Spoil]]:
    """Which request is spoilt, and how: what changes something in all ways, and all else in one way, in turn."""
    if EVERY:
        return [(position, it) for position in range(len(methods)) for it in spoils]
    chosen = []
    for position, method in enumerate(methods):
        ways = [it for it in spoils if _matters(it, method)]
        chosen += [(position, it) for it in (ways if method != "GET" else [ways[position % len(ways)]])]
    return chosen


def _matters(spoil: Spoil, method: str) -> bool:
    """Whether the answer to a request is spoilt so: what changes nothing is spoilt in fewer ways."""
    if method != "GET":
        return True
    if spoil.name.endswith("allows"):
        return not spoil.reaches
    return spoil.reaches and spoil.name.endswith(("HTML with 404", "members", "has"))


def supported(lms: Lms, operation: Operation) -> bool:
    """Whether the LMS has a place for what the operation changes."""
    if operation.name == "hand in":
        return not {"text", "link"} <= lms.unsupported
    return NEEDS.get(operation.name) not in lms.unsupported


def _methods(lms: Lms, world: World, operation: Operation) -> list[str]:
    """The methods of the requests that the operation makes in a faultless world."""
    about = operation.prepare(lms)
    with verified(lms) as connector:
        _warm(lms, connector, about)
        world.begin()
        operation.act(lms, connector, about)
        return [request.partition(" ")[0] for request in world.requests]


def _warm(lms: Lms, connector: Connector, assignment: str) -> None:
    """Let a connector learn what it keeps for a while, as that of a running gateway has."""
    lms.run(connector.read_submissions(lms.section, assignment, lms.students))


def _try(lms: Lms, world: World, operation: Operation, spoil: Spoil, position: int) -> str | None:
    """Why it is wrong what a connector makes of one spoilt answer; None if it is right."""
    about = operation.prepare(lms)
    with verified(lms) as connector:
        _warm(lms, connector, about)
        world.begin(spoil, position)
        try:
            returned = operation.act(lms, connector, about)
        except Unavailable as error:
            returned = None
            failed, doubt = True, error.in_doubt
        except LmsError as error:
            return f"refused for good: {error!r}"
        else:
            failed = doubt = False
        spoilt = world.requests[position:][:1]
        world.begin()
    seen = operation.seen(lms, about)
    if not failed and not operation.done(seen):
        return f"acknowledged, but not in the LMS ({spoilt})"
    if not failed and returned is not None and not operation.done(returned):
        return f"done, but what is returned is something else ({spoilt}): {returned}"
    if operation.name == "delete" and operation.done(seen):
        return None if doubt or not failed else f"deleted, though it is said not to be ({spoilt})"
    with verified(lms) as connector:
        try:
            operation.act(lms, connector, about)
        except LmsError as error:
            return f"the same again fails ({spoilt}): {error!r}"
    return None if operation.done(operation.seen(lms, about)) else f"the same again has no effect ({spoilt})"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
def test_what_is_said_of_a_change_is_true_whatever_answer_is_spoilt(lms: Lms, operation: Operation) -> None:
    if not supported(lms, operation):
        return
    with world_of(lms.served) as world:
        methods, spoils = _methods(lms, world, operation), _spoils(lms, world)
        wrong = [
            f"request {position}, {spoil}: {why}"
            for position, spoil in _cases(methods, spoils)
            if (why := _try(lms, world, operation, spoil, position)) is not None
        ]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
def test_what_fails_after_a_write_is_in_doubt(lms: Lms, operation: Operation) -> None:
    if not supported(lms, operation):
        return
    ways = (OUTAGE, *UNREASONABLE[:1], *(own(lms.refusals[0], "everything")[1:] if lms.refusals else ()))
    wrong = []
    with world_of(lms.served) as world:
        _methods(lms, world, operation)
        requests = [*world.requests]
        writes = [at for at, it in enumerate(requests) if not it.startswith("GET") and "/token" not in it]
        first = writes[0] if writes else len(requests)  # what it only notes is never in doubt
        for way in ways:
            for position in range(first + 1, len(requests)):
                about = operation.prepare(lms)
                with verified(lms) as connector:
                    _warm(lms, connector, about)
                    world.begin(way, position, lasting=way not in UNREASONABLE)
                    why = ""
                    try:
                        operation.act(lms, connector, about)
                    except Unavailable as error:
                        why = "" if error.in_doubt else "not in doubt"
                    except LmsError as error:
                        why = repr(error)
                    [spoilt] = world.requests[position : position + 1] or [""]
                    world.begin()
                if way in UNREASONABLE and not spoilt.startswith("GET"):
                    continue  # what is written may well be refused
                if why:
                    wrong.append(f"{way} from request {position} ({requests[position]}) on: {why}")
    assert not wrong


READS: dict[str, Callable[[Lms, Connector, str], Any]] = {
    "an assignment": lambda lms, it, about: it.read_assignment(lms.section, about),
    "assignments": lambda lms, it, about: it.read_assignments(lms.section, [about, "7", "8", "9"]),
    "submissions": lambda lms, it, about: it.read_submissions(lms.section, about, lms.students),
    "people": lambda lms, it, _: it.read_people(lms.section),
    "a search": lambda lms, it, _: it.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW)),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_that_the_lms_refuses_as_if_it_had_values_is_its_failure(lms: Lms, name: str) -> None:
    about, read = _essay(lms), READS[name]
    with world_of(lms.served) as world:
        with verified(lms) as connector:
            lms.run(read(lms, connector, about))
            count = len(world.requests)
        for position in range(count):
            for spoil in UNREASONABLE:
                with verified(lms) as connector:
                    world.begin(spoil, position, lasting=True)
                    with pytest.raises(Unavailable):
                        lms.run(read(lms, connector, about))
                    world.begin()


@pytest.mark.parametrize(
    "odd", ["\ud800", "seventeen", {"a": 1}], ids=["a surrogate", "no number", "an object"]
)
def test_a_grade_that_cannot_be_read_is_never_refused(lms: Lms, odd: Any) -> None:
    def muddled(content: Any) -> Any:
        match content:
            case dict():
                return {name: muddled(it) for name, it in content.items()}
            case list():
                return [muddled(it) for it in content]
            case _:
                return odd if content in (17.5, "17.5") else content

    def reply(real: Reply) -> Reply:
        body = real.body
        return replace(real, body=json.dumps(muddled(json.loads(body))).encode()) if b"17.5" in body else real

    spoil, assignment = Spoil("no grade", reply), _essay(lms)
    with world_of(lms.served) as world, verified(lms) as connector:
        _warm(lms, connector, assignment)
        world.begin(spoil, 0, lasting=True)
        with pytest.raises(Unavailable) as caught:
            _grade(grade_points=Decimal("17.5"))(lms, connector, assignment)
        assert caught.value.in_doubt
        with pytest.raises(Unavailable):
            lms.run(connector.read_submissions(lms.section, assignment, lms.students[:1]))
        world.begin()
    assert lms.read(assignment).grade_points == Decimal("17.5")


@contextlib.contextmanager
def limiting(lms: Lms) -> Iterator[None]:
    """Have the LMS keep 15 of 17 points."""
    simulator = lms.served.simulator
    real = simulator.answer

    async def answer(request: Request) -> Reply:
        if simulator.named(request)[0] != "GET" and b"grant_type=" not in request.body:
            request = replace(request, body=request.body.replace(b"17", b"15"))
        return await real(request)

    simulator.answer = answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        simulator.answer = real  # type: ignore[method-assign]


@pytest.mark.parametrize("before", [None, 3])
def test_a_grade_that_the_lms_limits_costs_one_write_and_a_few_looks(lms: Lms, before: int | None) -> None:
    assert lms.connection is not None
    timer, assignment, change = lms.connection.timer, _essay(lms), SubmissionFields(grade_points=Decimal(17))
    with world_of(lms.served) as world, verified(lms) as connector:
        for student in lms.students[:3] if before is not None else ():
            lms.grade(assignment, student, grade_points=Decimal(before or 0))
        _warm(lms, connector, assignment)
        lms.clock.advance(hours=1)
        with limiting(lms):
            for together in (lms.students[:1], lms.students[1:3]):
                world.begin()
                began, changes = timer.seconds(), [(it, change) for it in together]
                kept = lms.run(connector.update_submissions(lms.section, assignment, changes))
                assert [(getattr(it, "grade_points", it), getattr(it, "warnings", it)) for it in kept] == [
                    (15, ("SCORE_CHANGED_BY_LMS",))
                ] * len(together)
                writes = [it for it in world.requests if not it.startswith("GET") and "/token" not in it]
                assert timer.seconds() - began <= 1
                assert len(writes) <= len(together)
                assert len(world.requests) <= 8 * len(together)
                lms.clock.advance(hours=1)


@pytest.mark.parametrize("behind", [1, 2])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
def test_a_change_is_made_once_though_the_lms_shows_what_it_had_before(
    lms: Lms, operation: Operation, behind: int
) -> None:
    if not supported(lms, operation):
        return
    with world_of(lms.served) as world:
        about = operation.prepare(lms)
        with verified(lms) as connector:
            _warm(lms, connector, about)
            world.begin(behind=behind)
            try:
                returned = operation.act(lms, connector, about)
            except Unavailable as error:
                assert error.in_doubt
                world.begin()
                returned = operation.act(lms, connector, about)
            world.begin()
        assert operation.done(operation.seen(lms, about))
        assert returned is None or operation.done(returned)


@pytest.mark.parametrize("behind", [1, 2])
@pytest.mark.parametrize("lost", [False, True])
def test_a_create_is_made_once_though_the_lms_does_not_show_it_yet(lms: Lms, behind: int, lost: bool) -> None:
    fields, mark = replace(ESSAY, title=f"Essay {uuid7()}"), str(uuid7())
    with world_of(lms.served) as world, verified(lms) as connector:
        _warm(lms, connector, _essay(lms))
        if lost:
            lms.served.fail("dropped-after", **lms.creates)
        world.begin(behind=behind)
        try:
            made = lms.run(connector.create_assignment(lms.section, fields, mark))
        except Unavailable as error:
            assert error.in_doubt
            found = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW)))
            assert found is not None
            made = found
        world.begin()
        read = lms.run(connector.read_assignment(lms.section, made.lms_id))
        assert (read.title, read.published) == (fields.title, True)
        again = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW, [made.lms_id])))
        assert again is None or again.lms_id == made.lms_id


def test_a_create_is_made_once_whatever_answer_is_spoilt(lms: Lms) -> None:
    link = (Attachment(type="link", url="https://app.example/a"),)
    fields = replace(ESSAY, attachments=link)
    if "individual_assignees" not in lms.unsupported:
        fields = replace(fields, assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    wrong: list[str] = []
    with world_of(lms.served) as world:
        with verified(lms) as connector:
            _warm(lms, connector, _essay(lms))
            world.begin()
            lms.run(connector.create_assignment(lms.section, fields, str(uuid7())))
            methods = [request.partition(" ")[0] for request in world.requests]
        for position, spoil in _cases(methods, _spoils(lms, world)):
            why = _try_create(lms, world, fields, spoil, position)
            if why is not None:
                wrong.append(f"request {position}, {spoil}: {why}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


def _try_create(lms: Lms, world: World, fields: AssignmentFields, spoil: Spoil, position: int) -> str | None:
    # Each its own title, so that those of other cases are not taken for it.
    fields, mark = replace(fields, title=f"Essay {uuid7()}"), str(uuid7())
    made: list[str] = []
    with verified(lms) as connector:
        _warm(lms, connector, _essay(lms))
        world.begin(spoil, position)
        doubt = False
        try:
            made.append(lms.run(connector.create_assignment(lms.section, fields, mark)).lms_id)
        except Unavailable as error:
            doubt = error.in_doubt
        except LmsError as error:
            return f"refused for good: {error!r}"
        spoilt = world.requests[position:][:1]
        world.begin()
    with verified(lms) as connector:
        found = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW, made)))
        if found is not None and found.lms_id not in made and (made or not doubt):
            return (
                f"in the LMS, though it was not said to be ({spoilt})"
                if not made
                else f"made twice ({spoilt})"
            )
        if found is not None and not made:
            made.append(found.lms_id)
        if not made:
            try:
                made.append(lms.run(connector.create_assignment(lms.section, fields, mark)).lms_id)
            except LmsError as error:
                return f"the same again fails ({spoilt}): {error!r}"
        try:
            read = lms.run(connector.read_assignment(lms.section, made[0]))
        except Gone as error:
            return f"acknowledged, but gone ({spoilt}): {error!r}"
        if (read.title, read.published, read.assignee_ids) != (fields.title, True, fields.assignee_ids or ()):
            return f"something else is in the LMS ({spoilt}): {read}"
        again = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW, made)))
        return f"made twice ({spoilt})" if again is not None and again.lms_id not in made else None
