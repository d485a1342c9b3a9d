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
    from collections.abc import Mapping

    from passback.lms.lti.api import LtiApi
    from passback.lms.lti.contexts import Contexts
    from passback.lms.lti.families import Family

_RIGHTS = (
    ((MAY_CHANGE_ITEMS,), "make assignments"),
    ((MAY_READ_ITEMS, MAY_CHANGE_ITEMS), "read assignments"),
    ((MAY_SEND_SCORES,), "give grades"),
    ((MAY_READ_RESULTS,), "read grades"),
    ((MAY_READ_MEMBERS,), "read who is in a course"),
)


async def findings(
    api: LtiApi, contexts: Contexts, family: Family, options: Mapping[str, str]
) -> list[Finding]:
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
    for scopes, right in _RIGHTS if family.own_items else _RIGHTS[1:]:
        if granted.isdisjoint(scopes):
            remedy = f"allow the app this in {family.name}: {scopes[0]}"
            found.append(Finding(False, f"the app may not {right}", remedy))
        else:
            found.append(Finding(True, f"the app may {right}"))
    return [*found, *_launches(family, options), await _courses(api, contexts, family)]


def _launches(family: Family, options: Mapping[str, str]) -> list[Finding]:
    """What people need to open the app from the LMS."""
    missing = [name for name in ("auth_login_url", "jwks_url") if not options.get(name)]
    if missing:
        remedy = "connect the district again, with the address from the LMS's page about the app"
        what = f"nobody can open the app from {family.name}: {' and '.join(missing)} must be given"
        return [Finding(False, what, remedy)]
    if not options.get("deployment_ids"):
        remedy = "add it: passback lti add-deployment"
        return [Finding(False, f"nobody can open the app from {family.name}: no deployment is known", remedy)]
    return [Finding(True, f"the app can be opened from {family.name}")]


async def _courses(api: LtiApi, contexts: Contexts, family: Family) -> Finding:
    known = await contexts.all()
    if not known:
        return Finding(
            True,
            f"no course is known yet: each is, once somebody has opened the app from there in {family.name}",
        )
    try:
        await api.members(known[0])
    except LmsError as error:
        return Finding(
            False,
            f"cannot read who is in the course {known[0].id}: {error}",
            f"open the app from that course in {family.name} again, and see that it is allowed there",
        )
    return Finding(True, f"{len(known)} courses are known from launches")
