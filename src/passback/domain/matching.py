"""Which of the LMS's sections and people are the roster's.

By SIS id first, then by e-mail address, then by name. Where several come into question none is taken: a person
decides, and is shown the candidates. What a person has decided stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from passback.domain.roster import Role

MatchedBy = Literal["lms_id", "sis_id", "email", "name", "hand"]


class LmsCourse(Struct, frozen=True):
    """A course, as the LMS knows it: what its sections are of."""

    id: str
    name: str
    sis_id: str | None = None
    number: str | None = None
    """The course's code, as people know it."""


class SectionRef(Struct, frozen=True):
    """A section, as the roster or the LMS knows it."""

    id: str
    name: str
    sis_id: str | None = None


class Person(Struct, frozen=True):
    """A student or teacher, as the roster or the LMS knows them."""

    id: str
    role: Role
    name: str
    email: str | None = None
    sis_id: str | None = None


class Match(Struct, frozen=True):
    """What was found for one of ours."""

    id: str
    """Ours."""
    lms_id: str | None
    """The LMS's; None where there is none, or it cannot be told which."""
    by: MatchedBy | None = None
    candidates: tuple[SectionRef | Person, ...] = ()
    """The LMS's among which a person must choose."""


MOST_CANDIDATES = 50
"""Among how many a person may be asked to choose; of more nothing is kept, since each of ours would have them all."""

T = TypeVar("T", SectionRef, Person)


def lms_key(item: SectionRef | Person) -> str:
    """What stands for the LMS's id: ours have it for a SIS id where they were read from an LMS that had none."""
    return item.sis_id if item.sis_id and item.sis_id.startswith("lms:") else f"lms:{item.id}"


def match_sections(
    ours: Iterable[SectionRef], theirs: Sequence[SectionRef], by_hand: Mapping[str, str]
) -> list[Match]:
    """The LMS's section for each of `ours`; `by_hand` gives those that a person decided."""
    return _match(
        ours, theirs, by_hand,
        (("lms_id", lms_key), ("sis_id", lambda it: it.sis_id), ("name", lambda it: it.name)),
    )  # fmt: skip


def match_people(ours: Iterable[Person], theirs: Sequence[Person], by_hand: Mapping[str, str]) -> list[Match]:
    """The LMS's person for each of `ours`, all of one matched section and of one role."""
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
    ways: Sequence[tuple[MatchedBy, Callable[[T], str | None]]],
) -> list[Match]:
    waiting = list(ours)
    found: dict[str, Match] = {
        item.id: Match(item.id, by_hand[item.id], "hand") for item in waiting if item.id in by_hand
    }
    order = [item.id for item in waiting]
    taken = set(by_hand.values())
    for by, key_of in ways:
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
