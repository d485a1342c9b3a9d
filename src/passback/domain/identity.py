"""Whether an account of the LMS is surely that of a person in the roster, by all that is known of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from passback.domain import names
from passback.domain.matching import Kinship, MatchedBy, id_key
from passback.domain.names import Likeness

NumberKind = Literal["sis_id", "number", "state_id", "username"]
"""What a roster knows a person by, one of which the LMS has as its SIS id."""
NUMBER_KINDS: tuple[NumberKind, ...] = ("sis_id", "number", "state_id", "username")


class Shared(Struct, frozen=True):
    """How many people of the roster, and how many accounts of the LMS, have a value."""

    ours: int = 0
    theirs: int = 0

    @property
    def by_nobody_else(self) -> bool:
        return self.ours <= 1 and self.theirs <= 1


class Pair(Struct, frozen=True, kw_only=True):
    """A person of the roster and an account of the LMS, of the same role."""

    first: str
    middle: str | None = None
    last: str
    email: str | None = None
    number: str | None = None
    """The person's number of the kind that the LMS has as SIS ids."""
    their_name: str
    their_email: str | None = None
    their_number: str | None = None
    same_lms_id: bool = False
    """Whether the roster was read from the LMS, and has the account's id."""
    was_by: MatchedBy | None = None
    """How the two are matched so far; None if they are not."""
    own_address: bool = False
    """Whether the address's domain gives each of the district's people one of their own."""
    unread: bool = False
    """Whether nothing was read of the account this time, because its sections could not be read."""
    with_email: Shared = Shared()
    """Who has our e-mail address, and so on."""
    with_number: Shared = Shared()
    with_name: Shared = Shared()
    with_name_and_email: Shared = Shared()
    with_their_number: Shared = Shared()
    with_their_name: Shared = Shared()
    with_their_name_and_email: Shared = Shared()
    left_with_name: Shared = Shared()
    """Who of those not surely matched may have this name, in the whole district."""

    @property
    def numbers_agree(self) -> bool:
        return _agree(self.number, self.their_number)


class Numbers(Struct, frozen=True):
    """What the district's other people show of its numbers."""

    kinship: Kinship
    """Whether the roster's and the LMS's are of one kind."""
    reliable: bool = False
    """Whether they hardly ever are somebody else's."""


class Verdict(Struct, frozen=True):
    """How the two are matched; None if they are not."""

    by: MatchedBy | None
    sure: bool = False
    """Whether more than the name says so."""
    reason: str | None = None
    """Why a person must decide; None if there is nothing to decide."""
    rival: bool = True
    """Whether it may be that person, so that neither is matched to another by the name alone."""


_SURE: frozenset[MatchedBy | None] = frozenset({"sis_id", "email"})


def judge(pair: Pair, numbers: Numbers) -> Verdict:
    """Judge whether an account is that of a person.

    A match by name alone only counts if nobody else who has the name is left.
    """
    if pair.same_lms_id:
        return Verdict("lms_id", sure=True)
    if pair.unread and pair.was_by is not None:
        return Verdict(pair.was_by, sure=pair.was_by in _SURE)
    likeness = names.compare(pair.first, pair.middle, pair.last, pair.their_name)
    if pair.numbers_agree:
        doubts = tuple(_number_doubts(pair, likeness, reliable=numbers.reliable))
        return _doubted("the SIS id agrees", doubts, pair) if doubts else Verdict("sis_id", sure=True)
    against = tuple(_contradictions(pair, numbers.kinship))
    if _agree(pair.email, pair.their_email):
        doubts = (
            *_email_doubts(pair, likeness),
            *(() if numbers.kinship == "unknown" and _differ_in_number(pair) else against),
        )
        return _doubted("the e-mail address agrees", doubts, pair) if doubts else Verdict("email", sure=True)
    if likeness == "same":
        if against:
            return _doubted("the name agrees", against, pair)
        if pair.was_by in _SURE:
            return Verdict(pair.was_by, sure=True)  # what is no longer shown does not contradict
        if not pair.left_with_name.by_nobody_else:
            return _doubted("the name agrees", ("several have it",), pair)
        return Verdict("name")
    if pair.was_by is not None:
        return Verdict(
            None, reason=f"it was matched until now, but its name is {pair.their_name}", rival=False
        )
    return Verdict(None)


