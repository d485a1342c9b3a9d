"""As whom Canvas takes a grade from us: the grader, if it lets us act as that teacher, or ourselves."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from passback.lms.canvas.errors import NotAuthorized
from passback.lms.interface import NotAllowed
from passback.lms.toolkit.ttl_cache import TtlCache

T = TypeVar("T")


class Grader:
    """Acts as teachers; `allowed` if the connection lets it."""

    def __init__(self, *, allowed: bool) -> None:
        self._allowed = allowed
        self._not_as = TtlCache()
        """Teachers as whom Canvas does not let us act."""

    async def acting(self, teacher: str | None, send: Callable[[Mapping[str, str]], Awaitable[T]]) -> T:
        """Have `send` send something as a teacher, or as ourselves if Canvas does not let us act.

        It is given the parameters that say so. Raises what it raises.
        """
        if teacher is None or not self._allowed or self._not_as.knows(teacher):
            return await send({})
        acting = {"as_user_id": teacher}
        try:
            return await send(acting)
        except NotAllowed as error:
            if error.credentials or error.in_doubt:
                raise
            refused = error
        if isinstance(refused, NotAuthorized):  # of whatever reason; it may be a slip
            with contextlib.suppress(NotAuthorized):
                return await send(acting)
        answer = await send({})
        self._not_as.put(teacher, True)  # Canvas lets us, but not as this teacher
        return answer
