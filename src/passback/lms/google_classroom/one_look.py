"""Whether Classroom refuses one object only, or something is wrong with the connection: one look tells them apart."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from passback.lms.google_classroom.errors import NAME, Denied
from passback.lms.interface import Gone, LmsError, RefusedByLms

if TYPE_CHECKING:
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.roster import Roster


@contextlib.asynccontextmanager
async def judged(
    api: ClassroomApi, roster: Roster, course: str, assignment: str, grader: str | None = None
) -> AsyncIterator[None]:
    """Raise what a denial inside the ``with`` means: a refusal for good if the assignment can be read all the same."""
    try:
        yield
    except Denied as error:
        raise await _verdict(api, roster, course, assignment, grader, error) from None


async def _verdict(
    api: ClassroomApi, roster: Roster, course: str, assignment: str, grader: str | None, error: Denied
) -> LmsError:
    """Return the refusal if a teacher of the course can read the assignment; if not, `error` stays, to be mended."""

    async def look(acting: str) -> None:
        await api.get(f"courses/{course}/courseWork/{assignment}", acting)
        # Administrators read without teaching, and may then change nothing at all in this course.
        await api.get(f"courses/{course}/teachers/{acting or 'me'}", acting, gone="section")

    try:
        await roster.as_teacher(course, look, grader)
    except Gone as gone:
        return gone if gone.thing == "assignment" else error
    except LmsError:
        return error
    return RefusedByLms("NOT_GRADABLE", f"{NAME} does not let us change this, though we may in this course")
