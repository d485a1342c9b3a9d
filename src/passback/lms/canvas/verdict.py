"""What a refusal means: that the connection lacks a right, or that Canvas refuses this one thing.

Canvas answers both alike (401 or 403, "not authorized"), so it is asked what else works. What the connection may not do
at all is tried again until someone in the district gives it the right; what Canvas refuses of one thing (moderated,
anonymous) stays refused, however often it is tried, and so does everything in a concluded course. One refusal may be a
slip, so what cannot be explained by the course is asked for once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from passback.lms.canvas.errors import NotAuthorized
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms
from passback.lms.toolkit.json_fields import as_object

if TYPE_CHECKING:
    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.map_assignments import LmsAssignment

GRADE, READ, VIEW = "manage_grades", "view_all_grades", "read_course_content"
ADD, EDIT, DELETE = "manage_assignments_add", "manage_assignments_edit", "manage_assignments_delete"


T = TypeVar("T")


class Concluded(RefusedByLms):
    """The course has been concluded: nothing in it can be changed any more."""

    def __init__(self) -> None:
        super().__init__("COURSE_CONCLUDED", "the course has been concluded in Canvas")


async def judged(
    api: CanvasApi,
    course: str,
    right: str | None,
    ask: Callable[[], Awaitable[T]],
    why: str = "",
    *,
    again: Callable[[], Awaitable[T]] | None = None,
) -> T:
    """Return what `ask` returns, or raise what Canvas's refusal of it means.

    `right` is Canvas's name of the right that it needs, None if it needs none of the connection's. `why` is known of
    the thing itself: half a sentence. What is refused without a reason is asked for once more, by `again` if given.
    """
    try:
        return await ask()
    except NotAuthorized as error:
        meant = await verdict(api, course, right, why, error)
    if not isinstance(meant, RefusedByLms) or isinstance(meant, Concluded):
        raise meant
    try:
        return await (again or ask)()
    except NotAuthorized:
        raise meant from None


async def verdict(api: CanvasApi, course: str, right: str | None, why: str, error: NotAuthorized) -> LmsError:
    """Return what a refusal means; see `judged`."""
    try:
        found = as_object(await api.get(f"courses/{course}", {"include[]": "concluded"}, gone="section"))
    except NotAllowed as all_refused:
        return all_refused if all_refused.credentials else error
    except LmsError as other:
        return other
    if found.get("workflow_state") == "completed" or found.get("concluded") is True:
        return Concluded()
    if right is not None:
        try:
            rights = as_object(await api.get(f"courses/{course}/permissions", {"permissions[]": right}))
        except (Gone, NotAllowed):
            rights = {}  # it does not tell; but others can be read
        except LmsError as other:
            return other
        if rights.get(right) is False:
            return NotAuthorized(str(error))  # so it has done nothing
    return RefusedByLms(
        "NOT_GRADABLE", why or "Canvas refuses this, though the connection may do it elsewhere"
    )


def why_not_gradable(item: LmsAssignment) -> str:
    """Return why Canvas may refuse grades of an assignment; empty if nothing is known."""
    if not item.published:
        return "the assignment is not published"
    if item.content.get("moderated_grading") is True and item.content.get("grades_published") is not True:
        return "the assignment is moderated, and its final grades are not published yet"
    if item.content.get("anonymous_grading") is True:
        return "the assignment is graded anonymously, and Canvas hides whose work is whose"
    return ""
