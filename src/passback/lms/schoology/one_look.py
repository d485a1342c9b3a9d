"""Whether Schoology refuses one object only, or the connection lacks a right: one look tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import LmsError, NotAllowed
from passback.lms.schoology.errors import not_gradable
from passback.lms.toolkit.json_fields import integer

if TYPE_CHECKING:
    from passback.lms.schoology.api import SchoologyApi


async def judged(api: SchoologyApi, section: str, error: NotAllowed) -> LmsError:
    """Return what a 401 or 403 on an assignment of a section stands for.

    If the key works and has a teacher's rights in the section, only this assignment, or a section that is over, refuses
    it: no further try would help. Otherwise the error stays, for someone in the district to mend.
    """
    try:
        await api.get("users/me")
        place = await api.get(f"sections/{section}")
    except LmsError:
        return error
    if integer(place, "admin") == 1:
        return not_gradable()
    return NotAllowed(str(error))  # the key itself works
