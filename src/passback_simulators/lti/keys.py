"""The keys of tools: the public half is in the records, the private half with the process that made it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState


def private_key(lms: LtiState, client: str) -> str:
    """A private key (JWK, with its ``kid``) by which a tool is known."""
    from joserfc.jwk import RSAKey

    if client not in lms.private_keys:
        lms.private_keys[client] = _new()
    key = RSAKey.import_key(lms.private_keys[client][0], {"kid": register(lms, client), "use": "sig"})
    return json.dumps(key.as_dict(private=True))


def register(lms: LtiState, client: str) -> str:
    """Make the key of this process known as one of the tool's; returns its ``kid``."""
    public = lms.private_keys[client][1]
    kid = hashlib.sha256(public.encode()).hexdigest()[:16]
    record = lms.records.get("clients", client)
    if record is not None and kid not in record["keys"]:
        lms.records.put("clients", client, record | {"keys": record["keys"] | {kid: public}})
    return kid


def _new() -> tuple[str, str]:
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048)
    return key.as_pem(private=True).decode(), key.as_pem(private=False).decode()
