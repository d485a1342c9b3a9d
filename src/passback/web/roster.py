"""The handlers of the roster: its objects, its lists and its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.roster import ROLES
from passback.rosters import events, queries
from passback.rosters.events import RECORD_TYPES
from passback.web.messages import JSON, Response
from passback.web.query import limit_of, link, text
from passback.wire import errors, params
from passback.wire.encode import encode
from passback.wire.roster import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.roster import Role
    from passback.web.messages import Call
    from passback.web.routes import Handler

LONGEST_PAGE = 1000


def _read(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        found = await queries.read(call.gateway, call.district_id, kind, _id(call))
        return Response(200, encode({"data": found}), JSON)

    return handler


def _list(kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        place = _place(call)
        filters = _filters(call, kind)
        page = await queries.page(call.gateway, call.district_id, kind, place, filters)
        return _page(call, page, {"limit": str(place.limit), **filters})

    return handler


def _list_members(role: Role) -> Handler:
    async def handler(call: Call) -> Response:
        place = _place(call)
        page = await queries.page_of_members(call.gateway, call.district_id, _id(call), role, place)
        return _page(call, page, {"limit": str(place.limit)})

    return handler


async def list_user_sections(call: Call) -> Response:
    """GET ``/users/{id}/sections``."""
    place = _place(call)
    page = await queries.page_of_sections(call.gateway, call.district_id, _id(call), place)
    return _page(call, page, {"limit": str(place.limit)})


async def list_events(call: Call) -> Response:
    """GET ``/events``."""
    place = _place(call)
    types = list(params.query_values(call.query, "record_type"))
    if not set(types) <= set(RECORD_TYPES):
        raise errors.bad_request(f"record_type in query should be one of [{' '.join(RECORD_TYPES)}]")
    page = await events.page(call.gateway, call.district_id, place, types)
    return _page(call, page, {"limit": str(place.limit), "record_type": types})


async def read_event(call: Call) -> Response:
    """GET ``/events/{id}``."""
    found = await events.read(call.gateway, call.district_id, _id(call))
    return Response(200, encode({"data": found}), JSON)


HANDLERS: Mapping[str, Handler] = {
    **{f"list_{kind}": _list(kind) for kind in queries.TABLES},
    **{f"read_{kind[:-1]}": _read(kind) for kind in queries.TABLES},
    **{f"list_section_{role}s": _list_members(role) for role in ROLES},
    "list_user_sections": list_user_sections,
    "list_events": list_events,
    "read_event": read_event,
}
"""By operation name (`passback.wire.operations`)."""


def _id(call: Call) -> str:
    return text(call.parameters["id"]).lower()


def _place(call: Call) -> queries.Place:
    limit = limit_of(call)
    params.check_limit(limit, LONGEST_PAGE)
    return queries.Place(
        limit,
        starting_after=text(params.query_value(call.query, "starting_after")),
        ending_before=text(params.query_value(call.query, "ending_before")),
    )


def _filters(call: Call, kind: str) -> dict[str, str]:
    """The values that the objects of a list must have, by parameter. Raises `Refusal`."""
    found = {}
    for name in queries.FILTERS.get(kind, ()):
        value = text(params.query_value(call.query, name))
        if value is None:
            continue
        if name == "role" and value not in ROLES:
            raise errors.bad_request(f"role in query should be one of [{' '.join(ROLES)}]")
        found[name] = value
    return found


def _page(call: Call, page: queries.RosterPage, query: Mapping[str, str | list[str]]) -> Response:
    links = [Link(rel="self", uri=call.path + ("?" + call.query.decode("latin-1") if call.query else ""))]
    if page.next is not None:
        links.append(link("next", call.path, {**query, "starting_after": page.next}))
    if page.previous is not None:
        links.append(link("prev", call.path, {**query, "ending_before": page.previous}))
    return Response(200, encode({"data": [{"data": item} for item in page.items], "links": links}), JSON)
