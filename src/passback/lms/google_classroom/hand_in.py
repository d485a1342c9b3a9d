"""Handing in a student's work, and reclaiming it: only the student can attach, turn in or reclaim."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from passback.lms.google_classroom import map_submissions
from passback.lms.google_classroom.errors import NAME
from passback.lms.interface import NotAllowed, RefusedByLms, Unavailable
from passback.lms.toolkit.json_fields import Json, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.map_submissions import Target
    from passback.lms.google_classroom.roster import Roster

log = logging.getLogger(__name__)

_ACTIONS = {"submitted": ("turnIn", "TURNED_IN"), "reclaimed": ("reclaim", "RECLAIMED_BY_STUDENT")}
"""By the state that is asked for: Google's action, and its state afterwards."""


class StudentWork:
    """Writes to submissions as their students."""

    def __init__(self, api: ClassroomApi, roster: Roster, find: Callable[[Target], Awaitable[Json]]) -> None:
        """`find` reads a submission as it is now."""
        self._api = api
        self._roster = roster
        self._find = find

    async def send(self, target: Target, path: str, links: Sequence[str], state: str | None) -> Json:
        """Attach links and move to a state; returns the submission then. Raises `LmsError`."""
        try:
            acting = await self._roster.acting_student(target.course, target.student)
            if links:
                await self._attach(target, path, acting, links)
            if state in _ACTIONS:
                await self._act(target, path, acting, state)
            return await self._find(target)
        except NotAllowed as error:
            # The account is gone, or the scope was not delegated; the connection still works.
            log.warning("nothing can be done as a student: %s", error)
            raise RefusedByLms(
                "STUDENT_NOT_SIGNED_IN", f"{NAME} does not let us act as the student"
            ) from None

    async def _attach(self, target: Target, path: str, acting: str, links: Sequence[str]) -> None:
        content = {"addAttachments": [{"link": {"url": url}} for url in links]}
        try:
            await self._api.send(
                "POST", f"{path}:modifyAttachments", acting, content, safe=False, gone="student"
            )
        except Unavailable as error:
            attached = {item.url for item in map_submissions.attachments_of(await self._find(target))}
            if not error.in_doubt or not attached.issuperset(links):
                raise

    async def _act(self, target: Target, path: str, acting: str, state: str) -> None:
        action, done = _ACTIONS[state]
        sending = self._api.send("POST", f"{path}:{action}", acting, {}, safe=False, gone="student")
        await unless_done(sending, lambda: self._find(target), done)


async def unless_done(sending: Awaitable[Any], find: Callable[[], Awaitable[Json]], state: str) -> None:
    """Await what moves a submission; if that is refused or in doubt, look whether it is in the state already."""
    try:
        await sending
    except (RefusedByLms, Unavailable) as error:
        in_doubt = isinstance(error, RefusedByLms) or error.in_doubt
        if not in_doubt or text(await find(), "state") != state:
            raise
