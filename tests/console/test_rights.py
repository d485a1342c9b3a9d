"""Every page, as every role: what an account may see, and nothing of another district."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from passback.console.app import PAGES
from passback.domain.account import RIGHTS, ROLES, Role
from passback.operations import accounts
from support.console import PASSWORD, Visitor, links
from support.sandbox import DISTRICT, Sandbox

ELSEWHERE = "4fee004cca2e43cf28000000"
_KNOWN = {"district_id": ELSEWHERE, "path": "nothing"}


@pytest.fixture
def of(production: Sandbox, visitors: Callable[[], Visitor]) -> Callable[[Role], Visitor]:
    """Signs somebody of a role in, who belongs to the first district (an owner's account is for all)."""

    def of(role: Role) -> Visitor:
        name = f"{role}@example.org"
        database, clock = production.gateway.database, production.clock
        if name not in {it.name for it in asyncio.run(accounts.list_all(database))}:
            own = None if role == "owner" else DISTRICT
            asyncio.run(accounts.create(database, name, role, clock, district_id=own, password=PASSWORD))
        return visitors().sign_in(name)

    return of


@pytest.mark.parametrize("role", [it for it in ROLES if it != "owner"])
def test_no_page_of_another_district_is_there(role: Role, of: Callable[[Role], Visitor]) -> None:
    visitor = of(role)
    pages = [it for it in PAGES if "{district_id}" in it.path]
    assert pages
    for shown in pages:
        path = "/console" + shown.path.replace("{district_id}", ELSEWHERE).replace("{token_id}", "x")
        visitor.get("/console/nothing")  # for the token of forms
        reply = visitor.get(path) if shown.method == "GET" else visitor.post(path)
        assert reply.status == 404, path
        assert b"Elsewhere" not in reply.body


@pytest.mark.parametrize("role", ROLES)
def test_every_link_leads_to_a_page_that_the_role_may_see(role: Role, of: Callable[[Role], Visitor]) -> None:
    visitor = of(role)
    seen: set[str] = set()
    ahead = ["/console"]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        reply = visitor.get(path)
        assert reply.status in (200, 302, 303, 307), path
        if role != "owner":
            assert ELSEWHERE.encode() not in reply.body, path
            assert b"Elsewhere" not in reply.body, path
        if "location" in reply.headers:
            ahead.append(reply.headers["location"])
        ahead += [it for it in links(reply.body) if it.startswith("/console")]
    assert "/console/districts" in seen


@pytest.mark.parametrize("role", ROLES)
def test_a_page_is_not_there_for_a_role_without_its_right(role: Role, of: Callable[[Role], Visitor]) -> None:
    visitor = of(role)
    for shown in PAGES:
        if shown.right is None or shown.right in RIGHTS[role]:
            continue
        path = "/console" + shown.path.replace("{district_id}", DISTRICT)
        visitor.get("/console/nothing")
        reply = visitor.get(path) if shown.method == "GET" else visitor.post(path)
        assert reply.status == 404, path


@pytest.mark.parametrize("shown", PAGES, ids=lambda it: f"{it.method} {it.path}")
def test_every_page_needs_somebody_who_is_signed_in(shown: object, visitors: Callable[[], Visitor]) -> None:
    path, method = shown.path, shown.method  # type: ignore[attr-defined]
    reply = visitors().get("/console" + path) if method == "GET" else visitors().post("/console" + path)
    assert reply.status == 303
    assert reply.headers["location"].startswith("/console/sign-in")
