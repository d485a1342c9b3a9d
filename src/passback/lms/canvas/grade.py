"""Changing students' submissions in Canvas: one at a time, or many by its bulk update."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from passback.lms.canvas import map_assignments, map_submissions
from passback.lms.canvas.work import hand_in
from passback.lms.interface import Gone, LmsError, NotAllowed, Refused, Unavailable, in_doubt_after_create
from passback.lms.toolkit import unsupported_fields
from passback.lms.toolkit.json_fields import Json, as_integer, as_object, as_objects, id_of, instant, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from passback.domain.assignment import ScaleEntry
    from passback.domain.clock import Clock, Instant
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.map_assignments import Held
    from passback.lms.canvas.map_submissions import Grade
    from passback.lms.canvas.roster import Courses
    from passback.lms.interface import Connection
    from passback.lms.notes import Note, Notes

_BULK = frozenset({"grade", "grade_points", "grade_comment", "grader_id"})
"""What Canvas's bulk update can set."""
_NEEDS_A_LOOK = ("flags", "state", "attachments", "extra_attempts", "override_due_date")
"""What depends on what Canvas has; a plain grade does not."""
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0

_POST_GRADES = """
mutation ($assignment: ID!) {
  postAssignmentGrades(input: {assignmentId: $assignment}) { progress { state } }
}
"""

One = Callable[[str, "SubmissionFields"], Awaitable["Submission"]]
"""Changes one student's submission."""


class _Entry(Struct, frozen=True):
    """One student's part of a bulk update."""

    position: int
    student: str
    fields: SubmissionFields
    grade: Grade


