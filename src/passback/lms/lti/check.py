"""Checking a connection to an LMS over LTI: what works and what is missing, permission by permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Finding, LmsError, NotAllowed
from passback.lms.lti.api import (
    MAY_CHANGE_ITEMS,
    MAY_READ_ITEMS,
    MAY_READ_MEMBERS,
    MAY_READ_RESULTS,
    MAY_SEND_SCORES,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from passback.lms.lti.api import LtiApi
    from passback.lms.lti.contexts import Context, Contexts
    from passback.lms.lti.families import Family

_RIGHTS = (
    ((MAY_CHANGE_ITEMS,), "make assignments"),
    ((MAY_READ_ITEMS, MAY_CHANGE_ITEMS), "read assignments"),
    ((MAY_SEND_SCORES,), "give grades"),
    ((MAY_READ_RESULTS,), "read grades"),
    ((MAY_READ_MEMBERS,), "read who is in a course"),
)


async def findings(api: LtiApi, contexts: Contexts, family: Family) -> list[Finding]:
    """Check everything that the connector needs, without changing anything in the LMS."""
    try:
        granted = await api.granted()
    except NotAllowed as error:
        remedy = (
            "compare client_id, token_url and token_audience, and give the LMS the address of our public keys"
        )
        return [Finding(False, f"{family.name} gives the app no token: {error}", remedy)]
    except LmsError as error:
        remedy = "check the address and token_url, and try again later"
        return [Finding(False, f"{family.name} cannot be reached: {error}", remedy)]
    found = [Finding(True, f"{family.name} knows the app, and gives it tokens")]
    for scopes, right in _RIGHTS:
        if granted.isdisjoint(scopes):
            remedy = f"allow the app this in {family.name}: {scopes[0]}"
            found.append(Finding(False, f"the app may not {right}", remedy))
        else:
            found.append(Finding(True, f"the app may {right}"))
    return [*found, *await _courses(api, contexts, family)]


async def _courses(api: LtiApi, contexts: Contexts, family: Family) -> list[Finding]:
    known = await contexts.all()
    if not known:
        what = (
            f"no course is known yet: each is, once somebody has opened the app from there in {family.name}"
        )
        return [Finding(True, what)]
    found = [Finding(True, f"{_count(len(known), 'course is', 'courses are')} known from launches")]
    for lacking, what, remedy in (
        (
            [it for it in known if not it.lineitems],
            "take grades from the app",
            "let the app use the LMS's service for grades (AGS) there, and open it from there again",
        ),
        (
            [it for it in known if not it.memberships],
            "show the app who is in it",
            "let the app use the LMS's class lists (NRPS) there, and open it from there again",
        ),
    ):
        if lacking:
            number = _count(len(lacking), "course does not", "courses do not")
            found.append(Finding(False, f"{number} {what}, such as {lacking[0].id}", remedy))
    for course in known[:1]:
        if course.memberships:
            found.append(await _may("who is in the course", course, api.members(course), family))
        if course.lineitems:
            found.append(await _may("the assignments of the course", course, api.items(course), family))
    return found


async def _may(what: str, course: Context, reading: Awaitable[object], family: Family) -> Finding:
    try:
        await reading
    except LmsError as error:
        remedy = f"open the app from that course in {family.name} again, and see that it is allowed there"
        return Finding(False, f"cannot read {what} {course.id}: {error}", remedy)
    return Finding(True, f"can read {what} {course.id}")


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
