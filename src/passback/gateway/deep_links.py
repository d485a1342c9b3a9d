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
_MOST = 50
"""How many activities can be chosen at once."""
_LONGEST_TITLE = 255
_LONGEST_TEXT = 10_000


async def create(
    gateway: Gateway, caller: Caller, code: str, request: DeepLinkRequest
) -> Answer[responses.DeepLink]:
    """Store what a teacher has chosen in the launch of `code`; returns where the browser takes it to the LMS.

    It goes with what was chosen before, if the LMS takes several. Raises `Refusal`: what is wrong with it, or 404 if no
    teacher is choosing, the code is another application's, is too old, or was answered before.
    """
    _check(request)
    now, points = gateway.clock(), request.points_possible
    ticket, assignment_id = secrets.token_urlsafe(32), str(uuid7())

    def keep(conn: Connection) -> str | None:
        asked = deep_links.find(
            conn, code, district_id=caller.district_id, application=caller.application, now=now
        )
        if asked is None or (asked.choices and not asked.request.takes_several):
            raise errors.resource_not_found()
        if len(asked.choices) >= _MOST:
            raise errors.bad_request(f"TOO_MANY_ACTIVITIES: at most {_MOST} can be chosen at once")
        course = asked.request.lms_section_id if points and asked.request.takes_columns else None
        choice = deep_links.Choice(
            assignment_id=None if course is None else assignment_id,
            title=request.title or "",
            description=request.description,
            points=float(points) if points and course is not None else None,
            custom={
                **({} if request.activity is None else {"activity": request.activity}),
                **({} if course is None else {deep_links.CHOSEN: assignment_id}),
            },
            url=f"{gateway.base_url}/lti/launch?{urlencode({'application': caller.application})}",
        )
        deep_links.answer(conn, code, [*asked.choices, choice], ticket)
        if course is not None:
            until = now + CHOSEN_LASTS
            deep_links.add_chosen(conn, assignment_id, caller.district_id, course, until)
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
