from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from passback.domain.account import ROLES
from passback.domain.clock import MINUTE
from passback.operations import accounts
from passback.operations.errors import OperationError
from passback.store.engine.database import Opened

T = TypeVar("T")

NOW = 1_800_000_000_000
PASSWORD = "a long enough password"


class SetClock:
    now = NOW

    def __call__(self) -> int:
        return self.now


def run(operation: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(operation)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sign_in(database: Opened, clock: SetClock) -> Callable[..., str]:
    def sign_in(name: str = "ada@example.org", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
        return run(accounts.sign_in(database, name, password, address, clock))

    run(accounts.create(database, "Ada@Example.org", "owner", clock, password=PASSWORD))
    return sign_in


def session(database: Opened, secret: str, clock: SetClock) -> accounts.AccountSession | None:
    return run(accounts.session_of(database, secret, clock))


def test_a_name_is_the_same_in_any_case(
    database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    found = session(database, sign_in(" ADA@example.org"), clock)
    assert found is not None
    assert found.account.name == "ada@example.org"


def test_a_session_ends_when_it_is_not_used(
    database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    secret = sign_in()
    clock.now += accounts.LONGEST_IDLE - 1
    assert session(database, secret, clock) is not None
    clock.now += accounts.LONGEST_IDLE - 1
    assert session(database, secret, clock) is not None
    clock.now += accounts.LONGEST_IDLE + 1
    assert session(database, secret, clock) is None


def test_a_session_ends_though_it_is_used(
    database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    secret = sign_in()
    while clock.now < NOW + accounts.LONGEST_SESSION - accounts.LONGEST_IDLE:
        clock.now += accounts.LONGEST_IDLE // 2
        assert session(database, secret, clock) is not None
    clock.now = NOW + accounts.LONGEST_SESSION
    assert session(database, secret, clock) is None


@pytest.mark.parametrize("way", ["signed out", "disabled", "reset"])
def test_a_session_ends_for_good_when_it_is(
    way: str, database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    secret = sign_in()
    run(accounts.create(database, "another", "owner", clock, password=PASSWORD))
    if way == "signed out":
        run(accounts.end_session(database, secret))
    elif way == "disabled":
        run(accounts.disable(database, "ada@example.org", clock))
    else:
        run(accounts.reset(database, "ada@example.org"))
    assert session(database, secret, clock) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada@example.org", "wrong"), ("nobody", PASSWORD), ("", ""), ("ada@example.org", "")],
)
def test_a_stranger_learns_nothing(name: str, password: str, sign_in: Callable[..., str]) -> None:
    with pytest.raises(accounts.SignInRefused, match=r"^Name and password do not match\.$"):
        sign_in(name, password)


def test_who_is_disabled_cannot_sign_in(
    database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    run(accounts.create(database, "another", "owner", clock, password=PASSWORD))
    run(accounts.disable(database, "ada@example.org", clock))
    with pytest.raises(accounts.SignInRefused):
        sign_in()
    run(accounts.enable(database, "ada@example.org"))
    sign_in()


def test_guessing_is_slowed_down_also_for_the_right_password(
    clock: SetClock, sign_in: Callable[..., str]
) -> None:
    for _ in range(10):
        with pytest.raises(accounts.SignInRefused, match="do not match"):
            sign_in(password="wrong")
    with pytest.raises(accounts.SignInRefused, match="Too many tries") as refused:
        sign_in()
    assert refused.value.retry_after == 15 * 60
    clock.now += 15 * MINUTE + 1
    sign_in()


def test_a_sign_in_that_succeeds_forgets_those_that_failed(sign_in: Callable[..., str]) -> None:
    for _ in range(9):
        with pytest.raises(accounts.SignInRefused):
            sign_in(password="wrong")
    sign_in()
    with pytest.raises(accounts.SignInRefused, match="do not match"):
        sign_in(password="wrong")
    sign_in()


def test_the_only_owner_cannot_be_disabled(
    database: Opened, clock: SetClock, sign_in: Callable[..., str]
) -> None:
    with pytest.raises(OperationError, match="only owner"):
        run(accounts.disable(database, "ada@example.org", clock))


@pytest.mark.parametrize(
    ("name", "role", "more", "error"),
    [
        ("", "owner", {}, "needs a name"),
        ("a\nb", "owner", {}, "on one line"),
        ("ada", "king", {}, "owner, admin, support or teacher"),
        ("ada", "teacher", {}, "name it"),
        ("ada", "owner", {"password": "short"}, "at least 12"),
        ("ada", "owner", {"district_id": "f" * 24}, "no district"),
        ("ada", "owner", {"user_id": "f" * 24}, "only a teacher"),
    ],
)
def test_an_account_that_makes_no_sense_is_not_created(
    name: str, role: str, more: dict[str, Any], error: str, database: Opened, clock: SetClock
) -> None:
    with pytest.raises(OperationError, match=error):
        run(accounts.create(database, name, role, clock, **more))
    assert run(accounts.list_all(database)) == []


def test_a_name_is_taken_once(database: Opened, clock: SetClock, sign_in: Callable[..., str]) -> None:
    with pytest.raises(OperationError, match="already"):
        run(accounts.create(database, "ADA@example.org", "admin", clock))


def test_only_an_owner_manages_accounts(database: Opened, clock: SetClock) -> None:
    assert [
        role for role in ROLES if accounts.Account(id="", name="", role=role, created=0).may("accounts")
    ] == ["owner"]
