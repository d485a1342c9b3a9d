"""Changing many submissions in Canvas: what its bulk update can set goes by that, in one call for each grader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.lms.canvas import comments, map_submissions
from passback.lms.canvas.errors import NotAuthorized
from passback.lms.canvas.grade import is_plain_grade
from passback.lms.canvas.map_submissions import Target
from passback.lms.canvas.verdict import GRADE, Concluded, verdict, why_not_gradable
from passback.lms.interface import (
    Gone,
    LmsError,
    NotAllowed,
    RefusedByLms,
    Unavailable,
    in_doubt_after_write,
    submission_or_error,
)
from passback.lms.toolkit.json_fields import Json, as_object, id_of
from passback.lms.toolkit.turns import turns

if TYPE_CHECKING:
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.canvas.api import CanvasApi
    from passback.lms.canvas.grade import Grading
    from passback.lms.canvas.map_assignments import LmsAssignment
    from passback.lms.canvas.map_submissions import Grade
    from passback.lms.canvas.schemes import Scheme

_BULK = frozenset({"grade", "grade_points", "grade_comment", "grader_id", "asked_at", "comment_marks"})
"""What Canvas's bulk update can set, and what the gateway says besides."""
_FEW = 3
"""Up to this many plain grades go singly, each in one call: a bulk update takes three, one after another."""

UpdateOne = Callable[[str, "SubmissionFields"], Awaitable["Submission"]]
"""Changes one student's submission."""


class Batch(Struct, frozen=True):
    """The assignment whose submissions are changed, in a section of a course, and its grading scheme."""

    course: str
    section: str
    item: LmsAssignment
    scheme: Scheme | None


class _Entry(Struct, frozen=True):
    """One student's part of a bulk update."""

    position: int
    target: Target
    fields: SubmissionFields
    grade: Grade
    seen: Json
    """The submission before; empty if nothing must be known of it."""


