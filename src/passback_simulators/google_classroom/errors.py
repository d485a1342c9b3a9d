"""Google's error replies: an ``error`` object with the HTTP code, a message and the canonical status.

Some of Classroom's messages begin with a name that programs may match on, such as ``@CourseNotModifiable `` (Classroom
docs: "Common errors"). The prose after it is not part of the contract.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from passback_simulators.reply import Refusal, Reply, text_reply

JSON_TYPE = "application/json; charset=UTF-8"

_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
"""The HTTP code of each canonical status."""

_NAMED = {
    "AttachmentNotVisible": (
        "FAILED_PRECONDITION",
        "One of the provided attachments was not visible to the requesting user.",
    ),
    "ClassroomApiDisabled": (
        "PERMISSION_DENIED",
        "The user is not permitted to access the Classroom API.",
    ),
    "ClassroomDisabled": ("PERMISSION_DENIED", "The user is not permitted to access Classroom."),
    "CourseNotModifiable": ("FAILED_PRECONDITION", "The course is in a state that cannot be modified."),
    "EmptyAssignees": ("FAILED_PRECONDITION", "The item must be assigned to at least one student."),
    "ExpiredAddOnToken": ("PERMISSION_DENIED", "The add-on token has expired."),
    "InactiveCourseOwner": ("FAILED_PRECONDITION", "The owner of the course is not active."),
    "InvalidAddOnToken": (
        "PERMISSION_DENIED",
        "The add-on token does not authorize this request.",
    ),
    "MissingGrant": (
        "PERMISSION_DENIED",
        "The requesting user has not granted the Developer Console project access to this feed.",
    ),
    "ProjectPermissionDenied": (
        "PERMISSION_DENIED",
        "The Developer Console project is not permitted to make this request.",
    ),
    "RubricCriteriaInvalidFormat": ("INVALID_ARGUMENT", "The criteria of the rubric are not valid."),
    "UserIneligibleToUpdateGradingPeriodSettings": (
        "PERMISSION_DENIED",
        "The user is not eligible to update the grading period settings.",
    ),
}
"""The status and the prose of each named error."""


def reply(
    status: str,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error of that canonical status."""
    error: dict[str, Any] = {"code": _HTTP[status], "message": message, "status": status}
    if details:
        error["details"] = list(details)
    body = json.dumps({"error": error}, ensure_ascii=False, indent=2).encode()
    return Reply(_HTTP[status], body, (("content-type", JSON_TYPE), *(headers or {}).items()))


def named(name: str) -> Refusal:
    """An error that carries its name, such as ``@EmptyAssignees``."""
    status, prose = _NAMED[name]
    return Refusal(reply(status, f"@{name} {prose}"))


def invalid(message: str = "Request contains an invalid argument.", field: str | None = None) -> Refusal:
    """400: the request is invalid in any state. `field`: the path to the invalid field."""
    if field is None:
        return Refusal(reply("INVALID_ARGUMENT", message))
    violation = {"field": field, "description": message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return Refusal(reply("INVALID_ARGUMENT", message, [detail]))


def failed_precondition() -> Refusal:
    """400: not possible in the current state."""
    return Refusal(reply("FAILED_PRECONDITION", "Precondition check failed."))


def denied() -> Refusal:
    """403: the user may not do this."""
    return Refusal(reply("PERMISSION_DENIED", "The caller does not have permission"))


def not_found() -> Refusal:
    """404: no such course, course work, or other object."""
    return Refusal(reply("NOT_FOUND", "Requested entity was not found."))


def already_exists() -> Refusal:
    """409: it exists already."""
    return Refusal(reply("ALREADY_EXISTS", "Requested entity already exists"))


def internal() -> Refusal:
    """500, which some invalid requests get."""
    return Refusal(reply("INTERNAL", "Internal error encountered."))


def unauthenticated(reason: str | None) -> Reply:
    """401. `reason`: what is wrong with the token; None if there is no token."""
    must = (
        "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    realm = 'Bearer realm="https://accounts.google.com/"'
    if reason is None:
        message = f"Request is missing required authentication credential. {must}"
        return reply("UNAUTHENTICATED", message, [_info("CREDENTIALS_MISSING")], {"www-authenticate": realm})
    message = f"Request had invalid authentication credentials. {must}"
    return reply(
        "UNAUTHENTICATED", message, [_info(reason)], {"www-authenticate": f'{realm}, error="invalid_token"'}
    )


def insufficient_scopes(method: str, scopes: Sequence[str]) -> Refusal:
    """403: the token lacks a scope that the method needs."""
    challenge = (
        f'Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="{" ".join(scopes)}"'
    )
    detail = _info(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT", {"service": "classroom.googleapis.com", "method": method}
    )
    message = "Request had insufficient authentication scopes."
    return Refusal(reply("PERMISSION_DENIED", message, [detail], {"www-authenticate": challenge}))


def quota_exceeded(limit: str, project_number: str, *, form: str = "info", retry_delay: str = "") -> Reply:
    """429, or 403. `limit`: the quota that was exceeded, such as "Queries per minute per user".

    `form` and `retry_delay` are the settings ``throttle_form`` and ``retry_delay``.
    """
    consumer = f"project_number:{project_number}"
    message = (
        f"Quota exceeded for quota metric 'Queries' and limit '{limit}' of service 'classroom.googleapis.com' "
        f"for consumer '{consumer}'."
    )
    if form == "legacy":
        one = {"domain": "usageLimits", "reason": "userRateLimitExceeded", "message": message}
        error = {"errors": [one], "code": 403, "message": message}
        return Reply(403, json.dumps({"error": error}).encode(), (("content-type", JSON_TYPE),))
    info = _info("RATE_LIMIT_EXCEEDED", {"consumer": consumer})
    violation = {"subject": consumer, "description": message}
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}
    status = "PERMISSION_DENIED" if form == "forbidden" else "RESOURCE_EXHAUSTED"
    return reply(status, message, [failure if form == "quota" else info, *([wait] if retry_delay else ())])


def unavailable(code: int) -> Reply:
    """A failure of Google's own: 500 or 503."""
    if code == 500:
        return reply("INTERNAL", "Internal error encountered.")
    return reply("UNAVAILABLE", "The service is currently unavailable.")


def no_such_path(path: str) -> Reply:
    """404 as Google's front end returns it for a path that no API has."""
    page = (
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n"
        "  <p><b>404.</b> <ins>That&#39;s an error.</ins>\n"
        f"  <p>The requested URL <code>{_html(path)}</code> was not found on this server.  "
        "<ins>That&#39;s all we know.</ins>\n"
    )
    return text_reply(404, page, "text/html; charset=UTF-8")


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _info(reason: str, metadata: Mapping[str, str] | None = None) -> dict[str, Any]:
    info: dict[str, Any] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
    }
    return info | {"metadata": dict(metadata or {"service": "classroom.googleapis.com"})}
