"""The bodies of successful answers: one object, one page of a list, or the outcomes of a bulk update, each by name."""

from __future__ import annotations

from typing import Any

from passback.wire.errors import user_not_found
from passback.wire.openapi.examples import ANSWERS, NEW_WEBHOOK, STUDENT
from passback.wire.openapi.schemas import Schema, object_of, reference
from passback.wire.operations import OPERATIONS, Operation

_SHOWN = {
    "update_submissions": "SubmissionOutcome",
    "rotate_webhook": "Webhook",
    "test_webhook": "WebhookTest",
    "list_webhook_messages": "WebhookMessage",
    "read_webhook_message": "WebhookMessage",
    "resend_webhook_message": "WebhookMessage",
    "resend_webhook_messages": "WebhookResend",
    "fetch_webhook_messages": "FetchedMessage",
    "create_deep_link": "DeepLink",
    "create_launch_address": "LaunchAddress",
    "read_launch_address": "LaunchAddress",
    "list_deliveries": "Delivery",
    "list_section_students": "User",
    "list_section_teachers": "User",
    "list_user_sections": "Section",
    "list_events": "RosterEvent",
    "read_event": "RosterEvent",
}
"""The schema that an answer shows, if the operation's name does not say it."""


def answer_name(operation: Operation) -> str:
    """The name of the schema of an operation's answer: the published ones, and others of their kind."""
    shown = _shown(operation)
    return f"{_plural(shown)}Response" if _has_many(operation) else f"{shown}Response"


def answers() -> Schema:
    """The schemas of all answers, by name. A page of the roster holds answers, as the published Data API's do."""
    found: Schema = {}
    for operation in OPERATIONS:
        shown = _shown(operation)
        if operation.name.startswith("delete_"):
            continue
        if _has_many(operation):
            found[answer_name(operation)] = _many(operation, shown)
        if not _has_many(operation) or operation.tag == "Roster":
            data = {"description": "What was asked for, as it is now.", **reference(shown)}
            found[f"{shown}Response"] = _answer({"data": data}, "data")
    return found


def _many(operation: Operation, shown: str) -> Schema:
    data: Schema = {"type": "array", "items": reference(shown), "description": "The items of the page."}
    links: Schema = {"type": "array", "description": "The link to the next page, if there is one."}
    if operation.name == "fetch_webhook_messages":
        return _answer({"data": data | {"description": "The messages.", "maxItems": 100}}, "data")
    if operation.name == "update_submissions":
        return _answer(
            {"data": data | {"description": "An outcome for each part of the request, in its order."}}, "data"
        )
    if operation.tag == "Roster":
        data["items"] = reference(f"{shown}Response")
        links |= {
            "items": reference("RosterLink"),
            "description": "The links to this page and to those beside it.",
        }
        return _answer({"data": data, "links": links}, "data", "links")
    link = "SubmissionsLink" if operation.name == "list_submissions" else "NextLink"
    links |= {"items": reference(link), "minItems": 1, "maxItems": 1}
    return _answer({"data": data | {"maxItems": 100}, "links": links}, "data")


def _answer(properties: Schema, *required: str) -> Schema:
    return object_of(properties, required=required, description="A successful answer.")


def answer_example(operation: Operation) -> Any:
    """An example of an operation's answer; None if there is none."""
    shown = _shown(operation)
    if operation.name == "update_submissions":
        return {"data": [{"user_id": STUDENT, "status": 404, "message": user_not_found().message}]}
    if operation.name in ("create_webhook", "rotate_webhook"):
        return {"data": NEW_WEBHOOK}
    if shown not in ANSWERS:
        return None
    if not _has_many(operation):
        return {"data": ANSWERS[shown]}
    return (
        {"data": [{"data": ANSWERS[shown]}], "links": []}
        if operation.tag == "Roster"
        else {"data": [ANSWERS[shown]]}
    )


def _shown(operation: Operation) -> str:
    kind = operation.name.split("_", 1)[1]
    return _SHOWN.get(operation.name) or kind.removesuffix("s").capitalize()


def _has_many(operation: Operation) -> bool:
    return operation.name.startswith("list_") or operation.name in (
        "update_submissions",
        "fetch_webhook_messages",
    )


def _plural(name: str) -> str:
    return name.removesuffix("y") + "ies" if name.endswith("y") else name + "s"
