"""Changing students' submissions: one score at a time for each student, with times that only rise.

An LMS refuses a score that is not newer than what it has, most of them in whole seconds. So the time of the last score
of each student is kept, for all processes, before it is sent. A score whose answer was lost is sent again as it was, so
the LMS takes it once: a refusal for its time means that it is there already, or that a teacher has changed the grade
since.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.clock import HOUR
from passback.lms.interface import (
    Gone,
    LmsError,
    Unavailable,
    looking_after_write,
)
from passback.lms.lti import map_submissions
from passback.lms.lti.errors import Overtaken
from passback.lms.lti.map_submissions import UNSUPPORTED, Result, Score
from passback.lms.lti.times import Claim, claim, keep
from passback.lms.toolkit.json_fields import id_of
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.points import refuse_unsupported
from passback.lms.toolkit.turns import turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from passback.domain.clock import Clock, Instant
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.interface import LmsConnection
    from passback.lms.lti.api import LtiApi
    from passback.lms.lti.contexts import Context
    from passback.lms.lti.families import Family
    from passback.lms.lti.map_assignments import LmsAssignment
    from passback.lms.lti.roster import Roster
    from passback.lms.notes import Notes

_FEW = 3
"""Up to this many students' results are read one by one."""
_MOST_AHEAD = HOUR
"""By how much the clock of an LMS may be ahead of ours that is believed. A later time would shut out all before it."""


class Reread(LmsError):
    """A score was sent by a maximum that a teacher may have changed since it was read; `shown` is what came of it."""

    def __init__(self, shown: Submission) -> None:
        super().__init__("its maximum may have changed")
        self.shown = shown


class _Target(Struct, frozen=True):
    """The assignment whose submissions are read or changed."""

    context: Context
    stored: LmsAssignment

    def key(self, student: str) -> str:
        """The key of a submission's note."""
        return f"grade/{self.stored.assignment.lms_id}/{student}"


class _Planned(Struct):
    """One student's change, judged and not yet made."""

    position: int
    student: str
    fields: SubmissionFields
    note: dict[str, Any]
    score: Score | None
    """What is sent; None if only we keep something of it."""
    before: Result = Result()
    """What the student had, as far as it was looked at or is known."""
    moves: bool = False
    asked: Mapping[str, Any] = {}
    """What the client asks for that is sent: by it, a change is known that an earlier try may have sent."""
    stamp: Instant = 0
    again: bool = False
    """Whether an earlier try may have sent it already."""
    overtaken: Overtaken | None = None

    @property
    def sent(self) -> Score:
        """The score, which there must be."""
        assert self.score is not None
        return self.score

    @property
    def left(self) -> bool:
        """Whether the comment of this change has been added already."""
        marks = self.fields.comment_marks or ()
        return bool(marks) and self.note.get("mark") in marks


