"""The nonces and timestamps of OAuth 1.0a requests."""

from __future__ import annotations

from passback_simulators.reply import Refusal, text_reply

DUPLICATE = "Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."


class Nonces:
    """The nonces that each set of credentials has used."""

    def __init__(self) -> None:
        self._used: dict[str, dict[int, set[str]]] = {}
        self._latest: dict[str, int] = {}

    def use(self, name: str, timestamp: int, nonce: str, skew: int) -> None:
        """Use up a nonce. Raises `Refusal` if it was used before, or if its timestamp is too old."""
        latest = self._latest.get(name, timestamp)
        if timestamp < latest - skew:
            message = (
                f"Timestamp is out of sequence. Request rejected. Got {timestamp} last max is {latest} "
                f"allowed skew is {skew}"
            )
            raise Refusal(text_reply(401, message))
        used = self._used.setdefault(name, {})
        if nonce in used.setdefault(timestamp, set()):
            raise Refusal(text_reply(401, DUPLICATE))
        used[timestamp].add(nonce)
        if timestamp > latest:
            for old in [known for known in used if known < timestamp - skew]:
                del used[old]
        self._latest[name] = max(timestamp, latest)

    def clear(self) -> None:
        """Forget everything."""
        self._used.clear()
        self._latest.clear()
