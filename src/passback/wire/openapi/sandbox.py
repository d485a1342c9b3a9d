"""The calls that only a sandbox has, and that need no token, in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from passback.wire import errors
from passback.wire.openapi.failures import failure
from passback.wire.openapi.headers import header_references
from passback.wire.openapi.schemas import Schema, object_of

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number", "minimum": 0}
_OBJECT: Schema = {"type": "object"}
_DATA: Schema = {"type": "object", "properties": {"data": {}}, "required": ["data"]}
_METHOD: Schema = {
    "description": "The method is not supported; the body is empty.",
    "headers": header_references("Allow"),
}


def untokened(
    name: str, tag: str, summary: str, description: str, content: Schema | None = None, **more: Any
) -> Schema:
    """An operation that needs no token."""
    ok = {"description": "OK", "content": {"application/json": {"schema": content or _OBJECT}}}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": [],
        **more,
        "responses": {"200": ok, **more.get("responses", {}), "405": _METHOD},
    }


def sandbox_paths() -> dict[str, Schema]:
    """The sandbox's own endpoints."""
    paths = {**_whole(), **_time(), **_journal(), **_people()}
    from_elsewhere = {"403": failure(403, "A page of another site has a browser ask for it.", {})}
    for operations in paths.values():
        for method, operation in operations.items():
            if method != "get":
                operation["responses"] |= from_elsewhere
    return paths


def _sandbox(name: str, summary: str, description: str, content: Schema | None = None, **more: Any) -> Schema:
    return untokened(name, "Sandbox", summary, description, content, **more)


def _sent(properties: Schema, example: Schema, *, required: tuple[str, ...] = ()) -> Schema:
    content = {"schema": object_of(properties, required=required), "example": example}
    return {"required": True, "content": {"application/json": content}}


def _refused(description: str, message: str) -> Schema:
    refused = {"summary": "It is refused", "value": {"message": errors.bad_request(message).message}}
    return {"400": failure(400, description, {"Refused": refused})}


def _whole() -> dict[str, Schema]:
    state = object_of(
        {"passback_sandbox": {"const": 1}, "tables": _OBJECT}, required=("passback_sandbox", "tables")
    )
    load = _sandbox(
        "loadSandbox",
        "Replace the sandbox's state with a saved one",
        "The body is what `saveSandbox` returned. It replaces everything.",
        requestBody={"required": True, "content": {"application/json": {"schema": state}}},
        responses=_refused(
            "Not a saved state; nothing was changed.", "INVALID_SANDBOX_STATE: there is no table 'recipes'"
        ),
    )
    return {
        "/sandbox/reset": {
            "post": _sandbox(
                "resetSandbox",
                "Reset the sandbox to its initial state",
                "Every district, LMS, token and clock is as it was at the first start.",
            )
        },
        "/sandbox/state": {
            "get": _sandbox(
                "saveSandbox",
                "Save the sandbox's entire state",
                "It is made for saving and loading, not for reading.",
                state,
            ),
            "put": load,
        },
    }


def _time() -> dict[str, Schema]:
    names = ("now", "real", "moved_by_seconds")
    clock = object_of({"now": _TEXT, "real": _TEXT, "moved_by_seconds": {"type": "integer"}}, required=names)
    move = _sandbox(
        "moveSandboxClock",
        "Move the sandbox's clock to a date-time (now), or by a length (advance) such as 2h or -30m",
        "Everything follows it: what is late or locked, what expires, and when a delivery is tried again.",
        clock,
        requestBody=_sent({"now": _TEXT, "advance": _TEXT}, {"advance": "2h"}),
        responses=_refused(
            "It was not moved.",
            "INVALID_SANDBOX_CLOCK: advance must be a length such as 2h, 1d12h or -30m",
        ),
    )
    return {
        "/sandbox/clock": {
            "get": _sandbox(
                "getSandboxClock",
                "Read the sandbox's clock",
                "The sandbox's time, the machine's, and how far they are apart.",
                clock,
            ),
            "put": move,
            "delete": _sandbox(
                "resetSandboxClock",
                "Go by the machine's clock again",
                "The clock is that of the machine from then on.",
                clock,
            ),
        }
    }


def _journal() -> dict[str, Schema]:
    filters = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": kind}}
        for name, kind, text in (
            ("token", "string", "Only requests with that token."),
            ("district", "string", "Only requests of that district."),
            ("application", "string", "Only requests of that application."),
            ("method", "string", "Only requests with that method."),
            ("path", "string", "Only requests whose path begins so."),
            ("status", "integer", "Only requests that were answered so."),
            ("request_id", "string", "Only the request with that `X-Request-Id`."),
            ("since", "string", "Only requests from that date-time on, by the sandbox's clock."),
            ("before", "integer", "Only requests before that one, as `links` has it."),
            ("limit", "integer", "How many: 100 unless given, at most 500."),
        )
    ]
    listed = _sandbox(
        "getSandboxRequests",
        "List the last requests with their answers, and the calls to the LMS that they caused",
        "One page, the newest request first; `links` leads to the next. What a delivery asks later, in the background, "
        "is added to the request that it is of.",
        _DATA,
        parameters=filters,
        responses=_refused("A filter is not valid.", "INVALID_SANDBOX_QUERY: status must be a whole number"),
    )
    return {
        "/sandbox/requests": {
            "get": listed,
            "delete": _sandbox(
                "forgetSandboxRequests", "Forget the requests", "The journal is empty from then on."
            ),
        },
        "/sandbox/requests/{id}": {
            "get": _sandbox(
                "getSandboxRequest",
                "Read one of the requests",
                "The request, its answer, and the calls to the LMS that it caused.",
                _DATA,
                parameters=_in_path("id"),
            )
        },
    }


