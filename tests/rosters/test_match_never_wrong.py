"""Over generated districts, nobody is ever matched to an account that is somebody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passback.app import open_database
from passback.settings import Settings
from support.matching import Account, Child, Matcher

GIVEN = ("Sam", "Samantha", "Tom", "Tim", "José", "Ann", "Maria Jose", "Maria Ana")
FAMILIES = ("Lee", "De La Cruz", "O'Neil", "Garcia Lopez", "van der Berg")


@pytest.fixture(scope="module")
def matcher() -> Iterator[Matcher]:
    with contextlib.closing(open_database(Settings(data=":memory:"), "production")) as database:
        yield Matcher(database)


@dataclass(frozen=True)
class Person:
    """A real person. Siblings have the home in common, namesakes the name."""

    key: int
    given: str
    family: str
    home: int
    role: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    def may_be_taken_for(self, other: Person) -> bool:
        """Whether names do not tell them apart, so that another sign must."""
        return self.family == other.family and (
            self.given.startswith(other.given) or other.given.startswith(self.given)
        )


@dataclass(frozen=True)
class District:
    """What is the same for all of a district: which signs its roster and LMS show."""

    people: Sequence[Person]
    numbers: str
    """``same`` kind in both, ``other``, or ``none``."""
    by_name: bool
    """Whether sections have no SIS ids."""

    def told_apart(self, person: Person) -> bool:
        return not any(it != person and it.may_be_taken_for(person) for it in self.people)


def a_district(rng: Random) -> District:
    people: list[Person] = []
    for home in range(rng.randint(1, 5)):
        family, role = rng.choice(FAMILIES), rng.choice(["student", "student", "teacher"])
        for given_ in rng.sample(GIVEN, rng.randint(1, 3)):
            people.append(Person(len(people), given_, family, home, role))
    return District(people, rng.choice(["same", "same", "other", "none"]), rng.random() < 0.3)


def exchanged(rng: Random, district: District) -> dict[int, int]:
    """Who has whose number or account: some are swapped, moved or used again, but for those whom only they tell apart."""
    free = [it.key for it in district.people if district.told_apart(it)]
    moved = rng.sample(free, rng.choice([0, 0, min(2, len(free)), len(free)]))
    return {it.key: it.key for it in district.people} | dict(
        zip(moved, [*moved[1:], *moved[:1]], strict=True)
    )


def an_address(rng: Random, district: District, person: Person) -> str | None:
    own, home = f"p{person.key}@school.example", f"home{person.home}@mail.example"
    return rng.choice([own, home, home, None] if district.told_apart(person) else [own])


def written(rng: Random, district: District, person: Person) -> str:
    """A person's name as the LMS writes it."""
    given_, family = person.given, person.family
    ways = [
        person.name,
        f"{family}, {given_}".upper(),
        f"{given_.replace('é', 'e')} {family.replace(chr(39), chr(0x2019))}",
        f"{family} {given_}",
        person.name.replace(" ", "  ").lower(),
    ]
    if district.told_apart(person):
        ways += [f"{given_} Novak{'abcdefghijklmno'[person.key]}", f"{given_[0]}. {family}"]
    return rng.choice(ways)


def present(rng: Random, people: Sequence[Person]) -> list[tuple[Person, list[str]]]:
    """Some of the people, and the sections that they are in. Of siblings, one may be here and one there."""
    missing = rng.choice([0.0, 0.1, 0.5])
    return [(it, rng.choice([["k1"], ["k1", "k2"]])) for it in people if rng.random() >= missing]


def a_roster(rng: Random, district: District) -> dict[str, tuple[Person, Child]]:
    numbers = exchanged(rng, district)
    found = {}
    for person, sections in present(rng, district.people):
        id_ = f"u{numbers[person.key]}"  # who has the SIS id is the same to the roster
        known = {"email": an_address(rng, district, person)}
        if district.numbers != "none":
            known["sis_id"] = f"S{numbers[person.key]}"
        child = Child(id_, person.name, sections, person.role, {k: v for k, v in known.items() if v})
        found[id_] = person, child
    return found


def an_lms(rng: Random, district: District) -> dict[str, tuple[Person, Account]]:
    numbers, accounts = exchanged(rng, district), exchanged(rng, district)
    found = {}
    for person, sections in present(rng, district.people):
        id_ = f"X{accounts[person.key]}"
        number = {"same": f"S{numbers[person.key]}", "other": f"9{person.key}", "none": None}[
            district.numbers
        ]
        if district.told_apart(person) and rng.random() < 0.2:
            number = None
        account = Account(
            id_,
            written(rng, district, person),
            an_address(rng, district, person),
            number,
            sections,
            person.role,
        )
        found[id_] = person, account
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_nobody_is_ever_matched_to_an_account_of_somebody_else(matcher: Matcher, rng: Random) -> None:
    district = a_district(rng)
    names = {"k1": "Math 1", "k2": "Math 2"} if district.by_name else None
    ours: dict[str, tuple[Person, Child]] = {}
    theirs: dict[str, tuple[Person, Account]] = {}
    for sync in range(3):
        if not sync or rng.random() < 0.6:
            ours = a_roster(rng, district)
        if not sync or rng.random() < 0.6:
            theirs = an_lms(rng, district)
        matcher.have([child for _, child in ours.values()], names, keep=sync > 0)
        matcher.read([account for _, account in theirs.values()], names)
        found = matcher.match(allow_losses=rng.random() < 0.3)
        for id_, (person, child) in ours.items():
            lms_id, by = found[id_]
            owner = theirs[lms_id][0] if lms_id in theirs else None
            if lms_id is not None and owner is not None:
                assert owner == person, f"{child} by {by}: {theirs[lms_id]}"
