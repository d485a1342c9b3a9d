"""The search, and the pages that it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from passback.operations import accounts
from support.console import PASSWORD, Visitor
from support.sandbox import DISTRICT, SECTION, STUDENT, TEACHER, Reply, Sandbox

ESSAY = {
    "title": "Essay on Owls",
    "description": "x",
    "due_date": "2030-06-01T23:59:00Z",
    "points_possible": 9,
}
PERSON = f"/console/districts/{DISTRICT}/people/{STUDENT}"


@pytest.fixture(scope="module")
def essay(production: Sandbox) -> str:
    """An assignment on which a student has got a grade, by a request with an id of the client's own."""
    client = production.client("DEMO_TOKEN")
    made: str = client.post(f"/v3.1/sections/{SECTION}/assignments", ESSAY).data["id"]
    path = f"/v3.1/sections/{SECTION}/assignments/{made}/submissions/{STUDENT}"
    grade = {"grade_points": 7, "grader_id": TEACHER}
    assert client.call("PATCH", path, grade, {"X-Request-Id": "of-the-app-1"}).status == 200
    return made


def search(visitor: Visitor, asked: str) -> Reply:
    from urllib.parse import quote

    return visitor.get(f"/console/search?q={quote(asked)}")


def grade_of(visitor: Visitor, essay: str) -> str:
    page = visitor.get(f"/console/districts/{DISTRICT}/assignments/{essay}").body.decode()
    return page.partition("/console/deliveries/")[2].partition('"')[0]


def test_one_exact_hit_leads_straight_to_its_page(owner: Visitor, essay: str) -> None:
    delivery = grade_of(owner, essay)
    assert search(owner, delivery).headers["location"] == f"/console/deliveries/{delivery}"
    assert search(owner, "of-the-app-1").headers["location"] == f"/console/deliveries/{delivery}"
    assert search(owner, STUDENT.upper()).headers["location"] == PERSON


def test_a_request_is_found_by_the_id_that_it_was_given_here(owner: Visitor, production: Sandbox) -> None:
    client = production.client("DEMO_TOKEN")
    reply = client.post(f"/v3.1/sections/{SECTION}/assignments", {**ESSAY, "title": "Of a request"})
    found = search(owner, reply.headers["x-request-id"])
    assert found.headers["location"] == f"/console/deliveries/{reply.data['id']}"


def test_names_and_titles_are_listed(owner: Visitor, essay: str) -> None:
    assert PERSON in search(owner, "abbott").body.decode()
    assert f"/console/districts/{DISTRICT}/assignments/{essay}" in search(owner, "essay on").body.decode()


def test_a_section_is_found_by_its_name_and_leads_to_its_grades_or_its_match(owner: Visitor) -> None:
    text = search(owner, "algeb").body.decode()
    assert f"/console/districts/{DISTRICT}/gradebook/{SECTION}" in text
    assert "/console/districts/4fee004cca2e43cfca000000/matches/4fee004cca2e43cfca000007" in text
    assert search(owner, SECTION).headers["location"] == f"/console/districts/{DISTRICT}/gradebook/{SECTION}"


def test_a_student_of_an_lms_leads_to_their_match(owner: Visitor) -> None:
    student, district = "4fee004cca2e43cfca001001", "/console/districts/4fee004cca2e43cfca000000"
    assert f"{district}/matches/{student}" in owner.get(f"{district}/people/{student}").body.decode()
    assert "matches" not in owner.get(PERSON).body.decode()


def test_a_student_has_a_page_with_what_was_sent(owner: Visitor, essay: str) -> None:
    delivery = grade_of(owner, essay)
    text = owner.get(PERSON).body.decode()
    for word in ("Ada Abbott", "Essay on Owls", "It has arrived", f"/console/deliveries/{delivery}"):
        assert word in text


def test_an_assignment_has_a_page_by_student(owner: Visitor, essay: str) -> None:
    text = owner.get(f"/console/districts/{DISTRICT}/assignments/{essay}").body.decode()
    for word in ("Essay on Owls", "Ada Abbott", "delivered", "nothing was sent", "The assignment itself"):
        assert word in text


@pytest.mark.parametrize(
    "asked", ["", "zzzz", "%", "'", "a" * 1000, "\0", "01a22859-5cd7-761e-85dd-a765849f2be3", "\U0010ffff"]
)
def test_what_is_not_there_is_said_with_what_can_be_searched_for(asked: str, owner: Visitor) -> None:
    reply = search(owner, asked)
    assert reply.status == 200
    assert "first or last name begins" in reply.body.decode()


@pytest.mark.parametrize("path", ["people/nobody", "assignments/nothing"])
def test_who_or_what_is_not_there_has_no_page(path: str, owner: Visitor) -> None:
    assert owner.get(f"/console/districts/{DISTRICT}/{path}").status == 404


def test_an_account_finds_only_what_it_sees(
    essay: str, production: Sandbox, visitors: Callable[..., Visitor], owner: Visitor
) -> None:
    delivery = grade_of(owner, essay)
    other, name = "4fee004cca2e43cf28000000", "elsewhere@example.org"
    database, clock = production.gateway.database, production.clock
    if name not in {it.name for it in asyncio.run(accounts.list_all(database))}:
        asyncio.run(accounts.create(database, name, "support", clock, district_id=other, password=PASSWORD))
    elsewhere = visitors().sign_in(name)
    for asked in (delivery, "of-the-app-1", essay, STUDENT, "Essay on Owls", SECTION):
        found = search(elsewhere, asked)
        assert found.status == 200, asked
        assert b"Nothing is called that" in found.body, asked
