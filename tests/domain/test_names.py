"""Comparing people's names as two systems write them."""

from __future__ import annotations

import pytest

from passback.domain import names
from passback.domain.names import Likeness, compare

SAME = [
    ("José", None, "O'Neil-Díaz", "ONEIL DIAZ, JOSE"),
    ("José", None, "O\u2019Neil", "Jose O`Neil"),
    ("Jose\u0301", None, "O\u02bcNeil", "José O'Neil"),
    ("Sam", "Edward", "Lee", "Sam Lee"),
    ("Sam", "Edward", "Lee", "Lee, Sam E."),
    ("Sam", "Edward", "Lee", "sam  edward lee"),
    ("Ana", None, "De La Cruz", "Delacruz, Ana"),
    ("Sam", "Edward James", "Lee", "Sam E J Lee"),
    ("Jan", None, "van der Berg", "Berg, Jan van der"),
    ("Maria Garcia", None, "Lopez", "GARCIA LOPEZ, MARIA"),
    ("La Toya", None, "O'Neil", "LATOYA O\ua78cNEIL"),
    ("D\u2018Arcy", None, "Lee", "D\u02c8Arcy Lee\u200b"),
    ("Mary-Ann", None, "Smith-Jones", "MARY ANN SMITH\u2010JONES"),
    ("Sam", None, "Lee Jr.", "Lee, Sam, Jr."),
    ("Sam", None, "Lee Jr.", "Lee, Jr., Sam"),
    ("Łukasz", None, "Ørsted", "Lukasz Orsted"),
    ("小明", None, "李", "小明 李"),
    ("", None, "Madonna", "MADONNA"),
]
OTHER: list[tuple[str, str | None, str, str, Likeness]] = [
    ("Sam", None, "Lee", "Samuel Lee", "alike"),
    ("S.", None, "Lee", "Sam Lee", "alike"),
    ("Sam", None, "Lee", "Lee Sam", "alike"),
    ("Maria Jose", None, "Garcia Lopez", "Maria Garcia", "alike"),
    ("Maria", None, "Garcia", "Garcia Lopez, Maria", "alike"),
    ("Juan", "Carlos", "Garcia Lopez", "Juan C. Lopez", "alike"),
    ("Jan", None, "van der Berg", "Jan Berg", "alike"),
    ("Sam", None, "Lee Jr.", "Sam Lee", "alike"),
    ("Ana", None, "Lee", "Ana Maria Lee", "alike"),
    ("Ann", None, "Lee", "Ann Oak", "first"),
    ("Jan", None, "van Dijk", "Jan van Berg", "first"),
    ("Ann", None, "Lee", "Ann", "first"),
    ("Tom", None, "De La Cruz", "Sam De La Cruz", "apart"),
    ("Tom", None, "De La Cruz", "De La Cruz, Sam", "apart"),
    ("Tom De La", None, "Cruz", "Sam De La Cruz", "apart"),
    ("Tom de la", None, "Cruz", "Cruz, Sam de la", "apart"),
    ("La Toya", None, "Jackson", "La Monica Jackson", "apart"),
    ("Ali", None, "bin Omar", "Zaid bin Omar", "apart"),
    ("Maria Jose", None, "Garcia Lopez", "Jose Garcia", "apart"),
    ("Juan Carlos", None, "Garcia", "Juan Pablo Garcia", "apart"),
    ("Juan", "Carlos", "Garcia", "Juan Pablo Garcia", "apart"),
    ("Juan", "Carlos", "Garcia", "Garcia, Juan Pablo", "apart"),
    ("Sam", "Edward", "Lee", "Sam O. Lee", "apart"),
    ("Tom", "Sam", "Lee", "Sam Lee", "apart"),
    ("Tom", None, "Sam Lee", "Sam Lee", "apart"),
    ("Ann", None, "Alee", "Anna Lee", "apart"),
    ("Sam", None, "Lee Jr.", "Sam Lee III", "apart"),
    ("Tom", None, "Lee", "Sam Lee", "apart"),
    ("Tom", None, "Lee", "Zoe Young", "apart"),
    ("S", None, "Lee", "S Young", "apart"),
    ("कि", None, "Rao", "कु Rao", "apart"),
    ("Tom", None, "Lee", "", "unknown"),
    ("", None, "", "Tom Lee", "unknown"),
    ("...", None, "-", ", ,", "unknown"),
]


@pytest.mark.parametrize(("first", "middle", "last", "theirs"), SAME)
def test_the_same_name_may_be_written_in_many_ways(
    first: str, middle: str | None, last: str, theirs: str
) -> None:
    assert compare(first, middle, last, theirs) == "same"
    assert names.key(theirs) in names.keys(first, middle, last)


@pytest.mark.parametrize(("first", "middle", "last", "theirs", "likeness"), OTHER)
def test_other_names_are_more_or_less_alike(
    first: str, middle: str | None, last: str, theirs: str, likeness: Likeness
) -> None:
    assert compare(first, middle, last, theirs) == likeness
