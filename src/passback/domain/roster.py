"""A district's people and sections, and what they are matched to in the LMS."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from passback.domain.clock import Instant

Role = Literal["student", "teacher"]

ROLES: tuple[Role, ...] = get_args(Role)


class District(Struct, frozen=True):
    """A school district, which owns all other objects and has one connection to an LMS."""

    id: str
    name: str
    lms_type: str
    lms_state: str
    last_lms_sync: Instant | None
    created: Instant
    last_modified: Instant
    lms_matched_percentage: dict[str, float]
    """Percentages of matched ``students``, ``teachers`` and ``sections``."""


class School(Struct, frozen=True):
    """A school of a district."""

    id: str
    district_id: str
    name: str
    sis_id: str | None
    school_number: str | None
    created: Instant
    last_modified: Instant


class Term(Struct, frozen=True):
    """A term of a district's school year, with dates as ``YYYY-MM-DD``."""

    id: str
    district_id: str
    name: str
    start_date: str | None
    end_date: str | None


class Course(Struct, frozen=True):
    """A course, which is taught in sections."""

    id: str
    district_id: str
    name: str
    number: str | None


class Section(Struct, frozen=True):
    """A class: students and teachers who meet for a course in a term."""

    id: str
    district_id: str
    name: str
    school_id: str | None
    course_id: str | None
    term_id: str | None
    sis_id: str | None
    section_number: str | None
    subject: str | None
    grade: str | None
    period: str | None
    lms_id: str | None
    """The matched section in the LMS; None if it is not matched."""
    created: Instant
    last_modified: Instant
    matched_by: str | None = None
    """How it was matched (`passback.domain.matching.MatchedBy`)."""


class User(Struct, frozen=True):
    """A student or teacher."""

    id: str
    district_id: str
    role: Role
    first_name: str
    middle_name: str | None
    last_name: str
    email: str | None
    sis_id: str | None
    school_id: str | None
    grade: str | None
    lms_id: str | None
    """The matched person in the LMS; None if they are not matched."""
    created: Instant
    last_modified: Instant
    matched_by: str | None = None
    """How it was matched (`passback.domain.matching.MatchedBy`)."""
    number: str | None = None
    """The student's or teacher's number in the SIS."""
    state_id: str | None = None
    username: str | None = None
    """The name that the person signs in with."""


LMS_KEY = "lms:"
"""What the key begins with of an object of a roster that comes from an LMS, if the LMS knows no SIS id of it."""


def known_sis_id(key: str | None) -> str | None:
    """The SIS id that an object is stored by; None if it is made up of the LMS's id."""
    return None if key is not None and key.startswith(LMS_KEY) else key
