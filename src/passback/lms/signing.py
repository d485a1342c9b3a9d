"""The key that the gateway signs with, where an LMS knows it by its public keys (LTI)."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


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
