"""The teacher's, the student's and the registrar's hand, in one form for every LMS of the sandbox.

What they do happens in the LMS, as it would in a real one: the API sees it with its next call. The registrar's changes
reach both the roster and the LMS, as from a student information system that feeds both. Ids are those of the API.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.delivery import looks, webhook_notify
from passback.domain.assignment import AssignmentFields
from passback.domain.roster import User
from passback.domain.submission import SubmissionFields
from passback.lms.interface import LmsError
from passback.lms.registry import BUILTIN
from passback.operations import gradebook
from passback.operations.errors import NotFound, OperationError
from passback.store import assignments, enrollments, matching, roster, roster_events, webhooks
from passback.wire import events
from passback_simulators import seed_of
from passback_simulators.hands import NOTHING, Cell, Column, Edit, Gradebook, NewStudent, NotPossible
from passback_simulators.identities import DISTRICTS, PREFIX, SCHOOL, SIMULATED
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from passback.context import Gateway
    from passback.domain.assignment import Assignment
    from passback.domain.roster import District, Section
    from passback.domain.submission import Submission
    from passback.sandbox.lms import SimulatedLmss
    from passback.store.engine.database import Connection
    from passback_simulators.hands import Hand

_OF_TEACHERS = {events.ASSIGNMENT_CHANGED, events.ASSIGNMENT_DELETED, events.GRADE_CHANGED}
_FIRST_NEW, _MOST_NEW = 2001, 7000
"""The digits that new students get."""


class Place(Struct, frozen=True):
    """A section, where its gradebook is."""

    district: District
    section: Section

    @property
    def kind(self) -> str:
        """The kind of its LMS."""
        return self.district.lms_type or ""

    @property
    def lms_id(self) -> str:
        """The section's id in the LMS. Raises `OperationError`."""
        if self.section.lms_id is None:
            raise OperationError("the section is not matched to one of the LMS")
        return self.section.lms_id


class Shown(Struct, frozen=True):
    """A section's gradebook, with the ids of the API for whatever it knows."""

    place: Place
    book: Gradebook
    users: Mapping[str, str]
    """Our ids of the students, by those of the LMS."""
    assignments: Mapping[str, str]
    """Our ids of the assignments, by those of the LMS."""

    def cell(self, student: str, assignment: str) -> Cell:
        """What there is of a student and an assignment, by the LMS's ids."""
        return self.book.cells.get((student, assignment), NOTHING)


