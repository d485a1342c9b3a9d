"""Event triggers: targets, subscriptions, and the events that are posted to them (Schoology REST API: Event Triggers).

If a target does not answer 200, the event is posted again 10 minutes later, up to five times; then it is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import only_admin
from passback_simulators.schoology.replies import as_list, content, flag, missing, refusal, several
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

TRIGGERS = ("grade_item", "attendance", "grades", "section_completion", "dropbox_submission")
SECONDS_TO_RETRY = 600
RETRIES = 5
_PATIENCE = 10.0
"""The most seconds that a target may take to answer."""


def place(lms: SchoologyState, section_id: str) -> Record:
    """What every event says about its section."""
    section = lms.records.get("sections", section_id)
    assert section is not None
    return {
        "realm": "section", "section_id": section_id, "realm_id": section_id,
        "section_school_code": section["section_school_code"],
    }  # fmt: skip


def emit(lms: SchoologyState, type_: str, data: Any) -> None:
    """Queue an event for every target that is subscribed to its trigger."""
    trigger = type_.partition(".")[0]
    for subscription in lms.records.all("subscriptions"):
        target = lms.records.get("targets", subscription["target_id"])
        if subscription["trigger"] != trigger or target is None:
            continue
        kept = data if subscription["include_object"] else _without_object(data)
        body = {"uid": int(lms.actor.uid), "timestamp": seconds_now(lms), "type": type_, "data": kept}
        id_ = lms.records.next_number("event")
        event = {"id": id_, "url": target["target"], "body": body, "retries": 0, "due": seconds_now(lms)}
        lms.records.put("events", id_, event)


def _without_object(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_object(one) for one in data]
    return {name: value for name, value in data.items() if name != "object"}


async def post(lms: SchoologyState) -> int:
    """Post the events that are due; returns how many arrived."""
    import aiohttp

    arrived = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PATIENCE)) as client:
        while (event := _next_due(lms)) is not None:
            # Its next time is set before it is posted, so that nothing else posts it meanwhile.
            later = {"due": seconds_now(lms) + SECONDS_TO_RETRY, "retries": event["retries"] + 1}
            lms.records.put("events", event["id"], event | later)
            try:
                async with client.post(event["url"], json=event["body"], allow_redirects=False) as reply:
                    good = reply.status == 200
            except (aiohttp.ClientError, TimeoutError):
                good = False
            arrived += good
            if good or event["retries"] >= RETRIES:
                lms.records.remove("events", event["id"])
    await lms.save()
    return arrived


def _next_due(lms: SchoologyState) -> Record | None:
    now = seconds_now(lms)
    return next((event for event in lms.records.all("events") if event["due"] <= now), None)


# Targets.


def _target(lms: SchoologyState, target_id: str) -> Record:
    only_admin(lms)
    target = lms.records.get("targets", target_id)
    if target is None:
        raise missing("Target")
    return target


def list_targets(lms: SchoologyState, request: Request) -> Reply:
    """GET /triggers/targets."""
    only_admin(lms)
    return json_reply(200, {"target": several(lms, lms.records.all("targets"))})


def create_target(lms: SchoologyState, request: Request) -> Reply:
    """POST /triggers/targets."""
    only_admin(lms)
    given = content(request)
    if not str(given.get("target") or "").startswith(("http://", "https://")):
        raise refusal(400, "target is not a valid URL")
    id_ = lms.records.next_number("target", 373221)
    target = {"id": id_, "target": given["target"], "description": str(given.get("description") or "")}
    return json_reply(201, lms.records.put("targets", id_, target))


def update_target(lms: SchoologyState, request: Request, target_id: str) -> Reply:
    """PUT /triggers/targets/{id}."""
    target = _target(lms, target_id)
    given = content(request)
    target |= {name: str(given[name]) for name in ("target", "description") if name in given}
    lms.records.put("targets", target_id, target)
    return Reply(204)


def delete_target(lms: SchoologyState, request: Request, target_id: str) -> Reply:
    """DELETE /triggers/targets/{id}, with its subscriptions."""
    _target(lms, target_id)
    lms.records.remove("targets", target_id)
    for trigger in TRIGGERS:
        lms.records.remove("subscriptions", f"{target_id}/{trigger}")
    return Reply(204)


# Subscriptions.


def list_subscriptions(lms: SchoologyState, request: Request) -> Reply:
    """GET /triggers/subscriptions. ``subscribed`` is always 0 here, as documented."""
    only_admin(lms)
    found = [one | {"subscribed": 0} for one in lms.records.all("subscriptions")]
    return json_reply(200, {"subscription": several(lms, found)})


def subscribe(lms: SchoologyState, request: Request) -> Reply:
    """PUT /triggers/subscriptions: each with a status of its own."""
    only_admin(lms)
    items = as_list(content(request).get("subscription"))
    results = [_subscribe(lms, item) for item in items if isinstance(item, dict)]
    return json_reply(200, {"subscription": several(lms, results)})


def _subscribe(lms: SchoologyState, given: Record) -> Record:
    trigger, target_id = str(given.get("trigger")), str(given.get("target_id"))
    target = lms.records.get("targets", target_id)
    item: Record = {
        "target_id": given.get("target_id"), "trigger": trigger, "version": "v1",
        "subscribed": flag(given.get("subscribed")), "target_url": target["target"] if target else None,
        "include_object": str(flag(given.get("include_object"))),
    }  # fmt: skip
    if trigger not in TRIGGERS or target is None:
        what = f"trigger with name {trigger}" if trigger not in TRIGGERS else f"target with id {target_id}"
        nothing = {"target_url": None, "version": None, "include_object": None}
        return {"item": item | nothing, "message": f"The {what} does not exist", "status": 400}
    id_ = f"{target_id}/{trigger}"
    if item["subscribed"]:
        kept = {"target_id": target["id"], "trigger": trigger, "version": "v1"}
        lms.records.put("subscriptions", id_, kept | {"include_object": int(item["include_object"])})
    else:
        lms.records.remove("subscriptions", id_)
    return {"item": item, "status": 200}


ROUTES = (
    ("GET", "/triggers/targets", list_targets),
    ("POST", "/triggers/targets", create_target),
    ("PUT", "/triggers/targets/{target_id}", update_target),
    ("DELETE", "/triggers/targets/{target_id}", delete_target),
    ("GET", "/triggers/subscriptions", list_subscriptions),
    ("PUT", "/triggers/subscriptions", subscribe),
)