class Grading:
    """Writes to the submissions of one Canvas."""

    def __init__(
        self, api: CanvasApi, connection: Connection, notes: Notes, clock: Clock, courses: Courses
    ) -> None:
        self._api = api
        self._connection = connection
        self._notes = notes
        self._clock = clock
        self._courses = courses
        self._masquerade = connection.options.get("masquerade", "yes") == "yes"
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._not_as = TtlCache()
        """Teachers as whom Canvas does not let us act."""

    def overrides(self, assignment: str) -> asyncio.Lock:
        """Held while an assignment's overrides are read and sent, which is always all of them."""
        return self._locks.setdefault(assignment, asyncio.Lock())

    def _masquerades_as(self, grader: str) -> bool:
        return self._masquerade and not self._not_as.knows(grader)

    async def read(self, course: str, assignment: str, student: str) -> Json | None:
        """A student's submission as Canvas shows it; None where it knows no such student in the course."""
        try:
            return as_object(
                await self._api.get(_path(course, assignment, student), _INCLUDE, gone="student")
            )
        except Gone:
            return None

    async def read_all(self, course: str, section: str, assignment: str) -> dict[str, Json]:
        """The submissions of all students of a section, by student."""
        path = f"sections/{section}/assignments/{assignment}/submissions"
        listed: Sequence[Json]
        try:
            listed = await self._api.pages(path, _INCLUDE)
        except Gone:
            listed = await self._api.pages(f"courses/{course}/assignments/{assignment}/submissions", _INCLUDE)
        return {id_of(item, "user_id"): item for item in listed if text(item, "user_id") is not None}

    async def update(
        self, course: str, item: Held, scale: Sequence[ScaleEntry], student: str, fields: SubmissionFields
    ) -> Submission:
        """Change the given fields of one student's submission. Everything is judged before anything is written."""
        if not item.for_all and student not in item.assignees:
            raise Gone("student")
        plain_grade = not fields.grade_comment and all(
            getattr(fields, name) is None for name in _NEEDS_A_LOOK
        )
        before = None if plain_grade else await self._before(course, item, student)
        await self._check_grader(course, fields)
        grade = map_submissions.grade_of(fields, item, scale)
        answer = before
        if before is not None:
            kept = (await self._notes.read([_key(item, student)])).get(_key(item, student))
            handing_in = map_submissions.check_move(fields, before, kept, self._clock(), item)
            work = map_submissions.work_of(fields.attachments or ()) if handing_in else None
            map_submissions.flags_sent(fields, before)
            if grade.posted and "excused" in (fields.flags or ()):
                raise Refused("INVALID_GRADE", "Canvas cannot grade and excuse a student at once")
            await self._give_attempts(course, item, student, fields)
            await self._give_due_date(course, item, student, fields)
            if work is not None:
                await hand_in(self._api, self._connection, course, item.id, student, work, before)
                before = await self._before(course, item, student)
                # At once, so that the same request, should the rest of it fail, does not hand in again.
                await self._note_work(item, student, fields, before)
            answer = before
        note: Note | None = None
        if before is None or _is_graded(fields, before, student):
            answer, note = await self._grade(course, item, student, fields, grade, before)
        elif fields.override_due_date is not None or fields.extra_attempts is not None:
            answer = await self._before(course, item, student)
        assert answer is not None
        if fields.state == "returned":
            answer = await self._returned(course, item, student, answer)
        noted = await self._noted(item, student, fields, answer, note)
        return map_submissions.shown(answer, student, item, noted)

    async def update_many(
        self,
        course: str,
        section: str,
        item: Held,
        scale: Sequence[ScaleEntry],
        changes: Sequence[tuple[str, SubmissionFields]],
        one: One,
    ) -> Sequence[Submission | LmsError]:
        """Change many submissions; what Canvas's bulk update can set goes by that, in one call for each grader."""
        outcomes: list[Submission | LmsError | None] = [None] * len(changes)
        waiting = list(range(len(changes)))
        while waiting:
            # A student who comes twice is changed twice, in order.
            now = {changes[position][0]: position for position in reversed(waiting)}
            turn = sorted(now.values())
            waiting = [position for position in waiting if position not in set(turn)]
            bulk: dict[str | None, list[_Entry]] = {}
            singly = []
            for position in turn:
                student, fields = changes[position]
                given = {name for name in fields.__struct_fields__ if getattr(fields, name) is not None}
                if len(turn) == 1 or not given <= _BULK or not given & {"grade", "grade_points"}:
                    singly.append(position)
                    continue
                try:
                    if not item.for_all and student not in item.assignees:
                        raise Gone("student")
                    await self._check_grader(course, fields)
                    grade = map_submissions.grade_of(fields, item, scale)
                except LmsError as error:
                    outcomes[position] = error
                    continue
                bulk.setdefault(fields.grader_id, []).append(_Entry(position, student, fields, grade))
            for grader, entries in bulk.items():
                for position, outcome in (await self._bulk(course, section, item, grader, entries)).items():
                    if outcome is None:
                        singly.append(position)
                    else:
                        outcomes[position] = outcome
            done = await asyncio.gather(*(_outcome(one, *changes[position]) for position in singly))
            for position, single in zip(singly, done, strict=True):
                outcomes[position] = single
        return [outcome for outcome in outcomes if outcome is not None]

    async def _before(self, course: str, item: Held, student: str) -> Json:
        answer = await self.read(course, item.id, student)
        if answer is None or not map_submissions.is_assigned(answer):
            raise Gone("student")
        return answer

    async def _check_grader(self, course: str, fields: SubmissionFields) -> None:
        if fields.grader_id is not None and not await self._courses.teaches(course, fields.grader_id):
            raise Gone("grader")

    async def _give_attempts(self, course: str, item: Held, student: str, fields: SubmissionFields) -> None:
        """Canvas sets an absolute number, and drops students whom it does not know silently."""
        if fields.extra_attempts is None:
            return
        content = {"assignment_extensions": [{"user_id": student, "extra_attempts": fields.extra_attempts}]}
        answer = as_object(
            await self._api.send(
                "POST", f"courses/{course}/assignments/{item.id}/extensions", content, safe=True
            )
        )
        given = [
            it for it in as_objects(answer.get("assignment_extensions")) if text(it, "user_id") == student
        ]
        if not given or as_integer(given[0], "extra_attempts") != fields.extra_attempts:
            raise Refused("INVALID_ATTEMPTS", "Canvas gives no more attempts for this assignment")

    async def _give_due_date(self, course: str, item: Held, student: str, fields: SubmissionFields) -> None:
        """One update with all overrides, so that it happens as a whole."""
        if fields.override_due_date is None:
            return
        async with self.overrides(item.id):
            await self._set_due_date(course, item, student, fields.override_due_date)

    async def _set_due_date(self, course: str, item: Held, student: str, due: Instant) -> None:
        """All overrides are sent at once, so they must be those that Canvas has now."""
        params = {"include[]": "overrides", "override_assignment_dates": "false"}
        content = as_object(await self._api.get(f"courses/{course}/assignments/{item.id}", params))
        key = unsupported_fields.key(item.id)
        note = (await self._notes.read([key])).get(key) or {}
        now = map_assignments.held(content, item.section, map_assignments.kept_due(note))
        audience = map_assignments.with_own_due_date(now, student, due)
        if audience.due_date is not None:
            await self._notes.write({key: {**note, "due_date": audience.due_date}})
        path = f"courses/{course}/assignments/{item.id}"
        await self._api.send(
            "PUT", path, {"assignment": {**audience.sent, "notify_of_update": False}}, safe=True
        )

    async def _grade(
        self,
        course: str,
        item: Held,
        student: str,
        fields: SubmissionFields,
        grade: Grade,
        before: Json | None,
    ) -> tuple[Json, Note | None]:
        """Send grade, flags and comment; Canvas's answer, and what is to be noted of the grader."""
        sent: dict[str, Any] = {} if before is None else map_submissions.flags_sent(fields, before)
        unexcuse = (
            fields.flags is not None
            and "excused" not in fields.flags
            and bool(before and before.get("excused"))
        )
        if grade.posted is not None:
            sent["posted_grade"] = grade.posted
        elif unexcuse:
            # Canvas skips a JSON false here; with a grade, the grade itself lifts the excuse.
            await self._api.send_form("PUT", _path(course, item.id, student), {"submission[excuse]": "false"})
        content: dict[str, Any] = {
            "submission": sent,
            "prefer_points_over_scheme": fields.grade_points is not None,
        }
        comment = fields.grade_comment or None
        if (
            comment is not None
            and before is not None
            and not map_submissions.has_comment(before, student, fields)
        ):
            content["comment"] = {"text_comment": comment}
        if not sent and "comment" not in content:
            return await self._before(course, item, student), None
        answer, note = await self._put(course, item, student, fields.grader_id, content)
        if not map_submissions.is_assigned(answer) and text(answer, "id") is None:
            raise Gone("student")
        map_submissions.check_taken(grade, answer)
        return answer, note

    async def _put(
        self, course: str, item: Held, student: str, grader: str | None, content: Mapping[str, Any]
    ) -> tuple[Json, Note | None]:
        """Send a grade as the teacher who gives it; where Canvas does not let us, as ourselves with a note."""
        path = _path(course, item.id, student)
        params: dict[str, Any] = dict(_INCLUDE)
        as_teacher = grader is not None and self._masquerades_as(grader)
        if as_teacher:
            params["as_user_id"] = grader
        try:
            answer = await self._send_once(path, params, content, course, item, student)
        except NotAllowed as error:
            if not as_teacher or error.credentials:
                raise
            answer = await self._send_once(path, dict(_INCLUDE), content, course, item, student)
            self._not_as.put(grader or "", True)  # Canvas lets us, but not as this teacher
        told = text(answer, "grader_id")
        note = {"grader": grader, "graded_as": told} if grader is not None and told != grader else None
        return answer, note

    async def _send_once(
        self,
        path: str,
        params: Mapping[str, Any],
        content: Mapping[str, Any],
        course: str,
        item: Held,
        student: str,
    ) -> Json:
        """Send a grade; a comment with it is never sent twice.

        A grade may be sent again, being absolute. Comments append: where it is in doubt whether one arrived, Canvas is
        asked, and only what is missing is sent.
        """
        if "comment" not in content:
            return as_object(
                await self._api.send("PUT", path, content, params=params, safe=True, gone="student")
            )
        try:
            return as_object(
                await self._api.send("PUT", path, content, params=params, safe=False, gone="student")
            )
        except Unavailable as error:
            if not error.in_doubt:
                raise
            now = await self._before(course, item, student)
            if map_submissions.newest_comment(now, student) != content["comment"]["text_comment"]:
                raise  # perhaps it is still on its way
            rest = {name: value for name, value in content.items() if name != "comment"}
            if not rest["submission"]:
                return now
            return as_object(
                await self._api.send("PUT", path, rest, params=params, safe=True, gone="student")
            )

    async def _returned(self, course: str, item: Held, student: str, answer: Json) -> Json:
        """See that a grade is visible to its student."""
        if map_submissions.state_of(answer) == "returned":
            return answer
        if self._connection.options.get("post_grades") != "yes":
            raise Refused("NOT_POSTED", "Canvas hides this assignment's grades until the teacher posts them")
        await self._api.graphql(_POST_GRADES, {"assignment": item.id})
        return await self._until(
            lambda: self._before(course, item, student), lambda now: bool(now.get("posted_at"))
        )

    async def _note_work(self, item: Held, student: str, fields: SubmissionFields, answer: Json) -> None:
        """Keep work as it was handed in: Canvas shows files by its own addresses, and links without titles."""
        key = _key(item, student)
        note = dict((await self._notes.read([key])).get(key) or {})
        attachments = msgspec.to_builtins(fields.attachments or ())
        note["work"] = {"attempt": as_integer(answer, "attempt"), "attachments": attachments}
        await self._notes.write({key: note})

    async def _noted(
        self, item: Held, student: str, fields: SubmissionFields, answer: Json, grader: Note | None
    ) -> Note | None:
        """What is kept of a submission: who graded, and a due date that Canvas rounded."""
        key = _key(item, student)
        before = (await self._notes.read([key])).get(key) or {}
        note = {**before, **(grader or {})}
        if fields.grader_id is not None and grader is None:
            note.pop("grader", None)
            note.pop("graded_as", None)
        if fields.override_due_date is not None:
            note["override_due_date"] = [fields.override_due_date, instant(answer, "cached_due_date")]
        if note != before:
            await self._notes.write({key: note or None})
        return note

    async def _bulk(
        self, course: str, section: str, item: Held, grader: str | None, entries: Sequence[_Entry]
    ) -> dict[int, Submission | LmsError | None]:
        """Grade many at once; None for those whom Canvas did not grade, for a reason that it does not tell."""
        before = await self.read_all(course, section, item.id)
        outcomes: dict[int, Submission | LmsError | None] = {}
        data = {}
        for entry in entries:
            seen = before.get(entry.student)
            if seen is None or not map_submissions.is_assigned(seen):
                outcomes[entry.position] = Gone("student")
                continue
            data[entry.student] = {"posted_grade": entry.grade.posted}
            comment = entry.fields.grade_comment
            if comment and not map_submissions.has_comment(seen, entry.student, entry.fields):
                data[entry.student]["text_comment"] = comment
        unfinished: Unavailable | None = None
        if data:
            as_teacher = grader is not None and self._masquerades_as(grader)
            # What of it arrived is seen below. The rest is sent singly, unless Canvas may still be at it: then
            # comments would come twice, and a late grade over a newer one.
            try:
                await self._send_bulk(course, item, data, {"as_user_id": grader} if as_teacher else {})
            except Unavailable as error:
                unfinished = error if error.in_doubt else None
        try:
            after = await self.read_all(course, section, item.id) if data else before
        except LmsError as error:
            return {entry.position: outcomes.get(entry.position) or error for entry in entries}
        for entry in entries:
            if entry.position in outcomes:
                continue
            answer = after.get(entry.student)
            outcomes[entry.position] = unfinished
            if answer is not None and _arrived(entry, answer):
                told = text(answer, "grader_id")
                note = (
                    {"grader": grader, "graded_as": told} if grader is not None and told != grader else None
                )
                noted = await self._noted(item, entry.student, entry.fields, answer, note)
                outcomes[entry.position] = map_submissions.shown(answer, entry.student, item, noted)
        return outcomes

    async def _send_bulk(
        self, course: str, item: Held, data: Mapping[str, Any], params: Mapping[str, Any]
    ) -> None:
        """Have Canvas grade, and wait until it has."""
        path = f"courses/{course}/assignments/{item.id}/submissions/update_grades"
        content = {"grade_data": data, "prefer_points_over_scheme": True}
        progress = as_object(await self._api.send("POST", path, content, params=params, safe=False))
        progress_id = id_of(progress)

        async def poll() -> Json:
            return as_object(await self._api.get(f"progress/{progress_id}"))

        with in_doubt_after_create():
            await self._until(poll, lambda now: now.get("workflow_state") in ("completed", "failed"))

    async def _until(self, read: Callable[[], Awaitable[Json]], ready: Callable[[Json], bool]) -> Json:
        """Read something until it is as wanted, within the connection's patience. Raises `Unavailable`."""
        timer = self._connection.timer
        give_up = timer.seconds() + self._connection.patience
        wait = _FIRST_POLL_SECONDS
        while not ready(found := await read()):
            if timer.seconds() + wait > give_up:
                raise Unavailable("Canvas takes too long over it", in_doubt=True, retry_after=30)
            await timer.sleep(wait)
            wait = min(wait * 2, _LONGEST_POLL_SECONDS)
        return found


