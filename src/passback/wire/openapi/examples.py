"""The examples of the document: ids that exist in the sandbox, bodies to send, and answers."""

from __future__ import annotations

from passback.wire import events
from passback.wire.openapi.schemas import Schema

SECTION = "4fee004cca2e43cf27000007"
STUDENT = "4fee004cca2e43cf27001001"
TEACHER = "4fee004cca2e43cf27000001"
DISTRICT = "4fee004cca2e43cf27000000"
STUDENT_SIS_ID = "student-001001"
STUDENT_EMAIL = "ada.abbott@district-27.example"
STUDENT_NUMBER = "001001"
SECTION_SIS_ID = "section-7"
ASSIGNMENT = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a11"
DELIVERY = "019aafe2-5d21-7c64-8f0e-3a5f1c7b2e90"
WEBHOOK = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a12"
MESSAGE = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a15"
CODE = "4pGxkXq1Zr0s6bWc9uT3nYvJ2mHd8LeAo5FiKtRgQwE"

BODIES: dict[str, tuple[str, Schema]] = {
    "create_assignment": (
        "AssignmentRequest",
        {
            "title": "Essay 1",
            "description": "Two pages",
            "due_date": "2030-06-01T23:59:00Z",
            "points_possible": 20,
        },
    ),
    "update_assignment": ("AssignmentRequest", {"title": "Essay 1, second try"}),
    "create_webhook": (
        "WebhookRequest",
        {"url": "https://app.example/passback", "events": [events.DELIVERED, events.REFUSED]},
    ),
    "create_deep_link": (
        "DeepLinkRequest",
        {"title": "Fractions", "description": "Ten tasks", "points_possible": 20, "activity": "fractions-3"},
    ),
    "create_launch_address": ("LaunchAddressRequest", {"url": "https://app.example/launch"}),
    "update_webhook": ("WebhookRequest", {"events": [events.DELIVERED, events.REFUSED, events.EXPIRED]}),
    "update_submissions": (
        "SubmissionsRequest",
        {"submissions": [{"user_id": STUDENT, "grade_points": 18, "grade_comment": "Well argued"}]},
    ),
    "update_submission": (
        "SubmissionRequest",
        {"grade_points": 18, "grade_comment": "Well argued", "grader_id": TEACHER, "state": "returned"},
    ),
}
"""For each operation that takes a body, the name of its schema and an example."""
SANDBOX_BODIES: dict[str, Schema] = {
    "create_webhook": {**BODIES["create_webhook"][1], "url": "http://127.0.0.1:9000/hook"}
}
"""The examples that a sandbox has in their place, so that they work as they are."""

_SUBMISSION: Schema = {
    "assignment_id": ASSIGNMENT,
    "created": "2026-01-01T00:00:00.000Z",
    "grade": "18",
    "grade_comment": "Well argued",
    "grade_points": 18,
    "grader_id": TEACHER,
    "last_modified": "2026-01-02T00:00:00.000Z",
    "state": "returned",
    "user_id": STUDENT,
}

ANSWERS: dict[str, Schema] = {
    "Assignment": {
        "assignee_mode": "all",
        "created": "2026-01-01T00:00:00.000Z",
        "description": "Two pages",
        "due_date": "2030-06-01T23:59:00.000Z",
        "grading_type": "points",
        "id": ASSIGNMENT,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "points_possible": 20,
        "state": "open",
        "title": "Essay 1",
    },
    "Delivery": {
        "assignment_id": ASSIGNMENT,
        "attempts": 1,
        "created": "2026-01-02T00:00:00.000Z",
        "expires": "2026-01-05T00:00:00.000Z",
        "finished": "2026-01-02T00:00:01.000Z",
        "id": DELIVERY,
        "operation": "update_submission",
        "result": _SUBMISSION,
        "section_id": SECTION,
        "state": "delivered",
        "user_id": STUDENT,
    },
    "Section": {
        "created": "2026-01-01T00:00:00.000Z",
        "district": DISTRICT,
        "grade": "9",
        "id": SECTION,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "lms_status": {"synced_in_lms": True},
        "name": "Algebra 1",
        "period": "7",
        "section_number": "1",
        "sis_id": SECTION_SIS_ID,
        "students": [STUDENT],
        "subject": "math",
        "teacher": TEACHER,
        "teachers": [TEACHER],
    },
    "Submission": _SUBMISSION,
    "User": {
        "created": "2026-01-01T00:00:00.000Z",
        "district": DISTRICT,
        "email": STUDENT_EMAIL,
        "id": STUDENT,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "lms_status": {"synced_in_lms": True},
        "name": {"first": "Ada", "last": "Abbott"},
        "roles": {"student": {"grade": "9", "sis_id": STUDENT_SIS_ID, "student_number": STUDENT_NUMBER}},
    },
    "Webhook": {
        "created": "2026-01-01T00:00:00.000Z",
        "disabled": False,
        "events": list(events.USUAL),
        "id": WEBHOOK,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "url": "https://app.example/passback",
    },
    "DeepLink": {
        "activity": "fractions-3",
        "assignment_id": ASSIGNMENT,
        "description": "Ten tasks",
        "points_possible": 20,
        "title": "Fractions",
        "url": "https://gateway.example/lti/return?ticket=Zr0s6bWc9uT3nYvJ2mHd8LeAo5FiKtRgQwE4pGxkXq1",
    },
    "Launch": {
        "assignment_id": ASSIGNMENT,
        "custom": {"activity": "fractions-3"},
        "district_id": DISTRICT,
        "launched": "2026-01-01T00:00:00.000Z",
        "link_id": "1g3k4",
        "link_title": "Fractions",
        "lms_section_id": "2923",
        "lms_user_id": "5323497",
        "role": "student",
        "section_id": SECTION,
        "target": "https://gateway.example/lti/launch",
        "user_id": STUDENT,
    },
    "LaunchAddress": {
        "created": "2026-01-01T00:00:00.000Z",
        "last_modified": "2026-01-01T00:00:00.000Z",
        "url": "https://app.example/launch",
    },
    "WebhookTest": {"delivered": True, "id": "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a13", "status": 204},
}
"""An example for each schema that has one."""

WAITING_DELIVERY: Schema = {
    name: value
    for name, value in {**ANSWERS["Delivery"], "attempts": 0, "state": "waiting"}.items()
    if name not in ("result", "finished")
}
"""A delivery that was just accepted."""

NEW_WEBHOOK: Schema = {**ANSWERS["Webhook"], "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
"""A webhook whose secret is shown."""
