"""``/sandbox/teacher/...`` and ``/sandbox/registrar/...``: what people do in the LMSs, by HTTP."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from passback.domain.assignment import AssignmentFields
from passback.operations.errors import NotFound, OperationError
from passback.web.messages import JSON, Response
from passback.web.pages import not_allowed
from passback.wire import dates
from passback.wire.encode import encode
from passback.wire.errors import Refusal, bad_request, resource_not_found

if TYPE_CHECKING:
    from passback.sandbox.people import People, Shown
    from passback.web.messages import Request
    from passback.web.pages import Page

T = TypeVar("T")

_MAX_BYTES = 64 * 1024
_LARGEST = 1_000_000_000

Act = Callable[["People", dict[str, str], bytes], Awaitable[Any]]
"""Does something; returns the answer's data, None for none."""


class GradeGiven(Struct, forbid_unknown_fields=True):
    """What the teacher enters."""

    grade_points: Decimal | UnsetType | None = UNSET
    """Null clears the grade."""
    grade_comment: str | None = None


class EditGiven(Struct, forbid_unknown_fields=True):
    """What the teacher changes of an assignment."""

    title: str | None = None
    points_possible: Decimal | None = None
    due_date: str | None = None


class HandedIn(Struct, forbid_unknown_fields=True):
    """What the student hands in."""

    text: str = "Handed in"


class StudentGiven(Struct, forbid_unknown_fields=True):
    """A new student."""

    first_name: str
    last_name: str


class LmsGiven(Struct, forbid_unknown_fields=True):
    """How the LMS is to count."""

    state: str


def people_page(people: People) -> Page:
    """All of these endpoints. The page raises `Refusal`."""

    async def page(request: Request) -> Response:
        path = request.path.decode("latin-1")
        for pattern, methods in _ENDPOINTS:
            if match := pattern.fullmatch(path):
                act = methods.get(request.method)
                if act is None:
                    return not_allowed(*methods)
                body = b"" if request.method == "GET" else await request.body(_MAX_BYTES)
                data = await _told(act(people, match.groupdict(), body))
                return Response(200, b"{}" if data is None else encode({"data": data}), JSON)
        raise resource_not_found()

    return page


def shown(found: Shown) -> dict[str, Any]:
    """A gradebook as it is answered."""
    book = found.book
    return {
        "section_id": found.place.section.id,
        "lms": found.place.kind,
        "students": [
            {"id": found.users.get(lms_id), "lms_id": lms_id, "name": name}
            for lms_id, name in book.students.items()
        ],
        "assignments": [
            {
                "id": found.assignments.get(it.id),
                "lms_id": it.id,
                "title": it.title,
                "points_possible": it.points_possible,
                "due_date": None if it.due is None else dates.show(it.due),
            }
            for it in book.columns
        ],
        "grades": [
            {
                "user_id": found.users.get(student),
                "assignment_id": found.assignments.get(assignment),
                "points": cell.points,
                "comment": cell.comment,
                "handed_in": cell.handed_in,
                "excused": cell.excused,
            }
            for (student, assignment), cell in book.cells.items()
        ],
    }


async def _gradebook(people: People, ids: dict[str, str], _: bytes) -> Any:
    return shown(await people.gradebook(ids["section"]))


async def _grade(people: People, ids: dict[str, str], body: bytes) -> None:
    given = _decoded(body, GradeGiven)
    points = None if given.grade_points is UNSET else given.grade_points
    if points is not None and not 0 <= points <= _LARGEST:
        raise _refused(f"grade_points must be from 0 to {_LARGEST}")
    await people.grade(
        ids["section"],
        ids["assignment"],
        ids["user"],
        points=points,
        clear=given.grade_points is None,
        comment=given.grade_comment,
    )


async def _hand_in(people: People, ids: dict[str, str], body: bytes) -> None:
    text = _decoded(body or b"{}", HandedIn).text
    await people.hand_in(ids["section"], ids["assignment"], ids["user"], text)


async def _edit(people: People, ids: dict[str, str], body: bytes) -> None:
    given = _decoded(body, EditGiven)
    if given.points_possible is not None and not 0 <= given.points_possible <= _LARGEST:
        raise _refused(f"points_possible must be from 0 to {_LARGEST}")
    due = dates.parse(given.due_date).instant if given.due_date else None
    fields = AssignmentFields(title=given.title, points_possible=given.points_possible, due_date=due)
    await people.edit(ids["section"], ids["assignment"], fields)


async def _delete(people: People, ids: dict[str, str], _: bytes) -> None:
    await people.delete(ids["section"], ids["assignment"])


async def _enroll(people: People, ids: dict[str, str], _: bytes) -> None:
    await people.enroll(ids["section"], ids["user"])


async def _unenroll(people: People, ids: dict[str, str], _: bytes) -> None:
    await people.unenroll(ids["section"], ids["user"])


async def _add(people: People, ids: dict[str, str], body: bytes) -> Any:
    given = _decoded(body, StudentGiven)
    return {"id": await people.add_student(ids["section"], given.first_name, given.last_name)}


async def _unmatch(people: People, ids: dict[str, str], _: bytes) -> None:
    await people.unmatch(ids["section"], ids["user"])


async def _match(people: People, ids: dict[str, str], _: bytes) -> None:
    await people.match(ids["section"], ids["user"])


async def _set_lms(people: People, ids: dict[str, str], body: bytes) -> None:
    await people.set_lms(ids["section"], _decoded(body, LmsGiven).state)


_OF_TEACHER, _OF_REGISTRAR = "/sandbox/teacher/sections/{section}", "/sandbox/registrar/sections/{section}"
_ASSIGNMENT = _OF_TEACHER + "/assignments/{assignment}"
_SUBMISSION = _ASSIGNMENT + "/submissions/{user}"
ENDPOINTS: dict[str, dict[str, Act]] = {
    _OF_TEACHER: {"GET": _gradebook},
    _ASSIGNMENT: {"PATCH": _edit, "DELETE": _delete},
    _SUBMISSION: {"PATCH": _grade, "POST": _hand_in},
    _OF_REGISTRAR + "/members/{user}": {"PUT": _enroll, "DELETE": _unenroll},
    _OF_REGISTRAR + "/members/{user}/match": {"PUT": _match, "DELETE": _unmatch},
    _OF_REGISTRAR + "/lms": {"PUT": _set_lms},
    _OF_REGISTRAR + "/students": {"POST": _add},
}
_ENDPOINTS = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), methods) for path, methods in ENDPOINTS.items()
]


async def _told(doing: Awaitable[T]) -> T:
    """The result; what cannot be done becomes an answer. Raises `Refusal`."""
    try:
        return await doing
    except NotFound as error:
        raise Refusal(404, str(error)) from None
    except OperationError as error:
        raise Refusal(409, str(error)) from None


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(str(error)) from None


def _refused(reason: str) -> Refusal:
    return bad_request(f"INVALID_SANDBOX_REQUEST: {reason}")
