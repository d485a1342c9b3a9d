"""A course's sections; its teachers, remembered for a few minutes; and courses, sections and people for matching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.lms.interface import Gone, NotAllowed, Unavailable, if_shown
from passback.lms.toolkit.json_fields import Json, as_object, as_objects, check_id, id_of, integer, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.roster import Role
    from passback.lms.canvas.api import CanvasApi

_GRADERS = ("TeacherEnrollment", "TaEnrollment")
_ROLES: dict[str, Role] = {"StudentEnrollment": "student", **dict.fromkeys(_GRADERS, "teacher")}
"""What people are to us by their enrollment: TAs grade, so they match as teachers."""
_STATES = ("active", "invited")
_COURSE_STATES = ("available", "unpublished")
_MOST_PAGES_OF_COURSES = 1000
_COUNT = "total_students"
_COUNTED = {"include[]": _COUNT}


class Roster:
    """The sections of courses, and their teachers, who are remembered for a few minutes."""

    def __init__(self, api: CanvasApi) -> None:
        self._api = api
        self._teachers = TtlCache()

    async def is_only_section(self, course: str, section: str) -> bool:
        """Whether a section is the only one of its course. Raises `Gone`.

        Asked each time: if another section has been cross-listed into the course, what is for everyone reaches its
        students. A list that is cut would do the same, so it is read twice, and the course's students are counted.
        """
        for _ in range(2):
            sections = await require_section(self._api, course, section)
            if len(sections) > 1:
                return False
        counted = integer(sections[section], _COUNT)
        return counted is None or counted == await _count_students(self._api, f"courses/{course}", course)

    async def teaches(self, course: str, teacher: str) -> bool:
        """Whether someone is an active teacher or TA of a course, by the list of them or by themselves."""
        if teacher in await self._teachers.get(course, lambda: self._read_teachers(course)):
            return True
        self._teachers.forget(course)
        listed = await self._teachers.get(course, lambda: self._read_teachers(course))
        return teacher in listed or await is_enrolled(self._api, course, "teacher", teacher)

    async def _read_teachers(self, course: str) -> set[str]:
        enrollments = await self._api.pages(
            f"courses/{course}/enrollments",
            {"type[]": [*_GRADERS], "state[]": [*_STATES]},
            gone="section",
        )
        return {id_of(it, "user_id") for it in enrollments}


async def read_courses(api: CanvasApi) -> list[LmsCourse]:
    """Read the courses that the token reaches."""
    return [_course(it) for it in await _courses(api)]


def _course(content: Json) -> LmsCourse:
    return LmsCourse(
        id_of(content),
        text(content, "name") or "",
        text(content, "sis_course_id") or None,
        text(content, "course_code") or None,
    )


async def read_sections(api: CanvasApi, course: LmsCourse) -> list[SectionRef]:
    """Read the sections of a course. Raises `Unavailable` if it lists none, and counts students in the course."""
    listed = await api.pages(f"courses/{course.id}/sections", {}, gone="section")
    if not listed and await _count_students(api, f"courses/{course.id}", course.id):
        raise Unavailable("it lists no section of a course with students")
    return [_section(course, it) for it in listed]


def _section(course: LmsCourse, content: Json) -> SectionRef:
    return SectionRef(
        f"{course.id}/{id_of(content)}",
        text(content, "name") or course.name,
        text(content, "sis_section_id") or text(content, "integration_id"),
    )


async def find_section(api: CanvasApi, course: str, section: str) -> tuple[LmsCourse, SectionRef] | None:
    """Ask for a section and its course; None if they are gone, over, or not the token's."""
    found = await _shown(api, "courses", course)
    if found is None or text(found, "workflow_state") not in _COURSE_STATES:
        return None
    listed = await _shown(api, f"courses/{course}/sections", section)
    return None if listed is None else (_course(found), _section(_course(found), listed))


async def is_enrolled(api: CanvasApi, course: str, role: Role, user: str, section: str | None = None) -> bool:
    """Ask for a student or teacher of a course, or of one section of it, by themselves."""
    found = await _shown(api, f"courses/{course}/users", user, {"include[]": "enrollments"})
    return found is not None and any(
        _ROLES.get(text(it, "type") or "") == role
        and text(it, "enrollment_state") in _STATES
        and section in (None, text(it, "course_section_id"))
        for it in as_objects(found.get("enrollments"))
    )