def _people() -> dict[str, Schema]:
    teacher, registrar = "/sandbox/teacher/sections/{section}", "/sandbox/registrar/sections/{section}"
    assignment = teacher + "/assignments/{assignment}"
    submission = assignment + "/submissions/{user}"
    known = _refused("The body is not valid.", "INVALID_SANDBOX_REQUEST: Input data was truncated") | {
        "404": failure(404, "There is no such section, assignment or student.", {}),
        "409": failure(409, "It cannot be done in this LMS.", {}),
    }

    def act(
        name: str,
        summary: str,
        description: str,
        names: tuple[str, ...],
        body: Schema | None = None,
        data: Schema | None = None,
    ) -> Schema:
        more = {} if body is None else {"requestBody": body}
        return _sandbox(
            name, summary, description, data, parameters=_in_path(*names), responses=known, **more
        )

    of_section, of_assignment = ("section",), ("section", "assignment")
    of_submission, of_member = (*of_assignment, "user"), ("section", "user")
    grade = _sent(
        {"grade_points": {"type": ["number", "null"], "minimum": 0}, "grade_comment": _TEXT},
        {"grade_points": 17.5, "grade_comment": "Well argued"},
    )
    edit = _sent({"title": _TEXT, "points_possible": _NUMBER, "due_date": _TEXT}, {"points_possible": 10})
    new = _sent(
        {"first_name": _TEXT, "last_name": _TEXT},
        {"first_name": "Nell", "last_name": "Ortiz"},
        required=("first_name", "last_name"),
    )
    return {
        teacher: {
            "get": act(
                "getGradebook",
                "Read a section's gradebook in the LMS",
                "The students, assignments and grades, as the teacher sees them.",
                of_section,
                None,
                _DATA,
            )
        },
        assignment: {
            "patch": act(
                "updateAssignmentAsTeacher",
                "Change an assignment in the LMS, as the teacher",
                "The API sees the change with its next call.",
                of_assignment,
                edit,
            ),
            "delete": act(
                "deleteAssignmentAsTeacher",
                "Delete an assignment in the LMS, as the teacher",
                "The API answers row 13 from then on.",
                of_assignment,
            ),
        },
        submission: {
            "patch": act(
                "gradeSubmissionAsTeacher",
                "Grade or comment in the LMS, as the teacher",
                "A grade of null clears the grade.",
                of_submission,
                grade,
            ),
            "post": act(
                "handInAsStudent",
                "Hand in, as the student",
                "The submission is handed in with this text.",
                of_submission,
                _sent({"text": _TEXT}, {"text": "My essay"}),
            ),
        },
        registrar + "/members/{user}": {
            "put": act(
                "enrollStudent",
                "Enroll a student, as the registrar",
                "A student of the district joins the section, in the roster and in the LMS.",
                of_member,
            ),
            "delete": act(
                "unenrollStudent",
                "Unenroll a student, as the registrar",
                "A student leaves the section, in the roster and in the LMS; the API answers row 14 from then on.",
                of_member,
            ),
        },
        registrar + "/members/{user}/match": {
            "put": act(
                "matchStudent",
                "Match a student, as a sync",
                "The student is matched to their account of the LMS, as at the start.",
                of_member,
            ),
            "delete": act(
                "withdrawMatch",
                "Withdraw the match of a student, as a sync",
                "It is no longer certain which account of the LMS is theirs; the API answers row 14 from then on.",
                of_member,
            ),
        },
        registrar + "/lms": {
            "put": act(
                "setLmsState",
                "Let the district's LMS count as down",
                "`down`, `refuses` (the credentials) or `up`. The next call that succeeds finds it up again.",
                of_section,
                _sent({"state": _TEXT}, {"state": "down"}, required=("state",)),
            ),
        },
        registrar + "/students": {
            "post": act(
                "addStudent",
                "Add a new student, as the registrar",
                "A new student comes to the district and to the section; the answer has the id.",
                of_section,
                new,
                _DATA,
            )
        },
    }


_IN_PATH = {
    "id": "The id of the request in the journal.",
    "section": "The section's id.",
    "assignment": "The assignment's id.",
    "user": "The student's id.",
}


def _in_path(*names: str) -> list[Schema]:
    return [
        {"name": it, "in": "path", "required": True, "description": _IN_PATH[it], "schema": _TEXT}
        for it in names
    ]
