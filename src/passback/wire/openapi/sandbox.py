"""The calls that only a sandbox has, and that need no token, in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from passback.wire import errors
from passback.wire.openapi.failures import failure
from passback.wire.openapi.schemas import Schema, object_of

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number", "minimum": 0}
_OBJECT: Schema = {"type": "object"}
_DATA: Schema = {"type": "object", "properties": {"data": {}}, "required": ["data"]}


def untokened(name: str, tag: str, summary: str, content: Schema | None = None, **more: Any) -> Schema:
    """An operation that needs no token."""
    ok = {"description": "OK", "content": {"application/json": {"schema": content or _OBJECT}}}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        **more,
        "responses": {"200": ok, **more.get("responses", {})},
    }


def sandbox_paths() -> dict[str, Schema]:
    """The sandbox's own endpoints."""
    return {**_whole(), **_time(), **_journal(), **_people()}


def _sandbox(name: str, summary: str, content: Schema | None = None, **more: Any) -> Schema:
    return untokened(name, "Sandbox", summary, content, **more)


def _sent(properties: Schema, *, required: tuple[str, ...] = ()) -> Schema:
    schema = object_of(properties, required=required)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _refused(description: str, message: str) -> Schema:
    return {"400": failure(description, {"refused": errors.bad_request(message)})}


def _whole() -> dict[str, Schema]:
    state = object_of(
        {"passback_sandbox": {"const": 1}, "tables": _OBJECT}, required=("passback_sandbox", "tables")
    )
    load = _sandbox(
        "load_sandbox",
        "Replace the sandbox's state with a saved one",
        requestBody={"required": True, "content": {"application/json": {"schema": state}}},
        responses=_refused(
            "Not a saved state; nothing was changed.", "INVALID_SANDBOX_STATE: there is no table 'recipes'"
        ),
    )
    return {
        "/sandbox/reset": {"post": _sandbox("reset_sandbox", "Reset the sandbox to its initial state")},
        "/sandbox/state": {
            "get": _sandbox("save_sandbox", "Save the sandbox's entire state", state),
            "put": load,
        },
    }


def _time() -> dict[str, Schema]:
    names = ("now", "real", "moved_by_seconds")
    clock = object_of({"now": _TEXT, "real": _TEXT, "moved_by_seconds": {"type": "integer"}}, required=names)
    move = _sandbox(
        "move_sandbox_clock",
        "Move the sandbox's clock to a date-time (now), or by a length (advance) such as 2h or -30m",
        clock,
        requestBody=_sent({"now": _TEXT, "advance": _TEXT}),
        responses=_refused(
            "It was not moved.",
            "INVALID_SANDBOX_CLOCK: advance must be a length such as 2h, 1d12h or -30m",
        ),
    )
    return {
        "/sandbox/clock": {
            "get": _sandbox("get_sandbox_clock", "Read the sandbox's clock", clock),
            "put": move,
            "delete": _sandbox("reset_sandbox_clock", "Go by the machine's clock again", clock),
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
        "list_sandbox_requests",
        "List the last requests with their answers, and the calls to the LMS that they caused",
        _DATA,
        parameters=filters,
        responses=_refused("A filter is not valid.", "INVALID_SANDBOX_QUERY: status must be a whole number"),
    )
    return {
        "/sandbox/requests": {
            "get": listed,
            "delete": _sandbox("forget_sandbox_requests", "Forget the requests"),
        },
        "/sandbox/requests/{id}": {
            "get": _sandbox(
                "get_sandbox_request", "Read one of the requests", _DATA, parameters=_in_path("id")
            )
        },
    }


def _people() -> dict[str, Schema]:
    teacher, registrar = "/sandbox/teacher/sections/{section}", "/sandbox/registrar/sections/{section}"
    assignment = teacher + "/assignments/{assignment}"
    submission = assignment + "/submissions/{user}"
    known = _refused("The body is not valid.", "INVALID_SANDBOX_REQUEST: Input data was truncated") | {
        "404": failure("There is no such section, assignment or student.", {}),
        "409": failure("It cannot be done in this LMS.", {}),
    }

    def act(
        name: str,
        summary: str,
        names: tuple[str, ...],
        body: Schema | None = None,
        data: Schema | None = None,
    ) -> Schema:
        more = {} if body is None else {"requestBody": body}
        return _sandbox(name, summary, data, parameters=_in_path(*names), responses=known, **more)

    of_section, of_assignment = ("section",), ("section", "assignment")
    of_submission, of_member = (*of_assignment, "user"), ("section", "user")
    grade = _sent({"grade_points": {"type": ["number", "null"], "minimum": 0}, "grade_comment": _TEXT})
    edit = _sent({"title": _TEXT, "points_possible": _NUMBER, "due_date": _TEXT})
    new = _sent({"first_name": _TEXT, "last_name": _TEXT}, required=("first_name", "last_name"))
    return {
        teacher: {
            "get": act("read_gradebook", "Read a section's gradebook in the LMS", of_section, None, _DATA)
        },
        assignment: {
            "patch": act(
                "edit_as_teacher", "Change an assignment in the LMS, as the teacher", of_assignment, edit
            ),
            "delete": act(
                "delete_as_teacher", "Delete an assignment in the LMS, as the teacher", of_assignment
            ),
        },
        submission: {
            "patch": act(
                "grade_as_teacher", "Grade or comment in the LMS, as the teacher", of_submission, grade
            ),
            "post": act("hand_in", "Hand in, as the student", of_submission, _sent({"text": _TEXT})),
        },
        registrar + "/members/{user}": {
            "put": act("enroll", "Enroll a student, as the registrar", of_member),
            "delete": act("unenroll", "Unenroll a student, as the registrar", of_member),
        },
        registrar + "/students": {
            "post": act("add_student", "Add a new student, as the registrar", of_section, new, _DATA)
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
