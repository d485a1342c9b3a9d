"""Access and refresh tokens, and what they grant."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

LIFETIME_S = 3599


class Grant(Struct, frozen=True):
    """What an access token stands for."""

    user: dict[str, Any]
    """The user's record; a service account as itself has only an ``id``."""
    project: str
    """The client's Cloud project, which owns what the client creates."""
    scopes: frozenset[str]
    delegated: bool
    """Whether it was delegated to a service account by an administrator, rather than granted by the user."""
    expires: int
    """Milliseconds since 1970."""


def grant_of(lms: ClassroomState, access_token: str) -> Grant | None:
    """The grant of a token; None if it is unknown, expired or revoked, or if its user is deleted."""
    row = lms.records.get("access_tokens", access_token)
    if row is None or row["expires"] <= lms.clock():
        return None
    user: Record | None = {"id": row["user_id"]}
    if not row["user_id"].startswith("service-account/"):
        user = lms.find_user(row["user_id"])
    if user is None:
        return None
    return Grant(user, row["project"], frozenset(row["scopes"]), row["delegated"], row["expires"])


def issue(
    lms: ClassroomState, user_id: str, project: str, scopes: Sequence[str], *, refresh: str | None = None,
    delegated: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Issue an access token; returns the token endpoint's reply. `refresh`: the refresh token that it came from."""
    now = lms.clock()
    for old in lms.records.all("access_tokens"):
        if old["expires"] <= now:
            lms.records.remove("access_tokens", old["token"])
    access_token = f"ya29.{'c' if delegated else 'a0'}.{secrets.token_urlsafe(72)}"
    row = {
        "token": access_token, "user_id": user_id, "project": project, "scopes": sorted(set(scopes)),
        "delegated": delegated, "refresh": refresh, "expires": now + LIFETIME_S * 1000,
    }  # fmt: skip
    lms.records.put("access_tokens", access_token, row)
    return {"access_token": access_token, "expires_in": LIFETIME_S, "token_type": "Bearer"}


def issue_user_tokens(
    lms: ClassroomState, user_id: str, scopes: Sequence[str], client: Record, *, offline: bool
) -> dict[str, Any]:
    """Issue tokens for a user's grant; returns the token endpoint's reply. `offline`: with a refresh token."""
    refresh = None
    if offline:
        refresh = f"1//0{secrets.token_urlsafe(48)}"
        row = {
            "token": refresh, "user_id": user_id, "client_id": client["id"], "scopes": list(scopes),
            "issued": lms.clock(),
        }  # fmt: skip
        lms.records.put("refresh_tokens", refresh, row)
    content = issue(lms, user_id, client["project"], scopes, refresh=refresh)
    content["scope"] = " ".join(scopes)
    return content | ({"refresh_token": refresh} if refresh else {})


def end_grant(lms: ClassroomState, refresh_token: str | None) -> None:
    """Forget a refresh token and the access tokens that came from it."""
    if refresh_token is None:
        return
    lms.records.remove("refresh_tokens", refresh_token)
    for row in lms.records.all("access_tokens"):
        if row["refresh"] == refresh_token:
            lms.records.remove("access_tokens", row["token"])
