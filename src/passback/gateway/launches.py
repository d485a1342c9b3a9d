"""Where an application takes the people whom an LMS starts it for, and who comes with a launch."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.context import Answer
from passback.gateway.rules import unknown_fields
from passback.network import web_address
from passback.store import audit, launches
from passback.wire import errors, responses
from passback.wire.dates import show

if TYPE_CHECKING:
    from passback.context import Caller, Gateway
    from passback.store.engine.database import Connection
    from passback.store.launches import Launch, LaunchAddress
    from passback.wire.requests import LaunchAddressRequest


async def set_address(
    gateway: Gateway, caller: Caller, request: LaunchAddressRequest
) -> Answer[responses.LaunchAddress]:
    """Register the caller's launch address in its district, in place of one it has. Raises `Refusal`."""
    url = request.url
    if not url:
        raise errors.missing_fields(["url"])
    if (reason := web_address.problem(url)) is not None:
        raise errors.bad_request(f"INVALID_URL: people cannot be sent there: {reason}")
    now = gateway.clock()

    def keep(conn: Connection) -> LaunchAddress:
        _record(conn, caller, "launch_address.set", now, urlsplit(url).hostname or "")
        return launches.set_address(conn, caller.district_id, caller.application, url, now)

    kept = await gateway.database.write(keep)
    return Answer(_shown(kept), unknown_fields(request.unknown_fields))


async def read_address(gateway: Gateway, caller: Caller) -> responses.LaunchAddress:
    """The caller's launch address. Raises `Refusal`: 404 if it has none."""
    found = await gateway.database.read(
        lambda conn: launches.address(conn, caller.district_id, caller.application)
    )
    if found is None:
        raise errors.resource_not_found()
    return _shown(found)


async def delete_address(gateway: Gateway, caller: Caller) -> None:
    """Forget the caller's launch address: nobody is sent to it from then on. Raises `Refusal`: 404."""

    def remove(conn: Connection) -> None:
        if not launches.remove_address(conn, caller.district_id, caller.application):
            raise errors.resource_not_found()
        _record(conn, caller, "launch_address.deleted", gateway.clock(), "")

    await gateway.database.write(remove)


async def exchange(gateway: Gateway, caller: Caller, code: str) -> responses.Launch:
    """Who came with a code, and from where; each code can be exchanged once.

    Raises `Refusal`: 404 if there is no such code, it is another application's, was exchanged before, or is too old.
    """
    now = gateway.clock()
    found = await gateway.database.write(
        lambda conn: launches.take(
            conn, code, district_id=caller.district_id, application=caller.application, now=now
        )
    )
    if found is None:
        raise errors.resource_not_found()
    return _launch(caller.district_id, found)


def _record(conn: Connection, caller: Caller, action: str, now: int, detail: str) -> None:
    actor = f"application:{caller.application}"
    audit.add(conn, audit.Line(now, actor, action, caller.application, caller.district_id, detail))


def _shown(kept: LaunchAddress) -> responses.LaunchAddress:
    return responses.LaunchAddress(
        created=show(kept.created), last_modified=show(kept.last_modified), url=kept.url
    )


def _launch(district_id: str, launch: Launch) -> responses.Launch:
    return responses.Launch(
        assignment_id=launch.assignment_id,
        choosing=launch.is_choosing,
        choosing_several=launch.is_choosing and launch.is_choosing_several,
        custom=dict(launch.custom) or None,
        district_id=district_id,
        for_user_id=launch.for_user_id,
        launched=show(launch.launched),
        link_id=launch.link_id,
        link_title=launch.link_title,
        lms_for_user_id=launch.lms_for_user_id,
        lms_section_id=launch.lms_section_id,
        lms_user_id=launch.lms_user_id,
        role=launch.role,
        section_id=launch.section_id,
        target=launch.target,
        user_id=launch.user_id,
    )
