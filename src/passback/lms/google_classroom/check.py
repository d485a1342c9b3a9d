"""Checking a connection to Google Classroom: what works and what is missing, permission by permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.google_classroom.credentials import AS_STUDENT, STUDENT_SCOPES
from passback.lms.google_classroom.roster import Roster
from passback.lms.interface import Finding, LmsError, NotAllowed

if TYPE_CHECKING:
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.credentials import GoogleTokens

_DELEGATION = "Admin console > Security > API controls > Domain-wide delegation"


async def findings(api: ClassroomApi, admin: str, project: str | None) -> list[Finding]:
    """Check everything that the connector needs, without changing anything in Classroom.

    `project` is the one that the district's assignments belong to, if there are any.
    """
    if api.tokens.delegated and not admin:
        return [
            Finding(
                False,
                "admin_email is missing: the administrator to read courses as",
                "connect with admin_email=...",
            )
        ]
    try:
        token = await api.tokens.get(admin)
    except NotAllowed as error:
        return [Finding(False, f"Google refuses the credentials: {error}", _remedy(api.tokens, str(error)))]
    except LmsError as error:
        return [Finding(False, f"Google cannot be reached: {error}", "try again later")]
    found = [Finding(True, "Google accepts the credentials")]
    if token.scopes and (missing := sorted(set(api.tokens.scopes) - token.scopes)):
        remedy = f"allow it under {_DELEGATION}, or sign in again and tick all boxes"
        found += [Finding(False, f"the scope {scope} was not granted", remedy) for scope in missing]
    if project is not None and api.tokens.project not in (project, None):
        remedy = "go back to the old project's credentials, or create the assignments again"
        found.append(Finding(False, f"the assignments so far belong to another project, {project}", remedy))
    return [*found, *(await _course(api, admin))]


def _remedy(tokens: GoogleTokens, error: str) -> str:
    """Return what to do if Google issues no token."""
    if not tokens.delegated:
        return "give service_account=@key.json and admin_email=..., or connect with --sign-in"
    if "unauthorized_client" not in error:
        return "make a new key for the service account, and connect again with service_account=@key.json"
    return f"delegate these scopes to the service account ({_DELEGATION}): {' '.join(tokens.scopes)}"


async def _course(api: ClassroomApi, admin: str) -> list[Finding]:
    """Check what can be read of a course, and whether we can act as its people."""
    try:
        query = {"courseStates": ["ACTIVE"]} | ({} if api.tokens.delegated else {"teacherId": ["me"]})
        courses = await api.pages("courses", "courses", admin, query, gone="section", most=1)
    except LmsError as error:
        return [
            Finding(
                False, f"Google refuses to list courses: {error}", "turn the Classroom API on for the user"
            )
        ]
    found = [Finding(True, "may read courses")]
    people = Roster(api, admin)
    for course in courses[:5]:
        try:
            members = await people.read_people(str(course.get("id")))
        except LmsError as error:
            return [
                *found,
                Finding(False, f"may not read who is in a course: {error}", "use an administrator"),
            ]
        student = next((it for it in members if it.role == "student"), None)
        if student is None:
            continue
        if not student.email:
            remedy = f"delegate the scope classroom.profile.emails ({_DELEGATION})"
            return [*found, Finding(False, "people's e-mail addresses are not shown", remedy)]
        found.append(Finding(True, "may read who is in a course, with e-mail addresses"))
        return [*found, *(await _student(api, student.email))]
    return [*found, Finding(True, "found no course with students to check further")]


async def _student(api: ClassroomApi, email: str) -> list[Finding]:
    """Check whether we can hand in work as a student."""
    if not api.tokens.delegated:
        return []  # only as the user who signed in; see docs/reference/lms/google_classroom.md
    try:
        await api.tokens.get(AS_STUDENT + email)
    except LmsError:
        remedy = f"delegate the scope {STUDENT_SCOPES[0]} ({_DELEGATION})"
        return [Finding(False, "may not hand in work as a student", remedy)]
    return [Finding(True, "may hand in work as a student")]
