"""Every operation of the API, one line each: its name, method, path and tag in the reference.

The web layer serves exactly these, and a test holds the OpenAPI document against them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

BASE = "/v3.1"

Tag = Literal["Assignments", "Submissions", "Deliveries", "Roster", "Webhooks", "Launches"]


class Operation(Struct, frozen=True):
    """One call that a client can make; `{...}` in `path` stands for a segment that is not empty."""

    name: str
    method: str
    path: str
    tag: Tag
    query: tuple[str, ...] = ()
    """The parameters that are read from the query; others are ignored, with a warning."""


def _operation(name: str, method: str, path: str, tag: Tag, query: tuple[str, ...] = ()) -> Operation:
    return Operation(name, method, BASE + path, tag, query)


_PAGE = ("limit", "cursor")
_ROSTER_PAGE = ("limit", "starting_after", "ending_before")


_ASSIGNMENTS = "/sections/{section_id}/assignments"
_ASSIGNMENT = _ASSIGNMENTS + "/{assignment_id}"
_SUBMISSIONS = _ASSIGNMENT + "/submissions"
_SUBMISSION = _SUBMISSIONS + "/{user_id}"

PUBLISHED = (
    _operation("create_assignment", "POST", _ASSIGNMENTS, "Assignments"),
    _operation("read_assignment", "GET", _ASSIGNMENT, "Assignments"),
    _operation("update_assignment", "PATCH", _ASSIGNMENT, "Assignments"),
    _operation("delete_assignment", "DELETE", _ASSIGNMENT, "Assignments"),
    _operation("list_submissions", "GET", _SUBMISSIONS, "Submissions", _PAGE),
    _operation("read_submission", "GET", _SUBMISSION, "Submissions"),
    _operation("update_submission", "PATCH", _SUBMISSION, "Submissions"),
)
"""The seven of the published Grade Passback API."""

OURS = (
    _operation("update_submissions", "PATCH", _SUBMISSIONS, "Submissions"),
    _operation("list_assignments", "GET", _ASSIGNMENTS, "Assignments", _PAGE),
    _operation("list_deliveries", "GET", "/deliveries", "Deliveries", ("state", *_PAGE)),
    _operation("read_delivery", "GET", "/deliveries/{delivery_id}", "Deliveries"),
    _operation("list_districts", "GET", "/districts", "Roster", _ROSTER_PAGE),
    _operation("read_district", "GET", "/districts/{id}", "Roster"),
    _operation("list_schools", "GET", "/schools", "Roster", _ROSTER_PAGE),
    _operation("read_school", "GET", "/schools/{id}", "Roster"),
    _operation("list_terms", "GET", "/terms", "Roster", _ROSTER_PAGE),
    _operation("read_term", "GET", "/terms/{id}", "Roster"),
    _operation("list_courses", "GET", "/courses", "Roster", _ROSTER_PAGE),
    _operation("read_course", "GET", "/courses/{id}", "Roster"),
    _operation("list_sections", "GET", "/sections", "Roster", ("sis_id", *_ROSTER_PAGE)),
    _operation("read_section", "GET", "/sections/{id}", "Roster"),
    _operation("list_section_students", "GET", "/sections/{id}/students", "Roster", _ROSTER_PAGE),
    _operation("list_section_teachers", "GET", "/sections/{id}/teachers", "Roster", _ROSTER_PAGE),
    _operation(
        "list_users", "GET", "/users", "Roster", ("role", "sis_id", "email", "student_number", *_ROSTER_PAGE)
    ),
    _operation("read_user", "GET", "/users/{id}", "Roster"),
    _operation("list_user_sections", "GET", "/users/{id}/sections", "Roster", _ROSTER_PAGE),
    _operation("list_events", "GET", "/events", "Roster", ("record_type", *_ROSTER_PAGE)),
    _operation("read_event", "GET", "/events/{id}", "Roster"),
    _operation("create_webhook", "POST", "/webhooks", "Webhooks"),
    _operation("list_webhooks", "GET", "/webhooks", "Webhooks", _PAGE),
    _operation("read_webhook", "GET", "/webhooks/{webhook_id}", "Webhooks"),
    _operation("update_webhook", "PATCH", "/webhooks/{webhook_id}", "Webhooks"),
    _operation("delete_webhook", "DELETE", "/webhooks/{webhook_id}", "Webhooks"),
    _operation("rotate_webhook", "POST", "/webhooks/{webhook_id}/rotate", "Webhooks"),
    _operation("test_webhook", "POST", "/webhooks/{webhook_id}/test", "Webhooks"),
    _operation(
        "list_webhook_messages", "GET", "/webhooks/{webhook_id}/messages", "Webhooks", ("state", *_PAGE)
    ),
    _operation("read_webhook_message", "GET", "/webhooks/{webhook_id}/messages/{message_id}", "Webhooks"),
    _operation(
        "resend_webhook_message", "POST", "/webhooks/{webhook_id}/messages/{message_id}/resend", "Webhooks"
    ),
    _operation("resend_webhook_messages", "POST", "/webhooks/{webhook_id}/resend", "Webhooks", ("since",)),
    _operation(
        "fetch_webhook_messages",
        "POST",
        "/webhooks/{webhook_id}/fetch",
        "Webhooks",
        ("done", "limit", "wait"),
    ),
    _operation("create_launch_address", "POST", "/launch_address", "Launches"),
    _operation("read_launch_address", "GET", "/launch_address", "Launches"),
    _operation("delete_launch_address", "DELETE", "/launch_address", "Launches"),
    _operation("exchange_launch", "POST", "/launches/{code}", "Launches"),
    _operation("create_deep_link", "POST", "/launches/{code}/deep_link", "Launches"),
)
"""Ours, in addition. They never change a published answer."""

OPERATIONS = PUBLISHED + OURS
