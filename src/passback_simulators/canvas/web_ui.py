"""Actions in Canvas's own web pages that the API does not offer, or not on the user's behalf.

These are methods of `CanvasSimulator`, for tests and for the sandbox. Ids are those of the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.seed import ACCOUNT

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState


def issue_token(
    lms: CanvasState, user_id: str, *, scopes: list[str] | None = None, expires: int | None = None
) -> str:
    """Create a user's access token by hand; `expires` is in milliseconds since 1970."""
    text = f"token-{lms.records.next_number('tokens')}-of-{user_id}"
    lms.records.put(
        "tokens", text, {"user": int(user_id), "expires": expires, "scopes": scopes, "refreshes": False}
    )
    return text


def revoke_token(lms: CanvasState, text: str) -> None:
    """Revoke a token."""
    record = lms.records.get("tokens", text)
    if record is not None:
        lms.records.put("tokens", text, {**record, "revoked": True})


def delete_assignment(lms: CanvasState, assignment_id: str) -> None:
    """Delete an assignment, as a teacher does."""
    record = lms.records.get("assignments", assignment_id)
    if record is not None:
        lms.records.put("assignments", assignment_id, {**record, "deleted": True})


def change_assignment(lms: CanvasState, assignment_id: str, **fields: Any) -> None:
    """Change an assignment's fields, as a teacher does."""
    record = lms.records.get("assignments", assignment_id)
    assert record is not None
    lms.records.put("assignments", assignment_id, {**record, **fields})


def change_account(lms: CanvasState, **fields: Any) -> None:
    """Change the account's settings, such as its ``grading_standard_id`` or ``time_zone``."""
    record = lms.records.get("accounts", ACCOUNT)
    assert record is not None
    lms.records.put("accounts", ACCOUNT, {**record, **fields})


def add_override(lms: CanvasState, assignment_id: str, **fields: Any) -> None:
    """Assign to a ``group_id``, a ``course_id``, or by a mastery path (``noop_id``, ``reached_by``), with dates.

    ``unassign_item`` takes it away from those whom the override is for.
    """
    record = lms.records.get("assignments", assignment_id)
    assert record is not None
    made = {
        "id": lms.records.next_number("overrides", 90), "assignment_id": record["id"], "title": None,
        "student_ids": [], "course_section_id": None, "group_id": None, "due_at": None, "unlock_at": None,
        "lock_at": None, **fields,
    }  # fmt: skip
    lms.records.put("assignments", assignment_id, {**record, "overrides": [*record["overrides"], made]})


def end_enrollment(lms: CanvasState, user_id: str, state: str = "completed") -> None:
    """End a user's enrollments."""
    for record in lms.records.all("enrollments"):
        if str(record["user_id"]) == user_id:
            lms.records.put("enrollments", record["id"], {**record, "enrollment_state": state})
