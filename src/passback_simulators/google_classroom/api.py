"""What every operation of the API goes through: the token, the quotas, the scopes, the parameters, the body."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback_simulators.google_classroom import errors, parsing, partial_response, wire
from passback_simulators.google_classroom.handlers import oauth
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.google_classroom.app import ClassroomSimulator
    from passback_simulators.google_classroom.handlers.oauth import Grant
    from passback_simulators.google_classroom.parsing import Enum, Message
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

SCOPE_PREFIX = "https://www.googleapis.com/auth/"
MINUTE_MS = 60_000

_COMMON = frozenset(
    {
        "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser", "uploadType",
        "upload_protocol", "$.xgafv", "$alt", "$fields", "$prettyPrint", "$key",
    }
)  # fmt: skip
"""The parameters that every method has."""
PAGES = ("pageSize", "pageToken")


class Operation(Struct, frozen=True):
    """A method of the API."""

    method: str
    path: str
    name: str
    """The method's own name within google.classroom.v1, as errors give it."""
    scopes: tuple[str, ...]
    """Those of which one is needed, without their common prefix."""
    handler: Callable[..., Any]
    """Takes the `Call` and the path's parameters; gives the message of the answer."""
    params: tuple[str, ...] = ()
    """The query parameters beside those that every method has."""
    message: Message | None = None
    """What the body is."""
    field: str = ""
    """The name of the request's field that the body is; empty where the body is the request."""


class Call(Struct, frozen=True):
    """A request to an operation, once it is admitted."""

    lms: ClassroomSimulator
    request: Request
    grant: Grant
    """Whom the token lets the caller be, and what it lets do."""
    query: Mapping[str, list[str]]
    """The operation's own query parameters, by camelCase names."""
    body: dict[str, Any]

    @property
    def user(self) -> Record:
        """Who asks."""
        return self.grant.user

    def may(self, *scopes: str) -> bool:
        """Whether the token has one of these scopes."""
        return any(SCOPE_PREFIX + scope in self.grant.scopes for scope in scopes)

    def param(self, name: str) -> str:
        """A query parameter's last value, or nothing."""
        return self.query.get(name, [""])[-1]

    def choices(self, name: str, kind: Enum) -> list[str]:
        """The values of a repeated query parameter that takes names."""
        found = (
            parsing.enum(value, kind, f"{parsing.snake(name)}[{place}]")
            for place, value in enumerate(self.query.get(name, []))
        )
        return [value for value in found if value is not None]


class Quotas:
    """How many calls were made in the last minute, by user and by project: a window that moves."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[int]] = {}

    def admit(self, who: str, most: int, now: int) -> bool:
        """Whether one more is within the limit (0: there is none)."""
        recent = self._recent.setdefault(who, deque())
        while recent and recent[0] <= now - MINUTE_MS:
            recent.popleft()
        return not most or len(recent) < most

    def count(self, who: str, now: int) -> None:
        """Note a call."""
        self._recent.setdefault(who, deque()).append(now)

    def clear(self) -> None:
        """Forget all."""
        self._recent.clear()


def perform(lms: ClassroomSimulator, operation: Operation, request: Request, **path: str) -> Reply:
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
    content = operation.handler(Call(lms, request, grant, query, body), **path)
    fields = request.param("fields") or request.param("$fields")
    if fields:
        content = partial_response.select(wire.compact(content), fields)
    pretty = request.param("prettyPrint") or request.param("$prettyPrint")
    return wire.message_reply(content, pretty=pretty != "false")


def _grant(lms: ClassroomSimulator, request: Request) -> Grant:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        token = request.param("access_token") or request.param("oauth_token")
    if not token:
        raise Refusal(errors.unauthenticated(None))
    grant = oauth.grant_of(lms, token.strip())
    if grant is None:
        raise Refusal(errors.unauthenticated("ACCESS_TOKEN_EXPIRED"))
    return grant


def _check_quotas(lms: ClassroomSimulator, grant: Grant) -> None:
    """Refuse what is more than the limits. What is refused does not count."""
    now = lms.clock()
    for who, setting, limit in (
        (f"{grant.project}/{grant.user['id']}", "per_minute_per_user", "Queries per minute per user"),
        (grant.project, "per_minute_per_client", "Queries per minute"),
    ):
        if not lms.quotas.admit(who, lms.settings[setting], now):
            project = lms.records.get("projects", grant.project) or {"number": ""}
            raise Refusal(errors.quota_exceeded(limit, project["number"]))
    lms.quotas.count(f"{grant.project}/{grant.user['id']}", now)
    lms.quotas.count(grant.project, now)


def _check_user(lms: ClassroomSimulator, grant: Grant) -> None:
    """Refuse users whom their administrator does not let use the API, and service accounts as themselves."""
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
        elif given not in _COMMON:
            raise errors.invalid(
                f'Invalid JSON payload received. Unknown name "{given}": Cannot bind query parameter. '
                f"Field '{given}' could not be found in request message.",
                given,
            )
    return query
