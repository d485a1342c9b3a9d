"""The keys of LMSs, which their launches are signed with: read from where they publish them, and kept for a while.

An unknown key makes us read them again, as an LMS may have a new one; but not more often than every half a minute,
however many launches claim one. If an LMS cannot be asked, the keys that it had count for a day.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from passback.domain.clock import DAY, HOUR, SECOND
from passback.lti.fetch import NotFetched, fetch_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import RSAKey

    from passback.domain.clock import Clock, Instant

log = logging.getLogger(__name__)

FRESH_FOR = HOUR
"""For how many milliseconds keys are used without asking again."""
KEPT_FOR = DAY
"""For how many milliseconds they are used if the LMS cannot be asked."""
NOT_AGAIN_FOR = 30 * SECOND
"""For how many milliseconds an LMS that was asked is not asked again."""

_MOST_KEYS = 100
_MOST_KNOWN = 10_000
_SHORTEST_MODULUS = 342  # 2048 bits, as base64
_LONGEST_MODULUS = 1366  # 8192 bits
_LONGEST_EXPONENT = 8


class KeysUnavailable(Exception):
    """The LMS's keys cannot be read; the message says why."""


class UnknownKey(Exception):
    """The LMS publishes no such key."""


class _Known:
    """What is known of one LMS's keys."""

    def __init__(self) -> None:
        self.keys: Mapping[str, RSAKey] = {}
        self.read: Instant | None = None
        self.asked: Instant | None = None
        self.problem = ""
        self.lock = asyncio.Lock()


class PlatformKeys:
    """The keys of all LMSs, as this process knows them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def find(self, url: str, key_id: str) -> RSAKey:
        """The key of that ``kid`` among those published at `url`. Raises `UnknownKey` and `KeysUnavailable`."""
        known = self._known.get(url)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[url] = _Known()
        is_lacking = self._usable(known, key_id) is None
        if self._must_ask(known, key_id) or (is_lacking and known.lock.locked()):
            async with known.lock:  # those who wait here find what the first has read
                if self._must_ask(known, key_id):
                    await self._ask(url, known)
        found = self._usable(known, key_id)
        if found is not None:
            return found
        if known.problem or known.read is None:
            raise KeysUnavailable(known.problem or "its keys have not been read")
        raise UnknownKey

    def _usable(self, known: _Known, key_id: str) -> RSAKey | None:
        """The key, unless it is not known or was read too long ago."""
        if known.read is None or self._clock() - known.read >= KEPT_FOR:
            return None
        return known.keys.get(key_id)

    def _must_ask(self, known: _Known, key_id: str) -> bool:
        now = self._clock()
        if known.asked is not None and 0 <= now - known.asked < NOT_AGAIN_FOR:
            return False
        return known.read is None or now - known.read >= FRESH_FOR or key_id not in known.keys

    async def _ask(self, url: str, known: _Known) -> None:
        known.asked = self._clock()
        try:
            known.keys = await read(url)
        except NotFetched as error:
            known.problem = f"asked for them, {error}"
            log.warning("the keys of an LMS cannot be read: %s", error)
        else:
            known.read, known.problem = known.asked, ""


async def read(url: str) -> Mapping[str, RSAKey]:
    """The public RSA keys that are published at an address, by ``kid``; what is no such key is left out.

    Raises `NotFetched`.
    """
    listed = (await fetch_json("GET", url)).get("keys")
    if not isinstance(listed, list):
        raise NotFetched("its answer is no list of keys")
    found = {}
    for item in listed[:_MOST_KEYS]:
        key_id = item.get("kid") if isinstance(item, dict) else None
        if isinstance(key_id, str) and (key := _public_key(item)) is not None:
            found[key_id] = key
    return found


def _public_key(item: Mapping[str, Any]) -> RSAKey | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    if item.get("kty") != "RSA" or item.get("use", "sig") != "sig" or item.get("alg", "RS256") != "RS256":
        return None
    modulus, exponent = item.get("n"), item.get("e")
    if not isinstance(modulus, str) or not isinstance(exponent, str):
        return None
    if not _SHORTEST_MODULUS <= len(modulus) <= _LONGEST_MODULUS or len(exponent) > _LONGEST_EXPONENT:
        return None
    try:
        # Only what is public, whatever else stands there.
        return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent})
    except (JoseError, ValueError, TypeError):
        return None
