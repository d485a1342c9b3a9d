"""Whether a match may have become somebody else's, because a name has changed since it was made.

An id is given to another child, or an account is. A family name changes with a marriage, which says nothing.
"""

from __future__ import annotations

from msgspec import Struct

from passback.domain import names
from passback.domain.names import Likeness

_ANOTHER: frozenset[Likeness] = frozenset({"alike", "apart"})
"""A short form may be a sibling's: what else speaks for the match is for the matching to judge."""


class RosterName(Struct, frozen=True):
    """A person's name in the roster."""

    first: str
    middle: str | None
    last: str

    def __str__(self) -> str:
        return " ".join(f"{self.first} {self.last}".split())

    def compare(self, theirs: str) -> Likeness:
        """Compare it with a name of the LMS."""
        return names.compare(self.first, self.middle, self.last, theirs)


def renamed_in_roster(was: RosterName, now: RosterName, account: str | None) -> bool:
    """Whether a person's given names have changed and are not the account's, or are quite others if it has no name.

    `account` is its name as it was last read.
    """
    first = names.key(was.first) != names.key(now.first)
    middle = names.key(was.middle or "") != names.key(now.middle or "")
    if not (first or middle):
        return False
    likeness = now.compare(account or "")
    if likeness == "unknown":
        likeness = was.compare(str(now))
    return likeness in _ANOTHER if first else likeness == "apart"


def renamed_in_lms(ours: RosterName, was: str, now: str) -> bool:
    """Whether an account's name has changed, and its given names with it are no longer the person's.

    Names that differed before, as a person may have decided, may differ for as long as the given names stay.
    """
    if ours.compare(now) not in _ANOTHER:
        return False
    return ours.compare(was) not in _ANOTHER or not names.may_share_given(was, now)
