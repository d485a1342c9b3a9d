"""Which scores of an assignment group count, by its rules for dropping the lowest and highest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Scored(Struct, frozen=True):
    """A student's score of one assignment."""

    assignment: int
    score: float
    possible: float
    fixed: bool = False
    """Whether it may not be dropped, because its grade is hidden."""


def kept(scored: Sequence[Scored], rules: Mapping[str, Any]) -> list[Scored]:
    """Those that count: without the lowest, chosen so that the total is best, then without the highest."""
    lowest, highest = int(rules.get("drop_lowest") or 0), int(rules.get("drop_highest") or 0)
    never = {int(it) for it in rules.get("never_drop") or ()}
    fixed = [it for it in scored if it.fixed or it.assignment in never]
    loose = sorted((it for it in scored if it not in fixed), key=lambda it: it.assignment)
    if not loose or not (lowest or highest):
        return list(scored)
    lowest = min(lowest, len(loose) - 1)
    highest = 0 if lowest + highest >= len(loose) else highest
    best = _chosen(loose, fixed, len(loose) - lowest, best=True)
    return [*_chosen(best, fixed, len(best) - highest, best=False), *fixed]


def _chosen(loose: Sequence[Scored], fixed: Sequence[Scored], count: int, *, best: bool) -> Sequence[Scored]:
    """The so many that make the best, or worst, share of the points, with those that count anyway.

    Each step ranks by what a score has beyond the share reached so far, until that share stays.
    """
    if count >= len(loose):
        return loose
    share, seen = _share([*loose, *fixed]), set[float]()
    chosen = list(loose)
    while share not in seen:
        seen.add(share)
        ranked = sorted(loose, key=lambda it, share=share: it.score - share * it.possible, reverse=best)  # type: ignore[misc]
        chosen = ranked[:count]
        share = _share([*chosen, *fixed])
    return chosen


def _share(scored: Sequence[Scored]) -> float:
    possible = sum(it.possible for it in scored)
    return sum(it.score for it in scored) / possible if possible else 0.0
