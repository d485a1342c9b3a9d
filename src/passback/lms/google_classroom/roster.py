"""Courses' people (whom to act as) and topics, remembered for a few minutes; and courses and people for matching."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.lms.google_classroom.credentials import AS_STUDENT, NoSuchUser
from passback.lms.google_classroom.errors import NAME, Denied, TurnedOff
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable, if_shown
from passback.lms.toolkit.json_fields import Json, as_object, check_id, id_of, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from passback.domain.roster import Role
    from passback.lms.google_classroom.api import ClassroomApi

T = TypeVar("T")

_CONFIRMED_SECONDS = 5.0
_ALIAS = "d:"
"""The prefix of aliases that hold for the whole domain, in which districts write SIS ids."""
_ROLES: tuple[Role, ...] = ("student", "teacher")
_TAUGHT = ("ACTIVE", "PROVISIONED")


class Roster:
    """The people and topics of courses, remembered for a few minutes."""

    def __init__(self, api: ClassroomApi, admin: str, topic: str = "") -> None:
        """`admin` is the e-mail address of the user to read courses and people as; empty if a user signed in.

        `topic` is the name of the topic of new assignments, in the courses that have it.
        """
        self._api = api
        self._admin = admin
        self._teachers = TtlCache()
        self._students = TtlCache()
        self._confirmed = TtlCache(_CONFIRMED_SECONDS)
        self._topic = topic
        self._topics = TtlCache()
        self._refused = TtlCache()
        """Teachers as whom Google does not let us act."""

    async def teaches(self, course: str, teacher: str) -> bool:
        """Whether someone teaches a course, by the list of them or by themselves."""
        if teacher in await self._teacher_emails(course):
            return True
        listed = await self._fresh_teacher_emails(course)
        return teacher in listed or await self.is_member(course, "teacher", teacher)

    async def is_member(self, course: str, role: Role, user: str) -> bool:
        """Whether someone is a student or teacher of a course: asked about them alone, since lists may lack them."""
        try:
            found = await self._api.get(f"courses/{course}/{role}s/{user}", self._admin, gone="student")
        except Gone:
            return False
        check_id(found, user, "userId")
        return True

    async def as_teacher(
        self, course: str, action: Callable[[str], Awaitable[T]], grader: str | None = None
    ) -> T:
        """Act as a teacher of a course: the `grader`, or else the owner, or else any as whom Google lets us act.

        If it does not for any of them, act as the administrator, who may at least read. Raises what `action` raises.
        """
        if not self._api.tokens.delegated:
            return await action("")
        emails = await self._teacher_emails(course)
        wanted = [*([emails[grader]] if grader in emails else []), *emails.values()]
        wanted.sort(key=self._refused.knows)
        tried = set[str]()
        last: LmsError = NotAllowed("the course has no teacher to act as")
        for email in wanted:
            if email in tried:
                continue
            tried.add(email)
            try:
                return await action(email)
            except (NoSuchUser, TurnedOff) as error:
                self._refused.put(email, True)
                last = error
            except Denied as error:
                if error.credentials or await self._still_teaches(course, email):
                    raise
                last = error  # no longer a teacher of the course
                wanted += (await self._teacher_emails(course)).values()
        try:
            return await action(self._admin)
        except NotAllowed:
            raise last from None

    async def acting_student(self, course: str, student: str) -> str:
        """Return the name by which to act as a student. Raises `RefusedByLms` and `Gone`."""
        if not self._api.tokens.delegated:
            raise RefusedByLms("STUDENT_NOT_SIGNED_IN", f"{NAME} accepts work only from the student")
        emails = await self._student_emails(course)
        if not emails.get(student) and self._students.forget(course):
            emails = await self._student_emails(course)
        if student not in emails:
            if await self.is_member(course, "student", student):
                raise Unavailable("it does not list a student of the course, and shows them")
            raise Gone("student")
        return AS_STUDENT + emails[student]

    async def require(self, course: str) -> None:
        """Raise `Gone` if the course does not exist."""
        await self._api.get(f"courses/{course}", self._admin, gone="section")

    async def students(self, course: str) -> Collection[str]:
        """Read the ids of a course's students."""
        self._students.forget(course)
        return await self._student_emails(course)

    async def _student_emails(self, course: str) -> dict[str, str]:
        """Return the students' e-mail addresses by id."""
        return await self._students.get(course, lambda: self._read_emails(course, "student"))

    async def topic_for_new(self, course: str) -> str | None:
        """Return the id of a new assignment's topic, if the course has it."""
        if not self._topic:
            return None
        return await self._topics.get(course, lambda: self._read_topic(course))

    async def _read_topic(self, course: str) -> str | None:
        async def read(acting: str) -> list[Json]:
            return await self._api.pages(
                f"courses/{course}/topics", "topic", acting, gone="section", key="topicId"
            )

        topics = await self.as_teacher(course, read)
        return next((id_of(it, "topicId") for it in topics if text(it, "name") == self._topic), None)

    async def _teacher_emails(self, course: str) -> dict[str, str]:
        """Return the e-mail addresses of a course's teachers by id, the owner first."""
        return await self._teachers.get(course, lambda: self._read_teachers(course))

    async def _still_teaches(self, course: str, email: str) -> bool:
        """Whether somebody we acted as is a teacher of a course, as it was a moment ago."""
        place = f"{course}/{email}"
        if not self._confirmed.knows(place) and email in (await self._fresh_teacher_emails(course)).values():
            self._confirmed.put(place, True)
        return self._confirmed.knows(place)

    async def _fresh_teacher_emails(self, course: str) -> dict[str, str]:
        self._teachers.forget(course)
        return await self._teacher_emails(course)

    async def _read_teachers(self, course: str) -> dict[str, str]:
        owner = text(await self._api.get(f"courses/{course}", self._admin, gone="section"), "ownerId")
        emails = await self._read_emails(course, "teacher")
        return dict(sorted(emails.items(), key=lambda item: item[0] != owner))

    async def _read_emails(self, course: str, role: Role) -> dict[str, str]:
        return {it.id: it.email or "" for it in await self._read(course, role)}

    async def _read(self, course: str, role: Role) -> list[Person]:
        listed = await self._api.surely(
            f"courses/{course}/{role}s", f"{role}s", self._admin, gone="section", key="userId"
        )
        return [_person(it, role) for it in listed]

    # For matching.

    async def read_courses(self) -> list[LmsCourse]:
        """Read every course that is taught now."""
        query = {"courseStates": [*_TAUGHT]}
        if not self._api.tokens.delegated:
            query["teacherId"] = ["me"]
        return [
            _course(course)
            for course in await self._api.surely("courses", "courses", self._admin, query, gone="section")
        ]

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        """Ask for one course; None if it is gone, not taught now, or may not be read."""
        found = await if_shown(self._api.get(f"courses/{section}", self._admin, gone="section"))
        if found is None:
            return None
        check_id(found, section)
        if text(found, "courseState") not in _TAUGHT:
            return None
        return _course(found), await self.read_section(_course(found))

    async def read_section(self, course: LmsCourse) -> SectionRef:
        """Read the one section that a course is."""
        return SectionRef(course.id, course.name, await self._sis_id(course.id))

    async def _sis_id(self, course: str) -> str | None:
        """Read the first of a course's aliases in the domain."""
        with contextlib.suppress(NotAllowed, Gone):
            aliases = await self._api.pages(
                f"courses/{course}/aliases", "aliases", self._admin, gone="section", key="alias"
            )
            for alias in aliases:
                name = text(alias, "alias") or ""
                if name.startswith(_ALIAS):
                    return name.removeprefix(_ALIAS)
        return None

    async def read_people(self, course: str) -> Sequence[Person]:
        """Read the students and teachers of a course, without those who were only invited.

        Raises `Unavailable` if there is no teacher: a course has at least its owner.
        """
        people = [person for role in _ROLES for person in await self._read(course, role)]
        if not any(person.role == "teacher" for person in people):
            raise Unavailable("it lists no teacher of a course")
        return people


def _course(item: Json) -> LmsCourse:
    return LmsCourse(id_of(item), text(item, "name") or "")


def _person(item: Json, role: Role) -> Person:
    profile = as_object(item.get("profile") or {})
    return Person(
        id=id_of(item, "userId"),
        role=role,
        name=text(as_object(profile.get("name") or {}), "fullName") or "",
        email=text(profile, "emailAddress"),
    )
