"""A course's people by NRPS, remembered for a few minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.lti_roles import role_in_course
from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.lms.interface import Unavailable
from passback.lms.lti.contexts import Context
from passback.lms.toolkit.json_fields import Json, id_of, text, texts
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.roster import Role
    from passback.lms.lti.api import LtiApi

_TEST_USER = "system/person#TestUser"


class Enrolled(Struct, frozen=True):
    """The ids of a course's active people."""

    students: frozenset[str]
    teachers: frozenset[str]


class Roster:
    """The people of courses, remembered for a few minutes."""

    def __init__(self, api: LtiApi) -> None:
        self._api = api
        self._people = TtlCache()

    async def enrolled(self, context: Context, *, now: bool = False) -> Enrolled:
        """Return the people of a course; with `now`, they are read again. Raises `LmsError`."""
        if now:
            self._people.forget(context.id)
        return await self._people.get(context.id, lambda: self._read(context))

    async def students(
        self, context: Context, wanted: Collection[str], *, now: bool = False
    ) -> frozenset[str]:
        """Return those of `wanted` who are students of a course. Raises `LmsError`."""
        known = (await self.enrolled(context, now=now)).students
        if not now and not set(wanted) <= known:
            known = (await self.enrolled(context, now=True)).students
        return known.intersection(wanted)

    async def teaches(self, context: Context, teacher: str) -> bool:
        """Whether somebody teaches a course. Raises `LmsError`."""
        if teacher in (await self.enrolled(context)).teachers:
            return True
        return teacher in (await self.enrolled(context, now=True)).teachers

    async def _read(self, context: Context) -> Enrolled:
        people = await read_people(self._api, context)
        if not people:
            raise Unavailable("it shows nobody in the course")
        return Enrolled(
            frozenset(it.id for it in people if it.role == "student"),
            frozenset(it.id for it in people if it.role == "teacher"),
        )


async def read_people(api: LtiApi, context: Context) -> list[Person]:
    """Read the active students and teachers of a course. Raises `LmsError`."""
    _, members = await api.members(context)
    if not members:
        _, members = await api.members(context)  # an empty list counts if it comes twice
    return [_person(it, role) for it in members if (role := role_of(it)) is not None and _is_active(it)]


async def find_section(api: LtiApi, context: Context) -> tuple[LmsCourse, SectionRef]:
    """Ask for a course by its list of members. Raises `LmsError`."""
    about, _ = await api.members(context)
    if not (context.title or context.label):
        context = Context(
            context.id, context.lineitems, context.memberships,
            title=text(about, "title") or "", label=text(about, "label") or "",
        )  # fmt: skip
    return context.course, context.section


def role_of(member: Json) -> Role | None:
    """Return whether a member teaches or learns in the course; None for parents, guests and the like."""
    roles = texts(member, "roles")
    role = role_in_course(roles)
    if any(_TEST_USER in it for it in roles):
        return None
    return role if role == "teacher" or role == "student" else None


def _is_active(member: Json) -> bool:
    return (text(member, "status") or "Active").casefold() == "active"


def _person(member: Json, role: Role) -> Person:
    name = text(member, "name")
    parts: Sequence[str] = [it for it in (text(member, "given_name"), text(member, "family_name")) if it]
    return Person(
        id_of(member, "user_id"),
        role,
        name or " ".join(parts),
        text(member, "email") or None,
        text(member, "lis_person_sourcedid") or None,
    )
