"""The keys of tools: the public half is in the records, the private half with the process that made it.

And the LMS's own, which launches are signed with: only its process has them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import urllib.request
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

    from passback_simulators.lti.state import LtiState
    from passback_simulators.request import Request

_PATIENCE = 5.0
_LONGEST = 256 * 1024


def private_key(lms: LtiState, client: str) -> str:
    """A private key (JWK, with its ``kid``) by which a tool is known."""
    if client not in lms.private_keys:
        lms.private_keys[client] = _of_process(client)
    key = json.loads(lms.private_keys[client][0])
    return json.dumps({**key, "kid": register(lms, client), "use": "sig"})


def register(lms: LtiState, client: str) -> str:
    """Make the key of this process known as one of the tool's; returns its ``kid``."""
    public = lms.private_keys[client][1]
    kid = hashlib.sha256(public.encode()).hexdigest()[:16]
    record = lms.records.get("clients", client)
    if record is not None and kid not in record["keys"]:
        lms.records.put("clients", client, record | {"keys": record["keys"] | {kid: public}})
    return kid


@cache
def _of_process(client: str) -> tuple[str, str]:
    """The private key (JWK) and the public one (PEM) of a client: the same in all simulators, as they take long."""
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048, auto_kid=False)
    return json.dumps(key.as_dict(private=True)), key.as_pem(private=False).decode()


def own(lms: LtiState) -> tuple[str, RSAKey]:
    """The key that launches are signed with, and its ``kid``."""
    if not lms.own_keys:
        rotate(lms)
    return list(lms.own_keys.items())[-1]


def rotate(lms: LtiState) -> None:
    """Sign launches with another key from now on, and publish only that."""
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048)
    lms.own_keys.clear()
    lms.own_keys[key.thumbprint()] = key


def published(lms: LtiState) -> list[dict[str, Any]]:
    """The LMS's public keys (JWK)."""
    own(lms)
    return [
        {**key.as_dict(private=False), "kid": key_id, "use": "sig", "alg": "RS256"}
        for key_id, key in lms.own_keys.items()
    ]


async def learn(lms: LtiState, request: Request) -> None:
    """Read a tool's keys from where it publishes them, if a request is signed with one that is not known."""
    form = parse_qs(request.body.decode("utf-8", "replace")) if request.method == "POST" else {}
    for token in (*form.get("client_assertion", ()), *form.get("JWT", ())):
        try:
            header, claims = (_decoded(part) for part in token.split(".")[:2])
            client = lms.records.get("clients", str(claims.get("iss")))
            if client is None or not client.get("keys_url") or header.get("kid") in client["keys"]:
                continue
            document = await asyncio.to_thread(_read, client["keys_url"])
            found = {it["kid"]: _pem(it) for it in document["keys"] if it.get("kty") == "RSA"}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
            continue  # whoever checks the signature refuses it
        lms.records.put("clients", client["id"], {**client, "keys": found})


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _read(url: str) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - the scheme was checked
        return json.loads(answer.read(_LONGEST))


def _pem(key: dict[str, Any]) -> str:
    from joserfc.jwk import RSAKey

    return RSAKey.import_key({name: key[name] for name in ("kty", "n", "e")}).as_pem(private=False).decode()
