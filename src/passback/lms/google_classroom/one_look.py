"""Whether Classroom denies one object only, or something is wrong with the connection: one look tells them apart."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from passback.lms.google_classroom.errors import NAME, Denied, NotOurs
from passback.lms.interface import Gone, LmsError, RefusedByLms
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.roster import Roster

log = logging.getLogger(__name__)

T = TypeVar("T")

_REMEMBERED_SECONDS = 5.0
"""How long a refusal is remembered: many students' grades cost one look."""


class OneLook:
    """Looks at what was denied."""

    def __init__(self, api: ClassroomApi, roster: Roster) -> None:
        self._api = api
        self._roster = roster
        self._refusing = TtlCache(_REMEMBERED_SECONDS)

    async def ask(
        self,
        course: str,
        assignment: str | None,
        action: Callable[[], Awaitable[T]],
        grader: str | None = None,
    ) -> T:
        """Return what `action` does, which is about an assignment, or about the course's next one if that is None.

        What is denied is asked for again if others can be read all the same: a denial that comes twice is a refusal
        for good. What is said to be another app's is asked for twice, too.
        """
        place = f"{course}/{assignment}"
        try:
            return await action()
        except Denied as error:
            if not self._refusing.knows(place):
                await self._look(course, assignment, grader, error)
        except NotOurs:
            return await action()
        try:
            if not self._refusing.knows(place):
                return await action()
        except Denied as error:
            log.info("Google denies what is asked of assignment %s: %s", assignment, error)
        self._refusing.put(place, True)
        raise RefusedByLms("NOT_GRADABLE", f"{NAME} denies this, though other things in the course work")

    async def _look(self, course: str, assignment: str | None, grader: str | None, error: Denied) -> None:
        """Raise `error`, to be mended, unless a teacher of the course can read its assignments."""

        async def look(acting: str) -> None:
            path = f"courses/{course}/courseWork"
            if assignment is None or not await self._can_read(f"{path}/{assignment}", acting):
                await self._api.pages(path, "courseWork", acting, gone="section", most=1)
            # Administrators read without teaching, and may then change nothing at all in this course.
            await self._api.get(f"courses/{course}/teachers/{acting or 'me'}", acting, gone="section")

        try:
            await self._roster.as_teacher(course, look, grader)
        except Gone as gone:
            raise gone if gone.thing == "assignment" else error from None
        except LmsError:
            raise error from None

    async def _can_read(self, path: str, acting: str) -> bool:
        try:
            await self._api.get(path, acting)
        except Denied:
            return False
        return True
