"""Whether Classroom denies one object only, or something is wrong with the connection: one look tells them apart."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from passback.lms.google_classroom.errors import NAME, Denied
from passback.lms.interface import Gone, LmsError, RefusedByLms
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.roster import Roster


_REMEMBERED_SECONDS = 5.0
"""How long a refusal is remembered: many students' grades cost one look."""


class OneLook:
    """Looks at what was denied."""

    def __init__(self, api: ClassroomApi, roster: Roster) -> None:
        self._api = api
        self._roster = roster
        self._refusing = TtlCache(_REMEMBERED_SECONDS)

    @contextlib.asynccontextmanager
    async def judged(
        self, course: str, assignment: str | None, grader: str | None = None
    ) -> AsyncIterator[None]:
        """Raise what a denial inside the ``with`` means: a refusal for good if others can be read all the same.

        It was denied of an assignment, or of the course's next one if that is None.
        """
        try:
            yield
        except Denied as error:
            raise await self._verdict(course, assignment, grader, error) from None

    async def _verdict(
        self, course: str, assignment: str | None, grader: str | None, error: Denied
    ) -> LmsError:
        """Return the refusal if a teacher of the course can read its assignments; if not, `error`, to be mended."""

        async def look(acting: str) -> None:
            path = f"courses/{course}/courseWork"
            if assignment is None or not await self._can_read(f"{path}/{assignment}", acting):
                await self._api.pages(path, "courseWork", acting, gone="section", most=1)
            # Administrators read without teaching, and may then change nothing at all in this course.
            await self._api.get(f"courses/{course}/teachers/{acting or 'me'}", acting, gone="section")

        place = f"{course}/{assignment}"
        if not self._refusing.knows(place):
            try:
                await self._roster.as_teacher(course, look, grader)
            except Gone as gone:
                return gone if gone.thing == "assignment" else error
            except LmsError:
                return error
            self._refusing.put(place, True)
        return RefusedByLms("NOT_GRADABLE", f"{NAME} denies this, though other things in the course work")

    async def _can_read(self, path: str, acting: str) -> bool:
        try:
            await self._api.get(path, acting)
        except Denied:
            return False
        return True
