"""What every connector makes of a world that spoils answers: no change is lost, doubled, or refused for good.

Each operation is tried once for each request that it makes and each way in which that one answer can be spoiled. What
a connector says then must be true of the LMS, and the same change again must have the effect of one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.lms.interface import Connector, Gone, LmsError, Unavailable
from passback.testing.clock import NOW
from passback.testing.faulty_world import ALL, EVERY, FEW, OUTAGE, UNREASONABLE, Spoil, World, own, world_of
from passback.testing.lms import ESSAY, Lms, try_of
from passback.testing.suite.checks import verified, writes
from passback.testing.suite.operations import OPERATIONS, Operation, essay, grading, refused, warm
from passback_simulators.reply import Reply


def _spoils(lms: Lms, world: World) -> tuple[Spoil, ...]:
    """What is spoilt here: the LMS's own refusals, too, of what is not theirs to refuse."""
    gone = essay(lms)
    lms.delete(gone)
    with contextlib.suppress(LmsError):
        lms.assignment(gone)
    assert world.last is not None
    missing = own(world.last, "what it has") if world.last.status == 404 else ()
    refusals = (spoil for it in lms.refusals for spoil in own(it, "what it allows"))
    return (*(ALL if EVERY else FEW), *missing, *refusals)


def _cases(methods: list[str], spoils: tuple[Spoil, ...], *, keeps: bool = False) -> list[tuple[int, Spoil]]:
    """Which request is spoilt, and how: what changes something in all ways, and all else in one way, in turn.

    Each list that is read is emptied, too, if the operation `keeps` something that it may have to read first.
    """
    if EVERY:
        return [(position, it) for position in range(len(methods)) for it in spoils]
    chosen = []
    for position, method in enumerate(methods):
        ways = [it for it in spoils if _matters(it, method)]
        emptied = [it for it in ways if keeps and it.name.startswith("a list without")]
        some = ways if method != "GET" else dict.fromkeys((ways[position % len(ways)], *emptied))
        chosen += [(position, it) for it in some]
    return chosen


def _matters(spoil: Spoil, method: str) -> bool:
    """Whether the answer to a request is spoilt so: what changes nothing is spoilt in fewer ways."""
    if method != "GET":
        return True
    if spoil.name.endswith("allows"):
        return not spoil.reaches
    return spoil.reaches and spoil.name.endswith(("HTML with 404", "members", "items", "has"))


def _methods(lms: Lms, world: World, operation: Operation) -> list[str]:
    """The methods of the requests that the operation makes in a faultless world."""
    about = operation.prepare(lms)
    with verified(lms) as connector:
        warm(lms, connector, about)
        world.begin()
        operation.act(lms, connector, about)
        return [request.partition(" ")[0] for request in world.requests]


def _try(lms: Lms, world: World, operation: Operation, spoil: Spoil, position: int) -> str | None:
    """Why it is wrong what a connector makes of one spoilt answer; None if it is right."""
    _let_a_minute_pass(lms)
    about = operation.prepare(lms)
    with verified(lms) as connector:
        warm(lms, connector, about)
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
    if not operation.done(operation.seen(lms, about)):
        return f"the same again has no effect ({spoilt})"
    return None if operation.once(lms, about) else f"the same again has the effect of two ({spoilt})"


def _let_a_minute_pass(lms: Lms) -> None:
    """Keep hundreds of tries below what the LMS itself allows in a minute."""
    if EVERY:
        lms.clock.advance(hours=1 / 60)


READS: dict[str, Callable[[Lms, Connector, str], Any]] = {
    "an assignment": lambda lms, it, about: it.read_assignment(lms.section, about),
    "assignments": lambda lms, it, about: it.read_assignments(lms.section, [about, "7", "8", "9"]),
    "submissions": lambda lms, it, about: it.read_submissions(lms.section, about, lms.students),
    "people": lambda lms, it, _: it.read_people(lms.section),
    "a search": lambda lms, it, _: it.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW)),
}


