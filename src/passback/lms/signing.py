"""The private keys that tokens for LMSs are asked for with; where an LMS knows the gateway by its own (LTI), those."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey


EARLIER_SECONDS = 60
"""By how much a token for an LMS is said to be older than it is, for one whose clock is behind.

Launches allow for the same. Open edX refuses what was issued in its future, by however little.
"""


class SigningKey(Struct, frozen=True):
    """A private key for RS256."""

    id: str
    """Its ``kid``."""
    pem: bytes
    """PKCS #8."""

    def __repr__(self) -> str:
        return f"SigningKey({self.id!r})"  # never the key


class SigningKeys(Protocol):
    """The gateway's own keys."""

    async def current(self) -> SigningKey:
        """Return the key that signs now; ask again for each signature, as keys are replaced. Raises `NotAllowed`."""
        ...


@lru_cache(maxsize=16)
def read_key(pem: str | bytes, key_id: str | None = None) -> RSAKey:
    """Return a private key, with its ``kid`` if it has one. Raises `ValueError` and the errors of joserfc.

    OpenSSL takes a twentieth of a second to check a key, and every token is signed: it is read once.
    """
    from joserfc.jwk import RSAKey

    return RSAKey.import_key(pem, None if key_id is None else {"kid": key_id})
