"""Changing students' submissions in Google Classroom, one by one: it has no call for many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passback.lms.google_classroom import map_submissions
from passback.lms.google_classroom.errors import NAME
from passback.lms.google_classroom.hand_in import StudentWork, unless_done
from passback.lms.google_classroom.map_submissions import grade_key, submissions_path
from passback.lms.interface import Gone, RefusedByLms, Unavailable, in_doubt_after_write
from passback.lms.toolkit.json_fields import Json, id_of, text
from passback.lms.toolkit.points import refuse_unsupported
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from decimal import Decimal

    from passback.domain.clock import Clock
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.map_assignments import LmsAssignment
    from passback.lms.google_classroom.map_submissions import Target
    from passback.lms.google_classroom.roster import Roster
    from passback.lms.interface import LmsConnection
    from passback.lms.notes import Notes

FEW = 3
"""Up to this many students are read one by one."""


class Grading:
    """Reads and writes the submissions of one domain's Classroom."""

    def __init__(
        self, api: ClassroomApi, connection: LmsConnection, notes: Notes, clock: Clock, roster: Roster
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._roster = roster
        self._publish = connection.options.get("publish_grades", "yes") == "yes"
        self._student_work = StudentWork(api, roster, self.find_one)
        self._ids = TtlCache()
        """The ids of submissions, which never change."""

    async def read(
        self, course: str, stored: LmsAssignment, students: Sequence[str]
    ) -> dict[str, Submission]:
        """Read the submissions of students; those who do not have the assignment are left out."""
        if stored.is_draft:
            waiting = await self._waiting(course, stored)
            await self._check_lacking(course, stored, [it for it in students if it not in waiting])
            return {it: map_submissions.untouched(it, stored) for it in students if it in waiting}
        found, notes = await asyncio.gather(
            self._find(course, stored, students),
            self._notes.read([grade_key(stored, student) for student in students]),
        )
        now = self._clock()
        return {
            student: map_submissions.to_submission(
                found[student], student, stored, notes.get(grade_key(stored, student)), now
            )
            for student in students
            if student in found
        }

    async def prepare(self, course: str, stored: LmsAssignment, students: Sequence[str]) -> None:
        """Find the ids of many submissions at once, before they are changed."""
        unknown = [student for student in students if not self._ids.knows(grade_key(stored, student))]
        if unknown:
            await self._find(course, stored, unknown)

    def knows_id(self, target: Target) -> bool:
        """Whether the id of a student's submission is remembered."""
        return self._ids.knows(target.note_key)

    async def update(self, target: Target, fields: SubmissionFields) -> Submission | None:
        """Change the given fields of one student's submission. All are judged before anything is written.

        Returns None if a grade was reckoned from points that the assignment no longer has: it must be given again.
        """
        await self._check_published(target)
        note = (await self._notes.read([target.note_key])).get(target.note_key)
        answer = await self.find_one(target) if map_submissions.needs_a_look(fields) else None
        id_ = await self._id(target)
        if fields.grader_id is not None and not await self._roster.teaches(target.course, fields.grader_id):
            raise Gone("grader")
        refuse_unsupported(NAME, fields, map_submissions.UNSUPPORTED)
        points = map_submissions.points_to_lms(fields, target.stored)
        moves = answer is not None and map_submissions.check_transition(fields, answer, note)
        links = [] if answer is None else map_submissions.new_links(fields, answer)
        if answer is not None and (links or (moves and fields.state in ("submitted", "reclaimed"))):
            answer = await self._student_work.send(target, answer, fields, moves=moves)
        visible = self._publish or fields.state == "returned"
        if points is not None or (answer is not None and map_submissions.removes_grade(fields, answer, note)):
            answer = await self._grade(target, id_, points, fields.grader_id, visible=visible)
            if map_submissions.is_reckoned_otherwise(fields, answer, target.stored):
                return None
        elif fields.state == "returned" and answer is not None:
            hidden = map_submissions.hidden_grade(answer, note)
            if hidden is not None:
                answer = await self._grade(target, id_, hidden, fields.grader_id, visible=True)
        if answer is not None and moves and fields.state == "returned":
            answer = await self._return(target, answer, fields.grader_id)
        assert answer is not None
        told = map_submissions.to_submission(answer, target.student, target.stored, None, 0).grader_id
        kept = map_submissions.to_note(fields, points, told, note, visible=visible)
        if kept != (note or {}):
            await self._notes.write({target.note_key: kept or None})
        return map_submissions.to_submission(answer, target.student, target.stored, kept, self._clock())

    async def find_one(self, target: Target) -> Json:
        """Read a student's submission as it is now. Raises `Gone`."""
        found = await self._find(target.course, target.stored, [target.student])
        if target.student not in found:
            raise Gone("student")
        return found[target.student]

    async def _check_published(self, target: Target) -> None:
        """Check that students can see the assignment. Raises `Gone` and `RefusedByLms`."""
        if target.stored.is_draft:
            if target.student not in await self._waiting(target.course, target.stored):
                await self._check_lacking(target.course, target.stored, [target.student])
                raise Gone("student")
            raise RefusedByLms("NOT_PUBLISHED", "students cannot see the assignment yet")

    async def _grade(
        self, target: Target, id_: str, points: Decimal | None, grader: str | None, *, visible: bool
    ) -> Json:
        """Set the grade; None removes it (named in the mask, but not sent). Its student sees it if `visible`."""
        names = ["draftGrade", "assignedGrade"] if visible or points is None else ["draftGrade"]
        content = {} if points is None else dict.fromkeys(names, float(points))

        async def patch(acting: str) -> Json:
            return await self._api.send(
                "PATCH", target.path(id_), acting, content,
                params={"updateMask": ",".join(names)}, safe=True, gone="student",
            )  # fmt: skip

        try:
            answer = await self._roster.as_teacher(target.course, patch, grader)
        except Gone:
            self._ids.forget(target.note_key)
            raise
        if map_submissions.is_submission(answer, id_, target.student):
            return answer
        with in_doubt_after_write():
            return await self.find_one(target)

    async def _return(self, target: Target, answer: Json, grader: str | None) -> Json:
        """Return turned-in work. If none was turned in, there is nothing to return: its grade is visible."""
        if text(answer, "state") not in ("TURNED_IN", "RECLAIMED_BY_STUDENT"):
            return answer

        async def give_back(acting: str) -> Json:
            path = f"{target.path(id_of(answer))}:return"
            return await self._api.send("POST", path, acting, {}, safe=False, gone="student")

        sending = self._roster.as_teacher(target.course, give_back, grader)
        await unless_done(sending, lambda: self.find_one(target), "RETURNED")
        with in_doubt_after_write():
            return await self.find_one(target)

    async def _waiting(self, course: str, stored: LmsAssignment) -> Collection[str]:
        """Read the students who will have an assignment that is not published yet."""
        enrolled = await self._roster.students(course)
        if stored.assignment.assignee_mode == "all":
            return enrolled
        return [student for student in stored.assignment.assignee_ids if student in enrolled]

    async def _id(self, target: Target) -> str:
        """Return the id of a student's submission. Raises `Gone`."""

        async def find() -> str:
            return id_of(await self.find_one(target))

        return await self._ids.get(target.note_key, find)

    async def _find(self, course: str, stored: LmsAssignment, students: Sequence[str]) -> dict[str, Json]:
        """Read the submissions of students as they are now; those who have none are left out."""
        found = await self._find_once(course, stored, students)
        lacking = [student for student in students if student not in found]
        if found and lacking:
            # A list may lack what was moved while it was read, and an answer may be none: they are asked for again.
            found |= await self._find_once(course, stored, lacking)
        await self._check_lacking(course, stored, [student for student in students if student not in found])
        for student in students:
            self._ids.forget(grade_key(stored, student))
            if student in found:
                self._ids.put(grade_key(stored, student), id_of(found[student]))
        return found

    async def _check_lacking(self, course: str, stored: LmsAssignment, lacking: Sequence[str]) -> None:
        """Check that one of those whom lists lack does not have the assignment. Raises `Unavailable`."""
        assigned = stored.assignment.assignee_ids
        for_all = text(stored.content, "assigneeMode") in (None, "ALL_STUDENTS")
        doubtful = next((it for it in lacking if for_all or it in assigned), None)
        if doubtful is not None and await self._roster.is_member(course, "student", doubtful):
            raise Unavailable("a list lacks a student of the course", in_doubt=True)

    async def _find_once(
        self, course: str, stored: LmsAssignment, students: Sequence[str]
    ) -> dict[str, Json]:
        path = submissions_path(course, stored)
        few = len(students) <= FEW

        async def read(acting: str) -> list[Json]:
            if not few:
                return await self._api.pages(path, "studentSubmissions", acting)
            pages = await asyncio.gather(*(one(acting, student) for student in students))
            return [item for page in pages for item in page]

        async def one(acting: str, student: str) -> list[Json]:
            try:
                return await self._api.pages(path, "studentSubmissions", acting, {"userId": student})
            except Gone:
                return []  # there is no such person; or the assignment is gone, which the caller finds out

        found = {id_of(it, "userId"): it for it in await self._roster.as_teacher(course, read)}
        if any(not map_submissions.belongs_to(it, stored) for it in found.values()):
            raise Unavailable("a list of its submissions has those of another assignment")
        return found