def _try_create(lms: Lms, world: World, fields: AssignmentFields, spoil: Spoil, position: int) -> str | None:
    # Each its own title, so that those of other cases are not taken for it.
    _let_a_minute_pass(lms)
    fields, mark = replace(fields, title=f"Essay {uuid7()}"), str(uuid7())
    made: list[str] = []
    with verified(lms) as connector:
        warm(lms, connector, essay(lms))
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


class SpoiltAnswers:
    """What a connector says of a change is true, whatever answer is spoilt. Needs a simulator that fails on request."""

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
    def test_what_is_said_of_a_change_is_true_whatever_answer_is_spoilt(
        self, lms: Lms, operation: Operation
    ) -> None:
        if refused(lms, operation):
            return
        with world_of(lms.failing) as world:
            methods, spoils = _methods(lms, world, operation), _spoils(lms, world)
            wrong = [
                f"request {position}, {spoil}: {why}"
                for position, spoil in _cases(methods, spoils, keeps=operation.keeps)
                if (why := _try(lms, world, operation, spoil, position)) is not None
            ]
        assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
    def test_what_fails_after_a_write_is_in_doubt(self, lms: Lms, operation: Operation) -> None:
        if refused(lms, operation):
            return
        ways = (OUTAGE, *UNREASONABLE[:1], *(own(lms.refusals[0], "everything")[1:] if lms.refusals else ()))
        wrong = []
        with world_of(lms.failing) as world:
            _methods(lms, world, operation)
            requests = [*world.requests]
            made = writes(requests)
            first = requests.index(made[0]) if made else len(requests)  # what it only notes is never in doubt
            for way in ways:
                for position in range(first + 1, len(requests)):
                    about = operation.prepare(lms)
                    with verified(lms) as connector:
                        warm(lms, connector, about)
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

    @pytest.mark.parametrize("name", READS)
    def test_a_read_that_the_lms_refuses_as_if_it_had_values_is_its_failure(
        self, lms: Lms, name: str
    ) -> None:
        about, read = essay(lms), READS[name]
        with world_of(lms.failing) as world:
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
    def test_a_grade_that_cannot_be_read_is_never_refused(self, lms: Lms, odd: Any) -> None:
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
            return (
                replace(real, body=json.dumps(muddled(json.loads(body))).encode())
                if b"17.5" in body
                else real
            )

        spoil, assignment = Spoil("no grade", reply), essay(lms)
        with world_of(lms.failing) as world, verified(lms) as connector:
            warm(lms, connector, assignment)
            world.begin(spoil, 0, lasting=True)
            with pytest.raises(Unavailable) as caught:
                grading(grade_points=Decimal("17.5"))(lms, connector, assignment)
            assert caught.value.in_doubt
            with pytest.raises(Unavailable):
                lms.run(connector.read_submissions(lms.section, assignment, lms.students[:1]))
            world.begin()
        assert lms.read(assignment).grade_points == Decimal("17.5")

    def test_a_create_is_made_once_whatever_answer_is_spoilt(self, lms: Lms) -> None:
        link = (Attachment(type="link", url="https://app.example/a"),)
        fields = replace(ESSAY, attachments=link)
        if "individual_assignees" not in lms.unsupported:
            fields = replace(fields, assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
        wrong: list[str] = []
        with world_of(lms.failing) as world:
            with verified(lms) as connector:
                warm(lms, connector, essay(lms))
                world.begin()
                lms.run(connector.create_assignment(lms.section, fields, str(uuid7())))
                methods = [request.partition(" ")[0] for request in world.requests]
            for position, spoil in _cases(methods, _spoils(lms, world)):
                why = _try_create(lms, world, fields, spoil, position)
                if why is not None:
                    wrong.append(f"request {position}, {spoil}: {why}")
        assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
