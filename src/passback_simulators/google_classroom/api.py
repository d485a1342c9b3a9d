"""What every operation of the API goes through: token, quotas, scopes, parameters, body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.google_classroom import errors, grants, messages, parsing, partial_response, wire
from passback_simulators.google_classroom.call import SCOPE_PREFIX, Call, Operation
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.google_classroom.grants import Grant
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_COMMON = frozenset(
    {
        "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser", "uploadType",
        "upload_protocol", "$.xgafv", "$alt", "$fields", "$prettyPrint", "$key",
    }
)  # fmt: skip
"""The parameters that every method has."""


def perform(lms: ClassroomState, operation: Operation, request: Request, **path: str) -> Reply:
    """Answer a request to an operation."""
    grant = _grant(lms, request)
    _check_quotas(lms, grant)
    needed = [SCOPE_PREFIX + scope for scope in operation.scopes]
    if grant.scopes.isdisjoint(needed):
        raise errors.insufficient_scopes(f"google.classroom.v1.{operation.name}", needed)
    _check_user(lms, grant)
    query = _query(request, operation)
    body = (
        {} if operation.message is None else parsing.parse(request.body, operation.message, operation.field)
    )
    content = operation.handler(Call(lms, request, grant, query, body), *path.values())
    fields = request.param("fields") or request.param("$fields")
    if fields:
        content = partial_response.select(wire.compact(content), fields)
    pretty = request.param("prettyPrint") or request.param("$prettyPrint")
    return wire.message_reply(content, pretty=pretty != "false")


def _grant(lms: ClassroomState, request: Request) -> Grant:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        token = request.param("access_token") or request.param("oauth_token")
    if not token:
        raise Refusal(errors.unauthenticated(None))
    grant = grants.grant_of(lms, token.strip())
    if grant is None:
        raise Refusal(errors.unauthenticated("ACCESS_TOKEN_EXPIRED"))
    return grant


def quota_exceeded(lms: ClassroomState, limit: str, project_number: str) -> Reply:
    """Google's reply to too many requests, in the form that is set."""
    form, delay = lms.settings["throttle_form"], lms.settings["retry_delay"]
    return errors.quota_exceeded(limit, project_number, form=form, retry_delay=delay)


def _check_quotas(lms: ClassroomState, grant: Grant) -> None:
    """Refuse calls beyond the quotas. Refused calls do not count."""
    now = lms.clock()
    for who, setting, limit in (
        (f"{grant.project}/{grant.user['id']}", "per_minute_per_user", "Queries per minute per user"),
        (grant.project, "per_minute_per_client", "Queries per minute"),
    ):
        if not lms.quotas.has_room(who, lms.settings[setting], now):
            project = lms.records.get("projects", grant.project) or {"number": ""}
            raise Refusal(quota_exceeded(lms, limit, project["number"]))
    lms.quotas.count(f"{grant.project}/{grant.user['id']}", now)
    lms.quotas.count(grant.project, now)


def _check_user(lms: ClassroomState, grant: Grant) -> None:
    """Refuse users whose administrator has disabled the API, and service accounts that act as themselves."""
    if "email" not in grant.user:
        raise errors.named("ClassroomDisabled")
    if grant.user["email"] in lms.settings["api_disabled_for"]:
        raise errors.named("ClassroomApiDisabled")


def _query(request: Request, operation: Operation) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for given, value in request.query:
        name = parsing.camel(given)
        if name in operation.params:
            query.setdefault(name, []).append(value)
        elif name == "previewVersion":
            parsing.enum(value, messages.PREVIEW_VERSION, "preview_version")
        elif given not in _COMMON:
            raise errors.invalid(
                f'Invalid JSON payload received. Unknown name "{given}": Cannot bind query parameter. '
                f"Field '{given}' could not be found in request message.",
                given,
            )
    return query
