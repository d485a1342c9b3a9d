"""Comparing people's names, which the roster and the LMS may write differently: José O'Neil-Díaz, ONEIL DIAZ, JOSE."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

Likeness = Literal["same", "alike", "first", "apart", "unknown"]
"""How far a name of the LMS agrees with ours.

``same``: but for how it is written. ``alike``: it may be the same, but a sibling's could be written so, too: a short
form, an initial, one given name of two or one family name of two, such as Sam and Samuel Lee. ``first``: only the given
names agree, as after a marriage. ``apart``: the given names differ. ``unknown``: the LMS gives no name.
"""

_APOSTROPHES = (
    "'`\u00b4\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u0384\u055a"
    "\u05f3\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\ua78b\ua78c\uff07\uff40"
)
_LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h", "ŧ": "t",
}  # fmt: skip
_FOLDED = str.maketrans({**dict.fromkeys(_APOSTROPHES, ""), **_LETTERS})
_ACCENTS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0xFE20, 0xFE2F))
"""The marks that are folded; those of other scripts are vowels, which names differ in."""
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_PARTICLES = frozenset({
    "al", "ap", "bin", "bint", "da", "das", "de", "degli", "del", "della", "den", "der", "di", "do", "dos", "du", "el",
    "ibn", "la", "las", "le", "los", "san", "santa", "st", "ten", "ter", "van", "vande", "vander", "vel", "von", "zu",
    "zum", "zur",
})  # fmt: skip
"""Words that many names have in common: two of them alike say nothing."""
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_ALL_BUT_WORDS = str.maketrans("", "", "".join(it for it in map(chr, range(128)) if not it.isalnum()))
_SHORTEST = 2
"""How many letters a name has at least; one letter is an initial."""


def fold(text: str) -> str:
    """A text without case, accents, apostrophes, invisible characters and double spaces; hyphens are spaces."""
    if text.isascii():  # most are, and this is ten times as fast
        return " ".join(text.lower().replace("'", "").replace("`", "").replace("-", " ").split())
    bare = unicodedata.normalize("NFKD", text.translate(_FOLDED))
    bare = "".join(" " if _is_dash(it) else it for it in bare if not _is_dropped(it))
    return " ".join(bare.casefold().translate(_FOLDED).split())


def words(name: str) -> list[str]:
    """The folded words of a person's name, the first name first; LAST, FIRST is turned round."""
    if "," not in name:
        return _words(name)
    given, family, suffixes = _parts(name)
    return [*given, *family, *suffixes]


def key(name: str) -> str:
    """What is equal for two ways of writing one name. Spaces do not count: De La Cruz, Delacruz."""
    if name.isascii() and "," not in name:  # as most are
        return name.lower().translate(_ALL_BUT_WORDS)
    return "".join(words(name))


def keys(first: str, middle: str | None, last: str) -> list[str]:
    """The keys of a name in the roster: without the middle names, with them, and with the first's or all initials."""
    ways = ("", *_middle(_words(middle))) if middle else ("",)
    return list(dict.fromkeys(it for it in (key(f"{first} {way} {last}") for way in ways) if it))


def _middle(between: list[str]) -> list[str]:
    """The ways to write middle names."""
    return [" ".join(between), between[0][0], " ".join(it[0] for it in between)] if between else []


def compare(first: str, middle: str | None, last: str, theirs: str) -> Likeness:
    """Compare a name of the roster with one of the LMS. Given names that differ never agree."""
    given, between, (family, suffix) = _words(first), _words(middle or ""), _without_suffix(_words(last))
    their_words = words(theirs)
    if not (given or family) or not their_words:
        return "unknown"
    if [*given, *family, *suffix] == their_words:  # wherever the family name begins
        return "same"
    if not given or not family:  # a single name
        return "same" if "".join([*given, *family, *suffix]) == key(theirs) else "apart"
    found = {_compare_parts(given, between, (family, suffix), reading) for reading in _readings(theirs)}
    if _is_turned(given, family, suffix, theirs):
        found.add("alike")
    # In Juan Pablo Garcia, Pablo is no family name if Garcia is one.
    order: tuple[Likeness, ...] = ("same", "alike", "apart", "first")
    return next((it for it in order if it in found), "apart")


