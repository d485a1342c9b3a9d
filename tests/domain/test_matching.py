"""Matching the roster's sections to the LMS's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.domain.matching import (
    Common,
    Match,
    SectionRef,
    is_reliable,
    kinship,
    match_sections,
    section_doubt,
)


def found(matches: list[Match]) -> dict[str, tuple[str | None, str | None]]:
    return {match.id: (match.lms_id, match.by) for match in matches}


def test_sections_are_matched_by_sis_id_then_name() -> None:
    ours = [SectionRef("a", "Algebra", "s-1"), SectionRef("b", "Biology")]
    theirs = [SectionRef("X", "Biology"), SectionRef("Y", "Algebra (old)", "s-1")]
    assert found(match_sections(ours, theirs, {})) == {"a": ("Y", "sis_id"), "b": ("X", "name")}


def test_names_of_sections_may_be_written_differently() -> None:
    ours = [SectionRef("a", "Français  L'Été"), SectionRef("b", "C"), SectionRef("c", "Math 1")]
    theirs = [SectionRef("X", "FRANCAIS L\u2019ETE"), SectionRef("Y", "C++"), SectionRef("Z", "Math-1")]
    assert found(match_sections(ours, theirs, {})) == {
        "a": ("X", "name"), "b": (None, None), "c": ("Z", "name"),
    }  # fmt: skip


def test_what_a_person_decided_stands() -> None:
    ours = [SectionRef("a", "A", "1"), SectionRef("b", "B", "2")]
    theirs = [SectionRef("X", "A", "1"), SectionRef("Y", "B", "2")]
    assert found(match_sections(ours, theirs, {"a": "Y"})) == {"a": ("Y", "hand"), "b": (None, None)}


def test_a_name_does_not_win_over_a_sis_id_of_the_same_kind() -> None:
    ours = [SectionRef("a", "Art", "k1"), SectionRef("b", "Biology", "k2")]
    theirs = [SectionRef("X", "Art", "k1"), SectionRef("Y", "Biology", "k9")]
    a, b = match_sections(ours, theirs, {})
    assert (a.lms_id, b.lms_id) == ("X", None)
    assert [(it.lms_id, it.reason) for it in b.candidates] == [
        ("Y", "the name agrees, but its SIS id is k9, not k2")
    ]


def test_sis_ids_of_another_kind_say_nothing() -> None:
    ours = [SectionRef("a", "Art", "k1"), SectionRef("b", "Biology", "k2")]
    theirs = [SectionRef("X", "Art", "8001"), SectionRef("Y", "Biology", "8002")]
    assert found(match_sections(ours, theirs, {})) == {"a": ("X", "name"), "b": ("Y", "name")}


@pytest.mark.parametrize(("alike", "shown"), [(50, 50), (51, 0)])
def test_nobody_is_asked_to_choose_among_very_many(alike: int, shown: int) -> None:
    theirs = [SectionRef(str(number), "Art") for number in range(alike)]
    (match,) = match_sections([SectionRef("a", "Art")], theirs, {})
    assert (match.lms_id, len(match.candidates)) == (None, shown)


def test_what_was_read_from_the_lms_is_matched_by_its_id_there() -> None:
    ours = [SectionRef("a", "Art", sis_id="lms:X")]
    assert found(match_sections(ours, [SectionRef("X", "Crafts", sis_id="7")], {})) == {"a": ("X", "lms_id")}


keys = st.sampled_from([None, "1", "2", "3"])
sections = st.lists(st.tuples(keys, keys), max_size=6)


@given(sections, sections)
def test_nothing_is_matched_to_two(
    ours: list[tuple[str | None, ...]], theirs: list[tuple[str | None, ...]]
) -> None:
    mine = [SectionRef(f"o{index}", name or "", sis) for index, (name, sis) in enumerate(ours)]
    other = [SectionRef(f"t{index}", name or "", sis) for index, (name, sis) in enumerate(theirs)]
    matches = match_sections(mine, other, {})
    given_to = [match.lms_id for match in matches if match.lms_id is not None]
    assert len(given_to) == len(set(given_to))
    assert [match.id for match in matches] == [section.id for section in mine]


DOUBTS = {
    "one person in it is surely matched": ("name", Common(both=1), None),
    "nobody is": ("name", Common(ours=9, theirs=9), "the name agrees, but nobody in it is surely matched"),
    "others teach it": ("name", Common(both=3, our_teachers=1), "the name agrees, but others teach it"),
    "a teacher is in both": ("name", Common(both=3, teachers=1, our_teachers=2, their_teachers=1), None),
    "the SIS id alone, and new sections are empty": ("sis_id", Common(ours=9, theirs=2), None),
    "the SIS id alone, of other people": (
        "sis_id", Common(ours=9, theirs=3), "the SIS id agrees, but neither the name nor any of its people",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("by", "common", "doubt"), DOUBTS.values(), ids=DOUBTS)
def test_the_people_of_a_section_show_which_it_is(by: str, common: Common, doubt: str | None) -> None:
    assert section_doubt(by, common) == doubt  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("agree", "differ", "in_both", "expected"),
    [
        (0, 0, 5, "unknown"),
        (1, 9, 0, "same"),
        (0, 2, 0, "different"),
        (0, 2, 2, "unknown"),
        (0, 20, 2, "different"),
    ],
)
def test_the_district_shows_whether_ids_are_of_one_kind(
    agree: int, differ: int, in_both: int, expected: str
) -> None:
    """The ids of a few may have been swapped: then both have them."""
    assert kinship(agree, differ, in_both) == expected


@pytest.mark.parametrize(
    ("agree", "differ", "reliable"), [(19, 0, False), (20, 0, True), (49, 1, False), (50, 1, True)]
)
def test_a_sign_is_reliable_if_it_is_hardly_ever_wrong(agree: int, differ: int, reliable: bool) -> None:
    assert is_reliable(agree, differ) is reliable