class People:
    """Does in the LMSs what people do. Everything raises `OperationError`, or `NotFound`, if it cannot be done."""

    def __init__(self, gateway: Gateway, lmss: SimulatedLmss) -> None:
        self._gateway = gateway
        self._lmss = lmss

    async def gradebook(self, section_id: str) -> Shown:
        """What the LMS shows the section's teacher."""
        place = await self._place(section_id)
        book = (
            await self._builtin_book(place)
            if place.kind == BUILTIN
            else self._hand(place).gradebook(place.lms_id)
        )

        def known(conn: Connection) -> Shown:
            found = ((it.id, assignments.find_by_lms_id(conn, section_id, it.id)) for it in book.columns)
            ours = {lms_id: known[0] for lms_id, known in found if known is not None}
            users = roster.ids_of(conn, place.district.id, [*book.students])
            return Shown(place, book, users, ours)

        return await self._gateway.database.snapshot(known)

    async def grade(
        self,
        section_id: str,
        assignment_id: str,
        user_id: str,
        *,
        points: Decimal | None = None,
        clear: bool = False,
        comment: str | None = None,
    ) -> None:
        """The teacher gives a grade (or clears it), a comment, or both."""
        if points is None and not clear and comment is None:
            raise OperationError("nothing to change: give grade_points, grade_comment or both")
        place = await self._place(section_id)
        assignment = await self._assignment(place, assignment_id)
        student = await self._student(place, user_id)
        if place.kind == BUILTIN:
            fields = SubmissionFields(grade_points=points, grade="" if clear else None, grade_comment=comment)
            async with self._noticed(place):
                await self._in_builtin(assignment_id, user_id, fields)
            return

        def act(hand: Hand) -> None:
            if clear or points is not None:
                hand.grade(place.lms_id, assignment, student, None if points is None else float(points))
            if comment is not None:
                hand.comment(place.lms_id, assignment, student, comment)

        async with self._noticed(place):
            await self._in_lms(place, act)

    async def edit(self, section_id: str, assignment_id: str, fields: AssignmentFields) -> None:
        """The teacher changes title, points or due date."""
        if fields == AssignmentFields():
            raise OperationError("nothing to change: give title, points_possible or due_date")
        place = await self._place(section_id)
        assignment = await self._assignment(place, assignment_id)
        if place.kind == BUILTIN:
            async with self._noticed(place):
                await gradebook.edit(self._gateway.database, assignment_id, fields, self._gateway.clock)
            return
        points = None if fields.points_possible is None else float(fields.points_possible)
        edit = Edit(fields.title, points, fields.due_date)
        async with self._noticed(place):
            await self._in_lms(place, lambda hand: hand.edit(place.lms_id, assignment, edit))

    async def delete(self, section_id: str, assignment_id: str) -> None:
        """The teacher deletes an assignment."""
        place = await self._place(section_id)
        assignment = await self._assignment(place, assignment_id)
        async with self._noticed(place):
            if place.kind == BUILTIN:
                await gradebook.delete(self._gateway.database, assignment_id, self._gateway.clock)
            else:
                await self._in_lms(place, lambda hand: hand.delete(place.lms_id, assignment))

    async def hand_in(self, section_id: str, assignment_id: str, user_id: str, text: str) -> None:
        """The student hands in. The built-in gradebook keeps no text, only that it was handed in."""
        place = await self._place(section_id)
        assignment = await self._assignment(place, assignment_id)
        student = await self._student(place, user_id)
        if place.kind == BUILTIN:
            await self._in_builtin(assignment_id, user_id, SubmissionFields(state="submitted"))
            return
        await self._in_lms(place, lambda hand: hand.hand_in(place.lms_id, assignment, student, text))

    async def enroll(self, section_id: str, user_id: str) -> None:
        """The registrar enrolls a student of the district."""
        place = await self._place(section_id)
        student = await self._student(place, user_id)
        await gradebook.enroll(self._gateway.database, section_id, user_id, self._gateway.clock)
        if place.kind != BUILTIN:
            await self._in_lms(place, lambda hand: hand.enroll(place.lms_id, student))

    async def unenroll(self, section_id: str, user_id: str) -> None:
        """The registrar ends a student's enrollment."""
        place = await self._place(section_id)
        student = await self._student(place, user_id)
        await gradebook.unenroll(self._gateway.database, section_id, user_id, self._gateway.clock)
        if place.kind != BUILTIN:
            await self._in_lms(place, lambda hand: hand.unenroll(place.lms_id, student))

    async def add_student(self, section_id: str, first: str, last: str) -> str:
        """The registrar adds a student who comes to the district, in a section; returns the id."""
        if not first.strip() or not last.strip():
            raise OperationError("a student needs first_name and last_name")
        place = await self._place(section_id)
        known = next((it for it in DISTRICTS if it.district_id == place.district.id), None)
        if known is None:
            raise OperationError("students can be added to the sandbox's own districts only")
        now = self._gateway.clock()

        def write(conn: Connection) -> tuple[User, NewStudent]:
            conn.lock(f"roster/{place.district.id}")
            taken = (f"{number:06}" for number in range(_FIRST_NEW, _MOST_NEW))
            digits = next(
                it
                for it in taken
                if roster.find(conn, roster.USERS, place.district.id, known.id(it), removed=True) is None
            )
            new = NewStudent(digits, first.strip(), last.strip())
            lms_id = known.id(digits) if place.kind == BUILTIN else seed_of(place.kind).person_lms_id(digits)
            user = User(
                id=PREFIX + known.digits + digits,
                district_id=place.district.id,
                role="student",
                first_name=new.first,
                middle_name=None,
                last_name=new.last,
                email=new.email(known.digits),
                sis_id=new.sis_id,
                school_id=known.id(SCHOOL),
                grade="9",
                lms_id=lms_id,
                created=now,
                last_modified=now,
                matched_by=None if place.kind == BUILTIN else "sis_id",
                number=digits,
            )
            before = enrollments.members_by_role(conn, section_id)
            roster.insert(conn, roster.USERS, [user])
            roster_events.add_created(conn, place.district.id, "users", user.id, now)
            enrollments.enroll(conn, section_id, "student", [user.id])
            roster_events.add_members(conn, place.district.id, section_id, before, now)
            return user, new

        user, new = await self._gateway.database.write(write)
        if place.kind != BUILTIN:

            def act(hand: Hand) -> None:
                hand.add_student(new)
                hand.enroll(place.lms_id, user.lms_id or "")

            await self._in_lms(place, act)
        return user.id

    async def unmatch(self, section_id: str, user_id: str) -> None:
        """A sync is no longer sure which account of the LMS is the student's: the match is withdrawn."""
        place = await self._place(section_id)
        await self._student(place, user_id)
        now, district_id = self._gateway.clock(), place.district.id

        def write(conn: Connection) -> None:
            matching.decide(conn, user_id, None, now)
            webhook_notify.matches_withdrawn(conn, district_id, [("users", user_id)], now)

        await self._gateway.database.write(write)
        self._gateway.in_flight.wake()

    async def match(self, section_id: str, user_id: str) -> None:
        """A sync has found the student's account of the LMS: they are matched as at the start."""
        place = await self._place(section_id)
        digits = user_id[len(PREFIX) + 2 :]
        lms_id = user_id if place.kind == BUILTIN else seed_of(place.kind).person_lms_id(digits)
        now = self._gateway.clock()
        done = await self._gateway.database.write(lambda conn: matching.decide(conn, user_id, lms_id, now))
        if done is None:
            raise NotFound(f"there is no student {user_id}")

    async def set_lms(self, section_id: str, state: str) -> None:
        """Let the section's LMS count as down or as refusing the credentials, until a call succeeds; or as up again."""
        district_id, now = (await self._place(section_id)).district.id, self._gateway.clock()

        def write(conn: Connection) -> None:
            match state:
                case "down":
                    webhook_notify.connection_down(conn, district_id, now, pretended=False)
                case "refuses":
                    webhook_notify.connection_broken(conn, district_id, now, pretended=False)
                case "up":
                    webhook_notify.connection_works(conn, district_id, now)
                case _:
                    raise OperationError("state must be down, refuses or up")

        await self._gateway.database.write(write)
        self._gateway.in_flight.wake()

    # Where it is.

    async def _place(self, section_id: str) -> Place:
        def read(conn: Connection) -> Place:
            district_id = roster.district_of_section(conn, section_id)
            district = district_id and roster.find(conn, roster.DISTRICTS, district_id, district_id)
            section = district_id and roster.find(conn, roster.SECTIONS, district_id, section_id)
            if not district or not section:
                raise NotFound(f"there is no section {section_id}")
            return Place(district, section)

        return await self._gateway.database.read(read)

    async def _assignment(self, place: Place, assignment_id: str) -> str:
        """The LMS's id of an assignment."""

        def read(conn: Connection) -> str:
            found = assignments.locate(conn, assignment_id)
            if found is None or found[0] != place.section.id:
                raise NotFound(f"there is no assignment {assignment_id} in the section")
            return found[1].lms_id

        lms_id = await self._gateway.database.read(read)
        if place.kind != BUILTIN and all(
            it.id != lms_id for it in self._hand(place).gradebook(place.lms_id).columns
        ):
            raise OperationError("the assignment is no longer in the gradebook")
        return lms_id

    async def _student(self, place: Place, user_id: str) -> str:
        """The LMS's id of a student."""

        def read(conn: Connection) -> str:
            user = roster.find(conn, roster.USERS, place.district.id, user_id)
            if user is None or user.role != "student" or user.lms_id is None:
                raise NotFound(f"there is no student {user_id} in the section's district")
            return user.lms_id

        return await self._gateway.database.read(read)

    # What is done there.

    @contextlib.asynccontextmanager
    async def _noticed(self, place: Place) -> AsyncIterator[None]:
        """Look at the section before and after, so that webhooks report at once what a teacher does in the ``with``."""
        wanted = await self._gateway.database.read(
            lambda conn: webhooks.events_wanted(conn, place.district.id, self._gateway.clock())
        )
        if not wanted & _OF_TEACHERS:
            yield
            return
        await self._look(place)
        yield
        await self._look(place)
        self._gateway.in_flight.wake()

    async def _look(self, place: Place) -> None:
        with contextlib.suppress(LmsError):  # production would find out later, too
            await looks.look_at(self._gateway, place.district.id, place.section.id)

    def _hand(self, place: Place) -> Hand:
        if place.district.id not in {it.district_id for it in SIMULATED if it.lms_type == place.kind}:
            raise OperationError("the district has neither the built-in gradebook nor a simulated LMS")
        return self._lmss.hand(place.kind)

    async def _in_lms(self, place: Place, act: Callable[[Hand], None]) -> None:
        try:
            act(self._hand(place))
        except NotPossible as error:
            raise OperationError(str(error)) from None
        except Refusal as refusal:
            said = refusal.reply.body.decode("utf-8", "replace")[:300]
            raise OperationError(f"the LMS refuses it with {refusal.reply.status}: {said}") from None
        finally:
            await self._lmss.save(place.kind)

    async def _in_builtin(self, assignment_id: str, user_id: str, fields: SubmissionFields) -> None:
        await gradebook.grade(self._gateway.database, assignment_id, user_id, fields, self._gateway.clock)

    async def _builtin_book(self, place: Place) -> Gradebook:
        database, clock = self._gateway.database, self._gateway.clock
        listed = await gradebook.list_assignments(database, place.section.id)

        def members(conn: Connection) -> dict[str, str]:
            ids = enrollments.members_by_role(conn, place.section.id)["student"]
            users = (roster.find(conn, roster.USERS, place.district.id, it) for it in ids)
            return {it.lms_id or it.id: f"{it.first_name} {it.last_name}" for it in users if it is not None}

        students = await database.snapshot(members)
        cells: dict[tuple[str, str], Cell] = {}
        for one in listed:
            graded = await gradebook.find_assignment(database, one.id, clock)
            found = ((it.student_id, _cell(it)) for it in graded.submissions)
            cells |= {(it, one.assignment.lms_id): cell for it, cell in found if cell != NOTHING}
        return Gradebook(students, [_column(it.assignment) for it in listed], cells)


def _column(assignment: Assignment) -> Column:
    points = assignment.points_possible
    return Column(
        assignment.lms_id, assignment.title, None if points is None else float(points), assignment.due_date
    )


def _cell(submission: Submission) -> Cell:
    points: Any = submission.grade_points
    return Cell(
        None if points is None else float(points),
        submission.grade_comment,
        submission.state == "submitted",
        "excused" in submission.flags,
    )
