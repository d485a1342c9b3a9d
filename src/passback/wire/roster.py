"""The roster objects of the published Data API, as far as a gateway has them, with their LMS fields."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class _Shape(Struct, frozen=True, omit_defaults=True):
    """A field without a value is left out of an answer."""


class LmsSync(_Shape, frozen=True, kw_only=True):
    """How far the reading of a district's LMS is."""

    began: str | None = None
    courses: int
    courses_read: int
    phase: str
    sections: int
    sections_read: int


class District(_Shape, frozen=True, kw_only=True):
    """A school district and the state of its connection to an LMS."""

    id: str
    last_lms_sync: str | None = None
    lms_matched_percentage: dict[str, float]
    lms_state: str
    lms_sync: LmsSync | None = None
    lms_type: str
    name: str


class School(_Shape, frozen=True, kw_only=True):
    """A school of a district."""

    created: str
    district: str
    id: str
    last_modified: str
    name: str
    school_number: str | None = None
    sis_id: str | None = None


class Term(_Shape, frozen=True, kw_only=True):
    """A term of the school year; its dates are days."""

    district: str
    end_date: str | None = None
    id: str
    name: str
    start_date: str | None = None


class Course(_Shape, frozen=True, kw_only=True):
    """What sections teach."""

    district: str
    id: str
    name: str
    number: str | None = None


class LmsStatus(_Shape, frozen=True, kw_only=True):
    """Whether a section or user is matched to one in the LMS."""

    synced_in_lms: bool


class Section(_Shape, frozen=True, kw_only=True):
    """A class, with its members' ids."""

    course: str | None = None
    created: str
    district: str
    grade: str | None = None
    id: str
    last_modified: str
    lms_status: LmsStatus
    name: str
    period: str | None = None
    school: str | None = None
    section_number: str | None = None
    sis_id: str | None = None
    students: list[str]
    subject: str | None = None
    teacher: str | None = None
    teachers: list[str]
    term_id: str | None = None


class Name(_Shape, frozen=True, kw_only=True):
    """A person's name."""

    first: str
    last: str
    middle: str | None = None


class UserRole(_Shape, frozen=True, kw_only=True):
    """What a user is, as a student or teacher."""

    grade: str | None = None
    school: str | None = None
    sis_id: str | None = None


class User(_Shape, frozen=True, kw_only=True):
    """A student or teacher."""

    created: str
    district: str
    email: str | None = None
    id: str
    last_modified: str
    lms_status: LmsStatus
    name: Name
    roles: dict[str, UserRole]


class RosterEventData(_Shape, frozen=True, kw_only=True):
    """What an event is about: the object as it is now, and what the fields were that an update changed."""

    object: Any
    previous_attributes: dict[str, Any] | None = None


class RosterEvent(_Shape, frozen=True, kw_only=True):
    """That an object of the roster was created, updated or deleted."""

    created: str
    data: RosterEventData
    id: str
    type: str


class Link(_Shape, frozen=True, kw_only=True):
    """Where to go on in a list: ``self``, ``next`` or ``prev``."""

    rel: str
    uri: str
