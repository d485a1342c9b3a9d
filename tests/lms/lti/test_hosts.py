"""Services of an LMS on other hosts than its own: which of them are asked, and which are not."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import AssignmentFields
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Unavailable
from passback.testing.lms import ESSAY, Lms
from passback_simulators.reply import Reply
from support.lti_lms import lti


@contextlib.contextmanager
def launched_elsewhere(address: str, services: str = "", **options: str) -> Iterator[Lms]:
    """An LMS at an address, whose launches name its services at another one: by default at the simulator's."""
    with lti("other") as lms:
        own = lms.served.url
        for key, note in list(lms.notes.kept.items()):
            urls = {name: (services or own) + note[name] for name in ("lineitems", "memberships_url")}
            lms.notes.kept[key] = {**note, **urls}
        assert lms.connection is not None
        assert lms.kind is not None
        given = {**lms.connection.options, "token_url": own + lms.connection.options["token_url"], **options}
        named = {name: value.replace("{own}", own) for name, value in given.items()}
        connection = replace(lms.connection, address=address, options=named)
        connector = lms.kind.open(connection, lms.notes, lms.clock)
        try:
            yield Lms(**{**lms.__dict__, "connector": connector})
        finally:
            lms.run(connector.close())


def everything(lms: Lms) -> None:
    """Make, change, grade, list and delete assignments."""
    made = [lms.create(title=f"Essay {number}").lms_id for number in range(5)]
    assert lms.run(lms.connector.read_assignments(lms.section, made)).keys() == {*made}
    assert lms.change(made[0], title="Other").title == "Other"
    assert lms.grade(made[0], grade_points=Decimal(5), grader_id=lms.teacher).grade_points == 5
    assert lms.read(made[0]).grade_points == 5
    lms.run(lms.connector.delete_assignment(lms.section, made[0]))
    assert lms.run(lms.connector.read_assignments(lms.section, made)).keys() == {*made[1:]}


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("http://127.0.0.1:1/", {}),
        ("https://lms.example/", {"service_hosts": "services.example, {own}"}),
    ],
)
def test_hosts_that_a_launch_or_the_operator_names_are_asked(address: str, options: dict[str, str]) -> None:
    with launched_elsewhere(address, **options) as lms:
        everything(lms)


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ("", "another host without TLS"),
        ("https://127.0.0.1:1", "not on the public network"),
        ("https://10.0.0.1", "not on the public network"),
        ("https://[::1]:1", "not on the public network"),
    ],
)
@pytest.mark.parametrize(
    "act", [lambda it: it.create(), lambda it: it.run(it.connector.read_people(it.section))]
)
def test_what_a_launch_names_is_on_the_public_network_with_tls(
    act: Callable[[Lms], object], services: str, words: str
) -> None:
    with launched_elsewhere("https://lms.example/", services) as lms:
        lms.calls()
        with pytest.raises(Unavailable, match=words):
            act(lms)
        assert {it.rpartition("/")[2] for it in lms.calls()} <= {"token"}


def test_a_line_item_that_is_named_by_another_host_is_below_the_one_that_was_asked() -> None:
    with lti("canvas") as lms:
        served = lms.served.simulator
        real = served.answer

        async def answer(request: Any) -> Reply:
            reply = await real(request)
            return replace(reply, body=reply.body.replace(lms.served.url.encode(), b"https://vanity.example"))

        served.answer = answer  # type: ignore[method-assign]
        made = lms.create().lms_id
        assert made.startswith("/api/lti/courses/")
        assert lms.assignment(made).title == ESSAY.title
        assert lms.change(made, title="Other").title == "Other"
        changes = [(it, SubmissionFields(grade_points=Decimal(5))) for it in lms.students[:2]]
        outcomes = lms.run(lms.connector.update_submissions(lms.section, made, changes))
        assert [getattr(it, "grade_points", it) for it in outcomes] == [5, 5]


def test_a_line_item_on_a_host_that_nobody_has_named_is_not_asked_for() -> None:
    with lti("other") as lms:
        served = lms.served.simulator
        real = served.answer

        async def answer(request: Any) -> Reply:
            reply = await real(request)
            if request.method != "POST" or not request.path.endswith("/lineitems"):
                return reply
            content = {**json.loads(reply.body), "id": "https://elsewhere.example/items/7"}
            return replace(reply, body=json.dumps(content).encode())

        served.answer = answer  # type: ignore[method-assign]
        made = lms.create().lms_id
        change = lms.connector.update_assignment(lms.section, made, AssignmentFields(title="Other"))
        with pytest.raises(Unavailable, match="another host"):
            lms.run(change)
