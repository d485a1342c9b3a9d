"""Matches the roster's sections and people to the LMS's.

Signs count in an order: a person's decision, the SIS id, the e-mail address, the name. A weaker sign never wins over a
stronger one that contradicts it, and if several candidates match, none is picked: a person is shown the candidates,
each with the reason why it was not picked, and decides. A person's decision is final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from passback.domain.names import fold
from passback.domain.roster import Role

MatchedBy = Literal["lms_id", "sis_id", "email", "name", "hand"]


class LmsCourse(Struct, frozen=True):
    """A course in the LMS, to which sections belong."""

    id: str
    """Its id in the LMS."""
    name: str
    """What it is called."""
    sis_id: str | None = None
    """Its id in the school's information system, if the LMS knows it."""
    number: str | None = None
    """The course code that people use."""


class SectionRef(Struct, frozen=True):
    """A section in the roster or the LMS: its id there, and what it can be matched by."""

    id: str
    """Its id there."""
    name: str
    """What it is called."""
    sis_id: str | None = None
    """Its id in the school's information system, if it is known."""


class Person(Struct, frozen=True):
    """A student or teacher in the roster or the LMS: their id there, and what they can be matched by."""

    id: str
    """Their id there."""
    role: Role
    """``student`` or ``teacher``."""
    name: str
    """First and last name."""
    email: str | None = None
    """Their address, if the LMS shows it."""
    sis_id: str | None = None
    """Their id in the school's information system, if it is known."""


class Candidate(Struct, frozen=True):
    """What one of ours may be in the LMS, and why that was not decided."""

    lms_id: str
    reason: str


class Match(Struct, frozen=True):
    """The match found for one of our sections."""

    id: str
    """Our id."""
    lms_id: str | None
    """The LMS's id; None if there is no match, or several candidates."""
    by: MatchedBy | None = None
    candidates: tuple[Candidate, ...] = ()
    """What a person has to choose from."""
    named_alike: bool = True
    """Whether the names agree, too."""


MOST_CANDIDATES = 50
"""The most candidates that a person is asked to choose from. If there are more, none are kept: each of ours would list
them all."""

_GOOD_SHARE = 0.1
"""The share of objects known to be the same whose SIS ids agree, from which the ids are of one kind. If the kinds
differ it is next to nothing, and if not, nearly all."""

Kinship = Literal["same", "different", "unknown"]
"""Whether the SIS ids of the roster and the LMS are of one kind, so that different ids are different people."""


_MANY = 20
"""The people from whom the district's numbers show what they are, even if some are swapped."""
_SELDOM = 50


def kinship(agree: int, differ: int, in_both: int = 0) -> Kinship:
    """Whether SIS ids are of one kind, by how many pairs known by other signs agree in them, and how many do not.

    `in_both`: how many ids the roster and the LMS both have, perhaps for different people. If there are any, a few who
    differ may have been swapped.
    """
    if not agree + differ:
        return "unknown"
    if agree >= _GOOD_SHARE * (agree + differ):
        return "same"
    return "unknown" if in_both and differ < _MANY else "different"


def is_reliable(agree: int, differ: int) -> bool:
    """Whether a sign hardly ever names somebody else in this district, by how many it names rightly and wrongly."""
    return agree >= _MANY and differ * _SELDOM <= agree


def match_sections(
    ours: Iterable[SectionRef], theirs: Sequence[SectionRef], by_hand: Mapping[str, str]
) -> list[Match]:
    """Match each of our sections; `by_hand` holds the matches that a person decided.

    A match by name counts only if somebody in the section is surely matched.
    """
    waiting = list(ours)
    order = [item.id for item in waiting]
    found = {item.id: Match(item.id, by_hand[item.id], "hand") for item in waiting if item.id in by_hand}
    taken = set(by_hand.values())
    agree = 0
    for by, our_key, their_key in _SECTION_KEYS:
        waiting = [item for item in waiting if item.id not in found]
        free = _by_key((item for item in theirs if item.id not in taken), their_key)
        groups = [(items, free[key]) for key, items in _by_key(waiting, our_key).items() if key in free]
        single = [(mine[0], other[0]) for mine, other in groups if len(mine) == 1 and len(other) == 1]
        if by == "sis_id":
            agree = len(single)
        differ = sum(_ids_differ(mine, other) for mine, other in single)
        for mine, other in single:
            if by == "name" and _ids_differ(mine, other) and kinship(agree, differ - 1) == "same":
                reason = f"the name agrees, but its SIS id is {other.sis_id}, not {mine.sis_id}"
                found[mine.id] = Match(mine.id, None, None, (Candidate(other.id, reason),))
                continue
            found[mine.id] = Match(mine.id, other.id, by, named_alike=fold(mine.name) == fold(other.name))
            taken.add(other.id)
        for several, others in groups:
            if (len(several), len(others)) != (1, 1) and len(others) <= MOST_CANDIDATES:
                reason = f"several sections have this {_WORDS[by]}"
                candidates = tuple(Candidate(other.id, reason) for other in others)
                found |= {item.id: Match(item.id, None, None, candidates) for item in several}
    return [found.get(id_, Match(id_, None)) for id_ in order]


def id_key(value: str | None) -> str:
    """An id or address as it is compared; empty if there is none."""
    return " ".join(value.casefold().split()) if value else ""


def of_lms(sis_id: str | None) -> str:
    """The LMS's id of what was read from an LMS without SIS ids, which has it in place of one; empty if it was not."""
    return sis_id.removeprefix("lms:") if sis_id and sis_id.startswith("lms:") else ""


_Key = Callable[[SectionRef], str]
_SECTION_KEYS: tuple[tuple[MatchedBy, _Key, _Key], ...] = (
    ("lms_id", lambda ours: of_lms(ours.sis_id), lambda theirs: theirs.id),
    ("sis_id", lambda ours: id_key(ours.sis_id), lambda theirs: id_key(theirs.sis_id)),
    ("name", lambda ours: fold(ours.name), lambda theirs: fold(theirs.name)),
)
_WORDS = {"lms_id": "id", "sis_id": "SIS id", "name": "name"}


def _ids_differ(mine: SectionRef, other: SectionRef) -> bool:
    return bool(mine.sis_id and other.sis_id) and id_key(mine.sis_id) != id_key(other.sis_id)


def _by_key(items: Iterable[SectionRef], key_of: Callable[[SectionRef], str]) -> dict[str, list[SectionRef]]:
    grouped: dict[str, list[SectionRef]] = {}
    for item in items:
        if key := key_of(item):
            grouped.setdefault(key, []).append(item)
    return grouped


class Common(Struct, frozen=True):
    """The surely matched people of a section of ours and of one in the LMS."""

    both: int = 0
    """How many are in both."""
    ours: int = 0
    theirs: int = 0
    teachers: int = 0
    """How many teachers are in both."""
    our_teachers: int = 0
    their_teachers: int = 0


_ENOUGH = 3
"""How many people of each section are surely matched if it says something that none is in both."""


def section_doubt(by: MatchedBy | None, common: Common) -> str | None:
    """Why two sections are not surely the same; None if they are."""
    if by == "sis_id":
        if not common.both and min(common.ours, common.theirs) >= _ENOUGH:
            return "the SIS id agrees, but neither the name nor any of its people"
        return None
    if not common.both:
        return "the name agrees, but nobody in it is surely matched"
    if not common.teachers and (common.our_teachers or common.their_teachers):
        return "the name agrees, but others teach it"
    return None
