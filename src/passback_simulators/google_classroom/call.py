"""The API's operations, and a call of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback_simulators.google_classroom import messages, parsing
from passback_simulators.google_classroom.parsing import Message

if TYPE_CHECKING:
    from passback_simulators.google_classroom.grants import Grant
    from passback_simulators.google_classroom.parsing import Enum
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

SCOPE_PREFIX = "https://www.googleapis.com/auth/"
PAGES = ("pageSize", "pageToken")
"""The parameters of lists in pages."""


class Operation(Struct, frozen=True):
    """A method of the API."""

    method: str
    path: str
    """With the parameters' names as Google's clients know them."""
    name: str
    """The method's name within google.classroom.v1, as in errors."""
    scopes: tuple[str, ...]
    """The scopes of which one is required, without their common prefix."""
    handler: Callable[..., Any]
    """Takes the `Call` and the values of the path's parameters, in order; returns the response message."""
    params: tuple[str, ...] = ()
    """The query parameters in addition to those that every method has."""
    message: Message | None = None
    """The message in the body; None if there is no body."""
    field: str = ""
    """The request's field that the body holds; empty if the body is the request itself."""
    response: Message = messages.EMPTY


class Call(Struct, frozen=True):
    """An admitted request to an operation."""

    lms: ClassroomState
    request: Request
    grant: Grant
    """The user and the scopes that the token stands for."""
    query: Mapping[str, list[str]]
    """The operation's own query parameters, by camelCase names."""
    body: dict[str, Any]

    @property
    def user(self) -> Record:
        """The caller."""
        return self.grant.user

    def may(self, *scopes: str) -> bool:
        """Whether the token has one of these scopes."""
        return any(SCOPE_PREFIX + scope in self.grant.scopes for scope in scopes)

    def param(self, name: str) -> str:
        """A query parameter's last value, or an empty string."""
        return self.query.get(name, [""])[-1]

    def choices(self, name: str, kind: Enum) -> list[str]:
        """The values of a repeated query parameter of an enumeration."""
        found = (
            parsing.enum(value, kind, f"{parsing.snake(name)}[{place}]")
            for place, value in enumerate(self.query.get(name, []))
        )
        return [value for value in found if value is not None]
