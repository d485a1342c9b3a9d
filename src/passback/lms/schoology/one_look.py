"""Whether Schoology refuses one object only, or the connection lacks a right: one look tells them apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from passback.lms.interface import LmsError, NotAllowed, RefusedByLms, Unavailable, still_in_doubt
from passback.lms.schoology.errors import SectionEnded, not_gradable
from passback.lms.toolkit.json_fields import integer

if TYPE_CHECKING:
    from passback.lms.schoology.api import SchoologyApi


T = TypeVar("T")


async def judged(api: SchoologyApi, section: str, ask: Callable[[], Awaitable[T]]) -> T:
    """Return what `ask` returns, or raise what Schoology's refusal of it means.

    What is refused without a reason is asked for once more: it may have been a slip, or mended meanwhile.
    """
    try:
        return await ask()
    except NotAllowed as error:
        meant = await verdict(api, section, error)
    if not may_be_a_slip(meant):
        raise meant
    try:
        return await ask()
    except NotAllowed:
        raise meant from None


def may_be_a_slip(meant: LmsError) -> bool:
    """Whether nothing explains a refusal, so that one alone is not to be believed."""
    return isinstance(meant, RefusedByLms) and not isinstance(meant, SectionEnded)


async def verdict(api: SchoologyApi, section: str, error: NotAllowed) -> LmsError:
    """Return what a 401 or 403 on an assignment of a section stands for.

    If the key works and has a teacher's rights in the section, only this assignment, or a section that is over, refuses
    it: no further try would help. Otherwise the error stays, for someone in the district to mend.
    """
    try:
        await api.get("users/me")
    except NotAllowed:
        return error
    except LmsError as failed:
        # An outage says nothing of the key.
        return Unavailable(str(failed), in_doubt=error.in_doubt)
    try:
        place = await api.get(f"sections/{section}", gone="section")
    except NotAllowed:
        return NotAllowed(str(error), in_doubt=error.in_doubt)  # the key itself works
    except Unavailable as failed:
        return still_in_doubt(failed, str(failed)) if error.in_doubt else failed
    except LmsError as failed:
        return failed
    if integer(place, "admin") != 1:
        return NotAllowed(str(error), in_doubt=error.in_doubt)
    return SectionEnded() if integer(place, "active") == 0 else not_gradable()
