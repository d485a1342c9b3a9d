from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.domain.spelling import first_spelling, folded, lowered, next_spelling

NAMES = st.text(st.sampled_from("aáÀbcçeéo øÖlŁn"), max_size=6)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("García", "garcia"),
        ("ÅSA", "asa"),
        ("Łukasz", "lukasz"),
        ("  Van  der Berg ", "van der berg"),
        ("Жанна", "жанна"),
    ],
)
def test_case_and_accents_are_folded(written: str, plain: str) -> None:
    assert folded(written) == plain


@given(st.lists(NAMES), NAMES)
def test_a_search_by_spellings_finds_what_a_look_at_every_name_finds(names: list[str], asked: str) -> None:
    beginning = folded(asked)
    index = sorted({lowered(it) for it in names})
    found = []
    ahead: str | None = first_spelling(beginning)
    while ahead is not None:
        name = next((it for it in index if it >= ahead), None)
        if name is None:
            break
        if folded(name[: len(beginning)]) == beginning:
            found.append(name)
            ahead = name + "\0"
        else:
            later = next_spelling(beginning, name)
            assert later is None or later > name
            ahead = later
    # A blank at the end of what is cut off is none of the beginning.
    assert found == [it for it in index if folded(it[: len(beginning)]) == beginning]
