"""Pairs of which all signs agree are matched without being judged: exactly those that would be matched so anyway."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passback.app import open_database
from passback.domain.identity import Numbers, Verdict, judge
from passback.settings import Settings
from passback.store.engine.database import Session
from passback.store.staging import identities, matches
from support.matching import DISTRICT, Account, Child, Matcher

NAMES = ("Ann Alee", "Anna Lee", "Lee, Sam Lee")
EMAILS = ("a@d.example", "A@d.example", "b@d.example")
NUMBERS = ("X1", "x1", "2", None)


@pytest.fixture(scope="module")
def matcher() -> Iterator[Matcher]:
    with contextlib.closing(open_database(Settings(data=":memory:"), "production")) as database:
        yield Matcher(database)


def a_child(rng: Random, place: int) -> Child:
    known = {
        "sis_id": f"lms:A{place}" if rng.random() < 0.3 else f"S{place}",
        "number": rng.choice(NUMBERS),
        "email": rng.choice(EMAILS),
        "lms_id": f"A{place}" if rng.random() < 0.3 else None,
        "matched_by": rng.choice(["hand", "email"]),
    }
    if known["lms_id"] is None:
        known["matched_by"] = None
    present = {name: value for name, value in known.items() if value is not None}
    return Child(f"u{place}", rng.choice(NAMES), rng.choice([["k1"], ["k1", "k2"]]), known=present)


def an_account(rng: Random, place: int, of: Child) -> Account:
    """An account that has most in common with a child."""

    def mostly(value: str | None, others: tuple[str | None, ...]) -> str | None:
        return value if rng.random() < 0.7 else rng.choice(others)

    name = mostly(of.name, NAMES)
    email, number = mostly(of.known.get("email"), EMAILS), mostly(of.known.get("number"), NUMBERS)
    return Account(f"A{place}", name or "", email, number, rng.choice([["k1"], ["k2"], ["k1", "k2"]]))


def agreed(session: Session) -> set[tuple[str, str]]:
    return set(session.execute("SELECT id, lms_id FROM meets WHERE agreed = 1").fetchall())


def meet(session: Session) -> Iterator[identities.Meeting]:
    """Every pair, of which those that agree are to be judged, too."""
    matches.prepare(session)
    identities.stage(session, DISTRICT)
    fits = identities.choose_numbers(session, "number")
    identities.meet(session, DISTRICT)
    found = agreed(session)
    session.execute("UPDATE meets SET agreed = 0")
    for meetings in identities.meetings(session, fits):
        yield from (it for it in meetings if (it.id, it.lms_id) in found)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_what_agrees_would_be_judged_the_same(matcher: Matcher, rng: Random) -> None:
    children = [a_child(rng, place) for place in range(rng.randint(1, 4))]
    matcher.have(children)
    matcher.read(an_account(rng, place, child) for place, child in enumerate(children))
    if rng.random() < 0.3:
        matcher.database.write_now(
            lambda conn: conn.execute("UPDATE lms_sections SET read = 0 WHERE id = 'k2'")
        )
    with matcher.database.session() as session:
        for meeting in meet(session):
            for numbers in (Numbers("same"), Numbers("different"), Numbers("unknown")):
                assert judge(meeting.pair, numbers) == Verdict("sis_id", sure=True), meeting


def test_a_child_of_whom_all_agrees_is_matched(matcher: Matcher) -> None:
    known = {"sis_id": "S1", "number": "1", "email": "A@d.example"}
    matcher.have([Child("u1", "Sam Lee", known=known), Child("u2", "Ann Lee", known={"sis_id": "S2"})])
    matcher.read([Account("A1", "Sam Lee", "a@d.example", "1"), Account("A2", "Ann Lee", None, "2")])
    with matcher.database.session() as session:
        assert {(it.id, it.lms_id) for it in meet(session)} == {("u1", "A1")}
    found = matcher.match()
    assert (found["u1"], found["u2"]) == (("A1", "sis_id"), ("A2", "name"))


@pytest.mark.parametrize("several", ["children", "accounts"])
def test_a_number_that_several_have_is_judged(matcher: Matcher, several: str) -> None:
    children = [
        Child(f"u{it}", "Sam Lee", known={"sis_id": f"S{it}", "number": "1", "email": "a@d.example"})
        for it in range(2 if several == "children" else 1)
    ]
    accounts = [
        Account(f"A{it}", "Sam Lee", "a@d.example", "1") for it in range(2 if several == "accounts" else 1)
    ]
    matcher.have(children)
    matcher.read(accounts)
    with matcher.database.session() as session:
        assert not list(meet(session))
    assert [matcher.match()[it.id] for it in children] == [(None, None)] * len(children)
