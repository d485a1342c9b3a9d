"""Ids of another district, in every part of an address and every field of a form: not there, and not touched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import pytest

from passback.console.app import PAGES
from passback.operations import accounts, tokens
from support.console import PASSWORD, Visitor
from support.sandbox import (
    BIOLOGY,
    DISTRICT,
    ELSEWHERE_SECTION,
    ESSAY,
    SECTION,
    STUDENT,
    TEACHER,
    Client,
    Sandbox,
)

ELSEWHERE = "4fee004cca2e43cf28000000"
BELOW_DISTRICTS = [it for it in PAGES if "{district_id}/" in it.path and it.path.count("{") > 1]
FIELDS = {
    "grade": "5",
    "do": "delete",
    "title": "Taken",
    "published": "yes",
    "lms_id": "1",
    "removals": "yes",
}
"""What would change something, whatever is sent to."""


@dataclass(frozen=True)
class Ids:
    """The ids of a district's objects, by the names that addresses have for them."""

    client: Client
    of: Mapping[str, str]

    def seen(self) -> list[bytes]:
        """All that the district's application sees of them."""
        section = f"/v3.1/sections/{self.of['section_id']}"
        paths = (f"{section}/assignments", f"{section}/assignments/{self.of['assignment_id']}/submissions")
        return [self.client.get(it).body for it in (*paths, section, "/v3.1/webhooks")]


def _made(production: Sandbox, district_id: str, section: str, student: str, token: str) -> Ids:
    client = production.client(token)
    assignment = client.post(f"/v3.1/sections/{section}/assignments", ESSAY).data["id"]
    client.patch(f"/v3.1/sections/{section}/assignments/{assignment}/submissions/{student}", {"grade": "9"})
    webhook = client.post("/v3.1/webhooks", {"url": "http://127.0.0.1:9/hook"}).data["id"]
    used = min(
        asyncio.run(tokens.list_all(production.gateway.database, district_id)), key=lambda it: it.created
    )
    return Ids(
        client,
        {
            "district_id": district_id,
            "section_id": section,
            "assignment_id": assignment,
            "student_id": student,
            "user_id": student,
            "our_id": student,
            "webhook_id": webhook,
            "token_id": used.id,
            "delivery_id": assignment,
            "upload_id": "nothing",
        },
    )


@pytest.fixture(scope="module")
def ours(production: Sandbox) -> Ids:
    return _made(production, DISTRICT, SECTION, STUDENT, "DEMO_TOKEN")


@pytest.fixture(scope="module")
def theirs(production: Sandbox) -> Ids:
    student = STUDENT.replace("cf27", "cf28", 1)
    return _made(production, ELSEWHERE, ELSEWHERE_SECTION, student, "DEMO_TOKEN_ELSEWHERE")


@pytest.fixture(scope="module")
def admin(production: Sandbox) -> Iterator[Visitor]:
    """An admin of the first district."""
    database, clock = production.gateway.database, production.clock
    made = accounts.create(database, "ids@x.org", "admin", clock, district_id=DISTRICT, password=PASSWORD)
    asyncio.run(made)
    visitor = Visitor(production.port)
    yield visitor.sign_in("ids@x.org")
    visitor.close()


@pytest.mark.parametrize("shown", BELOW_DISTRICTS, ids=lambda it: f"{it.method} {it.path}")
def test_nothing_of_another_district_is_below_the_own(
    shown: object, admin: Visitor, ours: Ids, theirs: Ids
) -> None:
    path, method = shown.path, shown.method  # type: ignore[attr-defined]
    names = re.findall(r"{(\w+)}", path.partition("{district_id}")[2])
    before = theirs.seen()
    admin.get("/console/nothing")  # for the token of forms
    for foreign in chain.from_iterable(combinations(names, many + 1) for many in range(len(names))):
        address = "/console" + path.format(**{**ours.of, **{name: theirs.of[name] for name in foreign}})
        reply = admin.get(address) if method == "GET" else admin.post(address, FIELDS)
        # Nobody of theirs is in a section of ours, which its cell says.
        assert reply.status == (422 if foreign == ("student_id",) else 404), address
        assert b"Elsewhere" not in reply.body
    assert theirs.seen() == before


def test_a_delivery_of_another_district_is_not_there(admin: Visitor, theirs: Ids) -> None:
    delivery = theirs.of["delivery_id"]
    admin.get("/console/nothing")
    assert admin.get(f"/console/deliveries/{delivery}").status == 404
    assert admin.post(f"/console/deliveries/{delivery}/held").status == 404
    refused = admin.post("/console/deliveries", {"do": "retry", "delivery": delivery})
    assert refused.status == 409
    assert b"there is no delivery" in refused.body.lower()


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/connect/canvas", {"do": "connect", "address": "https://lms.example"}),
        ("/connect/lti", {"do": "link", "address": "https://lms.example", "setting-family": "moodle"}),
        ("/connect/builtin", {"name": "Taken"}),
    ],
)
def test_no_form_connects_another_district(
    path: str, fields: Mapping[str, str], admin: Visitor, theirs: Ids, production: Sandbox
) -> None:
    before = theirs.seen()
    admin.get("/console/nothing")
    reply = admin.post("/console" + path, {**fields, "district": ELSEWHERE})
    assert b"Elsewhere" not in reply.body
    assert reply.status in {200, 303, 404, 409, 422}
    assert ELSEWHERE not in reply.headers.get("location", "")
    assert theirs.seen() == before


@pytest.fixture
def teacher(production: Sandbox, visitors: Callable[[], Visitor]) -> Visitor:
    """The teacher of Algebra 1."""
    database, clock = production.gateway.database, production.clock
    if "algebra@x.org" not in {it.name for it in asyncio.run(accounts.list_all(database))}:
        made = accounts.create(
            database,
            "algebra@x.org",
            "teacher",
            clock,
            district_id=DISTRICT,
            user_id=TEACHER,
            password=PASSWORD,
        )
        asyncio.run(made)
    return visitors().sign_in("algebra@x.org")


def test_a_teacher_changes_nothing_of_another_section(teacher: Visitor, production: Sandbox) -> None:
    path = f"/v3.1/sections/{BIOLOGY}/assignments"
    client = production.client("DEMO_TOKEN")
    made = client.post(path, ESSAY).data["id"]
    before = client.get(f"{path}/{made}/submissions").body
    teacher.get("/console/nothing")
    students = re.findall(rb'"user_id":"(\w+)"', before)
    for section in (SECTION, BIOLOGY):
        sheet = f"/console/districts/{DISTRICT}/gradebook/{section}/{made}"
        for address in (f"{sheet}/{students[0].decode()}", sheet, f"{sheet}/students", f"{sheet}/delete"):
            assert teacher.post(address, FIELDS).status == 404, address
    assert client.get(f"{path}/{made}/submissions").body == before
    assert client.get(f"{path}/{made}").data["title"] == ESSAY["title"]
