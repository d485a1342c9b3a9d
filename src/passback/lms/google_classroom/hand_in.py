"""Handing in a student's work, and reclaiming it: only the student can attach, turn in or reclaim."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from passback.lms.google_classroom import map_submissions
from passback.lms.google_classroom.errors import NAME
from passback.lms.interface import NotAllowed, RefusedByLms, Unavailable, in_doubt_after_write
from passback.lms.toolkit.json_fields import Json, id_of, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from passback.domain.submission import SubmissionFields
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

    async def send(self, target: Target, answer: Json, fields: SubmissionFields, *, moves: bool) -> Json:
        """Attach what is not attached yet, and move to a state if it `moves`; returns the submission then.

        `answer` is the submission before. Raises `LmsError`.
        """
        acting = await self._roster.acting_student(target.course, target.student)
        try:
            await self._send(target, acting, answer, fields, moves=moves)
        except NotAllowed as error:
            # The account is gone, or the scope was not delegated; the connection still works. Or it was a mistake.
            log.warning("nothing can be done as a student: %s", error)
            answer = await self._find(target)
            try:
                await self._send(target, acting, answer, fields, moves=moves)
            except NotAllowed:
                raise RefusedByLms(
                    "STUDENT_NOT_SIGNED_IN", f"{NAME} does not let us act as the student"
                ) from None
        with in_doubt_after_write():
            return await self._find(target)

    async def _send(
        self, target: Target, acting: str, answer: Json, fields: SubmissionFields, *, moves: bool
    ) -> None:
        path = target.path(id_of(answer))
        links = map_submissions.new_links(fields, answer)
        if links:
            await self._attach(target, path, acting, links)
        if moves and fields.state in _ACTIONS:
            action, done = _ACTIONS[fields.state]
            sending = self._api.send("POST", f"{path}:{action}", acting, {}, safe=False, gone="student")
            await unless_done(sending, lambda: self._find(target), done)

    async def _attach(self, target: Target, path: str, acting: str, links: Sequence[str]) -> None:
        """Attach links. Raises `LmsError`, also if they are not attached afterwards."""
        content = {"addAttachments": [{"link": {"url": url}} for url in links]}
        try:
            answer = await self._api.send(
                "POST", f"{path}:modifyAttachments", acting, content, safe=False, gone="student"
            )
        except Unavailable as error:
            if isinstance(error, NotAllowed) or not error.in_doubt:
                raise
            answer = await self._find(target)
            if not {item.url for item in map_submissions.attachments_of(answer)}.issuperset(links):
                raise error from None
        if not map_submissions.is_submission(answer, path.rpartition("/")[2], target.student):
            with in_doubt_after_write():
                answer = await self._find(target)
        # Classroom may have turned a link into a file or video, with another address.
        if len(map_submissions.attachments_of(answer)) < len(links):
            raise Unavailable("it does not show what it attached", in_doubt=True)


async def unless_done(sending: Awaitable[Any], find: Callable[[], Awaitable[Json]], state: str) -> None:
    """Await what moves a submission; if that is refused or in doubt, look whether it is in the state already."""
    try:
        await sending
    except (RefusedByLms, Unavailable) as error:
        in_doubt = isinstance(error, RefusedByLms) or error.in_doubt
        if not in_doubt or text(await find(), "state") != state:
            raise
