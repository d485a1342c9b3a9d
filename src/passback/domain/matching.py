"""Matches the roster's sections and people to the LMS's.

By SIS id first, then by e-mail address, then by name. If several candidates match, none is picked: a person is shown
the candidates and decides. A person's decision is final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from passback.domain.roster import Role

MatchedBy = Literal["lms_id", "sis_id", "email", "name", "hand"]


class LmsCourse(Struct, frozen=True):
    """A course in the LMS, to which sections belong."""

    id: str
    name: str
    sis_id: str | None = None
    number: str | None = None
    """The course code that people use."""


class SectionRef(Struct, frozen=True):
    """A section in the roster or the LMS: its id there, and what it can be matched by."""

    id: str
    name: str
    sis_id: str | None = None


class Person(Struct, frozen=True):
    """A student or teacher in the roster or the LMS: their id there, and what they can be matched by."""

    id: str
    role: Role
    name: str
    email: str | None = None
    sis_id: str | None = None


class Match(Struct, frozen=True):
    """The match found for one of our sections or people."""

    id: str
    """Our id."""
    lms_id: str | None
    """The LMS's id; None if there is no match, or several candidates."""
    by: MatchedBy | None = None
    candidates: tuple[SectionRef | Person, ...] = ()
    """The candidates in the LMS that a person has to choose from."""


MOST_CANDIDATES = 50
"""The most candidates that a person is asked to choose from. If there are more, none are kept: each of ours would list
them all."""

T = TypeVar("T", SectionRef, Person)


def lms_key(item: SectionRef | Person) -> str:
    """The key for the LMS's id: what was read from an LMS without SIS ids has it as its SIS id."""
    return item.sis_id if item.sis_id and item.sis_id.startswith("lms:") else f"lms:{item.id}"


def match_sections(
    ours: Iterable[SectionRef], theirs: Sequence[SectionRef], by_hand: Mapping[str, str]
) -> list[Match]:
    """Match each of our sections; `by_hand` holds the matches that a person decided."""
    return _match(
        ours, theirs, by_hand,
        (("lms_id", lms_key), ("sis_id", lambda it: it.sis_id), ("name", lambda it: it.name)),
    )  # fmt: skip


def match_people(ours: Iterable[Person], theirs: Sequence[Person], by_hand: Mapping[str, str]) -> list[Match]:
    """Match each of our people, all of one role in one matched section."""
    return _match(
        ours, theirs, by_hand,
        (
            ("lms_id", lms_key), ("sis_id", lambda it: it.sis_id), ("email", lambda it: it.email),
            ("name", lambda it: it.name),
        ),
    )  # fmt: skip


def _match(
    ours: Iterable[T],
    theirs: Sequence[T],
    by_hand: Mapping[str, str],
    methods: Sequence[tuple[MatchedBy, Callable[[T], str | None]]],
) -> list[Match]:
    waiting = list(ours)
    found: dict[str, Match] = {
        item.id: Match(item.id, by_hand[item.id], "hand") for item in waiting if item.id in by_hand
    }
    order = [item.id for item in waiting]
    taken = set(by_hand.values())
    for by, key_of in methods:
        waiting = [item for item in waiting if item.id not in found]
        free = _by_key((item for item in theirs if item.id not in taken), key_of)
        rivals = _by_key(waiting, key_of)
        for key, items in rivals.items():
            candidates = free.get(key, [])
            if len(items) == 1 and len(candidates) == 1:
                found[items[0].id] = Match(items[0].id, candidates[0].id, by)
                taken.add(candidates[0].id)
            elif 0 < len(candidates) <= MOST_CANDIDATES:
                found |= {item.id: Match(item.id, None, None, tuple(candidates)) for item in items}
    return [found.get(id_, Match(id_, None)) for id_ in order]


def _by_key(items: Iterable[T], key_of: Callable[[T], str | None]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = {}
    for item in items:
        key = " ".join((key_of(item) or "").casefold().split())
        if key:
            grouped.setdefault(key, []).append(item)
    return grouped
