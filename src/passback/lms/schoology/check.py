"""Checking a connection to Schoology: what works and what is missing, permission by permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Finding, LmsError, NotAllowed
from passback.lms.schoology import dates
from passback.lms.schoology.api import one_or_more
from passback.lms.toolkit.json_fields import id_of, integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.schoology.api import SchoologyApi

_IMPERSONATION = "User Management > Permissions > Impersonation"


async def findings(api: SchoologyApi, options: Mapping[str, str]) -> list[Finding]:
    """Check everything that the connector needs, without changing anything in Schoology."""
    try:
        user = await api.get("users/me", gone="section")
    except NotAllowed as error:
        remedy = "make a new key at https://<district>.schoology.com/api as a system administrator, and connect again"
        return [Finding(False, f"Schoology refuses the key: {error}", remedy)]
    except LmsError as error:
        return [
            Finding(False, f"Schoology cannot be reached: {error}", "check the address, and try again later")
        ]
    found = [Finding(True, f"Schoology accepts the key (user {text(user, 'uid')})"), _zone(user, options)]
    try:
        section = await _some_section(api)
    except LmsError as error:
        remedy = "use the key of a system administrator who is not tied to a building"
        return [*found, Finding(False, f"may not read courses and sections: {error}", remedy)]
    if section is None:
        return [
            *found,
            Finding(False, "there is no section in Schoology yet", "create courses, then check again"),
        ]
    found.append(Finding(True, "may read courses and sections"))
    for what, path in (
        ("who is in a section", "enrollments"),
        ("assignments", "assignments"),
        ("grades", "grades"),
    ):
        try:
            await api.get(f"sections/{section}/{path}", {"start": 0, "limit": 1}, gone="section")
        except LmsError as error:
            remedy = "give the key's user the system administrator role"
            found.append(Finding(False, f"may not read {what}: {error}", remedy))
        else:
            found.append(Finding(True, f"may read {what}"))
    if options.get("run_as", "yes") == "yes":
        found.append(await _impersonation(api, section))
    return found


def _zone(user: Mapping[str, object], options: Mapping[str, str]) -> Finding:
    name = options.get("time_zone") or text(user, "tz_name") or ""
    if dates.is_zone(name):
        return Finding(True, f"due dates are written in the time zone {name}")
    return Finding(
        False,
        f"{name!r} is not a time zone: due dates are written in the user's zone, or UTC",
        "connect with time_zone=...",
    )


async def _some_section(api: SchoologyApi) -> str | None:
    first = {"start": 0, "limit": 20}
    for course in one_or_more((await api.get("courses", first, gone="section")).get("course")):
        sections = await api.get(f"courses/{id_of(course)}/sections", first, gone="section")
        for section in one_or_more(sections.get("section")):
            return id_of(section)
    return None


async def _impersonation(api: SchoologyApi, section: str) -> Finding:
    """Check whether the key may act as a teacher, by trying one of the section's."""
    try:
        enrollments = await api.pages(f"sections/{section}/enrollments", "enrollment", gone="section")
        teacher = next((id_of(it, "uid") for it in enrollments if integer(it, "admin")), None)
        if teacher is None:
            return Finding(True, "found no teacher to try grading as")
        await api.get(f"sections/{section}", run_as=teacher, gone="section")
    except LmsError:
        remedy = f"tick the teachers' role under {_IMPERSONATION}, or connect with run_as=no"
        return Finding(False, "may not grade as the named teacher", remedy)
    return Finding(True, "may grade as the named teacher")
