from __future__ import annotations

import asyncio
import re

import pytest

from passback.gateway.authorization import store_uses
from support.console import Visitor
from support.sandbox import DISTRICT, Client, Sandbox

PAGE = f"/console/districts/{DISTRICT}/apps"
ASSIGNMENT = f"/v3.1/districts/{DISTRICT}"


def _secret(page: str) -> str:
    found = re.search(r'id="new-token">([^<]+)<', page)
    assert found
    return found[1]


def _create(owner: Visitor, name: str, days: str = "") -> str:
    owner.get(PAGE)
    return owner.follow(PAGE, {"application": name, "days": days})


def _works(production: Sandbox, secret: str) -> bool:
    client = Client(production.port, secret)
    try:
        return client.get(ASSIGNMENT).status == 200
    finally:
        client.close()


def _row(page: str, name: str) -> str:
    return next(it for it in page.split("<tr>") if f">{name}<" in it)


def _id_of(page: str, name: str) -> str:
    found = re.search(r"/apps/([0-9a-f-]{36})/revoke", _row(page, name))
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works(production: Sandbox, owner: Visitor) -> None:
    secret = _secret(_create(owner, "Reading <App>"))
    assert _works(production, secret)
    again = owner.get(PAGE).body
    assert secret.encode() not in again
    assert b"Reading &lt;App&gt;" in again


def test_a_rotated_token_has_a_successor_and_a_day_more(production: Sandbox, owner: Visitor) -> None:
    page = _create(owner, "Rotated app")
    old = _secret(page)
    new = _secret(owner.follow(f"{PAGE}/{_id_of(page, 'Rotated app')}/rotate"))
    assert _works(production, old)
    assert _works(production, new)
    production.clock.advance(hours=25)
    try:
        assert not _works(production, old)
        assert _works(production, new)
    finally:
        production.clock.advance(hours=-25)


def test_a_token_says_when_it_was_last_used(production: Sandbox, owner: Visitor) -> None:
    page = _create(owner, "Used app")
    assert _row(page, "Used app").count("never") == 2  # used, and to expire
    assert _works(production, _secret(page))
    asyncio.run(store_uses(production.gateway))
    assert _row(owner.get(PAGE).body.decode(), "Used app").count("never") == 1


def test_a_revoked_token_ends_at_once(production: Sandbox, owner: Visitor) -> None:
    page = _create(owner, "Revoked app")
    assert owner.post(f"{PAGE}/{_id_of(page, 'Revoked app')}/revoke").status == 303
    assert not _works(production, _secret(page))
    audit = owner.get("/console/audit?action=token.revoked").body.decode()
    assert "account:owner@example.org" in audit
    assert "Revoked app" in audit


@pytest.mark.parametrize(
    ("name", "days"), [("", ""), ("x" * 201, ""), ("x", "0"), ("x", "many"), ("x", "9999")]
)
def test_a_token_that_makes_no_sense_is_refused_beside_its_field(
    name: str, days: str, owner: Visitor
) -> None:
    owner.get(PAGE)
    reply = owner.post(PAGE, {"application": name, "days": days})
    assert reply.status == 422
    assert b'role="alert"' in reply.body


def test_a_token_of_another_district_is_not_there(owner: Visitor) -> None:
    page = _create(owner, "Guarded app")
    other = PAGE.replace(DISTRICT, "4fee004cca2e43cf28000000")
    assert owner.post(f"{other}/{_id_of(page, 'Guarded app')}/revoke").status == 404
