"""Believing an LMS only as far as it goes: what a connector reports is compared with what was asked.

The registry opens every connector inside a `Verified`, so that each has this:

- What the LMS says is gone is looked for, in the lists where it should be. What is there after all is not gone: the LMS
  contradicts itself, which is a fault that passes.
- A change that is acknowledged is one that the LMS shows. If the answer does not show it, the LMS is read; if that does
  not either (an LMS may show what it had a moment ago), it is read again, and the change is sent once more. What the
  LMS then keeps instead, it keeps by a rule of its own, and the answer shows that value with a warning. It is not sent
  again if the LMS shows twice another grade than it had before. If it keeps nothing, the change has failed. A comment
  in other words is there, and only warned of.
- Whatever fails after a change was sent leaves it in doubt.
- A deletion is one when the LMS no longer has the assignment.

While all goes well, only a deletion costs a request.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from passback.domain.clock import REAL_TIME, Clock, Timer, system_clock
from passback.domain.submission import Submission, SubmissionFields
from passback.lms import compare
from passback.lms.http.within import Writes, watching_writes
from passback.lms.interface import (
    Capabilities,
    Connector,
    Finding,
    Gone,
    LmsError,
    LostCreate,
    NotAllowed,
    RefusedByLms,
    Unavailable,
    Unsupported,
    in_doubt_after_write,
    looking_after_write,
    still_in_doubt,
    submission_or_error,
)
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.settling import LastShown, Settling, Shown

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role

T = TypeVar("T")

_MOST_KNOWN = 20
"""Of how many known assignments it is checked that lists have them."""
_MOST_LACKING = 3
"""How many of those that a list lacks are asked for by themselves."""


class Verified:
    """A connector whose every word about a change is checked. See `passback.lms.interface.Connector`."""

    def __init__(self, connector: Connector, timer: Timer = REAL_TIME, clock: Clock = system_clock) -> None:
        self._lms = connector
        self._timer = timer
        self._clock = clock
        self._last = LastShown()

    @property
    def capabilities(self) -> Capabilities:
        return self._lms.capabilities

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        with _in_doubt_once_written():
            made = await self._checked(self._lms.create_assignment(section, fields, mark), section)
        if not compare.differing(fields, made):
            return made
        try:
            with in_doubt_after_write():
                return await self.update_assignment(section, made.lms_id, fields)
        except (RefusedByLms, Unsupported):
            return compare.with_warnings(fields, made)  # it can be made so, and not changed

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        async def find() -> Assignment | None:
            return await self._lms.find_assignment(section, fields, lost)

        # What has just been made may not be visible yet.
        found = await self._checked(looked(find, lambda found: found is not None, self._timer), section)
        if found is None:
            await self._check_lists(section, lost)
        return found

    async def _check_lists(self, section: str, lost: LostCreate) -> None:
        """Check that the LMS lists what it has, since a lost create is sent again if no list has it.

        Raises `Unavailable` if one of the newest known assignments is there and not listed.
        """
        known = sorted(lost.known, key=lost.known.__getitem__)[-_MOST_KNOWN:]
        listed = await self.read_assignments(section, known) if known else {}
        for assignment in [it for it in reversed(known) if it not in listed][:_MOST_LACKING]:
            with contextlib.suppress(RefusedByLms):  # it may not be read
                if not isinstance(error := await self._unlisted(section, assignment), Gone):
                    raise error

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return await self._checked(self._lms.read_assignment(section, assignment), section, assignment)

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        return await self._checked(self._lms.read_assignments(section, assignments), section)

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        async def change() -> Assignment:
            sent = self._lms.update_assignment(section, assignment, fields)
            with _in_doubt_once_written():
                return await self._checked(sent, section, assignment)

        async def read() -> Assignment:
            return await self.read_assignment(section, assignment)

        held = await self._settled(
            change, read, lambda now: not compare.differing(fields, now), lambda _: False
        )
        return compare.with_warnings(fields, held)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        async def delete() -> None:
            try:
                await self._lms.delete_assignment(section, assignment)
            except Unavailable as error:
                if isinstance(error, NotAllowed) or error.in_doubt:
                    raise
                # Whatever it answered, it may have deleted it.
                raise Unavailable(str(error), retry_after=error.retry_after, in_doubt=True) from None

        await self._checked(delete(), section, assignment)

        async def is_there() -> bool:
            return assignment in await self.read_assignments(section, [assignment])

        with looking_after_write():
            if not await looked(is_there, lambda there: not there, self._timer):
                return
        raise Unavailable("it says that it deleted the assignment, and still has it", in_doubt=True)

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        async def read() -> Mapping[str, Submission]:
            found = await self._lms.read_submissions(section, assignment, students)
            # A list of nobody may be an LMS's mistake: it counts if it comes twice.
            found = found or await self._lms.read_submissions(section, assignment, students)
            lacking = [it for it in students if it not in found]
            # So may be one that is cut: one of those whom it lacks is asked for alone.
            alone = lacking[:1] if len(students) > 1 else []
            if alone and await self._lms.read_submissions(section, assignment, alone):
                raise Unavailable("a list of submissions lacks one that it shows")
            return found

        held = await self._checked(read(), section, assignment)
        for student, one in held.items():
            self._last.note(_key(assignment, student), _shown(one))
        return held

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        async def change() -> Submission:
            sent = self._lms.update_submission(section, assignment, student, fields)
            with _in_doubt_once_written():
                return await self._checked(sent, section, assignment, student, fields.grader_id)

        async def read() -> Submission:
            found = await self.read_submissions(section, assignment, [student])
            if student not in found:
                raise Gone("student")
            return found[student]

        await self._await_comments(section, assignment, {student: fields})
        key = _key(assignment, student)
        settling = self._last.settling([key], self._clock())
        held = await self._settled(
            change,
            read,
            lambda now: compare.has(fields, now),
            lambda now: compare.keeps(fields, now) and settling.look(key, _shown(now)),
        )
        self._last.note(key, _shown(held))
        return compare.judged(fields, held)

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        await self._await_comments(section, assignment, dict(changes))
        settling = self._last.settling([_key(assignment, it) for it, _ in changes], self._clock())
        with _in_doubt_once_written() as writes:
            outcomes = await self._checked(
                self._lms.update_submissions(section, assignment, changes), section, assignment
            )
        for outcome in outcomes:
            if isinstance(outcome, Unavailable):
                outcome.in_doubt = outcome.in_doubt or writes.any
        last = {student: at for at, (student, _) in enumerate(changes)}
        # What another change of the same student followed is not to be seen any more.
        unseen: dict[str, int] = {}
        for student, at in last.items():
            outcome = outcomes[at]
            if isinstance(outcome, Submission) and not compare.has(changes[at][1], outcome):
                unseen[student] = at
                settling.look(_key(assignment, student), _shown(outcome))
        settled = await self._settled_all(
            section, assignment, {it: changes[at][1] for it, at in unseen.items()}, settling
        )
        ended = [
            settled[student]
            if unseen.get(student) == at
            else await submission_or_error(self.update_submission(section, assignment, student, fields))
            if isinstance(outcome, Gone)
            else compare.with_comment_warning(fields, outcome)
            if isinstance(outcome, Submission)
            else outcome
            for at, ((student, fields), outcome) in enumerate(zip(changes, outcomes, strict=True))
        ]
        for (student, _), one in zip(changes, ended, strict=True):
            if isinstance(one, Submission):
                self._last.note(_key(assignment, student), _shown(one))
        return ended

    async def _settled_all(
        self,
        section: str,
        assignment: str,
        changes: Mapping[str, SubmissionFields],
        settling: Settling,
    ) -> Mapping[str, Submission | LmsError]:
        """Return what became of changes that no answer shows: looked for, and sent once more, all of them together.

        What the LMS is found to keep instead is not sent again.
        """
        if not changes:
            return {}

        async def read() -> Mapping[str, Submission]:
            return await self.read_submissions(section, assignment, list(changes))

        def is_settled(student: str, held: Submission) -> bool:
            fields = changes[student]
            if compare.has(fields, held):
                return True
            return compare.keeps(fields, held) and settling.look(_key(assignment, student), _shown(held))

        again: list[str] = []

        def are_settled(held: Mapping[str, Submission]) -> bool:
            again[:] = [it for it in changes if it not in held or not is_settled(it, held[it])]
            return not again

        outcomes: dict[str, Submission | LmsError] = {}
        try:
            with looking_after_write():
                held = await looked(read, are_settled, self._timer)
                if again:
                    sent = await self._lms.update_submissions(
                        section, assignment, [(it, changes[it]) for it in again]
                    )
                    outcomes = {
                        it: _in_doubt(outcome) if isinstance(outcome, LmsError) else outcome
                        for it, outcome in zip(again, sent, strict=True)
                        if not isinstance(outcome, RefusedByLms | Unsupported)
                        and (isinstance(outcome, LmsError) or compare.has(changes[it], outcome))
                    }
                    held = await read() if len(outcomes) < len(again) else held
        except LmsError as error:
            return dict.fromkeys(changes, error)
        for student, fields in changes.items():
            if student not in outcomes:
                outcomes[student] = _outcome(fields, held[student]) if student in held else Gone("student")
        return outcomes

    async def _await_comments(
        self, section: str, assignment: str, changes: Mapping[str, SubmissionFields]
    ) -> None:
        """Wait until comments that an earlier try may have left are visible, if they are there."""
        lost = {
            student: fields.grade_comment
            for student, fields in changes.items()
            if fields.grade_comment and fields.comment_since is not None
        }
        if not lost:
            return

        async def read() -> Mapping[str, Submission]:
            return await self.read_submissions(section, assignment, list(lost))

        await looked(
            read,
            lambda held: all(it in held and held[it].grade_comment == words for it, words in lost.items()),
            self._timer,
        )

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await self._lms.read_courses()

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return await self._lms.read_sections(course)

    async def read_people(self, section: str) -> Sequence[Person]:
        return await self._lms.read_people(section)

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        return await self._lms.find_section(section)

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        return await self._lms.has_person(section, role, person)

    async def check(self) -> Sequence[Finding]:
        return await self._lms.check()

    async def close(self) -> None:
        """Close the connector."""
        await self._lms.close()

    async def _settled(
        self,
        change: Callable[[], Awaitable[T]],
        read: Callable[[], Awaitable[T]],
        shows: Callable[[T], bool],
        keeps: Callable[[T], bool],
    ) -> T:
        """Make a change; returns what shows it, or what the LMS `keeps` instead.

        It is sent once more if the LMS shows neither.
        """
        held = await change()
        if shows(held) or keeps(held):
            return held
        settled = False

        def is_settled(now: T) -> bool:
            nonlocal settled
            settled = shows(now) or keeps(now)
            return settled

        with looking_after_write():
            held = await looked(read, is_settled, self._timer)
            if not settled:
                # It was accepted once: what it is refused for now may be what has come of that.
                with contextlib.suppress(RefusedByLms, Unsupported):
                    held = await change()
                held = held if shows(held) else await read()
        return held

    async def _checked(
        self,
        call: Awaitable[T],
        section: str,
        assignment: str | None = None,
        student: str | None = None,
        grader: str | None = None,
    ) -> T:
        """Return what a call of the connector returns; if it raises `Gone`, raise what is really gone."""
        try:
            return await call
        except Gone as gone:
            raise await self._missing(gone, section, assignment, student, grader) from None

    async def _missing(
        self,
        gone: Gone,
        section: str,
        assignment: str | None = None,
        student: str | None = None,
        grader: str | None = None,
    ) -> LmsError:
        """Return what is really gone of that which a change or look was about, by the lists where it should be."""
        try:
            if assignment is not None:
                if assignment not in await self._lms.read_assignments(section, [assignment]):
                    return await self._unlisted(section, assignment)
                if student is not None and not await self._lms.read_submissions(
                    section, assignment, [student]
                ):
                    return Gone("student")
            people = await self._lms.read_people(section)
            teachers = {person.id for person in people if person.role == "teacher"}
            if gone.thing == "grader" and grader not in teachers:
                return gone
        except Gone:
            if await self._is_gone(section):
                return Gone("section")
        except LmsError as error:
            return error
        return Unavailable(f"it says that the {gone.thing} is gone, and lists it", in_doubt=True)

    async def _unlisted(self, section: str, assignment: str) -> LmsError:
        """Return what an assignment is that the LMS does not list: gone, unless it still shows it."""
        try:
            await self._lms.read_assignment(section, assignment)
        except Gone:
            return Gone("assignment")
        return Unavailable("it does not list the assignment, and shows it", in_doubt=True)

    async def _is_gone(self, section: str) -> bool:
        try:
            await self._lms.read_people(section)
        except Gone:
            return True
        return False


@contextlib.contextmanager
def _in_doubt_once_written() -> Iterator[Writes]:
    """Mark what fails inside the ``with`` as in doubt once something was written there."""
    with watching_writes() as writes:
        try:
            yield writes
        except Unavailable as error:
            error.in_doubt = error.in_doubt or writes.any
            raise


def _key(assignment: str, student: str) -> str:
    return f"{assignment}/{student}"


def _shown(held: Submission) -> Shown:
    return Shown((held.grade, held.grade_points), held.last_modified)


def _in_doubt(error: LmsError) -> Unavailable:
    """Return the error of what was sent once more, for what may have been done at first."""
    if isinstance(error, Unavailable):
        return still_in_doubt(error, str(error))
    return Unavailable(f"after it was written: {error}", in_doubt=True)


def _outcome(fields: SubmissionFields, held: Submission) -> Submission | LmsError:
    try:
        return compare.judged(fields, held)
    except Unavailable as error:
        return error
