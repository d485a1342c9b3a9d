"""How the LMSs differ that offer LTI Advantage. Most of it the standard leaves open; some of it, they do otherwise.

What is not known of a family is as in `OTHER`: the standard's word, or what does the least harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class Family(Struct, frozen=True):
    """What is particular about one kind of LMS."""

    name: str
    """The name that people use, for messages."""
    comments: Literal["replaced", "kept", "added"] = "replaced"
    """What becomes of the comment that is there: a score replaces it, even by none; or replaces it only by another;
    or adds one."""
    shows_comments: bool = True
    """Whether results have comments."""
    comment_alone: bool = True
    """Whether a comment is shown without a grade."""
    clears: bool = True
    """Whether a score without points takes the grade out of the gradebook."""
    own_items: bool = True
    """Whether a line item that we make or change reaches the gradebook. If not, each activity has its own."""
    caps_unseen: bool = False
    """Whether the gradebook caps points at the maximum, while results show them as they were sent."""
    shows_progress: bool = True
    """Whether it has a place for work that is handed in and not graded yet."""
    rescales: bool = False
    """Whether grades are rescaled, and count as changed now, if the maximum changes."""
    keeps_dates: bool = True
    at_once: int = 6
    """How many requests to have under way at most."""
    page: int | None = None
    """How many items of a list to ask for at once; None not to ask, because all come or that is broken."""
    acknowledges: str = ""
    """The member that an answer to a score has, if it is known."""
    more: Mapping[str, Mapping[str, bool]] = {}
    """What every score has besides."""
    filters_results: bool = True
    """Whether the results of one user can be asked for, and are whole then."""
    locks_with_500: bool = False
    """Whether a score for what is locked in the gradebook gets a 500, as if the LMS had failed."""
    items: str = ""
    """The address of a course's line items below the LMS's, where it can be derived: from ``{course}`` and
    ``{deployment}``."""
    memberships: str = ""


MOODLE = Family(
    "Moodle", at_once=4, shows_progress=False, rescales=True, keeps_dates=False, locks_with_500=True,
    items="mod/lti/services.php/{course}/lineitems?type_id={deployment}",
    memberships="mod/lti/services.php/CourseSection/{course}/bindings/{deployment}/memberships",
)  # fmt: skip
CANVAS = Family(
    "Canvas", comments="added", shows_comments=False, shows_progress=False, page=100,
    acknowledges="resultUrl", more={"https://canvas.instructure.com/lti/submission": {"new_submission": False}},
    items="api/lti/courses/{course}/line_items", memberships="api/lti/courses/{course}/names_and_roles",
)  # fmt: skip
OPENEDX = Family(
    "Open edX", comments="kept", comment_alone=False, clears=False, own_items=False, caps_unseen=True,
    shows_progress=False, keeps_dates=False, filters_results=False,
)  # fmt: skip
BLACKBOARD = Family("Blackboard", filters_results=False)
OTHER = Family("the LMS")

FAMILIES = {
    "moodle": MOODLE, "canvas": CANVAS, "brightspace": Family("Brightspace"), "blackboard": BLACKBOARD,
    "sakai": Family("Sakai"), "openedx": OPENEDX, "schoology": Family("Schoology"), "other": OTHER,
}  # fmt: skip
