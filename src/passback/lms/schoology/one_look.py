"""Whether Schoology refuses one object only, or the connection lacks a right: one look tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Gone, LmsError, NotAllowed, Unavailable
from passback.lms.schoology.errors import not_gradable, section_ended
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
    except NotAllowed:
        return error
    except LmsError as failed:
        return Unavailable(str(failed), in_doubt=error.in_doubt)  # an outage says nothing of the key
    try:
        place = await api.get(f"sections/{section}", gone="section")
    except (Gone, Unavailable) as failed:
        # The key itself works.
        return NotAllowed(str(error)) if isinstance(failed, NotAllowed) else failed
    except LmsError:
        return NotAllowed(str(error))
    if integer(place, "admin") != 1:
        return NotAllowed(str(error))
    return section_ended() if integer(place, "active") == 0 else not_gradable()
