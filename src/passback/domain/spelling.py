"""Names as people search for them: without regard to case and accents.

An index of names in lower case is in the order of their letters, and keeps accents. `next_spelling` leads from one way
of writing the beginning of a name to the next, so that a search skips what lies between.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_FURTHER = {"đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "ł": "l", "ø": "o", "ŧ": "t"}
"""Letters that are no plain letter with an accent, and are searched for as if they were."""
_LATIN = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))


def folded(text: str) -> str:
    """Text in lower case without accents; the same number of letters as `lowered`."""
    return "".join(map(_plain, lowered(text)))


def lowered(text: str) -> str:
    """Text as the databases' ``LOWER`` writes it: only ASCII is lowered. Accents are part of their letter."""
    return "".join(
        it.lower() if it.isascii() else it for it in unicodedata.normalize("NFC", " ".join(text.split()))
    )


@cache
def _plain(letter: str) -> str:
    low = letter.lower()
    base = _FURTHER.get(low) or unicodedata.normalize("NFD", low)[:1]
    return base if base.isascii() and len(base) == 1 else low if len(low) == 1 else letter


@cache
def _written(letter: str) -> list[str]:
    """The letters that are `letter` when they are folded, in order, as `lowered` leaves them."""
    if not letter.isascii():
        return sorted({letter, *(it for it in (letter.upper(),) if len(it) == 1)})
    accented = (chr(it) for it in _LATIN)
    return [letter, *(it for it in accented if _plain(it) == letter)]


def first_spelling(beginning: str) -> str:
    """The first way to write what a name begins with, in the order of letters. `beginning` is folded."""
    return "".join(_written(letter)[0] for letter in beginning)


def next_spelling(beginning: str, name: str) -> str | None:
    """The first way to write `beginning` that comes after `name`, which does not begin so; None if there is none."""
    place = 0
    while place < min(len(beginning), len(name)) and name[place] in _written(beginning[place]):
        place += 1
    for turn in range(min(place, len(beginning) - 1), -1, -1):
        here = name[turn] if turn < len(name) else ""
        later = next((it for it in _written(beginning[turn]) if it > here), None)
        if later is not None:
            return name[:turn] + later + first_spelling(beginning[turn + 1 :])
    return None
