"""Which handler answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from passback_simulators.reply import Reply

Handler = Callable[..., Reply]
"""Takes the request and the values of the path's ``{parameters}``, by name."""


class Route(Struct, frozen=True):
    """A method, a path whose segments or parts of them may be ``{parameters}``, and its handler."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """The route for a path such as ``/courses/{course_id}/assignments``."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return Route(method, re.compile(pattern), handler)
