"""The sections and people of an LMS, for matching them with the roster's."""

from __future__ import annotations

import contextlib

import pytest
from uuid_utils import uuid7

from passback.domain.roster import Role
from passback.lms.interface import Gone, ListsDecide
from passback.testing.lms import ESSAY, Lms
from passback.testing.suite.checks import gone


def _leaves_to_lists(lms: Lms, method: str) -> bool:
    """Whether a connector takes from `ListsDecide` that lists are right in lacking somebody."""
    return getattr(type(lms.connector), method) is getattr(ListsDecide, method)


class Rosters:
    """How sections and people are read. Needs nothing but an LMS."""

    def test_the_sections_and_people_are_read_for_matching(self, lms: Lms) -> None:
        places = {place.id: place for place in lms.places()}
        read = lms.run(lms.connector.read_people(lms.section))
        people = {(person.id, person.role) for person in read}
        assert {lms.section, lms.other_section} <= places.keys()
        assert {(student, "student") for student in lms.students} | {(lms.teacher, "teacher")} <= people
        assert (lms.other_teacher, "teacher") not in people
        assert [person for person in read if not person.name.strip()] == []

    def test_who_has_left_is_read_no_more(self, lms: Lms) -> None:
        assert lms.students[0] in {it.id for it in lms.run(lms.connector.read_people(lms.section))}
        lms.unenroll(lms.students[0])
        assert lms.students[0] not in {it.id for it in lms.run(lms.connector.read_people(lms.section))}

    def test_one_section_can_be_asked_for(self, lms: Lms) -> None:
        found = lms.run(lms.connector.find_section(lms.section))
        if _leaves_to_lists(lms, "find_section"):
            assert found is None
            return
        assert found is not None
        assert found[0] in lms.run(lms.connector.read_courses())
        assert found[1] in lms.places()
        assert lms.run(lms.connector.find_section(lms.nowhere)) is None

    def test_one_person_can_be_asked_for(self, lms: Lms) -> None:
        has, there = lms.connector.has_person, not _leaves_to_lists(lms, "has_person")
        people: list[tuple[str, Role, str, bool]] = [
            (lms.section, "student", lms.students[0], there),
            (lms.section, "teacher", lms.teacher, there),
            (lms.section, "student", lms.teacher, False),
            (lms.section, "student", lms.other_student, False),
        ]
        assert [lms.run(has(*it[:3])) for it in people] == [it[3] for it in people]
        with contextlib.suppress(Gone):
            assert not lms.run(has(lms.nowhere, "student", lms.students[0]))
        lms.unenroll(lms.students[0])
        assert not lms.run(has(lms.section, "student", lms.students[0]))

    def test_nobody_is_read_of_a_section_that_is_not_there(self, lms: Lms) -> None:
        with pytest.raises(Gone):
            lms.run(lms.connector.read_people(lms.nowhere))

    def test_a_section_that_is_not_there_is_gone(self, lms: Lms) -> None:
        creation = lms.connector.create_assignment(lms.nowhere, ESSAY, str(uuid7()))
        assert gone(lms, creation) in ("section", "assignment")
