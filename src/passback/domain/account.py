"""Accounts: the people who sign in to the console, and what each role may do there."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from passback.domain.clock import Instant

Role = Literal["owner", "admin", "support", "teacher"]
ROLES: tuple[Role, ...] = get_args(Role)

Right = Literal["see", "deliver", "match", "roster", "connect", "apps", "audit", "grade", "accounts"]
"""``see`` how districts are and what arrived; ``deliver``: retry and cancel; decide on a ``match``; change a
``roster``; ``connect`` an LMS; manage ``apps`` (tokens and webhooks); read the ``audit``; ``grade`` in the built-in
gradebook; manage ``accounts``."""

_SUPPORT: frozenset[Right] = frozenset({"see", "deliver", "match", "audit"})
_ADMIN: frozenset[Right] = _SUPPORT | {"roster", "connect", "apps", "grade"}
RIGHTS: dict[Role, frozenset[Right]] = {
    "owner": _ADMIN | {"accounts"},
    "admin": _ADMIN,
    "support": _SUPPORT,
    "teacher": frozenset({"grade"}),
}


class Account(Struct, frozen=True, kw_only=True):
    """An account, without its password."""

    id: str
    name: str
    """What they sign in with, in lower case."""
    role: Role
    district_id: str | None = None
    """The only district that it may see; None for all."""
    user_id: str | None = None
    """Our id of the teacher who it is: only their sections are shown."""
    issuer: str | None = None
    """The OpenID Connect provider that knows them; None if they have a password here."""
    subject: str | None = None
    created: Instant
    disabled: Instant | None = None
    signed_in: Instant | None = None
    """When they last did."""

    def may(self, right: Right) -> bool:
        """Whether its role has a right."""
        return right in RIGHTS[self.role]

    def sees(self, district_id: str) -> bool:
        """Whether it may see anything of a district."""
        return self.district_id in (None, district_id)
