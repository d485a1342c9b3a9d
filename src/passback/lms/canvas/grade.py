"""Reading and changing students' submissions in Canvas, one at a time. `bulk_grade` changes many."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from passback.domain.submission import SubmissionFields
from passback.lms.canvas import comments, map_assignments, map_submissions
from passback.lms.canvas.audience import Audience, with_own_due_date
from passback.lms.canvas.errors import NotAuthorized
from passback.lms.canvas.grader import Grader
from passback.lms.canvas.hand_in import hand_in, is_newer
from passback.lms.canvas.overrides import send_override
from passback.lms.canvas.verdict import GRADE, READ, judged, why_not_gradable
from passback.lms.interface import (
    SCORE_CHANGED,
    Gone,
    LmsError,
    RefusedByLms,
    Unavailable,
    still_in_doubt,
)
from passback.lms.toolkit.json_fields import Json, as_object, as_objects, id_of, instant, integer, text
from passback.lms.toolkit.unsupported_fields import note_key, read_note

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.domain.submission import Submission
    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.map_assignments import LmsAssignment
    from passback.lms.canvas.map_submissions import Grade, Target
    from passback.lms.canvas.roster import Roster
    from passback.lms.canvas.schemes import Scheme
    from passback.lms.interface import LmsConnection
    from passback.lms.notes import Note, Notes

T = TypeVar("T")

_NEEDS_A_LOOK = ("flags", "state", "attachments", "extra_attempts", "override_due_date")
"""Fields whose change depends on what Canvas has; a plain grade does not."""
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0
_INCLUDE = {"include[]": ["submission_comments", "visibility"]}

_POST_GRADES = """
mutation ($assignment: ID!) {
  postAssignmentGrades(input: {assignmentId: $assignment}) { progress { state } }
}
"""


class Grading:
    """Reads and writes the submissions of one Canvas."""

    def __init__(
        self, api: CanvasApi, connection: LmsConnection, notes: Notes, clock: Clock, roster: Roster
    ) -> None:
        self._api = api
        self._connection = connection
        self._notes = notes
        self._clock = clock
        self._roster = roster
        self.grader = Grader(allowed=connection.options.get("masquerade", "yes") == "yes")
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def overrides(self, assignment: str) -> asyncio.Lock:
        """Return the lock to hold while an assignment's overrides are read and sent, which is always all of them."""
        return self._locks.setdefault(assignment, asyncio.Lock())

    async def judged(
        self,
        target: Target,
        ask: Callable[[], Awaitable[T]],
        again: Callable[[], Awaitable[T]] | None = None,
    ) -> T:
        """Return what `ask` returns, or raise what a refusal of it means for a grade (`verdict.judged`)."""
        return await judged(self._api, target.course, GRADE, ask, why_not_gradable(target.item), again=again)

    async def read(self, target: Target) -> Json | None:
        """Read a student's submission as Canvas shows it; None if there is no such student in the course."""

        async def read() -> Json:
            return as_object(await self._api.get(target.path, _INCLUDE, gone="student"))

        try:
            found = await judged(self._api, target.course, READ, read, why_not_gradable(target.item))
        except Gone:
            return None
        map_submissions.check_whose(found, target)
        return found

    async def read_all(self, course: str, section: str, item: LmsAssignment) -> dict[str, Json]:
        """Read the submissions of a section's students, by student. Raises `RefusedByLms` if Canvas hides whose."""
        why = why_not_gradable(item)

        async def read() -> Sequence[Json]:
            path = f"assignments/{item.id}/submissions"
            try:
                return await self._api.pages(f"sections/{section}/{path}", _INCLUDE)
            except Gone:
                return await self._api.pages(f"courses/{course}/{path}", _INCLUDE)

        listed = await judged(self._api, course, READ, read, why)
        if any(text(it, "anonymous_id") is not None and text(it, "user_id") is None for it in listed):
            raise RefusedByLms("NOT_GRADABLE", why or "Canvas hides whose work is whose")
        return {id_of(it, "user_id"): it for it in listed if text(it, "user_id") is not None}

    async def update(self, target: Target, scheme: Scheme | None, fields: SubmissionFields) -> Submission:
        """Change the given fields of one student's submission. All are judged before anything is written."""
        before = None if is_plain_grade(fields, target.item) else await self._before(target)
        grade = await self.judge(target, scheme, fields)
        if before is not None:
            before = await self._prepare(target, fields, grade, before)
            [fields] = await self.with_others([(target, fields, before)])
        answer, grader_note = before, None
        if before is None or _is_graded(fields, before, target.student):
            try:
                answer, grader_note = await self._grade(target, fields, grade, before)
            except RefusedByLms:
                await self._leave_comment(target, fields)
                raise
        elif fields.override_due_date is not None or fields.extra_attempts is not None:
            answer = await self._before(target)
        assert answer is not None
        if fields.state == "returned" and (grade.posted or map_submissions.is_graded(answer)):
            try:
                with _commented(fields):
                    answer = await self._returned(target, answer)
            except RefusedByLms:
                await self._leave_comment(target, fields)
                raise
        return await self.keep(target, fields, grade, answer, grader_note)

    async def judge(self, target: Target, scheme: Scheme | None, fields: SubmissionFields) -> Grade:
        """Return the grade that `fields` give. Raises `Gone` and `RefusedByLms`."""
        if fields.grader_id is not None and not await self._roster.teaches(target.course, fields.grader_id):
            raise Gone("grader")
        graded = (fields.grade, fields.grade_points, fields.flags)
        if target.item.graded_in_groups and any(value is not None for value in graded):
            raise RefusedByLms(
                "NOT_GRADABLE",
                "Canvas would grade the whole group: let students be graded individually there",
            )
        return map_submissions.grade_to_lms(fields, target.item, scheme)

    async def with_others(
        self, changes: Sequence[tuple[Target, SubmissionFields, Json]]
    ) -> list[SubmissionFields]:
        """Return fields with which comments are not theirs, noted before theirs are sent."""
        marked = [target.note_key for target, fields, _ in changes if fields.comment_marks]
        notes = await self._notes.read(marked) if marked else {}
        known: list[SubmissionFields] = []
        tries: dict[str, SubmissionFields] = {}
        for target, fields, before in changes:
            if not fields.comment_marks:
                known.append(fields)
                continue
            note = notes.get(target.note_key) or {}
            others = comments.others(note, before, target.student, fields)
            known.append(replace(fields, comment_others=others))
            if _adds_comment(known[-1], before, target.student) and note != comments.tried(note, known[-1]):
                tries[target.note_key] = known[-1]
        if tries:
            await self._notes.change(
                list(tries),
                lambda kept: {key: comments.tried(kept.get(key) or {}, it) for key, it in tries.items()},
            )
        return known

    async def keep(
        self,
        target: Target,
        fields: SubmissionFields,
        grade: Grade,
        answer: Json,
        grader_note: Note | None,
    ) -> Submission:
        """Keep who graded and a due date that Canvas rounded; returns the submission that `answer` shows."""

        def noted(before: Note) -> Note:
            note = {**comments.settled(before, answer, target.student, fields), **(grader_note or {})}
            if fields.grader_id is not None and grader_note is None:
                note.pop("grader", None)
                note.pop("graded_as", None)
            if fields.override_due_date is not None:
                given, shown = fields.override_due_date, instant(answer, "cached_due_date")
                whole, *moved = map_assignments.stored_due(given)
                note["override_due_date"] = [given if shown == whole else shown, shown]
                if shown not in (whole, *moved):
                    note["override_due_date"] = None  # it is not there yet
            return note

        note = await self._change_note(target, noted)
        held = map_submissions.to_submission(answer, target.student, target.item, note)
        held = replace(held, grade_comment=comments.left_comment(answer, target.student, fields))
        if map_submissions.is_reduced(grade, answer):
            return replace(held, warnings=(*held.warnings, SCORE_CHANGED))
        return held

    async def until(self, read: Callable[[], Awaitable[Json]], ready: Callable[[Json], bool]) -> Json:
        """Read something until it is `ready`, within the connection's patience. Raises `Unavailable`."""
        timer = self._connection.timer
        give_up = timer.seconds() + self._connection.patience
        wait = _FIRST_POLL_SECONDS
        while not ready(found := await read()):
            if timer.seconds() + wait > give_up:
                raise Unavailable("Canvas is taking too long", in_doubt=True)
            await timer.sleep(wait)
            wait = min(wait * 2, _LONGEST_POLL_SECONDS)
        return found

    async def _note(self, target: Target) -> Note:
        return (await self._notes.read([target.note_key])).get(target.note_key) or {}

    async def _change_note(self, target: Target, change: Callable[[Note], Note]) -> Note:
        """Store what `change` makes of a note, in one step; returns that."""
        before, key = await self._note(target), target.note_key
        if (note := change(before)) != before:
            await self._notes.change([key], lambda kept: {key: change(kept.get(key) or {}) or None})
        return note

    async def _before(self, target: Target) -> Json:
        """Read an assigned student's submission. Raises `Gone`."""
        answer = await self.read(target)
        if answer is None or not map_submissions.is_assigned(answer):
            raise Gone("student")
        return answer

    async def _prepare(self, target: Target, fields: SubmissionFields, grade: Grade, before: Json) -> Json:
        """Judge everything but the grade, then write what must be there before it; returns the submission then."""
        note = (await self._notes.read([target.note_key])).get(target.note_key)
        handing_in = map_submissions.check_transition(fields, before, note, self._clock(), target.item)
        work = map_submissions.work_to_lms(fields.attachments or (), target.item) if handing_in else None
        map_submissions.flags_to_lms(fields, before)
        if grade.posted and "excused" in (fields.flags or ()):
            raise RefusedByLms("INVALID_GRADE", "Canvas cannot grade and excuse a student at once")

        shown = map_submissions.to_submission(before, target.student, target.item, note)

        async def give() -> None:
            await self._give_attempts(target, fields)
            # What is sent back as it was shown may come from an override that many share.
            if fields.override_due_date not in (None, shown.override_due_date):
                async with self.overrides(target.item.id):
                    await self._set_due_date(target, fields.override_due_date)

        await self.judged(target, give)
        if work is None:
            return before
        # Nothing but the student's own right is needed, unless it is handed in on their behalf.
        right = (
            "proxy_assignment_submission" if self._connection.options.get("submit_as") == "proxy" else None
        )

        async def hand_it_in() -> None:
            # Kept before, so that the same request does not hand in again if the answer is lost.
            await self._note_work(target, fields, before, "sending")
            await hand_in(self._api, self._connection, target, work, before)

        async def if_it_is_not_there() -> None:
            if not is_newer(await self._before(target), before):
                await hand_it_in()

        await judged(self._api, target.course, right, hand_it_in, again=if_it_is_not_there)
        after = await self.until(lambda: self._before(target), lambda now: is_newer(now, before))
        await self._note_work(target, fields, after, "work")
        return after

    async def _give_attempts(self, target: Target, fields: SubmissionFields) -> None:
        """Set the extra attempts: Canvas takes an absolute number, and silently drops students it does not know."""
        if fields.extra_attempts is None:
            return
        student = target.student
        content = {"assignment_extensions": [{"user_id": student, "extra_attempts": fields.extra_attempts}]}
        path = f"{target.assignment_path}/extensions"
        for _ in range(2):  # one answer may be a slip
            answer = as_object(await self._api.send("POST", path, content, safe=True))
            given = as_objects(answer.get("assignment_extensions"))
            mine = [integer(it, "extra_attempts") for it in given if text(it, "user_id") == student]
            if fields.extra_attempts in mine:
                return
        if integer(await self._before(target), "extra_attempts") == fields.extra_attempts:
            return
        if "assignment_extensions" not in answer:
            raise Unavailable("it answers without the extra attempts", in_doubt=True)
        raise RefusedByLms("INVALID_ATTEMPTS", "Canvas gives no more attempts for this assignment")

    async def _set_due_date(self, target: Target, due: Instant) -> None:
        """Give a student a due date. All overrides are sent at once, so they must be those that Canvas has now."""
        params = {
            "include[]": ["overrides", "assignment_visibility"],
            "override_assignment_dates": "false",
        }
        content = as_object(await self._api.get(target.assignment_path, params))
        note = await read_note(self._notes, target.item.id)
        now = map_assignments.from_lms(content, target.item.section, map_assignments.noted_due_date(note))
        try:
            await self._send_audience(target, with_own_due_date(now, target.student, due), note)
        except RefusedByLms:
            if not now.left:
                raise
            # Canvas refuses those who have left the course since.
            await self._send_audience(target, with_own_due_date(now, target.student, due, now.left), note)

    async def _send_audience(self, target: Target, audience: Audience, note: Note) -> None:
        if audience.due_date is not None:
            await self._notes.write({note_key(target.item.id): {**note, "due_date": audience.due_date}})
        if audience.override is not None:
            await send_override(self._api, target.assignment_path, audience.override)
            return
        sent = {**audience.sent, "notify_of_update": False}
        await self._api.send("PUT", target.assignment_path, {"assignment": sent}, safe=True)

    async def _grade(
        self, target: Target, fields: SubmissionFields, grade: Grade, before: Json | None
    ) -> tuple[Json, Note | None]:
        """Send grade, flags and comment; returns what Canvas has then, and what to note of the grader."""

        async def send() -> tuple[Json, Note | None]:
            return await self._send_grade(target, fields, grade, before)

        async def send_again() -> tuple[Json, Note | None]:
            now = None if before is None else await self._before(target)
            return await self._send_grade(target, fields, grade, now)

        answer, note = await self.judged(target, send, send_again)
        answered = map_submissions.shows_grade(answer)
        if not answered or not _shows_comment(fields, before, answer, target):
            with _commented(fields):
                answer = await self._before(target)
        if not map_submissions.is_assigned(answer) and text(answer, "id") is None:
            raise Gone("student")
        map_submissions.check_whose(answer, target)
        map_submissions.check_taken(grade, answer, answered=answered)
        if not _shows_comment(fields, before, answer, target):
            raise Unavailable("it answers without the comment", in_doubt=True)
        return answer, note

    async def _send_grade(
        self, target: Target, fields: SubmissionFields, grade: Grade, before: Json | None
    ) -> tuple[Json, Note | None]:
        sent: dict[str, Any] = {} if before is None else map_submissions.flags_to_lms(fields, before)
        if grade.posted is not None:
            sent["posted_grade"] = grade.posted
        elif _lifts_excuse(fields, before):
            # Canvas skips a JSON false here; if a grade is sent, the grade itself lifts the excuse.
            await self._api.send_form("PUT", target.path, {"submission[excuse]": "false"})
        content: dict[str, Any] = {
            "submission": sent,
            "prefer_points_over_scheme": grade.counts_as_points,
        }
        if before is not None and _adds_comment(fields, before, target.student):
            content["comment"] = {"text_comment": fields.grade_comment}
        if not sent and "comment" not in content:
            return await self._before(target), None
        return await self._put(target, fields, content)

    async def _put(
        self, target: Target, fields: SubmissionFields, content: Mapping[str, Any]
    ) -> tuple[Json, Note | None]:
        """Send a grade as the teacher who gives it; if Canvas does not let us, as ourselves with a note."""

        async def put(acting: Mapping[str, str]) -> Json:
            return await self._send_once(target, fields, acting, content)

        answer = await self.grader.acting(fields.grader_id, put)
        return answer, map_submissions.grader_note(fields.grader_id, answer)

    async def _send_once(
        self,
        target: Target,
        fields: SubmissionFields,
        acting: Mapping[str, str],
        content: Mapping[str, Any],
    ) -> Json:
        """Send a grade; a comment with it is never sent twice.

        A grade may be sent again, being absolute. Comments append: if it is in doubt whether one arrived, look in
        Canvas and send only what is missing.
        """
        params = {**_INCLUDE, **acting}

        async def put(sent: Mapping[str, Any], *, safe: bool) -> Json:
            answer = await self._api.send("PUT", target.path, sent, params=params, safe=safe, gone="student")
            return as_object(answer)

        if "comment" not in content:
            return await put(content, safe=True)
        try:
            return await put(content, safe=False)
        except Unavailable as error:
            if not error.in_doubt:
                raise
            with _commented(fields):
                now = await self._before(target)
            if comments.has_comment(now, target.student, fields):
                rest = {name: value for name, value in content.items() if name != "comment"}
                with _commented(fields):
                    return await put(rest, safe=True) if rest["submission"] else now
            if isinstance(error, NotAuthorized):
                raise NotAuthorized(str(error)) from None  # and it has done nothing
            raise  # perhaps it is still on its way

    async def _leave_comment(self, target: Target, fields: SubmissionFields) -> None:
        """Leave a comment that came with something refused to whoever says the same next."""
        if not fields.comment_marks:
            return
        with contextlib.suppress(LmsError):
            answer, nobody = await self._before(target), replace(fields, comment_marks=(comments.NOBODY,))
            await self._change_note(
                target, lambda note: comments.settled(note, answer, target.student, nobody)
            )

    async def _returned(self, target: Target, answer: Json) -> Json:
        """Make sure that a grade is visible to its student. Raises `RefusedByLms`."""
        if map_submissions.state_of(answer) == "returned":
            return answer
        if self._connection.options.get("post_grades") != "yes":
            answer = await self._before(target)
            if map_submissions.state_of(answer) == "returned":
                return answer
            if answer.get("workflow_state") != "graded":
                raise Unavailable("it does not show the grade yet", in_doubt=True)
            raise RefusedByLms(
                "NOT_POSTED", "Canvas hides this assignment's grades until the teacher posts them"
            )

        async def post() -> None:
            await self._api.graphql(_POST_GRADES, {"assignment": target.item.id})

        await self.judged(target, post)
        return await self.until(lambda: self._before(target), lambda now: bool(now.get("posted_at")))

    async def _note_work(self, target: Target, fields: SubmissionFields, answer: Json, name: str) -> None:
        """Keep work as it was handed in: Canvas shows files by its own addresses, and links without titles.

        As ``work``, of the attempt of `answer`; as ``sending``, of the next.
        """
        attachments = msgspec.to_builtins(fields.attachments or ())
        work = {"attempt": integer(answer, "attempt"), "attachments": attachments}

        def noted(note: Note) -> Note:
            return {**{it: value for it, value in note.items() if it != "sending"}, name: work}

        await self._change_note(target, noted)


