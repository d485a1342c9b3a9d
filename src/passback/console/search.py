"""One search for all that people have at hand, and the pages of students and assignments."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.lms.registry import BUILTIN
from passback.operations import search

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.operations.search import Found, FoundSection

_A_PAGE = 50


async def show(visit: Visit) -> Response:
    """What was found, or straight on to the one thing that was meant."""
    asked = visit.asked("q")
    found = await search.find(visit.gateway.database, asked, visit.account.district_id)
    if found.is_exact and found.count == 1 and (address := _address(visit, found)):
        return redirect(address)
    return page(
        visit,
        "search.html",
        found=found,
        asked=asked[: search.LONGEST],
        most=search.SHOWN,
        address_of=partial(_address_of, visit),
    )


def _address(visit: Visit, found: Found) -> str:
    """Where the only thing that was found has its page; empty if it has none for the account."""
    if found.sections:
        return _address_of(visit, found.sections[0])
    if found.deliveries:
        return f"/deliveries/{found.deliveries[0].delivery.id}"
    if found.people:
        return f"/districts/{found.people[0].district_id}/people/{found.people[0].id}"
    return f"/districts/{found.assignments[0].district_id}/assignments/{found.assignments[0].id}"


def _address_of(visit: Visit, section: FoundSection) -> str:
    """A section's page: its grades, or its match. Empty if the account may see neither."""
    district = f"/districts/{section.district_id}"
    if section.lms_type == BUILTIN:
        return f"{district}/gradebook/{section.id}" if visit.may("grade", section.district_id) else ""
    return f"{district}/matches/{section.id}" if visit.may("match", section.district_id) else ""


async def of_student(visit: Visit) -> Response:
    """A person with their sections and deliveries."""
    found = await search.student(
        visit.gateway.database,
        visit.district_id,
        visit.of_path("user_id"),
        limit=_A_PAGE,
        before=visit.asked("before"),
    )
    return page(visit, "student.html", found=found, district=found.district)


async def of_assignment(visit: Visit) -> Response:
    """An assignment with its deliveries by student."""
    found = await search.assignment(
        visit.gateway.database,
        visit.district_id,
        visit.of_path("assignment_id"),
        limit=_A_PAGE,
        after=visit.asked("after"),
    )
    return page(visit, "assignment.html", found=found, district=found.district)


PAGES = (
    Shown("/search", "see", show),
    Shown("/districts/{district_id}/people/{user_id}", "see", of_student),
    Shown("/districts/{district_id}/assignments/{assignment_id}", "see", of_assignment),
)
