"""Canvas's rate limit."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.request import Request

FULL = 600.0
_RESERVED, _DRAIN = 50.0, 10.0


class Bucket:
    """The leaky bucket of each token: full at 600, drained by 10 a second; each request reserves 50 until it ends."""

    def __init__(self, lms: CanvasState) -> None:
        self._lms = lms
        self._under_way: Counter[str] = Counter()
        self._levels: dict[str, tuple[float, int]] = {}

    @contextlib.contextmanager
    def reserved(self, request: Request) -> Iterator[None]:
        """A request is under way inside the ``with``."""
        key = _token(request)
        self._under_way[key] += 1
        try:
            yield
        finally:
            self._under_way[key] -= 1

    def empty(self) -> None:
        """Let all buckets be empty."""
        self._levels.clear()

    def take(self, request: Request) -> float:
        """Admit a request and return what remains. Raises `Refusal` if the bucket is full."""
        key = _token(request)
        reserved = _RESERVED * max(0, self._under_way[key] - 1)
        if not self._lms.settings["throttle"]:
            return max(0.0, FULL - reserved)
        now = self._lms.clock()
        level, then = self._levels.get(key, (0.0, now))
        level = max(0.0, level - (now - then) / 1000 * _DRAIN)
        if level + reserved + _RESERVED >= FULL:
            raise Refusal(throttled(self._lms))
        cost = float(self._lms.settings["cost"])
        self._levels[key] = level + cost, now
        return max(0.0, FULL - level - reserved - cost)


def _token(request: Request) -> str:
    return request.headers.get("authorization", "")


def throttled(lms: CanvasState) -> Reply:
    """Canvas's reply to too many requests."""
    status = lms.settings["throttle_status"]
    reason = "Forbidden" if status == 403 else "Too Many Requests"
    match lms.settings["throttle_form"]:
        case "bare":
            return Reply(status)
        case "json":
            reply = json_reply(status, {"errors": [{"message": f"{status} {reason} (rate limit exceeded)"}]})
        case _:
            reply = text_reply(status, f"{status} {reason} (Rate Limit Exceeded)\n")
    return reply.with_headers(X_Rate_Limit_Remaining="0.0")