def is_plain_grade(fields: SubmissionFields, item: LmsAssignment) -> bool:
    """Whether nothing must be known of a student's submission before it is changed so."""
    # Who has it is asked: overrides do not tell of groups and mastery paths, and Canvas would grade anybody.
    return (
        not fields.grade_comment
        and not item.by_overrides
        and all(override.understood for override in item.overrides)
        and all(getattr(fields, name) is None for name in _NEEDS_A_LOOK)
    )


@contextlib.contextmanager
def _commented(fields: SubmissionFields) -> Iterator[None]:
    """Mark what fails inside the ``with`` as in doubt if a comment may have been sent: it would come twice."""
    try:
        yield
    except Unavailable as error:
        if error.in_doubt or not fields.grade_comment:
            raise
        raise still_in_doubt(error, str(error)) from None


def _lifts_excuse(fields: SubmissionFields, before: Json | None) -> bool:
    return (
        fields.flags is not None and "excused" not in fields.flags and bool(before and before.get("excused"))
    )


def _adds_comment(fields: SubmissionFields, before: Json, student: str) -> bool:
    return bool(fields.grade_comment) and not comments.has_comment(before, student, fields)


def _shows_comment(fields: SubmissionFields, before: Json | None, answer: Json, target: Target) -> bool:
    """Whether a comment that was to be sent has arrived, in whatever words Canvas keeps it."""
    if before is None or not _adds_comment(fields, before, target.student):
        return True
    arrived = comments.has_comment(answer, target.student, fields)
    return arrived or comments.has_more_comments(answer, before)


def _is_graded(fields: SubmissionFields, before: Json, student: str) -> bool:
    """Whether anything is to be sent with a grade's request."""
    given = (fields.grade, fields.grade_points, fields.flags)
    return any(value is not None for value in given) or _adds_comment(fields, before, student)
