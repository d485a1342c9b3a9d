"""Changing students' submissions in Moodle. It answers nothing, whatever it makes of a grade: so it is looked at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.clock import SECOND
from passback.lms.interface import (
    SCORE_CHANGED,
    Gone,
    LmsError,
    NotAllowed,
    RefusedByLms,
    Unavailable,
    Unsupported,
    looking_after_write,
)
from passback.lms.moodle import map_submissions
from passback.lms.moodle.errors import Clash
from passback.lms.moodle.looks import FEW, Feedback, Looks, Status
from passback.lms.moodle.map_submissions import NO_GRADE
from passback.lms.stale import Stale
from passback.lms.toolkit import alike
from passback.lms.toolkit.html import is_html, text_to_html
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.turns import turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from passback.domain.clock import Clock, Timer
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.moodle.api import MoodleApi
    from passback.lms.moodle.map_assignments import LmsAssignment
    from passback.lms.moodle.map_submissions import LmsSubmission
    from passback.lms.moodle.roster import Roster
    from passback.lms.notes import Notes

_CHUNK = 100
"""How many grades are sent at once: PHP takes 1000 variables, and a grade is seven."""
_RELEASED = "released"


class _Planned(Struct, frozen=True):
    """One student's change, judged and not yet made."""

    position: int
    student: str
    fields: SubmissionFields
    points: Decimal | None
    """None if the grade is to stay."""
    opens: bool = False
    """Whether another attempt is opened."""
    gives_back: bool = False
    """Whether the work becomes a draft again."""

    @property
    def saves(self) -> bool:
        """Whether a grade, a comment or another attempt is sent."""
        return self.points is not None or self.fields.grade_comment is not None or self.opens


