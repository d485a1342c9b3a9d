"""Putting one of the application's activities into an LMS, as a teacher has chosen it there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from msgspec import Raw
from uuid_utils import uuid7

from passback.context import Answer
from passback.domain.clock import DAY
from passback.gateway.rules import unknown_fields
from passback.store import deep_links
from passback.wire import errors, responses
from passback.wire.encode import number

if TYPE_CHECKING:
    from passback.context import Caller, Gateway
    from passback.store.engine.database import Connection
    from passback.wire.requests import DeepLinkRequest

CHOSEN_LASTS = 400 * DAY
"""For how many milliseconds an activity that was chosen can become its assignment: a school year, and some."""
_LONGEST_TITLE = 255
_LONGEST_TEXT = 10_000


async def create(
    gateway: Gateway, caller: Caller, code: str, request: DeepLinkRequest
) -> Answer[responses.DeepLink]:
    """Store what a teacher has chosen in the launch of `code`; returns where the browser takes it to the LMS.

    Raises `Refusal`: what is wrong with it, or 404 if no teacher is choosing, the code is another application's, is too
    old, or was answered before.
    """
    _check(request)
    now, points = gateway.clock(), request.points_possible
    ticket, assignment_id = secrets.token_urlsafe(32), str(uuid7())

    def keep(conn: Connection) -> str | None:
        asked = deep_links.find(
            conn, code, district_id=caller.district_id, application=caller.application, now=now
        )
        if asked is None:
            raise errors.resource_not_found()
        has_column = bool(points) and asked.takes_columns and asked.lms_section_id is not None
        custom = {} if request.activity is None else {"activity": request.activity}
        choice = deep_links.Choice(
            assignment_id=assignment_id if has_column else None,
            title=request.title or "",
            description=request.description,
            points=float(points) if points and has_column else None,
            custom=custom | ({deep_links.CHOSEN: assignment_id} if has_column else {}),
            url=f"{gateway.base_url}/lti/launch?{urlencode({'application': caller.application})}",
        )
        if not deep_links.answer(conn, code, choice, ticket):
            raise errors.resource_not_found()
        if has_column and asked.lms_section_id is not None:
            until = now + CHOSEN_LASTS
            deep_links.add_chosen(conn, assignment_id, caller.district_id, asked.lms_section_id, until)
        return choice.assignment_id

    becomes = await gateway.database.write(keep)
    shown = responses.DeepLink(
        activity=request.activity,
        assignment_id=becomes,
        description=request.description,
        points_possible=None if points is None else Raw(number(points)),
        title=request.title or "",
        url=f"{gateway.base_url}/lti/return?{urlencode({'ticket': ticket})}",
    )
    return Answer(shown, unknown_fields(request.unknown_fields))


def _check(request: DeepLinkRequest) -> None:
    """Raise `Refusal` if an LMS could not take it."""
    if not request.title or not request.title.strip():
        raise errors.missing_fields(["title"])
    longest = {"title": _LONGEST_TITLE, "description": _LONGEST_TEXT, "activity": _LONGEST_TITLE}
    failures = [
        f"{name} in body should be at most {most} chars long"
        for name, most in longest.items()
        if len(getattr(request, name) or "") > most
    ]
    if request.points_possible is not None and request.points_possible < 0:
        failures.append("points_possible in body should be greater than or equal to 0")
    if failures:
        raise errors.validation_failure(failures)
