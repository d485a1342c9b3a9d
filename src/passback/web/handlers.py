"""One handler for each operation: reads the input, checks its form, and calls the use case.

These are steps five and six of the contract's order of checks: reading comes before checking, and the form of the path
before that of the body.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from passback.context import Accepted, Answer
from passback.domain.delivery import STATES
from passback.gateway import (
    assignments,
    deep_links,
    deliveries,
    launches,
    submissions,
    webhook_messages,
    webhooks,
)
from passback.gateway.rules import unknown_fields
from passback.web import roster
from passback.web.messages import JSON, REPLAYED, Response
from passback.web.preferences import idempotency_key
from passback.web.query import PAGE, limit_of, link, text
from passback.wire import dates, decode, errors, params, validate
from passback.wire.encode import encode
from passback.wire.operations import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.delivery import State
    from passback.web.messages import Call, Header
    from passback.web.routes import Handler


async def create_assignment(call: Call) -> Response:
    """POST ``/sections/{section_id}/assignments``."""
    request = decode.assignment_request(call.body)
    section_id = _section_id(call)
    validate.validate_assignment(request)
    caller = replace(call.caller, key=idempotency_key(call.headers.get(b"idempotency-key", ())))
    fingerprint = hashlib.sha256(b"\0".join((section_id.encode(), call.body))).hexdigest()
    return await _answer_to_change(
        call, await assignments.create(call.gateway, caller, section_id, request, fingerprint)
    )


async def read_assignment(call: Call) -> Response:
    """GET ``/sections/{section_id}/assignments/{assignment_id}``."""
    section_id = _section_id(call)
    return _one(
        await assignments.read(call.gateway, call.district_id, section_id, call.parameters["assignment_id"])
    )


async def update_assignment(call: Call) -> Response:
    """PATCH ``/sections/{section_id}/assignments/{assignment_id}``."""
    request = decode.assignment_request(call.body)
    section_id = _section_id(call)
    validate.validate_assignment(request)
    assignment_id = call.parameters["assignment_id"]
    return await _answer_to_change(
        call, await assignments.update(call.gateway, call.caller, section_id, assignment_id, request)
    )


async def delete_assignment(call: Call) -> Response:
    """DELETE ``/sections/{section_id}/assignments/{assignment_id}``."""
    section_id = _section_id(call)
    await assignments.delete(call.gateway, call.caller, section_id, call.parameters["assignment_id"])
    return Response(200)


async def list_assignments(call: Call) -> Response:
    """GET ``/sections/{section_id}/assignments``: ours."""
    limit = limit_of(call)
    section_id = _section_id(call)
    params.check_limit(limit)
    page = await assignments.page(
        call.gateway,
        call.district_id,
        section_id,
        limit=limit,
        after_cursor=params.query_value(call.query, "cursor"),
    )
    return _page(call, page.items, page.next_cursor)


async def list_submissions(call: Call) -> Response:
    """GET ``.../assignments/{assignment_id}/submissions``."""
    limit = limit_of(call)
    section_id = _section_id(call)
    params.check_limit(limit)
    page = await submissions.page(
        call.gateway,
        call.district_id,
        section_id,
        call.parameters["assignment_id"],
        limit=limit,
        after_cursor=params.query_value(call.query, "cursor"),
    )
    return _page(call, page.items, page.next_cursor)


async def read_submission(call: Call) -> Response:
    """GET ``.../submissions/{user_id}``."""
    section_id, user_id = _section_id(call), _user_id(call)
    assignment_id = call.parameters["assignment_id"]
    return _one(await submissions.read(call.gateway, call.district_id, section_id, assignment_id, user_id))


async def update_submission(call: Call) -> Response:
    """PATCH ``.../submissions/{user_id}``."""
    request = decode.submission_request(call.body)
    section_id, user_id = _section_id(call), _user_id(call)
    validate.validate_submission(request)
    return await _answer_to_change(
        call,
        await submissions.update(
            call.gateway, call.caller, section_id, call.parameters["assignment_id"], user_id, request
        ),
    )


async def update_submissions(call: Call) -> Response:
    """PATCH ``.../assignments/{assignment_id}/submissions``: ours, up to 500 at once."""
    items, unknown = decode.submission_items(call.body)
    section_id = _section_id(call)
    assignment_id = call.parameters["assignment_id"]
    response = await _answer_to_change(
        call, await submissions.update_many(call.gateway, call.caller, section_id, assignment_id, items)
    )
    if not unknown:
        return response
    return replace(response, warnings=tuple(dict.fromkeys((*unknown_fields(unknown), *response.warnings))))


async def read_delivery(call: Call) -> Response:
    """GET ``/deliveries/{delivery_id}``: ours."""
    delivery_id = text(call.parameters["delivery_id"]).lower()
    return _one(await deliveries.read(call.gateway, call.caller, delivery_id))


async def list_deliveries(call: Call) -> Response:
    """GET ``/deliveries``: ours."""
    limit = limit_of(call)
    params.check_limit(limit)
    state = params.query_value(call.query, "state")
    page = await deliveries.page(
        call.gateway,
        call.caller,
        _states(state),
        limit=limit,
        after_cursor=params.query_value(call.query, "cursor"),
    )
    return _page(call, page.items, page.next_cursor, {} if state is None else {"state": state})


async def create_webhook(call: Call) -> Response:
    """POST ``/webhooks``: ours, like all that follow."""
    return _one(await webhooks.create(call.gateway, call.caller, decode.webhook_request(call.body)))


async def list_webhooks(call: Call) -> Response:
    """GET ``/webhooks``."""
    limit = limit_of(call)
    params.check_limit(limit)
    cursor = params.query_value(call.query, "cursor")
    page = await webhooks.page(call.gateway, call.caller, limit=limit, after_cursor=cursor)
    return _page(call, page.items, page.next_cursor)


async def read_webhook(call: Call) -> Response:
    """GET ``/webhooks/{webhook_id}``."""
    return _one(Answer(await webhooks.read(call.gateway, call.caller, _webhook_id(call))))


async def update_webhook(call: Call) -> Response:
    """PATCH ``/webhooks/{webhook_id}``."""
    request = decode.webhook_request(call.body)
    return _one(await webhooks.update(call.gateway, call.caller, _webhook_id(call), request))


async def delete_webhook(call: Call) -> Response:
    """DELETE ``/webhooks/{webhook_id}``."""
    await webhooks.delete(call.gateway, call.caller, _webhook_id(call))
    return Response(200)


async def rotate_webhook(call: Call) -> Response:
    """POST ``/webhooks/{webhook_id}/rotate``."""
    return _one(Answer(await webhooks.rotate(call.gateway, call.caller, _webhook_id(call))))


async def test_webhook(call: Call) -> Response:
    """POST ``/webhooks/{webhook_id}/test``."""
    return _one(Answer(await webhooks.test(call.gateway, call.caller, _webhook_id(call))))


async def list_webhook_messages(call: Call) -> Response:
    """GET ``/webhooks/{webhook_id}/messages``."""
    limit = limit_of(call)
    params.check_limit(limit)
    state = params.query_value(call.query, "state")
    page = await webhook_messages.page(
        call.gateway,
        call.caller,
        _webhook_id(call),
        _states(state),
        limit=limit,
        after_cursor=params.query_value(call.query, "cursor"),
    )
    return _page(call, page.items, page.next_cursor, {} if state is None else {"state": state})


async def read_webhook_message(call: Call) -> Response:
    """GET ``/webhooks/{webhook_id}/messages/{message_id}``."""
    message = await webhook_messages.read(call.gateway, call.caller, _webhook_id(call), _message_id(call))
    return _one(Answer(message))


async def resend_webhook_message(call: Call) -> Response:
    """POST ``/webhooks/{webhook_id}/messages/{message_id}/resend``."""
    message = await webhook_messages.resend(call.gateway, call.caller, _webhook_id(call), _message_id(call))
    return _one(Answer(message))


async def resend_webhook_messages(call: Call) -> Response:
    """POST ``/webhooks/{webhook_id}/resend``."""
    since = params.query_value(call.query, "since")
    if since is None:
        raise errors.bad_request("since in query is required")
    resent = await webhook_messages.resend_all(
        call.gateway, call.caller, _webhook_id(call), dates.parse(text(since)).instant
    )
    return _one(Answer(resent))


async def fetch_webhook_messages(call: Call) -> Response:
    """POST ``/webhooks/{webhook_id}/fetch``."""
    limit = limit_of(call)
    params.check_limit(limit)
    given = params.query_value(call.query, "wait")
    wait = 0 if given is None else params.convert_wait(given, webhook_messages.LONGEST_WAIT)
    done = [text(it).lower() for it in (params.query_value(call.query, "done") or "").split(",") if it]
    found = await webhook_messages.fetch(
        call.gateway, call.caller, _webhook_id(call), done[: 2 * PAGE], limit=limit, wait=wait
    )
    return _page(call, found, None)


async def create_launch_address(call: Call) -> Response:
    """POST ``/launch_address``."""
    request = decode.launch_address_request(call.body)
    return _one(await launches.set_address(call.gateway, call.caller, request))


async def read_launch_address(call: Call) -> Response:
    """GET ``/launch_address``."""
    return _one(Answer(await launches.read_address(call.gateway, call.caller)))


async def delete_launch_address(call: Call) -> Response:
    """DELETE ``/launch_address``."""
    await launches.delete_address(call.gateway, call.caller)
    return Response(200)


async def exchange_launch(call: Call) -> Response:
    """POST ``/launches/{code}``."""
    return _one(Answer(await launches.exchange(call.gateway, call.caller, text(call.parameters["code"]))))


async def create_deep_link(call: Call) -> Response:
    """POST ``/launches/{code}/deep_link``."""
    request = decode.deep_link_request(call.body)
    code = text(call.parameters["code"])
    return _one(await deep_links.create(call.gateway, call.caller, code, request))


HANDLERS: Mapping[str, Handler] = {
    "create_assignment": create_assignment,
    "read_assignment": read_assignment,
    "update_assignment": update_assignment,
    "delete_assignment": delete_assignment,
    "list_assignments": list_assignments,
    "list_submissions": list_submissions,
    "read_submission": read_submission,
    "update_submission": update_submission,
    "update_submissions": update_submissions,
    "list_deliveries": list_deliveries,
    "read_delivery": read_delivery,
    "create_webhook": create_webhook,
    "list_webhooks": list_webhooks,
    "read_webhook": read_webhook,
    "update_webhook": update_webhook,
    "delete_webhook": delete_webhook,
    "rotate_webhook": rotate_webhook,
    "test_webhook": test_webhook,
    "list_webhook_messages": list_webhook_messages,
    "read_webhook_message": read_webhook_message,
    "resend_webhook_message": resend_webhook_message,
    "resend_webhook_messages": resend_webhook_messages,
    "fetch_webhook_messages": fetch_webhook_messages,
    "create_launch_address": create_launch_address,
    "read_launch_address": read_launch_address,
    "delete_launch_address": delete_launch_address,
    "exchange_launch": exchange_launch,
    "create_deep_link": create_deep_link,
    **roster.HANDLERS,
}
"""The handlers, by operation name (`passback.wire.operations`); every operation has one."""


def _section_id(call: Call) -> str:
    value = call.parameters["section_id"]
    params.check_section_id(value)
    return value.lower()


def _user_id(call: Call) -> str:
    value = call.parameters["user_id"]
    params.check_user_id(value)
    return value.lower()


def _webhook_id(call: Call) -> str:
    return text(call.parameters["webhook_id"]).lower()


def _message_id(call: Call) -> str:
    return text(call.parameters["message_id"]).lower()


def _states(given: str | None) -> list[State]:
    """The states to list, comma-separated in `given`. Raises `Refusal`."""
    wanted = [] if given is None else given.split(",")
    found = [state for state in STATES if state in wanted]
    if len(found) != len(set(wanted)):
        raise errors.bad_request(f"state in query should be one of [{' '.join(STATES)}]")
    return found


def _one(answer: Answer[Any]) -> Response:
    headers = REPLAYED if answer.replayed else ()
    return Response(200, encode({"data": answer.value}), JSON, headers, warnings=answer.warnings)


async def _answer_to_change(call: Call, answer: Answer[Any] | Accepted) -> Response:
    """Answer with the changed object, or with the delivery if the change was accepted in the background."""
    if not isinstance(answer, Accepted):
        return _one(answer)
    shown = await deliveries.read(call.gateway, call.caller, answer.delivery_id)
    location = f"{BASE}/deliveries/{answer.delivery_id}".encode()
    headers: tuple[Header, ...] = ((b"location", location),)
    if call.caller.background:  # else it had to be accepted: its assignment is still to be made
        headers = ((b"preference-applied", b"respond-async"), *headers)
    if answer.replayed:
        headers = (*REPLAYED, *headers)
    warnings = tuple(shown.value.warnings or ())
    return Response(202, encode({"data": shown.value}), JSON, headers, warnings=warnings)


def _page(
    call: Call, items: list[Any], next_cursor: str | None, filters: Mapping[str, str] | None = None
) -> Response:
    content: dict[str, Any] = {"data": items}
    if next_cursor is not None:
        given = params.query_value(call.query, "limit")
        limit = {} if given is None else {"limit": given}
        query = {**(filters or {}), **limit, "cursor": next_cursor}
        content["links"] = [link("next", call.path, query)]
    return Response(200, encode(content), JSON)
