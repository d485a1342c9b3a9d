"""Matching the roster's sections and people to the LMS's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.domain.matching import Match, Person, SectionRef, match_people, match_sections


def person(id_: str, name: str = "", email: str | None = None, sis_id: str | None = None) -> Person:
    return Person(id_, "student", name, email, sis_id)


def found(matches: list[Match]) -> dict[str, tuple[str | None, str | None]]:
    return {match.id: (match.lms_id, match.by) for match in matches}


def test_the_sis_id_counts_before_the_email_and_the_name() -> None:
    ours = [person("a", "Ann Lee", "ann@x", "1")]
    theirs = [person("X", "Ann Lee", "ann@x"), person("Y", "Somebody", "else@x", "1")]
    assert found(match_people(ours, theirs, {})) == {"a": ("Y", "sis_id")}


def test_the_email_counts_before_the_name_whatever_its_case() -> None:
    ours = [person("a", "Ann Lee", "Ann@X")]
    theirs = [person("X", "Ann Lee"), person("Y", "A. Lee", "ann@x")]
    assert found(match_people(ours, theirs, {})) == {"a": ("Y", "email")}


def test_a_unique_name_counts() -> None:
    assert found(match_people([person("a", "Ann  Lee")], [person("X", "ann lee")], {})) == {
        "a": ("X", "name")
    }


def test_two_of_the_same_name_are_left_to_a_person_with_the_candidates() -> None:
    theirs = [person("X", "Ann Lee"), person("Y", "Ann Lee")]
    (match,) = match_people([person("a", "Ann Lee")], theirs, {})
    assert (match.lms_id, {candidate.id for candidate in match.candidates}) == (None, {"X", "Y"})


def test_two_of_ours_do_not_share_one_of_theirs() -> None:
    matches = match_people([person("a", "Ann Lee"), person("b", "Ann Lee")], [person("X", "Ann Lee")], {})
    assert found(matches) == {"a": (None, None), "b": (None, None)}


def test_a_person_matched_by_sis_id_is_not_a_candidate_for_another() -> None:
    ours = [person("a", "Ann Lee", sis_id="1"), person("b", "Ann Lee")]
    theirs = [person("X", "Ann Lee", sis_id="1"), person("Y", "Ann Lee")]
    assert found(match_people(ours, theirs, {})) == {"a": ("X", "sis_id"), "b": ("Y", "name")}


def test_what_a_person_decided_stands() -> None:
    ours = [person("a", sis_id="1"), person("b", sis_id="2")]
    theirs = [person("X", sis_id="1"), person("Y", sis_id="2")]
    assert found(match_people(ours, theirs, {"a": "Y"})) == {"a": ("Y", "hand"), "b": (None, None)}


def test_an_empty_sis_id_is_none() -> None:
    assert found(match_people([person("a", "Ann", sis_id="")], [person("X", "Bob", sis_id="")], {})) == {
        "a": (None, None)
    }


def test_sections_are_matched_by_sis_id_then_name() -> None:
    ours = [SectionRef("a", "Algebra", "s-1"), SectionRef("b", "Biology")]
    theirs = [SectionRef("X", "Biology"), SectionRef("Y", "Algebra (old)", "s-1")]
    assert found(match_sections(ours, theirs, {})) == {"a": ("Y", "sis_id"), "b": ("X", "name")}


keys = st.sampled_from([None, "1", "2", "3"])
people = st.lists(st.tuples(keys, keys, keys), max_size=6)


@given(people, people)
def test_nobody_is_matched_to_two(
    ours: list[tuple[str | None, ...]], theirs: list[tuple[str | None, ...]]
) -> None:
    mine = [
        Person(f"o{index}", "student", name or "", email, sis)
        for index, (name, email, sis) in enumerate(ours)
    ]
    other = [
        Person(f"t{index}", "student", name or "", email, sis)
        for index, (name, email, sis) in enumerate(theirs)
    ]
    matches = match_people(mine, other, {})
    given_to = [match.lms_id for match in matches if match.lms_id is not None]
    assert len(given_to) == len(set(given_to))
    assert [match.id for match in matches] == [person.id for person in mine]


@pytest.mark.parametrize(("alike", "shown"), [(50, 50), (51, 0)])
def test_nobody_is_asked_to_choose_among_very_many(alike: int, shown: int) -> None:
    theirs = [person(str(number), "Ann Lee") for number in range(alike)]
    (match,) = match_people([person("a", "Ann Lee")], theirs, {})
    assert (match.lms_id, len(match.candidates)) == (None, shown)


def test_what_was_read_from_the_lms_is_matched_by_its_id_there() -> None:
    ours = [person("a", "Ann Lee", sis_id="lms:X")]
    assert found(match_people(ours, [person("X", "Ann Oak", sis_id="7")], {})) == {"a": ("X", "lms_id")}
