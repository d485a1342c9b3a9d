"""Request and access tokens of OAuth 1.0a."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def issue(
    lms: SchoologyState, consumer: str, kind: str, uid: str | None, *, name: str = "", secret: str = ""
) -> Record:
    """Issue a request token or an access token."""
    name = name or secrets.token_hex(20)
    token = {
        "token": name, "secret": secret or secrets.token_hex(16), "consumer": consumer, "kind": kind,
        "uid": uid, "issued": seconds_now(lms),
    }  # fmt: skip
    return lms.records.put("tokens", name, token)