def may_share_given(one: str, other: str) -> bool:
    """Whether two names of the LMS may have the same given names."""
    given = ({"".join(reading[0]) for reading in _readings(name)} for name in (one, other))
    return not set.isdisjoint(*given)


def _readings(name: str) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """The ways to read a name of the LMS: its given names, family names and suffix. Only a comma tells for sure."""
    given, family, suffix = _parts(name)
    if "," in name and given:
        yield given, family, suffix
        return
    for place in range(1, len(family) + 1):
        yield family[:place], family[place:], suffix


def _parts(name: str) -> tuple[list[str], list[str], list[str]]:
    """The given names, family names and suffix; without a comma, all is in the family names."""
    parts = [it for it in (_words(part) for part in name.split(",")) if it]
    suffixes = [it for it in parts[1:] if len(it) == 1 and it[0] in _SUFFIXES]
    family, *given = [it for it in parts if it not in suffixes] or [[]]
    names, suffix = [word for part in given for word in part], [it[0] for it in suffixes[:1]]
    if not suffix:  # Lee Jr, Sam; or Lee, Sam Jr
        family, suffix = _without_suffix(family)
        if not suffix:
            names, suffix = _without_suffix(names)
    return names, family, suffix


def _without_suffix(family: list[str]) -> tuple[list[str], list[str]]:
    if len(family) > 1 and family[-1] in _SUFFIXES:
        return family[:-1], family[-1:]
    return family, []


def _compare_parts(
    given: list[str],
    between: list[str],
    ours: tuple[list[str], list[str]],
    reading: tuple[list[str], list[str], list[str]],
) -> Likeness | None:
    """Compare our family names and suffix, and the given names, with one reading; None if nothing agrees."""
    (family, suffix), (their_given, their_family, their_suffix) = ours, reading
    first = _compare_given(given, between, their_given)
    whole = "".join(family) == "".join(their_family)
    if whole or (their_family and _one_of_several(_core(family), _core(their_family))):
        if first is None or (suffix and their_suffix and suffix != their_suffix):
            return "apart"
        return first if whole and suffix == their_suffix else "alike"
    return "first" if first == "same" and len("".join(given)) >= _SHORTEST else None


def _compare_given(
    given: list[str], between: list[str], theirs: list[str]
) -> Literal["same", "alike"] | None:
    """Compare given names; None if they differ."""
    ours = "".join(given)
    if "".join(theirs) in [ours, *(ours + it.replace(" ", "") for it in _middle(between))]:
        return "same"
    mine, other = [*_core(given), *_core(between)], _core(theirs)
    pairs = list(zip(mine, other, strict=False))
    return "alike" if pairs and all(_may_be_short_for(*pair) for pair in pairs) else None


def _may_be_short_for(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _one_of_several(ours: list[str], theirs: list[str]) -> bool:
    """Whether the one are among the other family names: Garcia and Lopez, of Garcia Lopez.

    What they have before ours may be a given name: Juan Pablo Garcia.
    """
    if len(ours) >= len(theirs):
        return theirs in (ours[: len(theirs)], ours[len(ours) - len(theirs) :])
    return theirs[: len(ours)] == ours


def _core(words_: list[str]) -> list[str]:
    """The words without particles; all of them if there are only such, as Van may be somebody's first name."""
    return [it for it in words_ if it not in _PARTICLES] or words_


def _is_turned(given: list[str], family: list[str], suffix: list[str], theirs: str) -> bool:
    """Whether it is LAST FIRST, without a comma."""
    return "," not in theirs and "".join([*family, *given, *suffix]) == key(theirs)


def _words(text: str) -> list[str]:
    if text.isascii():  # most are
        return _ASCII_WORD.findall(text.lower().replace("'", "").replace("`", ""))
    folded = fold(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return "".join(it if it.isalnum() or _is_mark(it) else " " for it in folded).split()


def _is_dropped(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _ACCENTS) or (
        unicodedata.category(character) == "Cf"
    )


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
