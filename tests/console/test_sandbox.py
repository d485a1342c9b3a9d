"""The sandbox's pages of the console, without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from passback.operations import accounts
from passback.sandbox.faults import NAMES
from passback.sandbox.published import PUBLISHED
from passback_simulators.identities import DISTRICTS
from support.console import OWNER, PASSWORD, Visitor
from support.sandbox import Sandbox, serving

ROOT = "/console/sandbox"
CANVAS = "4fee004cca2e43cfca000007"
STUDENT = "4fee004cca2e43cfca001002"
PAGES = ("", "/gradebook", "/errors", "/clock")


@pytest.fixture
def developer(sandbox: Sandbox) -> Iterator[Visitor]:
    """Somebody on the sandbox's own machine, who need not sign in."""
    visitor = Visitor(sandbox.port)
    visitor.get(ROOT)
    yield visitor
    visitor.close()


def followed(visitor: Visitor, path: str, **fields: str) -> str:
    """The page that a form leads to."""
    reply = visitor.post(ROOT + path, fields)
    assert reply.status == 303, reply.body.decode()
    return visitor.get(reply.headers["location"]).body.decode()


def grades(sandbox: Sandbox, section: str = CANVAS) -> list[Any]:
    found: list[Any] = sandbox.client(None).get(f"/sandbox/teacher/sections/{section}").data["grades"]
    return found


def test_a_request_is_sent_and_shown_with_its_answer_and_calls(sandbox: Sandbox, developer: Visitor) -> None:
    page = followed(developer, "/send", section=CANVAS, do="create")
    assert "/api/v1/courses/107/assignments" in page
    page = unescape(followed(developer, "/send", section=CANVAS, do="grade", points="17.5"))
    assert '"grade_points": 17.5' in page
    assert '"grade_points":17.5' in page
    assert "Bearer ..." in page
    assert "DEMO_CANVAS_TOKEN" not in page
    assert [it["points"] for it in grades(sandbox)] == [17.5]
    assert page.count("/console/sandbox/requests/") > 0
    assert "17.5" in developer.get(f"{ROOT}?section={CANVAS}").body.decode()


@pytest.mark.parametrize("fault", [it for it in NAMES if it != "timeout"])
def test_every_fault_has_a_button_that_sends_it(developer: Visitor, fault: str) -> None:
    assert f'name="fault" value="{fault}"' in developer.get(ROOT).body.decode()
    page = followed(developer, "/send", section=CANVAS, do="grade", points="12", fault=fault)
    assert f"sandbox-fault: {fault}" in page


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda it: str(it.number))
def test_every_published_error_is_really_sent(developer: Visitor, row: Any) -> None:
    assert f'value="{row.number}"' in developer.get(f"{ROOT}/errors").body.decode()
    page = developer.follow(f"{ROOT}/errors", {"number": str(row.number)})
    assert f"HTTP/1.1 {row.status} " in page
    assert f"{row.method} /v3.1/sections/" in page
    assert page.count(row.mend.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")) == 2


@pytest.mark.parametrize("district", DISTRICTS, ids=lambda it: it.name)
def test_the_gradebook_of_every_lms_is_there(sandbox: Sandbox, developer: Visitor, district: Any) -> None:
    section = district.id("000007")
    followed(developer, "/send", section=section, do="grade", points="9")
    page = developer.get(f"{ROOT}/gradebook?section={section}").body.decode()
    assert "<td>9</td>" in page
    assert [it["points"] for it in grades(sandbox, section)] == [9]


def test_people_do_what_they_do_in_the_lms(sandbox: Sandbox, developer: Visitor) -> None:
    made = sandbox.client("DEMO_CANVAS_TOKEN").post(
        f"/v3.1/sections/{CANVAS}/assignments",
        {"title": "Essay", "description": "x", "due_date": "2030-06-01", "points_possible": 20},
    )
    chosen = {"section": CANVAS, "assignment": made.data["id"], "student": STUDENT}

    def act(do: str, **more: str) -> str:
        return followed(developer, "/gradebook", do=do, **chosen, **more)

    assert "Well argued" in act("grade", points="18", comment="Well argued")
    assert "The grade was removed" in act("clear")
    assert "Essay, again" in act("edit", title="Essay, again")
    page = act("unenroll")
    assert page.index("Unenrolled") < page.index("Ada Abbott")
    assert "Ben Bauer" not in page
    assert "Ben Bauer" in act("enroll")
    assert "Nell Ortiz" in act("add", first="Nell", last="Ortiz")
    assert "Essay, again" not in act("delete")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/gradebook", {"do": "grade", "assignment": "x", "student": STUDENT, "points": "1"}),
        ("/gradebook", {"do": "grade", "points": "many"}),
        ("/gradebook", {"do": "dance"}),
        ("/errors", {"number": "16"}),
        ("/send", {"do": "grade", "points": "-1"}),
    ],
)
def test_what_cannot_be_done_is_said(developer: Visitor, path: str, fields: dict[str, str]) -> None:
    reply = developer.post(ROOT + path, {"section": CANVAS, **fields})
    assert reply.status in (404, 409)


def test_the_clock_is_moved_and_given_back(sandbox: Sandbox, developer: Visitor) -> None:
    def moved() -> int:
        return int(sandbox.client(None).get("/sandbox/clock").json["moved_by_seconds"])

    followed(developer, "/clock", by="1d")
    assert moved() == 86_400
    followed(developer, "/clock", now="2026-01-01T01:00:00Z")
    assert moved() == 3600
    reply = developer.post(f"{ROOT}/clock", {"advance": "soon"})
    assert (reply.status, b"Advance must be a length" in reply.body, moved()) == (422, True, 3600)
    followed(developer, "/clock", do="real")
    assert moved() == 0


def test_a_reset_brings_everything_back(sandbox: Sandbox, developer: Visitor) -> None:
    followed(developer, "/send", section=CANVAS, do="grade", points="9")
    page = followed(developer, "/reset")
    assert "No request yet" in page
    assert grades(sandbox) == []


def test_the_pages_are_for_those_who_manage_apps_in_all_districts(sandbox: Sandbox) -> None:
    database = sandbox.gateway.database
    for name, role, district in (
        (OWNER, "owner", None),
        ("support@example.org", "support", None),
        ("admin@example.org", "admin", DISTRICTS[0].district_id),
    ):
        if name not in {it.name for it in asyncio.run(accounts.list_all(database))}:
            asyncio.run(
                accounts.create(database, name, role, sandbox.clock, district_id=district, password=PASSWORD)
            )
        visitor = Visitor(sandbox.port).sign_in(name)
        expected = 200 if role == "owner" else 404
        assert [visitor.get(ROOT + path).status for path in PAGES] == [expected] * 4
        has_link = b'href="/console/sandbox"' in visitor.get("/console/districts").body
        assert has_link == (role == "owner")
        visitor.close()


def test_production_has_no_such_pages(sandbox: Sandbox) -> None:
    del sandbox
    with serving(kind="production") as gateway:
        database = gateway.gateway.database
        asyncio.run(accounts.create(database, OWNER, "owner", gateway.clock, password=PASSWORD))
        visitor = Visitor(gateway.port).sign_in(OWNER)
        assert [visitor.get(ROOT + path).status for path in PAGES] == [404] * 4
        assert b"/console/sandbox" not in visitor.get("/console/districts").body
        visitor.close()