class Grading:
    """Reads and writes the submissions of one Moodle."""

    def __init__(self, api: MoodleApi, notes: Notes, clock: Clock, roster: Roster, timer: Timer) -> None:
        self._api = api
        self._looks = Looks(api)
        self._notes = notes
        self._clock = clock
        self._roster = roster
        self._timer = timer

    async def read(
        self, section: str, stored: LmsAssignment, students: Sequence[str]
    ) -> dict[str, Submission]:
        """Read submissions, by student; those whom the gradebook does not show are left out."""
        seen, notes = await asyncio.gather(
            self._looks.look(section, stored, students),
            self._notes.read([_key(stored, student) for student in students]),
        )
        now = self._clock()
        return {
            student: map_submissions.to_submission(student, it, stored, notes.get(_key(stored, student)), now)
            for student, it in seen.items()
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

        Unless what is `stored` was read for this, what came out so because of it is `Stale`.
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
        students = await self._roster.students(section, [student for _, student, _ in changes])
        asked = [student for _, student, fields in changes if _needs_look(fields) and student in students]
        before = await self._looks.look(section, stored, asked) if asked else {}
        notes = await self._notes.read([_key(stored, student) for student in asked])
        plans = []
        for position, student, fields in changes:
            try:
                if student not in students:
                    raise Gone("student")
                if fields.grader_id is not None and not await self._roster.teaches(section, fields.grader_id):
                    raise Gone("grader")
                if student in before:
                    fields = map_submissions.without_same_date(fields, before[student])
                points = map_submissions.judge(fields, stored)
                opens = gives_back = False
                if _needs_look(fields):
                    if student not in before:
                        raise Gone("student")
                    gives_back = map_submissions.check_state(
                        fields, before[student], stored, notes.get(_key(stored, student))
                    )
                    opens = map_submissions.opens_attempt(fields, before[student], stored)
            except LmsError as error:
                by_memory = not fresh and isinstance(error, RefusedByLms | Unsupported)
                outcomes[position] = Stale() if by_memory else error
            else:
                plans.append(_Planned(position, student, fields, points, opens, gives_back))
        failed = await self._extend(stored, plans)
        known: dict[str, Status] = {}
        failed |= await self._save(section, stored, [it for it in plans if it.position not in failed], known)
        failed |= await self._give_back(stored, [it for it in plans if it.position not in failed], known)
        done = [plan for plan in plans if plan.position not in failed]
        found = await self._found(section, stored, done, known, fresh=fresh)
        return outcomes | failed | found

    async def _extend(self, stored: LmsAssignment, plans: Sequence[_Planned]) -> dict[int, LmsError]:
        """Give students their own due dates; returns the errors, by position."""
        dated = [it for it in plans if it.fields.override_due_date is not None]
        if not dated:
            return {}
        try:
            reply, warnings = await self._api.write(
                "mod_assign_save_user_extensions",
                assignmentid=stored.id,
                userids=[it.student for it in dated],
                dates=[(it.fields.override_due_date or 0) // SECOND for it in dated],
            )
            if not isinstance(warnings, list):
                raise reply.useless("is not a list")
        except LmsError as error:
            return {it.position: error for it in dated}
        if not warnings:
            return {}
        if len(dated) == 1:
            refused = RefusedByLms("INVALID_DUE_DATE", "Moodle does not accept the student's due date")
            return {dated[0].position: refused}
        # The warnings do not say for certain whose they are, so each is sent by itself.
        failed: dict[int, LmsError] = {}
        for one in dated:
            failed |= await self._extend(stored, [one])
        return failed

    async def _give_back(
        self, stored: LmsAssignment, plans: Sequence[_Planned], known: dict[str, Status]
    ) -> dict[int, LmsError]:
        """Make work drafts again; returns the errors, by position. What is `known` of them no longer is."""
        failed: dict[int, LmsError] = {}
        for plan in plans:
            if not plan.gives_back:
                continue
            known.pop(plan.student, None)
            try:
                reply, warnings = await self._api.write(
                    "mod_assign_revert_submissions_to_draft",
                    assignmentid=stored.id,
                    userids=[plan.student],
                )
                if not isinstance(warnings, list):
                    raise reply.useless("is not a list")
                if warnings:
                    raise RefusedByLms("INVALID_STATE", "in Moodle there is no work to give back")
            except LmsError as error:
                failed[plan.position] = error
        return failed

    async def _save(
        self, section: str, stored: LmsAssignment, plans: Sequence[_Planned], known: dict[str, Status]
    ) -> dict[int, LmsError]:
        """Send grades and comments; returns the errors, by position. What is read of students becomes `known`."""
        saving = [it for it in plans if it.saves]
        if not saving:
            return {}
        try:
            rows = await self._rows(section, stored, saving, known)
        except LmsError as error:
            return {it.position: error for it in saving}
        failed: dict[int, LmsError] = {
            it.position: row for it, row in zip(saving, rows, strict=True) if isinstance(row, LmsError)
        }
        sent = [(it, row) for it, row in zip(saving, rows, strict=True) if not isinstance(row, LmsError)]
        plain = [it for it in sent if not it[0].opens]
        for start in range(0, len(plain), _CHUNK):
            failed |= await self._send(stored, plain[start : start + _CHUNK])
        for one in sent:
            if one[0].opens:
                known.pop(one[0].student, None)
                failed |= await self._send(stored, [one])
        return failed

    async def _send(
        self, stored: LmsAssignment, sent: Sequence[tuple[_Planned, Mapping[str, Any]]]
    ) -> dict[int, LmsError]:
        """Send rows in one call; returns the errors, by position."""
        if len(sent) == 1:
            plan, row = sent[0]
            try:
                await self._api.change(
                    "mod_assign_save_grade",
                    safe=not plan.opens,  # sent twice it would open two
                    assignmentid=stored.id,
                    applytoall=False,
                    **row,
                )
            except LmsError as error:
                return {plan.position: error}
            return {}
        try:
            await self._api.change(
                "mod_assign_save_grades",
                assignmentid=stored.id,
                applytoall=False,
                grades=[row for _, row in sent],
            )
        except (RefusedByLms, Clash):
            # Those before the one at fault are saved, and nobody says which that is: each is sent by itself.
            failed: dict[int, LmsError] = {}
            for one in sent:
                failed |= await self._send(stored, [one])
            return failed
        except LmsError as error:
            return {plan.position: error for plan, _ in sent}
        return {}

    async def _rows(
        self, section: str, stored: LmsAssignment, plans: Sequence[_Planned], known: dict[str, Status]
    ) -> list[dict[str, Any] | LmsError]:
        """Return what Moodle is sent for each change, with what is to stay as it is: it keeps nothing that is left out.

        Raises `LmsError`.
        """
        staying = [it for it in plans if it.points is None]
        keeping = [it for it in plans if it.fields.grade_comment is None] if stored.takes_comments else []
        held = await self._looks.grades(stored) if staying or len(keeping) > FEW else None
        # Who has no grade has no comment either.
        asked = [it for it in keeping if held is None or it.student in held]
        found = await asyncio.gather(*(self._status(section, stored, it.student) for it in asked))
        failed: dict[str, LmsError] = {}
        for plan, status in zip(asked, found, strict=True):
            if isinstance(status, Status):
                known[plan.student] = status
            else:
                failed[plan.student] = status
        rows: list[dict[str, Any] | LmsError] = []
        for plan in plans:
            if plan.student in failed:
                rows.append(failed[plan.student])
                continue
            points = plan.points if plan.points is not None else (held or {}).get(plan.student)
            kept = known[plan.student].feedback if plan.student in known else None
            rows.append(_row(stored, plan, NO_GRADE if points is None else points, kept))
        return rows

    async def _status(self, section: str, stored: LmsAssignment, student: str) -> Status | LmsError:
        try:
            return await self._looks.status(stored, student)
        except NotAllowed as error:
            # It shows nothing of who has left.
            return await self._left(section, student, error)
        except LmsError as error:
            return error

    async def _left(self, section: str, student: str, error: NotAllowed) -> LmsError:
        try:
            there = await self._roster.students(section, [student], now=True)
        except LmsError as failed:
            return failed
        return error if there else Gone("student")

    async def _found(
        self,
        section: str,
        stored: LmsAssignment,
        plans: Sequence[_Planned],
        known: Mapping[str, Status],
        *,
        fresh: bool,
    ) -> dict[int, Submission | LmsError]:
        """Look at what became of changes; returns the outcomes, by position."""
        if not plans:
            return {}
        try:
            with looking_after_write():
                await self._remember(stored, plans)
                seen = await self._seen(section, stored, plans, known)
                missing = [plan.student for plan in plans if plan.student not in seen]
                left = (
                    set(missing) - await self._roster.students(section, missing, now=True)
                    if missing
                    else set()
                )
        except LmsError as error:
            return dict.fromkeys((plan.position for plan in plans), error)
        notes = await self._notes.read([_key(stored, plan.student) for plan in plans])
        outcomes: dict[int, Submission | LmsError] = {}
        for plan in plans:
            if plan.student not in seen:
                unseen = Unavailable("its gradebook does not show a student", in_doubt=True)
                outcomes[plan.position] = Gone("student") if plan.student in left else unseen
                continue
            try:
                with looking_after_write():
                    found = map_submissions.to_submission(
                        plan.student,
                        seen[plan.student],
                        stored,
                        notes.get(_key(stored, plan.student)),
                        self._clock(),
                    )
            except LmsError as error:
                outcomes[plan.position] = error
                continue
            if not fresh and _is_stale(plan, seen[plan.student], stored):
                outcomes[plan.position] = Stale()
            else:
                outcomes[plan.position] = _judged(plan, seen[plan.student], found)
        return outcomes

    async def _seen(
        self,
        section: str,
        stored: LmsAssignment,
        plans: Sequence[_Planned],
        known: Mapping[str, Status],
    ) -> dict[str, LmsSubmission]:
        """Read what Moodle has of changes, by student. A comment that it does not show yet, it may show soon."""
        dated = {plan.student for plan in plans if plan.fields.override_due_date is not None}
        known = {student: it for student, it in known.items() if student not in dated}
        comments = {
            it.student: it.fields.grade_comment for it in plans if it.fields.grade_comment is not None
        }
        students = [plan.student for plan in plans]

        async def look() -> dict[str, LmsSubmission]:
            return await self._looks.look(section, stored, students, known)

        def shows(seen: Mapping[str, LmsSubmission]) -> bool:
            return all(
                alike.same_words(seen[student].comment or "", words)
                for student, words in comments.items()
                if student in seen
            )

        return await looked(look, shows, self._timer)

    async def _remember(self, stored: LmsAssignment, plans: Sequence[_Planned]) -> None:
        """Keep what Moodle does not: who graded, due dates to the millisecond, and comments in plain text."""
        kept = await self._notes.read([_key(stored, plan.student) for plan in plans])
        changed = {}
        for plan in plans:
            note = dict(kept.get(_key(stored, plan.student)) or {})
            if plan.fields.grader_id is not None:
                note["grader"] = plan.fields.grader_id
            if plan.fields.extra_attempts is not None:
                note["attempts"] = plan.fields.extra_attempts
            if plan.gives_back:
                note["given_back"] = True
            elif plan.saves:
                note.pop("given_back", None)
            if plan.fields.override_due_date is not None:
                note["extension"] = plan.fields.override_due_date
            if (words := plan.fields.grade_comment) is not None:
                note.pop("comment", None)
                if (markup := _markup(words)) != words:
                    note["comment"] = [words, markup]
            if note != (kept.get(_key(stored, plan.student)) or {}):
                changed[_key(stored, plan.student)] = note
        if changed:
            await self._notes.write(changed)


def _needs_look(fields: SubmissionFields) -> bool:
    return any(it is not None for it in (fields.state, fields.extra_attempts, fields.override_due_date))


def _row(stored: LmsAssignment, plan: _Planned, points: Decimal, kept: Feedback | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "userid": plan.student,
        "grade": points,
        "attemptnumber": -1,
        "addattempt": plan.opens,
        "workflowstate": _RELEASED if stored.has_workflow else "",
    }
    if stored.takes_comments:
        given = plan.fields.grade_comment
        comment = kept or Feedback("") if given is None else Feedback(_markup(given))
        row["plugindata"] = {
            "assignfeedbackcomments_editor": {"text": comment.words, "format": comment.format}
        }
    return row


def _markup(words: str) -> str:
    """Return a comment as Moodle takes it: HTML, as which plain words may be read as well."""
    return words if is_html(words) or not set(words) & set("<>&\n") else text_to_html(words)


def _is_stale(plan: _Planned, seen: LmsSubmission, stored: LmsAssignment) -> bool:
    """Whether the gradebook shows that what we remember of the assignment is no longer so.

    The points are then of another maximum, or were more than it, or wait to be released.
    """
    if plan.points is None or seen.closed is not None:
        return False
    return seen.maximum not in (None, stored.maximum) or (plan.points != NO_GRADE and seen.points is None)


def _judged(plan: _Planned, seen: LmsSubmission, found: Submission) -> Submission | LmsError:
    """Return what became of a change, by what Moodle shows: of what is closed it has stored nothing at all."""
    words = plan.fields.grade_comment
    graded = plan.points is None or map_submissions.same_points(found.grade_points, plan.points)
    if graded and (words is None or seen.closed is None or alike.same_words(seen.comment or "", words)):
        asked = plan.fields.grade_points
        rounded = plan.points not in (None, NO_GRADE) and asked is not None and found.grade_points != asked
        return replace(found, warnings=(*found.warnings, SCORE_CHANGED)) if rounded else found
    if seen.closed is not None:
        return RefusedByLms(
            f"GRADE_{seen.closed.upper()}",
            f"in Moodle's gradebook the grade is {seen.closed}, and stays as it is",
        )
    return found


def _key(stored: LmsAssignment, student: str) -> str:
    return f"grade/{stored.id}/{student}"
