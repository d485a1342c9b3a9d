"""Checking a connection to Canvas: what works and what is missing, permission by permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.interface import Finding, LmsError, NotAllowed
from passback.lms.toolkit.json_fields import as_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.lms.canvas.api import CanvasApi

_RIGHTS = {
    "manage_assignments_add": ("create assignments", "Manage Assignments and Quizzes - add"),
    "manage_assignments_edit": ("change assignments", "Manage Assignments and Quizzes - edit"),
    "manage_assignments_delete": ("delete assignments", "Manage Assignments and Quizzes - delete"),
    "manage_grades": ("grade", "Grades - edit"),
    "view_all_grades": ("read grades", "Grades - view all grades"),
    "read_roster": ("read who is in a course", "Users - view list"),
    "read_sis": ("read SIS IDs, by which people are matched", "SIS Data - read"),
}
"""The purpose of each right, and its name in Canvas's admin pages (Permissions)."""
_OPTIONAL = {
    "become_user": (
        "masquerade",
        "grade as the named teacher, and hand in as a student",
        "Users - act as",
    ),
    "manage_sis": ("sis_mark", "mark assignments with a SIS ID", "SIS Data - manage"),
}
"""Rights that only an option needs: the option, the purpose, and the name."""


async def findings(api: CanvasApi, options: Mapping[str, str]) -> list[Finding]:
    """Check everything that the connector needs, without changing anything in Canvas."""
    try:
        user = as_object(await api.get("users/self"))
    except NotAllowed as error:
        remedy = "sign in again, or give a new token: passback connect canvas ..."
        return [Finding(False, f"Canvas refuses the credentials: {error}", remedy)]
    except LmsError as error:
        return [
            Finding(False, f"Canvas cannot be reached: {error}", "check the address, and try again later")
        ]
    found = [Finding(True, f"Canvas accepts the credentials (user {text(user, 'id')})")]
    try:
        accounts = await api.pages("accounts", {})
    except LmsError:
        accounts = []
    if not accounts:
        remedy = "use an account admin's credentials to reach the whole district"
        return [
            *found,
            Finding(False, "the user is not an account admin: only their own courses can be reached", remedy),
        ]
    account = text(accounts[0], "id")
    wanted = [*_RIGHTS, *(right for right, (option, _, _) in _OPTIONAL.items() if _is_on(options, option))]
    try:
        rights = as_object(await api.get(f"accounts/{account}/permissions", {"permissions[]": wanted}))
    except LmsError as error:
        return [*found, Finding(False, f"Canvas does not show the user's rights: {error}", "try again later")]
    for right in wanted:
        words, name = _RIGHTS[right] if right in _RIGHTS else _OPTIONAL[right][1:]
        if rights.get(right) is True:
            found.append(Finding(True, f"may {words}"))
        else:
            remedy = f"give the user's role the permission '{name}' in Canvas's admin pages"
            if right in _OPTIONAL:
                remedy += f", or connect with {_OPTIONAL[right][0]}=no"
            found.append(Finding(False, f"may not {words}", remedy))
    return found


def _is_on(options: Mapping[str, str], option: str) -> bool:
    return options.get(option, "yes" if option == "masquerade" else "no") == "yes"