_INCLUDE = {"include[]": ["submission_comments", "visibility"]}


def _key(item: Held, student: str) -> str:
    return f"grade/{item.id}/{student}"


def _path(course: str, assignment: str, student: str) -> str:
    return f"courses/{course}/assignments/{assignment}/submissions/{student}"


def _is_graded(fields: SubmissionFields, before: Json, student: str) -> bool:
    """Whether anything is to be sent with a grade's request."""
    comment = fields.grade_comment
    return (
        fields.grade is not None
        or fields.grade_points is not None
        or fields.flags is not None
        or bool(comment and not map_submissions.has_comment(before, student, fields))
    )


def _arrived(entry: _Entry, answer: Json) -> bool:
    """Whether a bulk update reached a student."""
    try:
        map_submissions.check_taken(entry.grade, answer)
    except Refused:
        return False
    posted = entry.grade.posted
    # A letter's points are Canvas's business; the text is what was asked for.
    if (
        entry.grade.points is None
        and posted
        and posted not in (text(answer, "entered_grade"), text(answer, "grade"))
    ):
        return False
    comment = entry.fields.grade_comment
    return not comment or map_submissions.has_comment(answer, entry.student, entry.fields)


async def _outcome(one: One, student: str, fields: SubmissionFields) -> Submission | LmsError:
    try:
        return await one(student, fields)
    except LmsError as error:
        return error
