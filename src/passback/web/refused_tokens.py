"""Refused tokens in the log: who tries them, told often enough to notice and too rarely to fill a disk."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from passback.observe.logs import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.web.messages import Request
    from passback.wire.errors import Refusal

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
"""How often one peer's refused requests are told; those between are counted."""
MOST_PEERS = 1000
"""How many peers are told apart in that time; all others are one."""
_OTHERS = "other peers"
_LONGEST_NAME = 200


class RefusedTokens:
    """Logs requests without a token, or with one that is not valid, by the address they come from.

    Behind a proxy that the operator has not named that is the proxy's, so what it says of the client
    (``X-Forwarded-For``) is told, too: anybody can send that, so it is told as what it is, and not told apart.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._peers: dict[str, tuple[float, int]] = {}
        """When each was last told, and how many have come since."""

    def note(self, request: Request, refusal: Refusal) -> None:
        """Note a refusal, and log it unless the peer's last one has just been logged."""
        peer = request.peer or "unknown"
        now = self._now()
        told, since = self._peers.get(peer, (0.0, 0))
        if peer not in self._peers:
            if len(self._peers) >= MOST_PEERS:
                self._forget(now)
            if len(self._peers) >= MOST_PEERS:
                peer = _OTHERS
                told, since = self._peers.get(peer, (0.0, 0))
        if peer in self._peers and now - told < EVERY_SECONDS:
            self._peers[peer] = told, since + 1
            return
        self._peers[peer] = now, 0
        claimed = request.headers.get(b"x-forwarded-for", (b"-",))[0]
        fields = {
            "peer": peer,
            "forwarded_for": one_line(claimed[:_LONGEST_NAME].decode("latin-1")),
            "status": refusal.status,
            "more": since,
        }
        log.warning(
            "refused a request with %(status)d: no valid token, from %(peer)s (forwarded for %(forwarded_for)s;"
            " %(more)d more since the line before)",
            fields,
            extra=fields,
        )

    def _forget(self, now: float) -> None:
        self._peers = {peer: it for peer, it in self._peers.items() if now - it[0] < EVERY_SECONDS}
