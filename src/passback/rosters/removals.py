"""How much may be removed without a person, and what is said about what waits for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.store.held_back import HeldBack

_SHARE_PERCENT = 10
_FEW = 5
"""So many are never too many: in a small school, one student is more than a tenth."""


def most_removed(before: int) -> int:
    """How many of so many objects of a kind may be removed, or unmatched, without being allowed to."""
    return max(_FEW, before * _SHARE_PERCENT // 100)


def counted(counts: Mapping[str, int]) -> str:
    """How many of each kind, in words."""
    return ", ".join(f"{count:,} {kind[:-1] if count == 1 else kind}" for kind, count in counts.items())


def note(held: HeldBack | None, district_id: str, *, follows_lms: bool) -> str | None:
    """The note to operators about what a sync has held back; None if it is nothing.

    Unless the roster `follows_lms`, its removals come from files, and are not the sync's.
    """
    if held is None:
        return None
    what = [
        f"{done} {counted(of)}"
        for done, of in (("remove", held.removals if follows_lms else {}), ("unmatch", held.unmatching))
        if of
    ]
    if not what:
        return None
    return (
        f"this would {' and '.join(what)}, so they were left as they were: if it is right, run passback sync run"
        f" --allow-removals --district {district_id}"
    )
