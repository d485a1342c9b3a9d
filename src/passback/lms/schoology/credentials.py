"""OAuth 1.0a (RFC 5849) as Schoology wants it: each request is signed when it is sent, without its JSON body.

Source: Schoology's developer documentation, "Authentication".
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Clock

REALM = "Schoology API"
HMAC, PLAINTEXT, BARE = "HMAC-SHA1", "PLAINTEXT", "PLAINTEXT-BARE"
"""How requests are signed. Some hosts take PLAINTEXT only with an encoded realm, a bare ``&`` and no empty token."""


class Key(Struct, frozen=True):
    """The key that signs requests: a consumer's own (two-legged), or that of a user who signed in (three-legged)."""

    consumer: str
    consumer_secret: str
    token: str = ""
    token_secret: str = ""

    def __repr__(self) -> str:
        return "Key()"


class Signer:
    """Signs requests. Its timestamps never go back: Schoology would refuse that."""

    def __init__(self, clock: Clock, method: str = HMAC) -> None:
        self._clock = clock
        self._method = method
        self._latest = 0

    def authorization(self, key: Key, method: str, url: str) -> str:
        """Return the header that authorizes one request to `url`, query included. It must not be used again."""
        self._latest = max(self._latest, self._clock() // 1000)
        parameters = [
            ("oauth_consumer_key", key.consumer),
            ("oauth_token", key.token),  # it is sent, empty, even if there is no user
            ("oauth_nonce", uuid.uuid4().hex),
            ("oauth_timestamp", str(self._latest)),
            ("oauth_signature_method", HMAC if self._method == HMAC else PLAINTEXT),
            ("oauth_version", "1.0"),
        ]
        realm, safe = REALM, "~"
        if self._method == BARE:
            realm, safe = quote(REALM), "~&"
            parameters = [(name, value) for name, value in parameters if value]
        signed = [*parameters, ("oauth_signature", self._signature(key, method, url, parameters))]
        return f'OAuth realm="{realm}",' + ",".join(
            f'{name}="{quote(text, safe=safe)}"' for name, text in signed
        )

    def _signature(self, key: Key, method: str, url: str, parameters: list[tuple[str, str]]) -> str:
        # Imported with the first request: a gateway without any starts faster without it.
        from authlib.oauth1.rfc5849 import signature

        if self._method != HMAC:
            return str(signature.plaintext_signature(key.consumer_secret, key.token_secret))
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        base = signature.construct_base_string(method, url.partition("?")[0], [*query, *parameters])
        return str(signature.hmac_sha1_signature(base, key.consumer_secret, key.token_secret))