class Grading:
    """Reads and writes the submissions of one LMS."""

    def __init__(
        self, api: LtiApi, connection: LmsConnection, notes: Notes, clock: Clock, family: Family, roster: Roster
    ) -> None:  # fmt: skip
        self._api = api
        self._notes = notes
        self._clock = clock
        self._timer = connection.timer
        self._family = family
        self._roster = roster
        self._overwrites = connection.options.get("teacher_edits") == "overwrite"

    async def read(
        self, context: Context, stored: LmsAssignment, students: Sequence[str]
    ) -> dict[str, Submission]:
        """Read the submissions of students, who have the assignment. Raises `LmsError`."""
        target = _Target(context, stored)
        results, notes = await asyncio.gather(
            self._results(target, students), self._notes.read([target.key(it) for it in students])
        )
        now = self._clock()
        return {
            student: map_submissions.to_submission(
                student,
                map_submissions.seen(results.get(student), notes.get(target.key(student)), self._family),
                stored,
                notes.get(target.key(student)),
                now,
            )
            for student in students
        }

    async def update(
        self, context: Context, stored: LmsAssignment, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> list[Submission | LmsError]:
        """Change submissions; returns the outcome of each, in order. A student who comes twice is changed twice.

        An outcome is a `Reread` if the assignment must be read again to tell.
        """
        outcomes: dict[int, Submission | LmsError] = {}
        for turn in turns(changes):
            outcomes |= await self._turn(_Target(context, stored), turn)
        return [outcomes[position] for position in range(len(changes))]

    async def _turn(
        self, target: _Target, changes: Sequence[tuple[int, str, SubmissionFields]]
    ) -> dict[int, Submission | LmsError]:
        """Change submissions of different students, all judged before any write; returns the outcomes by position."""
        outcomes: dict[int, Submission | LmsError] = {}
        plans: list[_Planned] = []
        members = await self._roster.students(target.context, [student for _, student, _ in changes])
        present = [it for it in changes if it[1] in members]
        notes = await self._notes.read([target.key(student) for _, student, _ in present])
        looked_at = [it for _, it, fields in present if self._needs_look(fields)]
        before = await self._before(target, {it: notes.get(target.key(it)) for it in looked_at})
        for position, student, fields in changes:
            try:
                if student not in members or not _is_assigned(target.stored, student):
                    raise Gone("student")
                note = dict(notes.get(target.key(student)) or {})
                now = map_submissions.seen(before.get(student), note, self._family)
                plan = _Planned(
                    position, student, fields, note, None, _last_seen(note, target.stored, self._family)
                )
                plan.before = before.get(student, plan.before)
                plans.append(await self._judge(target, plan, now))
            except LmsError as error:
                outcomes[position] = error
        sent = [plan for plan in plans if plan.score is not None]
        if sent:
            outcomes |= await self._send(target, sent)
        done = [plan for plan in plans if plan.position not in outcomes]
        try:
            with looking_after_write():
                outcomes |= await self._finish(target, done)
        except LmsError as error:
            outcomes |= dict.fromkeys((plan.position for plan in done), error)
        return outcomes

    async def _before(
        self, target: _Target, students: Mapping[str, Mapping[str, Any] | None]
    ) -> dict[str, Result]:
        """Read what students have before a change, given what is noted of them. Raises `LmsError`.

        A list without somebody whom we have graded may be an LMS's mistake, which would cost the comment or the grade
        that is kept: it counts if it comes twice.
        """
        found = await self._results(target, [*students])
        lacking = [it for it, note in students.items() if it not in found and _may_have(note)]
        return found | await self._results(target, lacking)

    def _needs_look(self, fields: SubmissionFields) -> bool:
        """Whether what is there must be known before a change: also the comment, which a score would replace."""
        keeps_comment = fields.grade_comment is None and self._family.comments != "added"
        return keeps_comment or not fields.gives_grade or fields.state is not None

    async def _judge(self, target: _Target, plan: _Planned, now: Result) -> _Planned:
        """Decide what is to be sent for a change. Raises `LmsError`."""
        fields, stored = plan.fields, target.stored
        if fields.grader_id is not None and not await self._roster.teaches(target.context, fields.grader_id):
            raise Gone("grader")
        refuse_unsupported(self._family.name, fields, UNSUPPORTED)
        shown = map_submissions.to_submission(plan.student, now, stored, plan.note, self._clock())
        plan.moves = map_submissions.check_state(fields, shown, now, self._family)
        plan.asked = map_submissions.asked(fields, stored)
        plan.score = map_submissions.wanted_score(fields, now, stored, self._family)
        if plan.score is None and plan.moves:
            plan.score = map_submissions.handed_in_score(fields, now, self._family)
        trying = plan.note.get("trying") or {}
        if plan.score is not None and trying.get("asked") == plan.asked:
            # As it was sent, whatever a teacher has written since: by its time the LMS tells that it is older.
            plan.again, plan.score = True, Score.from_note(trying["score"])
        if plan.score is not None and self._family.comments == "added" and plan.left:
            plan.score = replace(plan.score, comment=None)
        return plan

    async def _send(self, target: _Target, plans: Sequence[_Planned]) -> dict[int, Submission | LmsError]:
        """Send scores; returns the errors, by position."""
        await self._stamp(target, plans)
        failed = await self._post(target, plans)
        overtaken = [plan for plan in plans if plan.overtaken is not None]
        if overtaken:
            failed |= await self._settle(target, overtaken)
        known = [plan for plan in plans if not isinstance(failed.get(plan.position), Unavailable)]
        for plan in known:
            plan.note.pop("trying", None)
        refused = [plan for plan in known if plan.position in failed]
        if refused:
            await self._keep(target, refused)
        return dict(failed)

    async def _stamp(self, target: _Target, plans: Sequence[_Planned]) -> None:
        """Give each score a time; one that may be there already keeps its own."""
        for plan in plans:
            plan.stamp = plan.note["at"] if plan.again else 0
        fresh = [plan for plan in plans if not plan.again]
        await self._claim(target, {plan.student: target.stored.stamped for plan in fresh}, fresh)

    async def _claim(self, target: _Target, after: Mapping[str, Instant], plans: Sequence[_Planned]) -> None:
        """Give scores new times, by student `after` what the LMS has."""
        claims = {
            target.key(plan.student): Claim(
                {"asked": plan.asked, "score": plan.sent.note}, after[plan.student], plan.fields.asked_at
            )
            for plan in plans
        }
        claimed = await claim(self._notes, self._clock, self._timer, claims)
        for plan in plans:
            plan.note, plan.overtaken = claimed[target.key(plan.student)], None
            plan.stamp = plan.note["at"]

    async def _post(self, target: _Target, plans: Sequence[_Planned]) -> dict[int, LmsError]:
        """Send scores at once; returns the errors, by position. What was overtaken is only marked so."""

        async def send(plan: _Planned) -> tuple[int, LmsError | None]:
            assert plan.score is not None
            body = map_submissions.body_of(
                plan.score, plan.student, target.stored, plan.stamp, plan.fields.grader_id, self._family
            )
            body |= map_submissions.comment_of(plan.score, self._family)
            # Whoever adds comments would add it twice; and takes the same time twice.
            safe = self._family.comments != "added" or "comment" not in body
            try:
                if plan.again and not safe:
                    await self._ask_whether_taken(target, plan)
                await self._api.send_score(target.context, target.stored.path, body, safe=safe)
            except Overtaken as error:
                plan.overtaken = error
            except LmsError as error:
                return plan.position, error
            return plan.position, None

        outcomes = await asyncio.gather(*(send(plan) for plan in plans))
        return {position: error for position, error in outcomes if error is not None}

    async def _ask_whether_taken(self, target: _Target, plan: _Planned) -> None:
        """Raise `Overtaken` if the LMS has taken a score whose answer was lost, or one that is newer.

        A score without the comment and a little older is refused then, and else does no harm.
        """
        assert plan.score is not None
        older = map_submissions.body_of(
            plan.score, plan.student, target.stored, plan.stamp - 1, plan.fields.grader_id, self._family
        )
        await self._api.send_score(target.context, target.stored.path, older, safe=True)

    async def _settle(self, target: _Target, plans: Sequence[_Planned]) -> dict[int, LmsError]:
        """Find out of scores that were refused for their times whether they are there; returns the errors.

        If the LMS has what we sent before, only its clock is ahead of ours, and the score is sent once more, a second
        after what it has and after the time of its refusal by its own clock. If it has something else, a teacher has
        changed it: that stays, unless the district wants otherwise.
        """
        results: dict[str, Result] = {}
        waiting = list(plans)

        async def look() -> bool:
            results.update(await self._results(target, [plan.student for plan in waiting]))
            waiting[:] = [plan for plan in waiting if not self._shows(plan, results.get(plan.student))]
            return not waiting

        try:
            with looking_after_write():
                await looked(look, bool, self._timer)
        except LmsError as error:
            return dict.fromkeys((plan.position for plan in waiting), error)
        failed: dict[int, LmsError] = {}
        later: dict[str, Instant] = {}
        for plan in waiting:
            now = results.get(plan.student, Result())
            if self._overwrites or self._is_ours(target, plan, now):
                later[plan.student] = self._after(plan, now)
            else:
                assert plan.overtaken is not None
                failed[plan.position] = plan.overtaken
        if later:
            again = [plan for plan in waiting if plan.student in later]
            await self._claim(target, later, again)
            failed |= await self._post(target, again)
            for plan in again:
                if plan.overtaken is not None:
                    reason = "it refuses a score as too old: is its clock ahead of ours?"
                    failed[plan.position] = Unavailable(reason, in_doubt=True)
        return failed

    def _after(self, plan: _Planned, now: Result) -> Instant:
        """The time of all that an LMS may compare a score with."""
        assert plan.overtaken is not None
        ours, theirs = self._clock(), plan.overtaken.at or 0
        return max(ours, plan.stamp, now.changed or 0, theirs if theirs - ours < _MOST_AHEAD else 0)

    def _shows(self, plan: _Planned, result: Result | None) -> bool:
        """Whether the LMS has what a change sent."""
        assert plan.score is not None
        note = {"done": plan.score.note}
        return plan.score.is_of(map_submissions.seen(result, note, self._family), self._family)

    def _is_ours(self, target: _Target, plan: _Planned, now: Result) -> bool:
        """Whether the LMS has what it had after our last score, or nothing if there was none.

        Another comment may be there if the score keeps it.
        """
        had = _last_seen(plan.note, target.stored, self._family)
        keeps = map_submissions.is_same_comment(now.comment, plan.sent.comment)
        return map_submissions.are_alike(now.points, had.points) and (keeps or now.comment == had.comment)

    async def _finish(self, target: _Target, plans: Sequence[_Planned]) -> dict[int, Submission | LmsError]:
        """Read what the LMS has after changes, and keep the rest; returns the submissions, by position."""
        results = await self._shown(target, plans)
        outcomes: dict[int, Submission | LmsError] = {}
        for plan in plans:
            result = results.get(plan.student, Result())
            if plan.score is not None:
                self._note_done(target, plan, result)
            plan.note.pop("trying", None)
            now = map_submissions.seen(result, plan.note, self._family)
            before = dict(plan.note)
            plan.note = map_submissions.to_note(
                plan.fields, now, plan.note, plan.stamp or self._clock(), moves=plan.moves
            )
            if plan.note != before:
                plan.note["modified"] = self._clock()
            shown = map_submissions.to_submission(plan.student, now, target.stored, plan.note, self._clock())
            more = map_submissions.warnings_of(plan.score, target.stored, self._family)
            shown = replace(shown, warnings=(*shown.warnings, *more))
            doubtful = plan.score is not None and map_submissions.has_other_maximum(result, target.stored)
            outcomes[plan.position] = Reread(shown) if doubtful else shown
        await self._keep(target, plans)
        return outcomes

    async def _shown(self, target: _Target, plans: Sequence[_Planned]) -> dict[str, Result]:
        """Read what the LMS has after changes, by student.

        What is still as it was before is looked at again for a while, and sent once more: it would pass for what the
        LMS has made of it, and most answer a score with nothing that says that it is theirs.
        """
        results: dict[str, Result] = {}
        waiting = list(plans)

        async def look() -> bool:
            results.update(await self._results(target, [plan.student for plan in waiting]))
            waiting[:] = [
                plan for plan in waiting if self._lags(target, plan, results.get(plan.student, Result()))
            ]
            return not waiting

        if await looked(look, bool, self._timer):
            return results
        await self._claim(target, {plan.student: target.stored.stamped for plan in waiting}, waiting)
        for error in (await self._post(target, waiting)).values():
            raise error
        await looked(look, bool, self._timer)
        return results

    def _lags(self, target: _Target, plan: _Planned, result: Result) -> bool:
        """Whether an LMS still shows the points or the comment that it had before."""
        score, before = plan.score, plan.before
        if score is None:
            return False
        if map_submissions.are_alike(result.points, before.points) and not (
            map_submissions.are_alike(result.points, score.points)
            or map_submissions.are_alike(result.points, map_submissions.capped(score, target.stored))
        ):
            return True
        if not self._family.shows_comments or result.comment != before.comment:
            return False
        return not map_submissions.is_same_comment(before.comment, score.comment)

    def _note_done(self, target: _Target, plan: _Planned, result: Result) -> None:
        """Note what was sent, and what the LMS made of it."""
        assert plan.score is not None
        note, done = plan.note, plan.score.note
        if self._family.comments == "added" and plan.score.comment is None:
            done["comment"] = (note.get("done") or {}).get("comment")
        unseen = (
            done["comment"] != (note.get("done") or {}).get("comment") and not self._family.shows_comments
        )
        if unseen or (result.points, result.comment) != (plan.before.points, plan.before.comment):
            note["modified"] = max(plan.stamp, self._clock())
        note["done"] = done
        if plan.score.comment and plan.fields.comment_marks:
            note["mark"] = plan.fields.comment_marks[0]
        points = None if result.points is None else str(result.points)
        note["seen"] = {"points": points, "of": str(target.stored.points), "comment": result.comment}

    async def _keep(self, target: _Target, plans: Collection[_Planned]) -> None:
        await keep(self._notes, {target.key(plan.student): plan.note for plan in plans})

    async def _results(self, target: _Target, students: Sequence[str]) -> dict[str, Result]:
        """Read students' results, by student. Raises `LmsError`."""
        if not students:
            return {}
        one_by_one = self._family.filters_results and len(students) <= _FEW
        pages = await asyncio.gather(
            *(
                self._api.results(target.context, target.stored.path, user)
                for user in (students if one_by_one else [""])
            )
        )
        return {
            user: map_submissions.result_of(content, target.stored)
            for page in pages
            for content in page
            if (user := id_of(content, "userId")) in students
        }


def _may_have(note: Mapping[str, Any] | None) -> bool:
    """Whether a student may have a grade or a comment of ours."""
    note = note or {}
    done = note.get("done") or {}
    return "trying" in note or done.get("points") is not None or bool(done.get("comment"))


def _last_seen(note: Mapping[str, Any], stored: LmsAssignment, family: Family) -> Result:
    """What the LMS had after our last score, in points of the assignment as it is now."""
    had = note.get("seen") or {}
    points = None if had.get("points") is None else Decimal(had["points"])
    if points is not None and family.rescales and "of" in had:
        points = points * stored.points / Decimal(had["of"])
    return Result(points, had.get("comment"))


def _is_assigned(stored: LmsAssignment, student: str) -> bool:
    assignment = stored.assignment
    return assignment.assignee_mode == "all" or student in assignment.assignee_ids
