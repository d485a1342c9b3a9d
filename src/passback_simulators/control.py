"""The control endpoint (``/_simulator/...``), for tests and developers: no real LMS has it.

docs/reference/simulators.md describes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from passback_simulators import faults
from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.simulator import Simulator

PREFIX = "/_simulator/"


async def control(simulator: Simulator, request: Request) -> Reply:
    """Answer a request to the control endpoint."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        return json_reply(403, {"message": "a page of another site must not change the simulator"})
    operation = request.method, request.path.removeprefix(PREFIX)
    content: Any = None
    try:
        if operation == ("POST", "reset"):
            await simulator.reset()
        elif operation in _OPERATIONS:
            content = _OPERATIONS[operation](simulator, request)
            await simulator.save()
        else:
            own = simulator.own_control(request)
            await simulator.save()
            return own or json_reply(404, {"message": "the control endpoint has no such path"})
    except Refusal as refusal:
        return refusal.reply
    return Reply(200, msgspec.json.encode(content), (("content-type", "application/json"),))


def _add_fault(simulator: Simulator, request: Request) -> None:
    try:
        rule = msgspec.json.decode(request.body, type=faults.Rule)
        faults.parse(rule.fault)
        re.compile(rule.path or "")
    except (msgspec.DecodeError, faults.InvalidFault, re.error) as error:
        raise _refused(str(error)) from error
    simulator.faults.rules.append(rule)


def _change_settings(simulator: Simulator, request: Request) -> dict[str, Any]:
    given = _object(request.body)
    for name, value in given.items():
        if name not in simulator.settings:
            raise _refused(f"there is no setting {name!r}")
        kind = type(simulator.settings[name])
        if type(value) is not kind:
            raise _refused(f"the setting {name!r} must be of type {kind.__name__}")
    simulator.settings |= given
    return simulator.settings


def _replace_state(simulator: Simulator, request: Request) -> None:
    given = _object(request.body)
    if not all(isinstance(rows, dict) for rows in given.values()):
        raise _refused("the state must be an object of tables, each an object of records, as GET returns it")
    simulator.records.replace(given)


_OPERATIONS: dict[tuple[str, str], Callable[[Simulator, Request], Any]] = {
    ("GET", "faults"): lambda simulator, _: simulator.faults.rules,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): lambda simulator, _: simulator.faults.rules.clear(),
    ("GET", "requests"): lambda simulator, _: simulator.requests,
    ("DELETE", "requests"): lambda simulator, _: simulator.requests.clear(),
    ("GET", "settings"): lambda simulator, _: simulator.settings,
    ("PUT", "settings"): _change_settings,
    ("GET", "state"): lambda simulator, _: simulator.records.content(),
    ("PUT", "state"): _replace_state,
}
"""Each returns the content of the answer."""


def _refused(message: str) -> Refusal:
    return Refusal(json_reply(400, {"message": message}))


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _refused("the body must be a JSON object")
    return given
