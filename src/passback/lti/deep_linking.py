"""Answering an LMS in which a teacher has chosen one of an application's activities (LTI Deep Linking 2.0)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from passback.lms.signing import EARLIER_SECONDS, read_key
from passback.lti.refused import Refused
from passback.store import deep_links

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.lms.signing import SigningKeys
    from passback.store.deep_links import Asked, Choice
    from passback.store.engine.database import Database

_LTI = "https://purl.imsglobal.org/spec/lti/claim/"
_DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
_LIFE_SECONDS = 300


async def give_back(database: Database, signing: SigningKeys, ticket: str, now: Instant) -> tuple[str, str]:
    """Where a ticket takes the browser, and what it brings: a token with what was chosen. Each is good once.

    Raises `Refused` and `NotAllowed`.
    """
    asked = await database.write(lambda conn: deep_links.take(conn, ticket, now))
    if asked is None:
        raise Refused(
            "This was given back to the LMS before, or took too long. Choose again in the LMS.", status=404
        )
    return asked.request.return_url, await _signed(signing, asked, now // 1000)


async def _signed(signing: SigningKeys, asked: Asked, now: int) -> str:
    # Imported only where there is something to sign: a gateway without LTI starts faster without it.
    from joserfc import jwt

    request, issued = asked.request, now - EARLIER_SECONDS
    claims = {
        "iss": request.client_id,
        "aud": request.issuer,
        "iat": issued,
        "exp": issued + _LIFE_SECONDS,
        "nonce": secrets.token_urlsafe(24),
        _LTI + "deployment_id": request.deployment_id,
        _LTI + "message_type": "LtiDeepLinkingResponse",
        _LTI + "version": "1.3.0",
        _DEEP_LINKING + "content_items": [_item(it) for it in asked.choices],
    }
    if request.data is not None:
        claims[_DEEP_LINKING + "data"] = request.data
    key = await signing.current()
    return jwt.encode({"alg": "RS256", "kid": key.id}, claims, read_key(key.pem, key.id))


def _item(choice: Choice) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "ltiResourceLink",
        "title": choice.title,
        "url": choice.url,
        "custom": choice.custom,
    }
    if choice.description:
        item["text"] = choice.description
    if choice.assignment_id is not None:
        item["lineItem"] = {
            "label": choice.title,
            "scoreMaximum": choice.points,
            "resourceId": choice.assignment_id,
        }
    return item
