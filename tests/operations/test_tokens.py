"""Operations on tokens."""

from __future__ import annotations

import asyncio

import pytest

from passback.domain.clock import HOUR
from passback.operations import tokens
from passback.operations.errors import NotFound, OperationError
from passback.store.engine.database import Opened
from passback.store.tokens import find_by_secret
from support.sandbox import DISTRICT, NOW, SetClock


def create(database: Opened, *, valid_for: int | None = None) -> tokens.NewToken:
    return asyncio.run(tokens.create(database, DISTRICT, "Maths app", lambda: NOW, valid_for=valid_for))


def test_a_token_opens_its_district(database: Opened) -> None:
    new = create(database, valid_for=HOUR)
    assert (new.token.created, new.token.expires) == (NOW, NOW + HOUR)
    assert database.read_now(lambda conn: find_by_secret(conn, new.secret.encode())) == new.token
    assert new.token in asyncio.run(tokens.list_all(database, DISTRICT))
    assert new.token not in asyncio.run(tokens.list_all(database, "another"))


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_an_application_needs_a_name(database: Opened, name: str) -> None:
    before = asyncio.run(tokens.list_all(database))
    with pytest.raises(OperationError, match="needs a name, on one line"):
        asyncio.run(tokens.create(database, DISTRICT, name, lambda: NOW))
    assert asyncio.run(tokens.list_all(database)) == before


def test_an_unknown_district_has_no_tokens(database: Opened) -> None:
    with pytest.raises(NotFound, match="there is no district x"):
        asyncio.run(tokens.create(database, "x", "Maths app", lambda: NOW))


def test_a_rotated_token_stays_valid_for_the_overlap(database: Opened) -> None:
    old = create(database).token
    rotated = asyncio.run(tokens.rotate(database, old.id, lambda: NOW, overlap=HOUR))
    assert (rotated.old_expires, rotated.new.token.application) == (NOW + HOUR, old.application)
    states = {it.id: it.state(NOW + HOUR) for it in asyncio.run(tokens.list_all(database))}
    assert (states[old.id], states[rotated.new.token.id]) == ("expired", "active")


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_token_that_has_ended_stays_as_it_is(database: Opened, state: str) -> None:
    clock = SetClock()
    token = create(database, valid_for=HOUR).token
    if state == "revoked":
        asyncio.run(tokens.revoke(database, token.id, clock))
    else:
        clock.now += HOUR
    before = asyncio.run(tokens.list_all(database))
    with pytest.raises(OperationError, match=f"is already {state}"):
        asyncio.run(tokens.revoke(database, token.id, clock))
    with pytest.raises(OperationError, match=f"is already {state}"):
        asyncio.run(tokens.rotate(database, token.id, clock, overlap=0))
    assert asyncio.run(tokens.list_all(database)) == before


def test_a_token_that_does_not_exist_is_not_found(database: Opened) -> None:
    with pytest.raises(NotFound, match="there is no token x"):
        asyncio.run(tokens.revoke(database, "x", lambda: NOW))