async def _shown(
    api: CanvasApi, place: str, id_: str, params: Mapping[str, str] | None = None
) -> Json | None:
    """Read one object; None if there is none, or the key lacks a scope that only this needs: the lists must do then."""
    shown = await if_shown(api.get(f"{place}/{id_}", params, gone="section"))
    if shown is None:
        return None
    found = as_object(shown)
    check_id(found, id_)
    return found


async def _courses(api: CanvasApi) -> Sequence[dict[str, Any]]:
    """Read all courses of the accounts that the token administers, or else those in which its user grades."""
    states = [*_COURSE_STATES]
    found: dict[str, dict[str, Any]] = {}
    try:
        for account in await api.pages("accounts", {}):
            path = f"accounts/{id_of(account)}/courses"
            for course in await api.pages(path, {"state[]": states}, most=_MOST_PAGES_OF_COURSES):
                found[id_of(course)] = course
    except NotAllowed:
        found.clear()
    if not found:
        for role in ("teacher", "ta"):
            for course in await api.pages("courses", {"enrollment_type": role, "state[]": states}):
                found[id_of(course)] = course
    return list(found.values())


async def require_section(api: CanvasApi, course: str, section: str) -> dict[str, Json]:
    """Return a course's sections, by id. Raises `Gone` if one is not among them: it was moved or deleted."""
    listed = await api.pages(f"courses/{course}/sections", _COUNTED, gone="section")
    sections: dict[str, Json] = {id_of(it): it for it in listed}
    if section in sections:
        return sections
    try:
        await _count_students(api, f"courses/{course}/sections/{section}", section)
    except NotAllowed as error:
        if error.credentials:
            raise
        raise Gone("section") from None  # the key lacks a scope that it did not need before: the list must do
    raise Unavailable("it does not list a section of the course, and shows it")


async def _count_students(api: CanvasApi, path: str, id_: str) -> int | None:
    """Read how many students a course or section has; None if Canvas does not say. Raises `Gone`."""
    found = as_object(await api.get(path, _COUNTED, gone="section"))
    check_id(found, id_)
    return integer(found, _COUNT)


async def read_people(api: CanvasApi, course: str, section: str) -> list[Person]:
    """Read the students of a section, and the teachers and TAs of its course. Raises `Gone`."""
    states = [*_STATES]
    students = await api.pages(
        f"sections/{section}/enrollments",
        {"type[]": ["StudentEnrollment"], "state[]": states},
        gone="section",
    )
    # Canvas knows a section by its id alone: it may be in another course by now.
    elsewhere = any(id_of(it, "course_id") != course for it in students)
    if elsewhere or not students:
        sections = await require_section(api, course, section)
        if elsewhere or integer(sections[section], _COUNT):
            raise Unavailable("it lists other students of a section than it has")
    teachers = await api.pages(
        f"courses/{course}/enrollments", {"type[]": [*_GRADERS], "state[]": states}, gone="section"
    )
    users = await api.pages(f"courses/{course}/users", {"include[]": ["email"]}, gone="section")
    if not users and (students or teachers):
        raise Unavailable("it lists nobody in a course with people")
    emails = {id_of(user): _email(user) for user in users}
    for user_id in sorted({id_of(it, "user_id") for it in [*students, *teachers]} - emails.keys()):
        # Without their addresses, some would be taken for others than they are.
        shown = await _shown(api, f"courses/{course}/users", user_id, {"include[]": "email"})
        emails[user_id] = None if shown is None else _email(shown)
    people: dict[tuple[str, str], Person] = {}
    for enrollment in [*students, *teachers]:
        role = _ROLES.get(text(enrollment, "type") or "")
        user = as_object(enrollment.get("user") or {})
        user_id = id_of(enrollment, "user_id")
        if role is not None:
            people[user_id, role] = Person(
                id=user_id,
                role=role,
                name=text(user, "name") or "",
                email=emails.get(user_id) or text(user, "login_id"),
                sis_id=text(user, "sis_user_id") or text(enrollment, "sis_user_id"),
            )
    return list(people.values())


def _email(user: Json) -> str | None:
    return text(user, "email") or text(user, "login_id")