class BulkGrading:
    """Writes to many submissions of one Canvas."""

    def __init__(self, api: CanvasApi, grading: Grading) -> None:
        self._api = api
        self._grading = grading

    async def update(
        self, batch: Batch, changes: Sequence[tuple[str, SubmissionFields]], update_one: UpdateOne
    ) -> Sequence[Submission | LmsError]:
        """Change many submissions; returns the outcome of each, in order. A student may come several times."""
        outcomes: dict[int, Submission | LmsError] = {}
        for turn in turns(changes):
            outcomes |= await self._turn(batch, turn, update_one)
        return [outcomes[position] for position in range(len(changes))]

    async def _turn(
        self, batch: Batch, turn: Sequence[tuple[int, str, SubmissionFields]], update_one: UpdateOne
    ) -> dict[int, Submission | LmsError]:
        """Change submissions of different students; returns the outcomes by position."""
        outcomes: dict[int, Submission | LmsError] = {}
        bulk: dict[str | None, list[_Entry]] = {}
        plain = not why_not_gradable(batch.item) and all(
            is_plain_grade(fields, batch.item) for _, _, fields in turn if _fits_bulk(fields)
        )
        few = len(turn) <= (_FEW if plain else 1)
        singly = [position for position, _, fields in turn if few or not _fits_bulk(fields)]
        before: Mapping[str, Json] = {}
        if len(singly) < len(turn) and not plain:
            try:
                before = await self._grading.read_all(batch.course, batch.section, batch.item)
            except RefusedByLms as refused:
                return {position: refused for position, _, _ in turn}
        for position, student, fields in turn:
            if position in singly:
                continue
            target, seen = Target(batch.course, batch.item, student), before.get(student, {})
            try:
                if not plain and not map_submissions.is_assigned(seen):
                    raise Gone("student")
                grade = await self._grading.judge(target, batch.scheme, fields)
            except LmsError as error:
                outcomes[position] = error
            else:
                if _could_be_a_level(batch, grade):
                    singly.append(position)
                    continue
                bulk.setdefault(fields.grader_id, []).append(_Entry(position, target, fields, grade, seen))
        for grader, entries in bulk.items():
            for position, outcome in (await self._bulk(batch, grader, entries)).items():
                if outcome is None:
                    singly.append(position)
                else:
                    outcomes[position] = outcome
        changes = {position: (student, fields) for position, student, fields in turn}
        done = await asyncio.gather(
            *(submission_or_error(update_one(*changes[position])) for position in singly)
        )
        return outcomes | dict(zip(singly, done, strict=True))

    async def _bulk(
        self, batch: Batch, grader: str | None, entries: Sequence[_Entry]
    ) -> dict[int, Submission | LmsError | None]:
        """Grade many at once; None for those whom Canvas did not grade, without saying why."""
        outcomes: dict[int, Submission | LmsError | None] = {}
        known = await self._grading.with_others([(it.target, it.fields, it.seen) for it in entries])
        entries = [replace(entry, fields=fields) for entry, fields in zip(entries, known, strict=True)]
        data = {entry.target.student: _sent(entry) for entry in entries}
        unfinished = await self._send(batch, grader, {"grade_data": data})
        try:
            after = await self._grading.read_all(batch.course, batch.section, batch.item)
        except LmsError as error:
            return {entry.position: error for entry in entries}
        for entry in entries:
            answer = after.get(entry.target.student)
            try:
                graded = await self._graded(entry, answer) if answer is not None else None
            except LmsError as error:  # this one cannot be read
                outcomes[entry.position] = error
            else:
                outcomes[entry.position] = graded or unfinished
        return outcomes

    async def _graded(self, entry: _Entry, answer: Json) -> Submission | None:
        """Return the submission if the bulk update reached it."""
        if not _arrived(entry, answer):
            return None
        grader_note = map_submissions.grader_note(entry.fields.grader_id, answer)
        return await self._grading.keep(entry.target, entry.fields, entry.grade, answer, grader_note)

    async def _send(self, batch: Batch, grader: str | None, content: Mapping[str, Any]) -> LmsError | None:
        """Have Canvas grade, and wait until it has; returns the error if it refuses, or may still be doing so.

        The caller looks at what arrived. It sends the rest singly, unless Canvas may still be working: then comments
        would come twice, and a late grade would overwrite a newer one.
        """
        try:
            try:
                progress_id = await self._begin(batch, grader, content)
            except NotAuthorized as refused:
                if refused.in_doubt:  # comments may have come: each is looked for
                    meant = await verdict(self._api, batch.course, GRADE, "", refused)
                    singly = isinstance(meant, RefusedByLms) and not isinstance(meant, Concluded)
                    return None if singly else meant
                progress_id = await self._begin(batch, grader, content)  # one refusal may be a slip

            async def poll() -> Json:
                return as_object(await self._api.get(f"progress/{progress_id}"))

            with in_doubt_after_write():
                await self._grading.until(
                    poll, lambda now: now.get("workflow_state") in ("completed", "failed")
                )
        except NotAuthorized as refused:
            # Canvas would refuse each of them, too.
            return await verdict(self._api, batch.course, GRADE, why_not_gradable(batch.item), refused)
        except RefusedByLms:
            return None  # because of one of them
        except Unavailable as error:
            return error if error.in_doubt or isinstance(error, NotAllowed) else None
        return None

    async def _begin(self, batch: Batch, grader: str | None, content: Mapping[str, Any]) -> str:
        """Send a bulk update as the teacher who gives it, or as ourselves; returns the id of its progress."""
        path = f"courses/{batch.course}/assignments/{batch.item.id}/submissions/update_grades"

        adds_comments = any("text_comment" in it for it in content["grade_data"].values())

        async def post(acting: Mapping[str, str]) -> str:
            try:
                answer = await self._api.send("POST", path, content, params=acting, safe=False)
            except NotAuthorized as refused:
                if adds_comments:
                    raise
                raise NotAuthorized(str(refused)) from None  # grades may be sent again
            return id_of(as_object(answer))

        return await self._grading.grader.acting(grader, post)


def _fits_bulk(fields: SubmissionFields) -> bool:
    given = {name for name in fields.__struct_fields__ if getattr(fields, name) is not None}
    return given <= _BULK and bool(given & {"grade", "grade_points"})


def _could_be_a_level(batch: Batch, grade: Grade) -> bool:
    """Whether Canvas would take points for the scheme's level of that name: only a single update can prefer points."""
    if batch.item.grading_type != "letter_grade" or not grade.counts_as_points:
        return False
    return batch.scheme is None or grade.posted in {level.name for level in batch.scheme}


def _sent(entry: _Entry) -> dict[str, Any]:
    """Return what Canvas is sent to grade one student."""
    sent: dict[str, Any] = {"posted_grade": entry.grade.posted}
    comment = entry.fields.grade_comment
    if comment and not comments.has_comment(entry.seen, entry.target.student, entry.fields):
        sent["text_comment"] = comment
    return sent


def _arrived(entry: _Entry, answer: Json) -> bool:
    """Whether a bulk update reached a student, who has the assignment."""
    if not map_submissions.is_assigned(answer):
        return False
    entered = map_submissions.is_entered(entry.grade, answer)
    if not entered and not (
        entry.seen and map_submissions.is_entered_otherwise(entry.grade, entry.seen, answer)
    ):
        return False
    comment = entry.fields.grade_comment
    return not comment or comments.has_comment(answer, entry.target.student, entry.fields)
