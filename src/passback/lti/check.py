"""Checking whether people can open applications from an LMS, and in which sections grades can be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Finding
from passback.lms.lti.contexts import Contexts
from passback.lms.lti.families import FAMILIES, OTHER
from passback.lti import platform_keys
from passback.lti.fetch import NotFetched, fetch_status
from passback.lti.registrations import registration
from passback.network import web_address
from passback.store.launches import matched_courses
from passback.store.notes import StoredNotes

if TYPE_CHECKING:
    from passback.lms.lti.families import Family
    from passback.lms.registry import Reached
    from passback.lti.registrations import Registration
    from passback.store.engine.database import Database

_MOST_NAMED = 3


async def of_launches(reached: Reached) -> list[Finding]:
    """What people need to open an application from the LMS, each by itself."""
    name = _name(reached)
    missing = [it for it in ("auth_login_url", "jwks_url") if not reached.options.get(it)]
    if missing:
        remedy = "connect the district again, with the address from the LMS's page about the app"
        return [_not_opened(name, f"{' and '.join(missing)} must be given", remedy)]
    known = registration(reached)
    return [
        await _login(name, known.auth_login_url),
        await _keys(name, known.jwks_url),
        _deployments(name, known),
    ]


async def of_sections(database: Database, reached: Reached) -> list[Finding]:
    """In how many of the matched sections grades can be given."""
    courses = await database.read(lambda conn: matched_courses(conn, reached.district_id))
    if not courses:
        return []
    name = _name(reached)
    notes = StoredNotes(database, reached.district_id)
    lacking = await Contexts(notes, _family(reached), reached.options).lacking(courses)
    if not lacking:
        return [Finding(True, f"it is known where grades are taken in all matched sections ({len(courses)})")]
    named = ", ".join(lacking[:_MOST_NAMED]) + (" and others" if len(lacking) > _MOST_NAMED else "")
    return [
        Finding(
            False,
            f"no grade can be given in {len(lacking)} of {len(courses)} matched sections: {name} has not said where"
            " it takes them",
            f"let a teacher open the app once in each of these courses: {named}",
        )
    ]


async def _login(name: str, url: str) -> Finding:
    reason = web_address.problem(url)
    if reason is None:
        try:
            status = await fetch_status(url)
        except NotFetched as error:
            reason = str(error)
        else:  # what it says to a request that asks for nothing is its own affair
            reason = f"it answers {status}" if status >= 500 else None
    if reason is not None:
        return _not_opened(name, f"asked at auth_login_url who comes, {reason}", _compare("auth_login_url"))
    return Finding(True, f"{name} can be asked who opens the app")


async def _keys(name: str, url: str) -> Finding:
    reason = web_address.problem(url)
    keys = 0
    if reason is None:
        try:
            keys = len(await platform_keys.read(url))
        except NotFetched as error:
            reason = str(error)
        else:
            reason = None if keys else "it publishes none for RS256 of 2048 bits or more"
    if reason is not None:
        return _not_opened(name, f"asked at jwks_url for its public keys, {reason}", _compare("jwks_url"))
    return Finding(True, f"{name} publishes the keys that launches are signed with ({keys})")


def _deployments(name: str, registration: Registration) -> Finding:
    known = sorted(registration.deployment_ids)
    if not known:
        return _not_opened(name, "no deployment is known", "add it: passback lti add-deployment")
    return Finding(
        True,
        f"launches are taken from {'deployment' if len(known) == 1 else 'deployments'} {', '.join(known)}",
    )


def _not_opened(name: str, why: str, remedy: str) -> Finding:
    return Finding(False, f"nobody can open the app from {name}: {why}", remedy)


def _compare(setting: str) -> str:
    return f"compare {setting} with the LMS's page about the app, and see that the gateway may reach it"


def _name(reached: Reached) -> str:
    return _family(reached).name


def _family(reached: Reached) -> Family:
    return FAMILIES.get(reached.options.get("family", ""), OTHER)
