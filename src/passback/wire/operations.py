"""Every operation of the API, one line each: its name, method and path.

The web layer serves exactly these, and a test holds the OpenAPI document against them.
"""

from __future__ import annotations

from msgspec import Struct

BASE = "/v3.1"


class Operation(Struct, frozen=True):
    """One thing that a client can ask; `{...}` in `path` stands for a segment that is not empty."""

    name: str
    method: str
    path: str


def _operation(name: str, method: str, path: str) -> Operation:
    return Operation(name, method, BASE + path)


_ASSIGNMENTS = "/sections/{section_id}/assignments"
_ASSIGNMENT = _ASSIGNMENTS + "/{assignment_id}"
_SUBMISSIONS = _ASSIGNMENT + "/submissions"
_SUBMISSION = _SUBMISSIONS + "/{user_id}"

PUBLISHED = (
    _operation("create_assignment", "POST", _ASSIGNMENTS),
    _operation("read_assignment", "GET", _ASSIGNMENT),
    _operation("update_assignment", "PATCH", _ASSIGNMENT),
    _operation("delete_assignment", "DELETE", _ASSIGNMENT),
    _operation("list_submissions", "GET", _SUBMISSIONS),
    _operation("read_submission", "GET", _SUBMISSION),
    _operation("update_submission", "PATCH", _SUBMISSION),
)
"""The seven of the published Grade Passback API."""

OURS = (
    _operation("update_submissions", "PATCH", _SUBMISSIONS),
    _operation("list_assignments", "GET", _ASSIGNMENTS),
    _operation("list_deliveries", "GET", "/deliveries"),
    _operation("read_delivery", "GET", "/deliveries/{delivery_id}"),
    _operation("list_districts", "GET", "/districts"),
    _operation("read_district", "GET", "/districts/{id}"),
    _operation("list_schools", "GET", "/schools"),
    _operation("read_school", "GET", "/schools/{id}"),
    _operation("list_terms", "GET", "/terms"),
    _operation("read_term", "GET", "/terms/{id}"),
    _operation("list_courses", "GET", "/courses"),
    _operation("read_course", "GET", "/courses/{id}"),
    _operation("list_sections", "GET", "/sections"),
    _operation("read_section", "GET", "/sections/{id}"),
    _operation("list_users", "GET", "/users"),
    _operation("read_user", "GET", "/users/{id}"),
    _operation("list_events", "GET", "/events"),
    _operation("read_event", "GET", "/events/{id}"),
    _operation("create_webhook", "POST", "/webhooks"),
    _operation("list_webhooks", "GET", "/webhooks"),
    _operation("read_webhook", "GET", "/webhooks/{webhook_id}"),
    _operation("update_webhook", "PATCH", "/webhooks/{webhook_id}"),
    _operation("delete_webhook", "DELETE", "/webhooks/{webhook_id}"),
    _operation("rotate_webhook", "POST", "/webhooks/{webhook_id}/rotate"),
    _operation("test_webhook", "POST", "/webhooks/{webhook_id}/test"),
)
"""Ours, beyond it. They never change a published answer."""

OPERATIONS = PUBLISHED + OURS
