"""The sandbox's pages in the console: requests, gradebook, errors and the clock, over what HTTP offers, too."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.console import once
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.sent import moment
from passback.console.visit import NotHere, redirect
from passback.domain.assignment import AssignmentFields
from passback.domain.clock import DAY
from passback.operations import dates as due_dates
from passback.operations.errors import NotFound, OperationError
from passback.sandbox import clock
from passback.sandbox.faults import MEANINGS
from passback.sandbox.journal import Wanted
from passback.sandbox.published import PUBLISHED
from passback.sandbox.send import Exchange, exchange
from passback.wire import dates
from passback.wire.errors import Refusal
from passback_simulators.identities import ALGEBRA, CANVAS_UNIFIED, DISTRICTS, SANDBOX_UNIFIED, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.domain.account import Right
    from passback.domain.clock import Instant
    from passback.sandbox.control import Control
    from passback.sandbox.parts import Parts
    from passback.sandbox.people import People
    from passback.sandbox.people import Shown as Book

    Answer = Callable[[Visit], Awaitable[Response]]

LINKS: tuple[tuple[str, str, Right], ...] = (("Sandbox", "/sandbox", "apps"),)
"""What the sandbox adds to the navigation."""
_A_PAGE = 25
_USUAL = CANVAS_UNIFIED.id(ALGEBRA.digits)


class Where(Struct, frozen=True):
    """A section to choose."""

    id: str
    name: str
    token: str
    teacher: str
    student: str


WHERE = {
    district.id(section.digits): Where(
        district.id(section.digits),
        f"{district.name}, {section.name}",
        district.token,
        district.id(section.teacher),
        district.id(section.students[0]),
    )
    for district in DISTRICTS
    for section in SECTIONS
}


class SandboxPages:
    """The pages, on the parts of one sandbox."""

    def __init__(self, parts: Parts, control: Control, people: People) -> None:
        self._parts = parts
        self._control = control
        self._people = people

    def pages(self) -> tuple[Shown, ...]:
        """All of them, for those who may manage applications in all districts."""
        gets = {
            "/sandbox": self.requests,
            "/sandbox/requests/{id}": self.entry,
            "/sandbox/gradebook": self.gradebook,
            "/sandbox/errors": self.errors,
            "/sandbox/clock": self.clock,
        }
        posts = {
            "/sandbox/send": self.send,
            "/sandbox/gradebook": self.act,
            "/sandbox/errors": self.send_error,
            "/sandbox/clock": self.move_clock,
            "/sandbox/reset": self.reset,
        }
        return (
            *(Shown(path, "apps", _of_all(answer)) for path, answer in gets.items()),
            *(Shown(path, "apps", _of_all(answer), "POST") for path, answer in posts.items()),
        )

    # Requests, with the gradebook beside.

    async def requests(self, visit: Visit) -> Response:
        """What was asked and answered lately, and the gradebook of a section."""
        where = _where(visit.asked("section"))
        status = visit.asked("status")
        before = visit.asked("before")
        wanted = Wanted(
            district=visit.asked("district"),
            status=int(status) if status.isdecimal() and len(status) == 3 else None,
            before=int(before) if before.isdecimal() and len(before) < 10 else None,
        )
        found = self._parts.journal.find(wanted, _A_PAGE + 1)
        return page(
            visit,
            "sandbox_requests.html",
            entries=found[:_A_PAGE],
            next=found[_A_PAGE - 1].id if len(found) > _A_PAGE else None,
            asked={name: visit.asked(name) for name in ("district", "status", "before")},
            where=where,
            places=WHERE.values(),
            districts=DISTRICTS,
            faults=MEANINGS,
            book=await self._book(where.id),
        )

    async def entry(self, visit: Visit) -> Response:
        """One request and its answer, side by side, with the calls to the LMS."""
        id_ = visit.of_path("id")
        entry = self._parts.journal.entry(int(id_)) if id_.isdecimal() and len(id_) < 10 else None
        if entry is None:
            raise NotHere
        where = WHERE.get(_section_of(entry.path)) or _where(visit.asked("section"))
        return page(visit, "sandbox_entry.html", entry=entry, where=where, book=await self._book(where.id))

    async def send(self, visit: Visit) -> Response:
        """Send a request as an application would, perhaps with a fault."""
        where = _where(visit.sent("section"))
        fault = visit.sent("fault")
        headers: tuple[tuple[str, str], ...] = (("Sandbox-Fault", fault),) if fault else ()
        if visit.sent("later"):
            headers += (("Prefer", "respond-async"),)
        base = f"/v3.1/sections/{where.id}/assignments"
        match visit.sent("do"):
            case "create":
                content = _essay(self._parts.clock())
                sent = await self._exchange(visit, "POST", base, where.token, content, headers)
            case "grade":
                assignment = await self._assignment(visit, where)
                points = _number(visit.sent("points"), "the grade")
                grade = {"grade_points": float(points), "grader_id": where.teacher}
                path = f"{base}/{assignment}/submissions/{where.student}"
                sent = await self._exchange(visit, "PATCH", path, where.token, grade, headers)
            case _:
                sent = await self._exchange(visit, "GET", base, where.token, None, headers)
        found = self._parts.journal.find(Wanted(request_id=sent.request_id), 1)
        if not found:
            raise OperationError(
                "the request did not arrive here: does PASSBACK_PUBLIC_URL lead to this server?"
            )
        return redirect(f"/sandbox/requests/{found[0].id}", section=where.id)

    async def _assignment(self, visit: Visit, where: Where) -> str:
        """The newest assignment of a section, made if there is none."""
        book = await self._book(where.id)
        known = [book.assignments[it.id] for it in book.book.columns if it.id in book.assignments]
        if known:
            return known[-1]
        base = f"/v3.1/sections/{where.id}/assignments"
        made = await self._exchange(visit, "POST", base, where.token, _essay(self._parts.clock()))
        if made.status != 200:
            raise OperationError("there is no assignment to grade, and none could be created")
        return str(json.loads(made.body)["data"]["id"])

    async def _exchange(
        self,
        visit: Visit,
        method: str,
        path: str,
        token: str,
        content: dict[str, Any] | None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        body = None if content is None else json.dumps(content)
        return await exchange(visit.gateway.base_url, method, path, token=token, body=body, headers=headers)

    async def _book(self, section_id: str) -> Book:
        return await self._people.gradebook(section_id)

    # The gradebook, with the teacher's and the registrar's hand.

    async def gradebook(self, visit: Visit) -> Response:
        """A section's gradebook as the LMS shows it, and what people can do there."""
        where = _where(visit.asked("section"))
        return page(
            visit,
            "sandbox_gradebook.html",
            where=where,
            places=WHERE.values(),
            book=await self._book(where.id),
            done=visit.done,
            back=visit.asked("back") or where.student,
        )

    async def act(self, visit: Visit) -> Response:
        """Do what a teacher, a student or the registrar does."""
        try:
            return await self._act(visit)
        except NotFound as error:  # an id that was typed, which is no page's
            raise OperationError(str(error)) from None

    async def _act(self, visit: Visit) -> Response:
        where = _where(visit.sent("section"))
        assignment, student = visit.sent("assignment"), visit.sent("student")
        people, back = self._people, ""
        match visit.sent("do"):
            case "grade":
                points, comment = visit.sent("points"), visit.sent("comment")
                given = _number(points, "the grade") if points else None
                await people.grade(where.id, assignment, student, points=given, comment=comment or None)
                done = "Graded"
            case "clear":
                await people.grade(where.id, assignment, student, clear=True)
                done = "The grade was removed"
            case "hand-in":
                await people.hand_in(where.id, assignment, student, visit.sent("comment") or "My work")
                done = "Handed in"
            case "edit":
                fields = _fields(visit.sent("title"), visit.sent("points"), visit.sent("due"))
                await people.edit(where.id, assignment, fields)
                done = "The assignment was changed"
            case "delete":
                await people.delete(where.id, assignment)
                done = "The assignment was deleted"
            case "enroll":
                await people.enroll(where.id, student)
                done = "Enrolled"
            case "unenroll":
                await people.unenroll(where.id, student)
                done, back = "Unenrolled", student
            case "add":
                await people.add_student(where.id, visit.sent("first"), visit.sent("last"))
                done = "The student was added"
            case _:
                raise OperationError("choose what to do")
        return redirect("/sandbox/gradebook", section=where.id, done=done, back=back)

    # Errors.

    async def errors(self, visit: Visit) -> Response:
        """The published errors, each with a button that sends a request for it; both sides of one just sent."""
        sent = once.shown(visit, _Sent)
        row = next((it for it in PUBLISHED if sent and it.number == sent.number), None)
        return page(visit, "sandbox_errors.html", errors=PUBLISHED, sent=sent, row=row)

    async def send_error(self, visit: Visit) -> Response:
        """Send the request of one."""
        row = next((it for it in PUBLISHED if str(it.number) == visit.sent("number")), None)
        if row is None:
            raise OperationError("choose one of the fifteen")
        path = row.path
        if "{a}" in path:
            where = WHERE[SANDBOX_UNIFIED.id(ALGEBRA.digits)]
            path = path.replace("{a}", await self._assignment(visit, where))
        sent = await exchange(visit.gateway.base_url, row.method, path, token=row.token, body=row.body)
        return once.lead_to(visit, "/sandbox/errors", _both_sides(row.number, sent))

    # The clock and the reset.

    async def clock(self, visit: Visit) -> Response:
        """The clock, and the way back to the start."""
        return self._clock(visit)

    def _clock(self, visit: Visit, problem: str = "", status: int = 200) -> Response:
        moved = self._parts.clock
        return page(
            visit,
            "sandbox_clock.html",
            status=status,
            real=moved.real(),
            is_moved=moved.moved_by != 0,
            problem=problem,
            sent={name: visit.sent(name) for name in ("now", "advance")},
        )

    async def move_clock(self, visit: Visit) -> Response:
        """Move the clock, or go by the machine's again."""
        if visit.sent("do") == "real":
            await self._control.move_clock(0)
            return redirect("/sandbox/clock")
        advance = visit.sent("by") or visit.sent("advance")
        try:
            now = due_dates.show(moment(visit.sent("now")))
            wanted = clock.Move(now=now or None, advance=advance or None)
            await self._control.move_clock(clock.moved_by(self._parts.clock, wanted))
        except Refusal as refusal:
            problem = refusal.message.removeprefix("INVALID_SANDBOX_CLOCK: ")
            return self._clock(visit, problem, status=422)
        except OperationError as error:
            return self._clock(visit, str(error), status=422)
        return redirect("/sandbox/clock")

    async def reset(self, visit: Visit) -> Response:  # noqa: ARG002
        """Bring everything back to the start."""
        await self._control.reset()
        return redirect("/sandbox")


