"""Changing students' submissions in Schoology: one or many, in as few calls as it allows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable, looking_after_write
from passback.lms.schoology import errors, map_submissions
from passback.lms.schoology.api import one_or_more
from passback.lms.schoology.errors import NAME
from passback.lms.schoology.hand_in import Submitter, check_work
from passback.lms.schoology.map_assignments import numeric
from passback.lms.schoology.map_submissions import LmsSubmission
from passback.lms.stale import Stale
from passback.lms.toolkit.json_fields import Json, id_of, integer, text
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.points import refuse_unsupported
from passback.lms.toolkit.settling import LastShown, Settling
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.turns import turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Clock
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.interface import LmsConnection
    from passback.lms.notes import Notes
    from passback.lms.schoology.api import SchoologyApi
    from passback.lms.schoology.grading_setup import GradingSetups
    from passback.lms.schoology.map_assignments import LmsAssignment
    from passback.lms.schoology.roster import Roster

_CHUNK = 50
"""How many grades are sent at once: the limit of Schoology's other bulk calls."""
_HANDING_IN = 4
"""How many students' work is fetched and handed in at once: the files are in memory meanwhile."""
_FEW = 3
"""Up to this many students are read one by one."""
_NEEDS_A_LOOK = ("flags", "state", "attachments")
"""Fields whose change depends on what Schoology has; a plain grade does not."""


class _Planned(Struct):
    """One student's change, judged and not yet made."""

    position: int
    student: str
    enrollment: str
    fields: SubmissionFields
    sent: dict[str, Any]
    handing_in: bool = False
    taken: bool = False
    """Whether Schoology said of this very grade that it took it."""


class _Turn(Struct, frozen=True):
    """What is known before the changes of different students are judged."""

    section: str
    stored: LmsAssignment
    enrollments: Mapping[str, str]
    before: Mapping[str, LmsSubmission]
    notes: Mapping[str, Mapping[str, Any]]
    fresh: bool
    """Whether nothing of it was remembered."""


