"""What every connector makes of answers in which one value is odd: something sane, or an error of the LMS.

The answers are the simulators', each changed in one place. A change that is acknowledged is in the LMS nevertheless, and
nothing that is returned is what the store or the encoder cannot take.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import Submission
from passback.lms.interface import Connector, LmsError
from passback.testing.clock import NOW
from passback.testing.faulty_world import Spoil, World, world_of
from passback.testing.lms import ESSAY, Lms, try_of
from passback.testing.suite.checks import verified
from passback.testing.suite.operations import OPERATIONS, Operation, refused
from passback_simulators.reply import Reply

EXAMPLES = 12
"""How many answers of each operation are changed."""

ODD: tuple[Any, ...] = (
    None, True, "", "\ud800", "x\0y", "UNKNOWN", "9999-12-31T23:59:59-14:00", -1, 0, 2**53 + 1, 10**30, -1e308,
    float("nan"), float("inf"), [], {}, [None], {"id": None},
)  # fmt: skip
MISSING, MORE = object(), object()


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value: what holds it, and its name or number there."""
    inner: list[Any] = list(content) if isinstance(content, dict) else list(range(len(content)))
    for name in inner:
        yield content, name
        if isinstance(content[name], dict | list):
            yield from places(content[name])


def mutated(place: int, odd: Any) -> Spoil:
    """A good answer with something odd at one of its places."""

    def reply(real: Reply) -> Reply:
        try:
            content = json.loads(real.body)
        except ValueError:
            return real
        found = list(places(content)) if isinstance(content, dict | list) else []
        if real.status >= 300 or not found:
            return real
        holder, name = found[place % len(found)]
        if odd is MISSING:
            del holder[name]
        elif odd is MORE:
            holder.update(unknown={"members": [1]}) if isinstance(holder, dict) else holder.append("unknown")
        else:
            holder[name] = odd
        return replace(real, body=json.dumps(content).encode())

    return Spoil(f"{odd!r} at {place}", reply)


MUTATIONS = st.tuples(st.integers(0, 9), st.integers(0, 400), st.sampled_from((*ODD, MISSING, MISSING, MORE)))
"""Which answer is changed, where, and what is there instead."""

each_mutation = settings(
    max_examples=EXAMPLES,
    deadline=None,  # a busy machine may be slow
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check_sane(found: Any) -> None:
    """Fail unless what a connector returned can be encoded and stored."""
    if isinstance(found, dict):
        assert all(student == it.student_id for student, it in found.items() if isinstance(it, Submission))
    text = msgspec.json.encode(found).decode()
    assert r"\u0000" not in text
    for number in numbers(msgspec.to_builtins(found, builtin_types=(Decimal,))):
        assert Decimal(number).is_finite()
        # Points are stored as they are written; everything else as an integer of the database.
        assert isinstance(number, Decimal) or abs(number) < 2**63


def numbers(content: Any) -> Iterator[Any]:
    match content:
        case bool():
            return
        case int() | float() | Decimal():
            yield content
        case dict():
            for value in content.values():
                yield from numbers(value)
        case list() | tuple():
            for value in content:
                yield from numbers(value)


READS: dict[str, Callable[[Lms, Connector, str], Any]] = {
    "an assignment": lambda lms, it, about: lms.run(it.read_assignment(lms.section, about)),
    "assignments": lambda lms, it, about: lms.run(
        it.read_assignments(lms.section, [about, "999999", "999998", "999997"])
    ),
    "submissions": lambda lms, it, about: lms.run(it.read_submissions(lms.section, about, lms.students)),
    "courses": lambda lms, it, _: lms.run(it.read_courses()),
    "sections": lambda lms, it, _: lms.places(it)[:1],
    "people": lambda lms, it, _: lms.run(it.read_people(lms.section)),
    "a check": lambda lms, it, _: lms.run(it.check()),
    "a search": lambda lms, it, _: lms.run(it.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW))),
}


def requests_of(lms: Lms, world: World, act: Callable[[Connector], Any]) -> int:
    with verified(lms) as connector:
        world.begin()
        act(connector)
        return len(world.requests)


class OddAnswers:
    """What a connector makes of odd values in good answers. Needs a simulator that fails on request."""

    @pytest.mark.parametrize("name", READS)
    def test_what_is_read_is_sane_or_an_error(self, lms: Lms, name: str) -> None:
        read, about = READS[name], lms.create().lms_id
        lms.grade(about, grade_points=Decimal("17.5"))
        with world_of(lms.failing) as world:
            count = requests_of(lms, world, lambda connector: read(lms, connector, about))
            if not count:
                return  # it knows that without asking

            @each_mutation
            @given(MUTATIONS)
            def holds(mutation: tuple[int, int, Any]) -> None:
                with verified(lms) as connector:
                    world.begin(mutated(*mutation[1:]), mutation[0] % count)
                    with contextlib.suppress(LmsError):
                        check_sane(read(lms, connector, about))
                world.begin()

            holds()

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
    def test_what_is_changed_is_changed_or_an_error(self, lms: Lms, operation: Operation) -> None:
        if refused(lms, operation):
            return
        with world_of(lms.failing) as world:
            first = operation.prepare(lms)
            count = requests_of(lms, world, lambda connector: operation.act(lms, connector, first))

            @each_mutation
            @given(MUTATIONS)
            def holds(mutation: tuple[int, int, Any]) -> None:
                about = operation.prepare(lms)
                with verified(lms) as connector:
                    world.begin(mutated(*mutation[1:]), mutation[0] % count)
                    try:
                        returned = operation.act(lms, connector, about)
                    except LmsError:
                        return
                    finally:
                        world.begin()
                check_sane(returned)
                assert operation.done(operation.seen(lms, about))

            holds()

    def test_what_is_created_is_there_or_an_error(self, lms: Lms) -> None:
        with world_of(lms.failing) as world:
            count = requests_of(
                lms, world, lambda it: lms.run(it.create_assignment(lms.section, ESSAY, str(uuid7())))
            )

            @each_mutation
            @given(MUTATIONS)
            def holds(mutation: tuple[int, int, Any]) -> None:
                with verified(lms) as connector:
                    world.begin(mutated(*mutation[1:]), mutation[0] % count)
                    try:
                        made = lms.run(connector.create_assignment(lms.section, ESSAY, str(uuid7())))
                    except LmsError:
                        return
                    finally:
                        world.begin()
                check_sane(made)
                assert lms.assignment(made.lms_id).published

            holds()