def _number_doubts(pair: Pair, likeness: Likeness, *, reliable: bool) -> Iterator[str]:
    """What speaks against an account with the person's number: it may be, or have been, somebody else's."""
    if not pair.with_number.by_nobody_else:
        yield "several have it"
    own_email = _agree(pair.email, pair.their_email) and pair.with_email.by_nobody_else
    email_differs = _emails_differ(pair)
    namesake = pair.with_their_name.ours > 0 or pair.with_name.theirs > 0
    others_email = email_differs and pair.with_their_name_and_email.ours > 0
    agrees = {
        "same": True,
        "unknown": not email_differs,
        "alike": not namesake and (own_email or reliable),
        "first": not namesake and (own_email or (reliable and not email_differs)),
        "apart": False,
    }
    if agrees[likeness] and not others_email:
        return
    if likeness != "same":
        yield f"its name is {pair.their_name}" if pair.their_name else "it has no name"
    if email_differs:
        yield _email_differs(pair)


def _email_doubts(pair: Pair, likeness: Likeness) -> Iterator[str]:
    """What speaks against an account with the person's e-mail address: a family may share it."""
    if likeness == "same":
        if not pair.with_name_and_email.by_nobody_else:
            yield "several have this name and address"
    elif likeness == "alike":
        if not pair.with_email.by_nobody_else:
            yield f"several have it, and its name is {pair.their_name}"
        elif not pair.own_address or pair.with_their_name.ours or pair.with_name.theirs:
            yield f"its name is {pair.their_name}"
    elif likeness == "unknown":
        yield "it has no name"
    else:
        yield f"its name is {pair.their_name}"


def _contradictions(pair: Pair, kinship: Kinship) -> Iterator[str]:
    """The stronger signs that contradict a weaker one. What is not known contradicts nothing."""
    if _emails_differ(pair):
        yield _email_differs(pair)
    elif not (pair.email and pair.their_email):
        if pair.their_email and pair.with_their_name_and_email.ours:
            yield f"another person of this name has its e-mail address {pair.their_email}"
        if pair.email and pair.with_name_and_email.theirs:
            yield f"another account of this name has the e-mail address {pair.email}"
    if kinship == "different":
        return
    if _differ_in_number(pair):
        yield f"its SIS id is {pair.their_number}, not {pair.number}"
    elif pair.their_number and pair.with_their_number.ours:
        yield f"its SIS id {pair.their_number} is another person's"
    elif pair.number and pair.with_number.theirs:
        yield f"another account has the SIS id {pair.number}"


def _doubted(for_it: str, doubts: tuple[str, ...], pair: Pair) -> Verdict:
    was = " (matched until now)" if pair.was_by is not None else ""
    return Verdict(None, reason=f"{for_it}, but {'; '.join(doubts)}{was}")


def _email_differs(pair: Pair) -> str:
    return f"its e-mail address is {pair.their_email}, not {pair.email}"


def _agree(ours: str | None, theirs: str | None) -> bool:
    return bool(ours and theirs) and (ours == theirs or id_key(ours) == id_key(theirs))


def _emails_differ(pair: Pair) -> bool:
    """Whether both have an address, and not the same. A name to sign in with is no address."""
    return (
        "@" in (pair.email or "")
        and "@" in (pair.their_email or "")
        and not _agree(pair.email, pair.their_email)
    )


def _differ_in_number(pair: Pair) -> bool:
    return bool(pair.number and pair.their_number) and not _agree(pair.number, pair.their_number)