class Grading:
    """Reads and writes the submissions of one Schoology."""

    def __init__(
        self,
        api: SchoologyApi,
        connection: LmsConnection,
        notes: Notes,
        clock: Clock,
        roster: Roster,
        setups: GradingSetups,
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._timer = connection.timer
        self._roster = roster
        self._setups = setups
        self._work = Submitter(api, connection)
        self._run_as = connection.options.get("run_as", "yes") == "yes"
        self._not_run_as = TtlCache()
        """Teachers whom the district does not let its key impersonate."""
        self._handing_in = asyncio.Semaphore(_HANDING_IN)
        self._last = LastShown()
        self._write_missing = connection.options.get("write_missing") == "yes"

    async def read(
        self, section: str, stored: LmsAssignment, enrollments: Mapping[str, str]
    ) -> dict[str, Submission]:
        """Read the submissions of students, given as enrollment ids by uid."""
        seen, notes = await asyncio.gather(
            self._look(section, stored, enrollments),
            self._notes.read([_key(stored, student) for student in enrollments]),
        )
        now = self._clock()
        return {
            student: map_submissions.to_submission(
                student, seen[student], stored, notes.get(_key(stored, student)), now
            )
            for student in enrollments
        }

    async def update(
        self,
        section: str,
        stored: LmsAssignment,
        changes: Sequence[tuple[str, SubmissionFields]],
        *,
        fresh: bool,
    ) -> list[Submission | LmsError]:
        """Change submissions; returns the outcome of each, in order. A student who comes twice is changed twice.

        Unless all that is remembered is `fresh`, what fails because of it is `Stale`.
        """
        outcomes: dict[int, Submission | LmsError] = {}
        for turn in turns(changes):
            outcomes |= await self._turn(section, stored, turn, fresh=fresh)
        return [outcomes[position] for position in range(len(changes))]

    async def _turn(
        self,
        section: str,
        stored: LmsAssignment,
        changes: Sequence[tuple[int, str, SubmissionFields]],
        *,
        fresh: bool,
    ) -> dict[int, Submission | LmsError]:
        """Change submissions of different students, all judged before any write; returns the outcomes by position."""
        outcomes: dict[int, Submission | LmsError] = {}
        plans: list[_Planned] = []
        enrollments = await self._roster.enrollments(section, [student for _, student, _ in changes])
        looked_at = [
            student for _, student, fields in changes if _needs_a_look(fields) and student in enrollments
        ]
        before = await self._look(section, stored, {student: enrollments[student] for student in looked_at})
        notes = await self._notes.read([_key(stored, student) for student in looked_at])
        turn = _Turn(section, stored, enrollments, before, notes, fresh)
        for position, student, fields in changes:
            try:
                plans.append(await self._judge(turn, position, student, fields))
            except RefusedByLms as error:
                of_scale = bool(fields.grade) and bool(stored.assignment.grading_scale)
                outcomes[position] = Stale() if of_scale and not fresh else error
            except LmsError as error:
                outcomes[position] = error
        settling = self._last.settling([_key(stored, plan.student) for plan in plans], self._clock())
        failed: dict[int, LmsError] = {}
        for outcome in await asyncio.gather(*(self._hand_in(section, stored, plan) for plan in plans)):
            failed |= outcome
        plans = [plan for plan in plans if plan.position not in failed]
        failed |= await self._send(section, stored, plans, fresh=fresh)
        done = [plan for plan in plans if plan.position not in failed]
        try:
            with looking_after_write():
                seen = await self._seen(section, stored, done, settling)
        except LmsError as error:
            return outcomes | failed | dict.fromkeys((plan.position for plan in done), error)
        kept = await self._keep(stored, done)
        for plan in done:
            there = seen[plan.student]
            if not turn.fresh and self._is_stale(plan, there, stored):
                failed[plan.position] = Stale()
                continue
            try:
                with looking_after_write():
                    there.require_readable()
                    changed = map_submissions.changed_by_lms(plan.sent, there, stored)
                if changed is None:
                    raise await self._why(section, stored, plan)
            except LmsError as error:
                failed[plan.position] = error
            else:
                shown = map_submissions.to_submission(
                    plan.student, there, stored, kept.get(_key(stored, plan.student)), self._clock()
                )
                outcomes[plan.position] = replace(shown, warnings=(*shown.warnings, *changed))
        return outcomes | failed

    async def _seen(
        self, section: str, stored: LmsAssignment, plans: Sequence[_Planned], settling: Settling
    ) -> dict[str, LmsSubmission]:
        """Read what Schoology has of changes, by uid.

        What it does not show, it may show soon: it is looked at again, sent again, and looked at again. Unless it
        keeps something else instead.
        """
        seen: dict[str, LmsSubmission] = {}
        missing = list(plans)

        async def look() -> list[_Planned]:
            nonlocal missing
            seen.update(
                await self._look(section, stored, {plan.student: plan.enrollment for plan in missing})
            )
            missing = [
                plan
                for plan in missing
                if not map_submissions.shows(plan.sent, seen[plan.student], stored)
                and not self._is_kept(plan, seen[plan.student], stored, settling)
            ]
            return missing

        await looked(look, lambda left: not left, self._timer)
        if missing:
            failed = await self._send(section, stored, missing, fresh=True)
            missing = [plan for plan in missing if plan.position not in failed]
            await looked(look, lambda left: not left, self._timer)
        return seen

    def _is_kept(
        self, plan: _Planned, seen: LmsSubmission, stored: LmsAssignment, settling: Settling
    ) -> bool:
        """Whether Schoology is found to keep what it shows instead of what it was sent."""
        if map_submissions.changed_by_lms(plan.sent, seen, stored) is None:
            return False
        return settling.look(_key(stored, plan.student), seen.shown)

    def _is_stale(self, plan: _Planned, seen: LmsSubmission, stored: LmsAssignment) -> bool:
        """Whether a grade shows that what we remember of its assignment or scale is no longer so."""
        letter = isinstance(plan.sent.get("grade"), str) and plan.sent["grade"] != ""
        return map_submissions.is_of_other_points(plan.fields, seen, stored) or (
            letter and not map_submissions.shows(plan.sent, seen, stored)
        )

    async def _judge(self, turn: _Turn, position: int, student: str, fields: SubmissionFields) -> _Planned:
        """Return what is to be sent for a change. Raises `LmsError`."""
        stored = turn.stored
        assigned = stored.assignment.assignee_mode == "all" or student in stored.assignment.assignee_ids
        if student not in turn.enrollments:
            raise Gone("student")
        if not assigned:
            raise Gone("student") if turn.fresh else Stale()  # it may just have been given to them
        if fields.grader_id is not None and not await self._roster.teaches(turn.section, fields.grader_id):
            raise Gone("grader")
        refuse_unsupported(NAME, fields, map_submissions.UNSUPPORTED)
        plan = _Planned(
            position, student, turn.enrollments[student], fields, map_submissions.grade_to_lms(fields, stored)
        )
        if student in turn.before:
            seen = turn.before[student]
            plan.sent |= map_submissions.flags_to_lms(fields, seen, write_missing=self._write_missing)
            shown = map_submissions.to_submission(
                student, seen, stored, turn.notes.get(_key(stored, student)), self._clock()
            )
            if map_submissions.check_transition(fields, seen, shown, stored):
                check_work(fields.attachments or ())
                self._work.check_student(student)
                plan.handing_in = True
        return plan

    async def _hand_in(self, section: str, stored: LmsAssignment, plan: _Planned) -> dict[int, LmsError]:
        """Hand in a student's work, if there is any; returns the error, by position."""
        if not plan.handing_in:
            return {}

        async def newest() -> int:
            return (await self._look(section, stored, {plan.student: plan.enrollment}))[
                plan.student
            ].revision_id

        key, work = _key(stored, plan.student), plan.fields.attachments or ()
        note = dict((await self._notes.read([key])).get(key) or {})
        tried, sent = note.get("trying"), msgspec.to_builtins(work)
        try:
            async with self._handing_in:
                before = await newest()
                if tried is not None and tried["attachments"] == sent and before > tried["after"]:
                    revision = before  # an earlier try has handed it in, and could not see it
                else:
                    note["trying"] = {"after": before, "attachments": sent}
                    await self._notes.write({key: note})
                    revision = await self._work.hand_in(
                        section, stored.ref.item, plan.student, work, before, newest
                    )
        except LmsError as error:
            doubtful = isinstance(error, Gone) or (isinstance(error, Unavailable) and error.in_doubt)
            if not doubtful:  # what is gone may be there after all
                await self._notes.write({key: {name: it for name, it in note.items() if name != "trying"}})
            return {plan.position: error}
        # Kept at once, so that the same request does not hand in again if the rest of it fails.
        kept = {name: it for name, it in note.items() if name != "trying"}
        await self._notes.write({key: {**kept, "work": {"revision": revision, "attachments": sent}}})
        return {}

    async def _send(
        self, section: str, stored: LmsAssignment, plans: Sequence[_Planned], *, fresh: bool
    ) -> dict[int, LmsError]:
        """Send the grades, as their graders; returns the errors, by position."""
        failed: dict[int, LmsError] = {}
        of_grader: dict[str | None, list[_Planned]] = {}
        for plan in plans:
            if plan.sent:
                of_grader.setdefault(plan.fields.grader_id, []).append(plan)
        for grader, group in of_grader.items():
            for start in range(0, len(group), _CHUNK):
                chunk = group[start : start + _CHUNK]
                try:
                    failed |= await self._put(section, stored, chunk, grader, fresh=fresh)
                except LmsError as error:
                    failed |= dict.fromkeys((plan.position for plan in chunk), error)
        return failed

    async def _put(
        self,
        section: str,
        stored: LmsAssignment,
        plans: Sequence[_Planned],
        grader: str | None,
        *,
        fresh: bool,
    ) -> dict[int, LmsError]:
        """Send grades in one call; returns the errors of single grades, by position. Raises `LmsError`."""
        items = [
            {
                "type": stored.ref.kind,
                "assignment_id": numeric(stored.ref.item),
                "enrollment_id": plan.enrollment,
                **plan.sent,
            }
            for plan in plans
        ]
        run_as = grader if self._run_as and not self._not_run_as.knows(grader or "") else None
        try:
            answer = await self._api.send(
                "PUT", f"sections/{section}/grades", {"grades": {"grade": items}}, safe=True, run_as=run_as
            )
        except NotAllowed as error:
            if run_as is None or error.credentials:
                raise
            failed = await self._put(section, stored, plans, None, fresh=fresh)
            self._not_run_as.put(run_as, True)  # the district does not let its key impersonate them
            return failed
        except Gone:
            if run_as is None:
                raise
            await self._api.get(stored.ref.path(section))  # raises if the assignment is gone
            raise Gone("grader") from None
        failed = {}
        by_enrollment = {plan.enrollment: plan for plan in plans}
        grades = answer.get("grades") if isinstance(answer, dict) else None
        for result in one_or_more(grades.get("grade") if isinstance(grades, dict) else grades):
            status, plan = (
                integer(result, "response_code"),
                by_enrollment.get(text(result, "enrollment_id") or ""),
            )
            if plan is not None and status is not None:
                plan.taken = status < 300
            if plan is not None and status is not None and status >= 400:
                words = text(result, "message") or ""
                failed[plan.position] = errors.item_refusal(status, words, "assignment")
                if not fresh and (isinstance(failed[plan.position], Gone) or status in (401, 403)):
                    failed[plan.position] = Stale()
        if failed:
            self._forget(section)  # somebody has left, or it is graded in another way now
        return failed

    async def _why(self, section: str, stored: LmsAssignment, plan: _Planned) -> LmsError:
        """Find out why a grade that Schoology accepted is not there: its assignment or student may be gone."""
        self._forget(section)
        try:
            await self._api.get(stored.ref.path(section))
            if plan.student not in await self._roster.enrollments(section, [plan.student]):
                return Gone("student")
        except (RefusedByLms, Unavailable) as error:
            return Unavailable(str(error), in_doubt=True)
        except LmsError as error:
            return error
        if plan.sent and not plan.taken:
            return Unavailable("it neither takes nor refuses a grade", in_doubt=True)
        return RefusedByLms("INVALID_GRADE", "Schoology does not accept the grade")

    def _forget(self, section: str) -> None:
        self._roster.forget(section)
        self._setups.forget(section)

    async def _look(
        self, section: str, stored: LmsAssignment, enrollments: Mapping[str, str]
    ) -> dict[str, LmsSubmission]:
        """Read students' submissions as Schoology has them, by uid."""
        if not enrollments:
            return {}
        grades, revisions = await asyncio.gather(
            self._read_grades(section, stored, enrollments),
            self._read_revisions(section, stored, enrollments),
        )
        found = {
            student: LmsSubmission(grades.get(enrollment), map_submissions.newest(revisions.get(student, [])))
            for student, enrollment in enrollments.items()
        }
        for student, seen in found.items():
            self._last.note(_key(stored, student), seen.shown)
        return found

    async def _read_grades(
        self, section: str, stored: LmsAssignment, enrollments: Mapping[str, str]
    ) -> dict[str, Json]:
        """Read the grades, by enrollment id."""
        asked: list[dict[str, str]] = [{}]
        if len(enrollments) <= _FEW:
            asked = [{"enrollment_id": enrollment} for enrollment in enrollments.values()]
        pages = await asyncio.gather(
            *(
                self._api.pages(
                    f"sections/{section}/grades",
                    ("grades", "grade"),
                    {"assignment_id": stored.ref.item, **one},
                )
                for one in asked
            )
        )
        return {
            id_of(grade, "enrollment_id"): grade
            for page in pages
            for grade in page
            if id_of(grade, "assignment_id") == stored.ref.item
        }

    async def _read_revisions(
        self, section: str, stored: LmsAssignment, enrollments: Mapping[str, str]
    ) -> dict[str, list[Json]]:
        """Read the revisions of students' work, by uid."""
        if not stored.takes_work:
            return {}
        path, params = f"sections/{section}/submissions/{stored.ref.item}", {"with_attachments": 1}
        paths = [f"{path}/{student}" for student in enrollments] if len(enrollments) <= _FEW else [path]
        pages = await asyncio.gather(
            *(self._api.pages(one, "revision", params, gone="student") for one in paths)
        )
        found: dict[str, list[Json]] = {}
        for page in pages:
            for revision in page:
                id_of(revision, "revision_id")
                found.setdefault(id_of(revision, "uid"), []).append(revision)
        return found

    async def _keep(
        self, stored: LmsAssignment, plans: Sequence[_Planned]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Keep who graded, which Schoology does not show; returns all notes, by key."""
        kept = dict(await self._notes.read([_key(stored, plan.student) for plan in plans]))
        changed = {}
        for plan in plans:
            key = _key(stored, plan.student)
            note = dict(kept.get(key) or {})
            if plan.fields.grader_id is not None:
                note["grader"] = plan.fields.grader_id
            if note != (kept.get(key) or {}):
                kept[key] = changed[key] = note
        if changed:
            await self._notes.write(changed)
        return kept


def _needs_a_look(fields: SubmissionFields) -> bool:
    return any(getattr(fields, name) is not None for name in _NEEDS_A_LOOK)


def _key(stored: LmsAssignment, student: str) -> str:
    return f"grade/{stored.ref.lms_id}/{student}"
