"""Making an event really happen in the sandbox, so that an application sees its message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from passback.operations.errors import OperationError
from passback.operations.remote import Api

_TRIES = 5
_LOOK_SECONDS = 0.2
_LOOKS = 100
_LATER = {"Prefer": "respond-async"}


class Place(Struct, frozen=True):
    """Where in the sandbox it happens: a section of the token's district, and its last student."""

    api: Api
    section: str
    student: str

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """What a call answers. Raises `OperationError`."""
        return (await self.api.call(method, path, body, headers)).data

    async def people(self, who: str, method: str, path: str, body: object = None) -> None:
        """Do what people do there. Raises `OperationError`."""
        await self.call(method, f"/sandbox/{who}/sections/{self.section}{path}", body)

    @property
    def member(self) -> str:
        """The path of the student's membership."""
        return f"/members/{self.student}"

    async def create(self) -> str:
        """Create an assignment, and return its id."""
        essay = {
            "title": "Triggered", "description": "By passback trigger", "due_date": "2099-06-01", "points_possible": 50
        }  # fmt: skip
        return str((await self.call("POST", f"/v3.1/sections/{self.section}/assignments", essay))["id"])

    async def grade_later(self, fault: str = "") -> str:
        """Grade the student in the background, and return the delivery's id."""
        path = f"/v3.1/sections/{self.section}/assignments/{await self.create()}/submissions/{self.student}"
        headers = {**_LATER, "Sandbox-Fault": fault} if fault else _LATER
        return str((await self.call("PATCH", path, {"grade_points": 40}, headers))["id"])


async def _delivered(at: Place) -> None:
    await at.grade_later()


async def _refused(at: Place) -> None:
    await at.grade_later("not-enrolled")


async def _expired(at: Place) -> None:
    for _ in range(_TRIES):
        delivery = await at.grade_later("error-before")
        await at.people("registrar", "DELETE", f"{at.member}/match")
        try:
            await at.call("PUT", "/sandbox/clock", {"advance": "73h"})
            expired = await _end_of(at, delivery) == "expired"
        finally:
            await at.call("PUT", "/sandbox/clock", {"advance": "-73h"})
            await at.people("registrar", "PUT", f"{at.member}/match")
        if expired:
            await _resend(at, delivery)
            return
    raise OperationError("the grade was always delivered before it could expire: try again")


async def _resend(at: Place, delivery: str) -> None:
    """Send the messages about a delivery again: libraries refuse a signature that is of another day."""
    for webhook in await at.call("GET", "/v3.1/webhooks"):
        path = f"/v3.1/webhooks/{webhook['id']}/messages"
        for message in await at.call("GET", f"{path}?limit=10"):
            if message["event"]["data"].get("delivery_id") == delivery and not webhook["disabled"]:
                await at.call("POST", f"{path}/{message['id']}/resend")


async def _end_of(at: Place, delivery: str) -> str:
    for _ in range(_LOOKS):
        state = str((await at.call("GET", f"/v3.1/deliveries/{delivery}"))["state"])
        if state not in ("waiting", "delivering"):
            return state
        await asyncio.sleep(_LOOK_SECONDS)
    raise OperationError("the delivery does not end")


async def _assignment_changed(at: Place) -> None:
    await at.people(
        "teacher", "PATCH", f"/assignments/{await at.create()}", {"title": "Changed by the teacher"}
    )


async def _assignment_deleted(at: Place) -> None:
    await at.people("teacher", "DELETE", f"/assignments/{await at.create()}")


async def _grade_changed(at: Place) -> None:
    path = f"/assignments/{await at.create()}/submissions/{at.student}"
    await at.people("teacher", "PATCH", path, {"grade_points": 35})


async def _broken(at: Place) -> None:
    await _set_lms(at, "up")
    await _set_lms(at, "refuses")


async def _down(at: Place) -> None:
    await _set_lms(at, "up")
    await _set_lms(at, "down")


async def _restored(at: Place) -> None:
    await _set_lms(at, "down")
    await _set_lms(at, "up")


async def _set_lms(at: Place, state: str) -> None:
    await at.people("registrar", "PUT", "/lms", {"state": state})


async def _match_withdrawn(at: Place) -> None:
    await at.people("registrar", "DELETE", f"{at.member}/match")
    await at.people("registrar", "PUT", f"{at.member}/match")


async def _roster_changed(at: Place) -> None:
    await at.people("registrar", "DELETE", at.member)
    await at.people("registrar", "PUT", at.member)


TRIGGERS: dict[str, tuple[str, Callable[[Place], Awaitable[None]]]] = {
    "delivery.delivered": ("grades a student in the background", _delivered),
    "delivery.refused": ("does that with `Sandbox-Fault: not-enrolled`", _refused),
    "delivery.expired": (
        (
            "lets a grade fail, withdraws the student's match, moves the clock on by 73 hours, puts both back, and"
            " sends the message again"
        ),
        _expired,
    ),
    "assignment.changed_in_lms": (
        "creates an assignment, whose title the teacher changes",
        _assignment_changed,
    ),
    "assignment.deleted_in_lms": ("creates an assignment, which the teacher deletes", _assignment_deleted),
    "grade.changed_in_lms": ("creates an assignment, on which the teacher grades a student", _grade_changed),
    "connection.broken": ("lets the LMS refuse the credentials, until a call succeeds", _broken),
    "connection.down": ("lets the LMS count as down, until a call succeeds", _down),
    "connection.restored": ("lets the LMS count as down, and as up again", _restored),
    "match.withdrawn": ("withdraws the match of a student, and makes it again", _match_withdrawn),
    "roster.changed": ("takes a student out of the section, and puts them back", _roster_changed),
}
"""What makes each event happen: in words, and what does it."""
TEST = "webhook.test"


async def trigger(api: Api, event: str) -> bool:
    """Make one of `TRIGGERS` or `TEST` happen. Returns whether a webhook of the application asks for it.

    In production only `TEST` is possible: each webhook of the application gets a test message. Raises `OperationError`.
    """
    webhooks = (await api.call("GET", "/v3.1/webhooks")).records
    if event == TEST:
        await _test(api, webhooks)
        return bool(webhooks)
    if (await api.call("GET", "/sandbox/clock")).status != 200:
        raise OperationError(
            f"{event} can be triggered in the sandbox only, where it really happens; {TEST} is sent anywhere"
        )
    await TRIGGERS[event][1](await _place(api))
    return any(event in one["events"] and not one["disabled"] for one in webhooks)


async def _test(api: Api, webhooks: Sequence[Mapping[str, Any]]) -> None:
    failed = []
    for one in webhooks:
        outcome = (await api.call("POST", f"/v3.1/webhooks/{one['id']}/test")).record
        if not outcome["delivered"]:
            failed.append(f"{one['url']} did not take it: {outcome.get('message')}")
    if failed:
        raise OperationError("; ".join(failed))


async def _place(api: Api) -> Place:
    sections = (await api.call("GET", "/v3.1/sections?limit=1")).records
    if not sections:
        raise OperationError("the district has no sections: reset the sandbox")
    first = sections[0]
    section = str(first["data"]["id"])
    students = first["data"]["students"]
    if not students:
        raise OperationError(f"section {section} has no students: reset the sandbox")
    return Place(api, section, str(students[-1]))