def _of_all(answer: Answer) -> Answer:
    """A page for those who see all districts: the sandbox's requests are of all of them."""

    @wraps(answer)
    async def guarded(visit: Visit) -> Response:
        if visit.account.district_id is not None:
            raise NotHere
        return await answer(visit)

    return guarded


def _where(section_id: str) -> Where:
    return WHERE.get(section_id) or WHERE[_USUAL]


def _essay(now: Instant) -> dict[str, Any]:
    return {
        "title": "Essay 1",
        "description": "Two pages",
        "due_date": dates.show(now + 7 * DAY),
        "points_possible": 20,
    }


def _section_of(path: str) -> str:
    """The section that a request's path names; empty if it names none."""
    return path.partition("/sections/")[2].partition("/")[0]


def _fields(title: str, points: str, due: str) -> AssignmentFields:
    return AssignmentFields(
        title=title or None,
        points_possible=_number(points, "the points") if points else None,
        due_date=moment(due),
    )


def _number(text: str, what: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number <= 1_000_000_000):
        raise OperationError(f"{what} must be a number, 0 or more")
    return number


class _Sent(Struct, frozen=True):
    """Both sides of a request as text."""

    number: int
    """The row of the published errors."""
    asked: str
    answered: str
    status: int


def _both_sides(number: int, sent: Exchange) -> _Sent:
    return _Sent(
        number, sent.asked.decode("utf-8", "replace"), sent.answered.decode("utf-8", "replace"), sent.status
    )
