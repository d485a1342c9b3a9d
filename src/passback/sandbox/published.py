"""The fifteen published errors: what a client did, a request that gets it, and how to mend it.

docs/reference/errors.md has the same words, which a test compares.
"""

from __future__ import annotations

from msgspec import Struct

from passback_simulators.identities import ALGEBRA, BIOLOGY, SANDBOX_UNIFIED

_TOKEN = SANDBOX_UNIFIED.token
_IN = f"/v3.1/sections/{SANDBOX_UNIFIED.id(ALGEBRA.digits)}/assignments"
_STUDENT, _OTHERS_STUDENT = (SANDBOX_UNIFIED.id(it) for it in (ALGEBRA.students[0], BIOLOGY.students[0]))
_OTHERS_TEACHER = SANDBOX_UNIFIED.id(BIOLOGY.teacher)
_ESSAY = '"title":"Essay","description":"Two pages"'


class Published(Struct, frozen=True):
    """One of the published errors."""

    number: int
    status: int
    title: str
    """What is wrong."""
    mend: str
    method: str
    path: str
    """With ``{a}`` for the id of an assignment that exists."""
    body: str | None = None
    token: str | None = _TOKEN


PUBLISHED = (
    Published(
        1, 400, "required fields are missing",
        "Send title, description and due_date with every new assignment.", "POST", _IN, "{}",
    ),
    Published(
        2, 400, "there is no body", "Send a JSON object, with its Content-Length.", "POST", _IN, "",
    ),
    Published(
        3, 400, "the due date of a new assignment is in the past", "Give a due_date that is still to come.",
        "POST", _IN, f'{{{_ESSAY},"due_date":"2020-01-01T00:00:00Z"}}',
    ),
    Published(
        4, 400, "an invalid character after a backslash",
        "Write a backslash in JSON as two, or better let a JSON library write the body.",
        "POST", _IN, r'{"title":"a\ b"}',
    ),
    Published(
        5, 400, "a value is not one of those allowed", "Send one of the values that the message lists.",
        "POST", _IN, f'{{{_ESSAY},"due_date":"2099-06-01","submission_types":[""]}}',
    ),
    Published(
        6, 400, "a value is left out before a comma",
        "Give every field a value or leave it out, or better let a JSON library write the body.",
        "POST", _IN, '{"assignee_mode": ,}',
    ),
    Published(
        7, 400, "the JSON is not well formed",
        "Look for the character that the message names, or better let a JSON library write the body.",
        "POST", _IN, '{"title":"a" : "b"}',
    ),
    Published(
        8, 400, "the assignment id is not an id", "Use the id that creating the assignment returned.",
        "GET", f"{_IN}/12345",
    ),
    Published(
        9, 400, "the grader does not teach the section",
        "Name a teacher of this section by the id in the roster, or leave grader_id out.",
        "PATCH", f"{_IN}/{{a}}/submissions/{_STUDENT}", f'{{"grade_points":9,"grader_id":"{_OTHERS_TEACHER}"}}',
    ),
    Published(
        10, 400, "the due date is moved into the past",
        "Give a date that is still to come, and that the calendar has.",
        "PATCH", f"{_IN}/{{a}}", '{"due_date":"2020-01-01"}',
    ),
    Published(
        11, 401, "there is no token", "Send the header Authorization: Bearer <token> with every request.",
        "GET", f"{_IN}/{{a}}", token=None,
    ),
    Published(
        12, 403, "the token is unknown, revoked or expired",
        "Use the token that whoever runs the gateway has created for this district, or ask for another.",
        "GET", f"{_IN}/{{a}}", token="WRONG",  # noqa: S106 - it is none
    ),
    Published(
        13, 404, "the assignment does not exist, or no longer exists",
        "Forget it: a teacher has deleted it. If it is still needed, create another one.",
        "GET", f"{_IN}/00000000-0000-4000-8000-000000000000",
    ),
    Published(
        14, 404, "the user is not in the section, or not assigned",
        "Read the section's students again, and leave out who has left it or does not have the assignment.",
        "GET", f"{_IN}/{{a}}/submissions/{_OTHERS_STUDENT}",
    ),
    Published(
        15, 405, "the method is not supported", "Use a method that the Allow header names.",
        "PUT", f"{_IN}/{{a}}",
    ),
)  # fmt: skip
