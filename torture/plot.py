"""The rate of calls against time, as text and as a small picture."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND

if TYPE_CHECKING:
    from torture.outage import Result

_WIDTH, _HEIGHT = 640, 200
_SHOWN = 6 * MINUTE
"""How much is shown of what comes after the LMS is back."""


def text(result: Result) -> str:
    """Calls in each `BUCKET`, from a little before the LMS was back."""
    from torture.outage import BUCKET

    shown = [
        (when, count)
        for when, count in result.calls
        if count and result.down_for - 10 * MINUTE <= when <= result.down_for + _SHOWN
    ]
    most = max(count for _, count in shown)
    return "\n".join(
        f"  {(when - result.down_for) / SECOND:+7.0f} s  {'#' * max(1, round(50 * count / most))} {count}"
        f" in {BUCKET // SECOND} s"
        for when, count in shown
    )


def picture(result: Result) -> str:
    """The end of the outage and what follows, as an SVG: calls in each `BUCKET`."""
    from torture.outage import BUCKET

    begin = result.down_for - _SHOWN
    bars = [(when, count) for when, count in result.calls if count and when >= begin]
    end = max(when for when, _ in bars) + 5 * BUCKET
    most = max(count for _, count in bars)

    def across(when: int) -> float:
        return round(50 + (_WIDTH - 60) * (when - begin) / (end - begin), 1)

    def up(count: int) -> float:
        return round((_HEIGHT - 50) * count / most, 1)

    drawn = "".join(
        f'<rect x="{across(when)}" y="{_HEIGHT - 30 - up(count)}" width="2" height="{up(count)}"/>'
        for when, count in bars
    )
    back = across(result.down_for)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f'<rect x="50" y="20" width="{back - 50:.1f}" height="{_HEIGHT - 50}" fill="#fbe9e7"/>'
        f'<text x="56" y="34" fill="#b23c17">Canvas is down, {result.down_for // MINUTE} minutes in all</text>'
        f'<g fill="#1565c0">{drawn}</g>'
        f'<line x1="50" y1="{_HEIGHT - 30}" x2="{_WIDTH - 10}" y2="{_HEIGHT - 30}" stroke="#444"/>'
        f'<text x="46" y="28" text-anchor="end">{most}</text><text x="46" y="{_HEIGHT - 30}" text-anchor="end">0</text>'
        f'<text x="50" y="14">calls a second</text>'
        f'<text x="50" y="{_HEIGHT - 12}">-{_SHOWN // MINUTE} min</text>'
        f'<text x="{back}" y="{_HEIGHT - 12}" text-anchor="middle">back</text></svg>\n'
    )


if __name__ == "__main__":
    import logging

    from torture.outage import outage

    logging.basicConfig(level=logging.ERROR)
    sys.stdout.write(picture(outage(5_000)))
