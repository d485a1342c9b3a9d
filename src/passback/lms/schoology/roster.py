"""A section's people, remembered for a few minutes; and courses, sections and people for matching."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.lms.interface import Gone, Unavailable, if_shown
from passback.lms.toolkit.json_fields import Json, check_id, flag, id_of, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.roster import Role
    from passback.lms.schoology.api import SchoologyApi

_ACTIVE = "1"
_AT_ONCE = 50
"""How many people Schoology returns in one call."""


class Enrolled(Struct, frozen=True):
    """The active people of a section: their uids, with the ids of their enrollments."""

    students: dict[str, str]
    teachers: dict[str, str]


class Roster:
    """The people of sections, remembered for a few minutes."""

    def __init__(self, api: SchoologyApi) -> None:
        self._api = api
        self._people = TtlCache()

    async def enrolled(self, section: str) -> Enrolled:
        """Return the people of a section. Raises `Gone`."""
        return await self._people.get(section, lambda: self._read_enrolled(section))

    async def enrollments(
        self, section: str, students: Collection[str], *, now: bool = False
    ) -> dict[str, str]:
        """Return the enrollment ids of those `students` who are enrolled. With `now`, they are read again."""
        if now:
            self._people.forget(section)
        known = (await self.enrolled(section)).students
        if not now and not set(students) <= known.keys():
            self._people.forget(section)
            known = (await self.enrolled(section)).students
        return {student: known[student] for student in students if student in known}

    async def teaches(self, section: str, teacher: str) -> bool:
        """Whether someone teaches a section."""
        if teacher in (await self.enrolled(section)).teachers:
            return True
        self._people.forget(section)
        return teacher in (await self.enrolled(section)).teachers

    def forget(self, section: str) -> None:
        """Have a section's people read again: Schoology contradicts what is remembered."""
        self._people.forget(section)

    async def _read_enrolled(self, section: str) -> Enrolled:
        students: dict[str, str] = {}
        teachers: dict[str, str] = {}
        path = f"sections/{section}/enrollments"
        for enrollment in await self._api.pages(path, "enrollment", gone="section"):
            if _is_active(enrollment):
                of_role = teachers if _role(enrollment) == "teacher" else students
                of_role[id_of(enrollment, "uid")] = id_of(enrollment)
        return Enrolled(students, teachers)


async def read_courses(api: SchoologyApi) -> list[LmsCourse]:
    """Read the courses that the key reaches."""
    return [_course(it) for it in await api.pages("courses", "course", gone="section")]


def _course(content: Json) -> LmsCourse:
    return LmsCourse(
        id_of(content), text(content, "title") or "", number=text(content, "course_code") or None
    )


async def read_sections(api: SchoologyApi, course: LmsCourse) -> list[SectionRef]:
    """Read the sections of a course; if there is only one, it has the course's name."""
    sections = await _sections(api, course.id)
    return [_section(course, it, only=len(sections) == 1) for it in sections]


async def _sections(api: SchoologyApi, course: str) -> list[Json]:
    return await api.pages(f"courses/{course}/sections", "section", gone="section")


def _section(course: LmsCourse, content: Json, *, only: bool) -> SectionRef:
    name = course.name or text(content, "course_title") or ""
    if not only:
        name = f"{name}: {text(content, 'section_title') or ''}"
    return SectionRef(id_of(content), name, text(content, "section_school_code") or None)


async def find_section(api: SchoologyApi, section: str) -> tuple[LmsCourse, SectionRef] | None:
    """Ask for a section and its course; None if they are gone, over, or not the key's."""

    async def ask() -> tuple[LmsCourse, SectionRef] | None:
        found = await api.get(f"sections/{section}", gone="section")
        check_id(found, section)
        if text(found, "active") == "0":
            return None
        course = _course(await api.get(f"courses/{id_of(found, 'course_id')}", gone="section"))
        others = {id_of(it) for it in await _sections(api, course.id)} - {section}
        return course, _section(course, found, only=not others)

    return await if_shown(ask())


async def is_enrolled(api: SchoologyApi, section: str, role: Role, uid: str) -> bool:
    """Ask for one active student or teacher of a section: by uid, since the id of the enrollment is not known."""
    try:
        found = await api.pages(f"sections/{section}/enrollments", "enrollment", {"uid": uid}, gone="section")
    except Gone:
        return False
    return any(id_of(it, "uid") == uid and _is_active(it) and _role(it) == role for it in found)


def _is_active(enrollment: Json) -> bool:
    return text(enrollment, "status") in (_ACTIVE, None)


def _role(enrollment: Json) -> Role:
    return "teacher" if flag(enrollment, "admin") else "student"


async def read_people(api: SchoologyApi, section: str) -> list[Person]:
    """Read the active students and teachers of a section."""
    enrollments = [
        it
        for it in await api.pages(f"sections/{section}/enrollments", "enrollment", gone="section")
        if _is_active(it)
    ]
    emails = await _emails(api, enrollments)
    return [
        Person(
            id=id_of(it, "uid"),
            role=_role(it),
            name=text(it, "name_display") or "",
            email=emails.get(id_of(it, "uid")),
            sis_id=text(it, "school_uid") or None,
        )
        for it in enrollments
    ]


async def _emails(api: SchoologyApi, enrollments: Sequence[Json]) -> dict[str, str]:
    """Read e-mail addresses by uid, in as few calls as possible; those that cannot be read are left out."""
    codes = [code for it in enrollments if (code := text(it, "school_uid"))]
    users: list[Json] = []
    for start in range(0, len(codes), _AT_ONCE):
        batch = ",".join(codes[start : start + _AT_ONCE])
        try:
            users += await api.pages("users", "user", {"school_uids": batch}, gone="student")
        except Gone:
            # Without their addresses, some would be taken for others than they are.
            raise Unavailable("it says that there is no list of users") from None
    listed = {id_of(it, "uid") for it in users}
    for uid in sorted({id_of(it, "uid") for it in enrollments} - listed):
        with contextlib.suppress(Gone):
            users.append(await api.get(f"users/{uid}", gone="student"))
    return {id_of(it, "uid"): text(it, "primary_email") or text(it, "username") or "" for it in users}
