"""A course's people, remembered for a few minutes; and courses and people for matching.

A section here is a whole course.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.lms.interface import Unavailable, if_shown
from passback.lms.toolkit.json_fields import Json, as_object, check_id, id_of, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.roster import Role
    from passback.lms.moodle.api import MoodleApi

_TEACHES = frozenset({"teacher", "editingteacher"})
_STUDIES = "student"
_FRONT_PAGE = "site"
"""The format of the course that stands for the site."""
_FIELDS = "id,fullname,email,idnumber,roles"


class Enrolled(Struct, frozen=True):
    """The active people of a course, by id."""

    students: frozenset[str]
    teachers: frozenset[str]


class Roster:
    """The people of courses, remembered for a few minutes."""

    def __init__(self, api: MoodleApi) -> None:
        self._api = api
        self._people = TtlCache()

    async def students(self, course: str, wanted: Collection[str], *, now: bool = False) -> set[str]:
        """Return those of `wanted` who study in a course. With `now`, its people are read again. Raises `LmsError`."""
        if now:
            self._people.forget(course)
        known = (await self._enrolled(course)).students
        if not now and not set(wanted) <= known:
            self._people.forget(course)
            known = (await self._enrolled(course)).students
        return set(known & set(wanted))

    async def teaches(self, course: str, teacher: str) -> bool:
        """Whether someone teaches in a course."""
        if teacher in (await self._enrolled(course)).teachers:
            return True
        self._people.forget(course)
        return teacher in (await self._enrolled(course)).teachers

    async def _enrolled(self, course: str) -> Enrolled:
        return await self._people.get(course, lambda: self._read(course))

    async def _read(self, course: str) -> Enrolled:
        people = await read_people(self._api, course)
        if not people:
            raise Unavailable("it shows nobody in the course")
        return Enrolled(
            frozenset(it.id for it in people if it.role == "student"),
            frozenset(it.id for it in people if it.role == "teacher"),
        )


async def read_courses(api: MoodleApi) -> list[LmsCourse]:
    """Read the courses that the token's user may see."""
    return [_course(it) for it in await _courses(api) if text(it, "format") != _FRONT_PAGE]


async def _courses(api: MoodleApi, **asked: str) -> list[Json]:
    answer = as_object(await api.read("core_course_get_courses_by_field", "section", **asked))
    return objects_of(answer, "courses")


def objects_of(content: Json, name: str) -> list[Json]:
    """Return a list of objects that must be there. Raises `Unavailable`."""
    return only_objects(content.get(name))


def only_objects(listed: object) -> list[Json]:
    """Return a list of nothing but objects. Raises `Unavailable`."""
    if not isinstance(listed, list) or not all(isinstance(it, dict) for it in listed):
        raise Unavailable("its answer has something else than a list")
    return listed


def _course(content: Json) -> LmsCourse:
    return LmsCourse(
        id_of(content),
        text(content, "fullname") or "",
        sis_id=text(content, "idnumber") or None,
        number=text(content, "shortname") or None,
    )


def section_of(course: LmsCourse) -> SectionRef:
    """Return the one section of a course."""
    return SectionRef(course.id, course.name, course.sis_id)


async def find_section(api: MoodleApi, section: str) -> tuple[LmsCourse, SectionRef] | None:
    """Ask for one course; None if it does not exist, or the token's user may not see it."""
    found = await if_shown(_courses(api, field="id", value=section))
    if not found:
        return None
    check_id(found[0], section)
    course = _course(found[0])
    return course, section_of(course)


async def read_people(api: MoodleApi, section: str) -> list[Person]:
    """Read the active students and teachers of a course."""
    # Without this, suspended students would be in the list.
    options = [{"name": "onlyactive", "value": 1}, {"name": "userfields", "value": _FIELDS}]
    listed = await api.read("core_enrol_get_enrolled_users", "section", courseid=section, options=options)
    people = [(_role(it), it) for it in only_objects(listed)]
    return [
        Person(
            id=id_of(it),
            role=role,
            name=text(it, "fullname") or "",
            email=text(it, "email") or None,
            sis_id=text(it, "idnumber") or None,
        )
        for role, it in people
        if role is not None
    ]


async def has_suspended(api: MoodleApi, section: str) -> bool:
    """Whether a course has anybody, be it somebody whose enrolment is suspended."""
    options = [{"name": "userfields", "value": "id"}, {"name": "limitnumber", "value": 1}]
    listed = await api.read("core_enrol_get_enrolled_users", "section", courseid=section, options=options)
    return bool(only_objects(listed))


def _role(user: Json) -> Role | None:
    roles = {text(it, "shortname") for it in objects_of(user, "roles")}
    if roles & _TEACHES:
        return "teacher"
    return "student" if _STUDIES in roles else None
