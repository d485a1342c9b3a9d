"""What an LMS keeps instead of what it was sent, told from what it had before and may still show for a moment."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from msgspec import Struct

from passback.domain.clock import SECOND, Instant

_MOST_SEEN = 20_000
_WHOLE_SECONDS = 2 * SECOND
"""By how much a time may be too early that an LMS shows in whole seconds."""


class Shown(Struct, frozen=True):
    """What an LMS shows of something."""

    value: Hashable
    changed: Instant | None
    """When it was changed last, by the LMS."""


class LastShown:
    """What an LMS showed last of each of many things, by key."""

    def __init__(self) -> None:
        self._shown: dict[str, Shown] = {}

    def note(self, key: str, shown: Shown) -> None:
        """Keep what is shown now."""
        if len(self._shown) >= _MOST_SEEN:
            self._shown.clear()
        self._shown[key] = shown

    def settling(self, keys: list[str], now: Instant) -> Settling:
        """Begin to watch what is changed next. Call it before anything is sent."""
        return Settling({key: self._shown[key] for key in keys if key in self._shown}, now)


class Settling:
    """Watches what an LMS shows after a change that began at a time, by key."""

    def __init__(self, before: Mapping[str, Shown], began: Instant) -> None:
        self._before = before
        self._began = began
        self._seen = set[tuple[str, Hashable]]()
        self._kept = set[tuple[str, Hashable]]()

    def look(self, key: str, shown: Shown) -> bool:
        """Whether it keeps this value: it shows it for the second time, and does not only show it still."""
        at = key, shown.value
        if self._is_new(key, shown):
            (self._kept if at in self._seen else self._seen).add(at)
        return at in self._kept

    def _is_new(self, key: str, shown: Shown) -> bool:
        before = self._before.get(key)
        if before is not None and before.value != shown.value:
            return True
        # The same may be what it makes of the change once more, and of what it had before nothing may be known.
        if shown.changed is None or shown.changed < self._began - _WHOLE_SECONDS:
            return False
        return before is None or before.changed is None or shown.changed > before.changed
