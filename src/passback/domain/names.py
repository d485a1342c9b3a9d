"""Comparing people's names, which the roster and the LMS may write differently: José O'Neil-Díaz, ONEIL DIAZ, JOSE."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

Likeness = Literal["same", "alike", "first", "apart", "unknown"]
"""How far a name of the LMS agrees with ours.

``same``: but for how it is written. ``alike``: a short form or an additional name, such as Sam and Samuel Lee.
``first``: only the first names agree, as after a marriage. ``unknown``: the LMS gives no name.
"""

_APOSTROPHES = "'`\u00b4\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02be\u02bf\uff07\u05f3"
_LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h", "ŧ": "t",
}  # fmt: skip
_FOLDED = str.maketrans({**dict.fromkeys(_APOSTROPHES, ""), **_LETTERS})
_ACCENTS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0xFE20, 0xFE2F))
"""The marks that are folded; those of other scripts are vowels, which names differ in."""
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SHORTEST = 2
"""How many letters a name has at least; one letter is an initial."""


def fold(text: str) -> str:
    """A text without case, accents, apostrophes and double spaces; hyphens are spaces."""
    if text.isascii():  # most are, and this is ten times as fast
        return " ".join(text.lower().replace("'", "").replace("`", "").replace("-", " ").split())
    bare = unicodedata.normalize("NFKD", text.translate(_FOLDED))
    bare = "".join(" " if _is_dash(it) else it for it in bare if not _is_accent(it))
    return " ".join(bare.casefold().translate(_FOLDED).split())


def words(name: str) -> list[str]:
    """The folded words of a person's name, the first name first; LAST, FIRST is turned round."""
    if "," not in name:
        return _words(name)
    parts = [it for it in (_words(part) for part in name.split(",")) if it]
    suffixes = [it for it in parts[1:] if len(it) == 1 and it[0] in _SUFFIXES]
    family, *given = [it for it in parts if it not in suffixes] or [[]]
    return [word for part in (*given, family, *suffixes) for word in part]


def key(name: str) -> str:
    """What is equal for two ways of writing one name. Spaces do not count: De La Cruz, Delacruz."""
    return "".join(words(name))


def keys(first: str, middle: str | None, last: str) -> list[str]:
    """The keys of a name in the roster: without the middle name, with it, and with its initial."""
    found = [key(f"{first} {last}")]
    if middle and (between := _words(middle)):
        found += [key(f"{first} {' '.join(between)} {last}"), key(f"{first} {between[0][0]} {last}")]
    return list(dict.fromkeys(it for it in found if it))


def compare(first: str, middle: str | None, last: str, theirs: str) -> Likeness:
    """Compare a name of the roster with one of the LMS."""
    ours, other = words(f"{first} {last}"), words(theirs)
    if not ours or not other:
        return "unknown"
    if "".join(other) in keys(first, middle, last):
        return "same"
    if sorted(ours) == sorted(other):  # LAST FIRST, without a comma
        return "alike"
    given, family = _words(first) or ours[:1], _words(last) or ours[-1:]
    return _compare_parts(given, family, other)


def _compare_parts(given: Sequence[str], family: Sequence[str], other: Sequence[str]) -> Likeness:
    rest = other[1:] or other
    same_family = "".join(rest).endswith("".join(family)) or any(
        len(it) >= _SHORTEST and it in rest for it in family
    )
    if same_family:
        short = given[0].startswith(other[0]) or other[0].startswith(given[0])
        return "alike" if short or any(it in other[:-1] for it in given) else "apart"
    return "first" if given[0] == other[0] and len(given[0]) >= _SHORTEST else "apart"


def _words(text: str) -> list[str]:
    folded = fold(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return "".join(it if it.isalnum() or _is_mark(it) else " " for it in folded).split()


def _is_accent(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _ACCENTS)


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
