"""Our public keys, as LMSs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.store import lti_keys

if TYPE_CHECKING:
    from passback.context import Gateway


async def published(gateway: Gateway) -> dict[str, Any]:
    """The JWKS document: the key that signs, the next one, and those that have signed until a short while ago."""
    found = await gateway.database.read(lambda conn: lti_keys.public_keys(conn, gateway.clock()))
    return {"keys": found}
