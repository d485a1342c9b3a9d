"""Changing students' submissions in Google Classroom, one by one: it has no call for many."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from passback.domain.grading import plain
from passback.lms.google_classroom import map_submissions
from passback.lms.google_classroom.errors import NAME
from passback.lms.interface import Gone, NotAllowed, Refused, Unavailable
from passback.lms.toolkit.json_fields import Json, id_of, number, text
from passback.lms.toolkit.points import refuse_unsupported
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from decimal import Decimal

    from passback.domain.clock import Clock
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.google_classroom.api import ClassroomApi
    from passback.lms.google_classroom.map_assignments import LmsAssignment
    from passback.lms.google_classroom.roster import Roster
    from passback.lms.interface import Connection
    from passback.lms.notes import Note, Notes

log = logging.getLogger(__name__)

FEW = 3
"""Up to this many students are read one by one."""


class Grading:
    """Reads and writes the submissions of one domain's Classroom."""

    def __init__(
        self, api: ClassroomApi, connection: Connection, notes: Notes, clock: Clock, roster: Roster
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._roster = roster
        self._publish = connection.options.get("publish_grades", "yes") == "yes"
        self._ids = TtlCache()
        """The ids of submissions, which never change."""

    async def read(
        self, course: str, stored: LmsAssignment, students: Sequence[str]
    ) -> dict[str, Submission]:
        """Read the submissions of students; those who do not have the assignment are left out."""
        if stored.is_draft:
            waiting = await self._waiting(course, stored)
            return {it: map_submissions.untouched(it, stored) for it in students if it in waiting}
        found, notes = await asyncio.gather(
            self._find(course, stored, students),
            self._notes.read([_key(stored, student) for student in students]),
        )
        now = self._clock()
        return {
            student: map_submissions.to_submission(
                found[student], student, stored, notes.get(_key(stored, student)), now
            )
            for student in students
            if student in found
        }

    async def prepare(self, course: str, stored: LmsAssignment, students: Sequence[str]) -> None:
        """Find the ids of many submissions at once, before they are changed."""
        await self._find(course, stored, students)

    async def update(
        self, course: str, stored: LmsAssignment, student: str, fields: SubmissionFields
    ) -> Submission:
        """Change the given fields of one student's submission. All are judged before anything is written."""
        if stored.is_draft:
            if student not in await self._waiting(course, stored):
                raise Gone("student")
            raise Refused("NOT_PUBLISHED", "students cannot see the assignment yet")
        needs_a_look = (
            fields.state is not None
            or fields.attachments is not None
            or not map_submissions.gives_grade(fields)
        )
        answer = await self._find_one(course, stored, student) if needs_a_look else None
        id_ = await self._id(course, stored, student)
        if fields.grader_id is not None and not await self._roster.teaches(course, fields.grader_id):
            raise Gone("grader")
        refuse_unsupported(NAME, fields, map_submissions.UNSUPPORTED)
        points = (
            map_submissions.points_to_lms(fields, stored) if map_submissions.gives_grade(fields) else None
        )
        moves = answer is not None and map_submissions.check_transition(fields, answer)
        links = [] if answer is None else map_submissions.new_links(fields, answer)
        if links or (moves and fields.state in ("submitted", "reclaimed")):
            assert answer is not None
            answer = await self._as_student(
                course, stored, student, answer, links, fields.state if moves else None
            )
        graded = map_submissions.gives_grade(fields)
        returning = moves and fields.state == "returned"
        if graded:
            visible = self._publish or fields.state == "returned"
            answer = await self._grade(
                course, stored, student, id_, points, fields.grader_id, visible=visible
            )
        elif fields.state == "returned" and answer is not None and _hides_grade(answer):
            given = number(answer, "draftGrade")
            answer = await self._grade(course, stored, student, id_, given, fields.grader_id, visible=True)
        if returning and answer is not None:
            answer = await self._return(course, stored, student, answer, fields.grader_id)
        assert answer is not None
        note = await self._keep(stored, student, fields, answer, points if graded else None, graded=graded)
        return map_submissions.to_submission(answer, student, stored, note, self._clock())

    async def _grade(
        self,
        course: str,
        stored: LmsAssignment,
        student: str,
        id_: str,
        points: Decimal | None,
        grader: str | None,
        *,
        visible: bool,
    ) -> Json:
        """Set the grade; None removes it (named in the mask, but not sent). Its student sees it if `visible`."""
        names = ["draftGrade", "assignedGrade"] if visible or points is None else ["draftGrade"]
        content = {} if points is None else dict.fromkeys(names, float(points))

        async def patch(acting: str) -> Json:
            return await self._api.send(
                "PATCH", _path(course, stored, id_), acting, content,
                params={"updateMask": ",".join(names)}, safe=True, gone="student",
            )  # fmt: skip

        try:
            return await self._roster.as_teacher(course, patch, grader)
        except Gone:
            self._ids.forget(_key(stored, student))
            raise

    async def _return(
        self, course: str, stored: LmsAssignment, student: str, answer: Json, grader: str | None
    ) -> Json:
        """Return turned-in work. If none was turned in, there is nothing to return: its grade is visible."""
        if text(answer, "state") not in ("TURNED_IN", "RECLAIMED_BY_STUDENT"):
            return answer

        async def give_back(acting: str) -> Json:
            return await self._api.send(
                "POST",
                f"{_path(course, stored, id_of(answer))}:return",
                acting,
                {},
                safe=False,
                gone="student",
            )

        await self._unless_done(
            self._roster.as_teacher(course, give_back, grader), course, stored, student, "RETURNED"
        )
        return await self._find_one(course, stored, student)

    async def _as_student(
        self,
        course: str,
        stored: LmsAssignment,
        student: str,
        answer: Json,
        links: Sequence[str],
        state: str | None,
    ) -> Json:
        """Attach, turn in or reclaim, which only the student can do."""
        try:
            return await self._sent_by(course, stored, student, answer, links, state)
        except NotAllowed as error:
            # The account is gone, or the scope was not delegated; the connection still works.
            log.warning("nothing can be done as a student: %s", error)
            raise Refused("STUDENT_NOT_SIGNED_IN", f"{NAME} does not let us act as the student") from None

    async def _sent_by(
        self,
        course: str,
        stored: LmsAssignment,
        student: str,
        answer: Json,
        links: Sequence[str],
        state: str | None,
    ) -> Json:
        acting, path = (
            await self._roster.acting_student(course, student),
            _path(course, stored, id_of(answer)),
        )
        if links:
            content = {"addAttachments": [{"link": {"url": url}} for url in links]}
            try:
                await self._api.send(
                    "POST", f"{path}:modifyAttachments", acting, content, safe=False, gone="student"
                )
            except Unavailable as error:
                attached = {
                    item.url
                    for item in map_submissions.attachments_of(await self._find_one(course, stored, student))
                }
                if not error.in_doubt or not attached.issuperset(links):
                    raise
        action = {"submitted": "turnIn", "reclaimed": "reclaim"}.get(state or "")
        if action is not None:
            done = "TURNED_IN" if action == "turnIn" else "RECLAIMED_BY_STUDENT"
            sending = self._api.send("POST", f"{path}:{action}", acting, {}, safe=False, gone="student")
            await self._unless_done(sending, course, stored, student, done)
        return await self._find_one(course, stored, student)

    async def _unless_done(
        self, sending: Any, course: str, stored: LmsAssignment, student: str, state: str
    ) -> None:
        """Send what moves a submission; if that is refused or in doubt, look whether it is there already."""
        try:
            await sending
        except (Refused, Unavailable) as error:
            in_doubt = isinstance(error, Refused) or error.in_doubt
            if not in_doubt or text(await self._find_one(course, stored, student), "state") != state:
                raise

    async def _keep(
        self,
        stored: LmsAssignment,
        student: str,
        fields: SubmissionFields,
        answer: Json,
        points: Decimal | None,
        *,
        graded: bool,
    ) -> Note | None:
        """Keep who graded, if we sent it as someone else, and points that Google rounded; returns the whole note."""
        key = _key(stored, student)
        before = (await self._notes.read([key])).get(key)
        note = dict(before or {})
        if graded:
            note.pop("points", None)
            given = fields.grade_points
            if given is not None and points is not None and given != points:
                note["points"] = [plain(given), plain(points)]
        if fields.grader_id is not None:
            note.pop("grader", None)
            told = map_submissions.to_submission(answer, student, stored, None, 0).grader_id
            if told != fields.grader_id:
                note |= {"grader": fields.grader_id, "graded_as": told}
        if note != (before or {}):
            await self._notes.write({key: note or None})
        return note

    async def _waiting(self, course: str, stored: LmsAssignment) -> Collection[str]:
        """Read the students who will have an assignment that is not published yet."""
        enrolled = await self._roster.students(course)
        if stored.assignment.assignee_mode == "all":
            return enrolled
        return [student for student in stored.assignment.assignee_ids if student in enrolled]

    async def _id(self, course: str, stored: LmsAssignment, student: str) -> str:
        """Return the id of a student's submission. Raises `Gone`."""

        async def find() -> str:
            return id_of(await self._find_one(course, stored, student))

        return await self._ids.get(_key(stored, student), find)

    async def _find_one(self, course: str, stored: LmsAssignment, student: str) -> Json:
        """Read a student's submission as it is now. Raises `Gone`."""
        found = await self._find(course, stored, [student])
        if student not in found:
            raise Gone("student")
        return found[student]

    async def _find(self, course: str, stored: LmsAssignment, students: Sequence[str]) -> dict[str, Json]:
        """Read the submissions of students as they are now; those who have none are left out."""
        path = f"courses/{course}/courseWork/{stored.assignment.lms_id}/studentSubmissions"
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
        for student in students:
            self._ids.forget(_key(stored, student))
            if student in found:
                self._ids.put(_key(stored, student), id_of(found[student]))
        return found


def _hides_grade(answer: Json) -> bool:
    draft = number(answer, "draftGrade")
    return draft is not None and draft != number(answer, "assignedGrade")


def _path(course: str, stored: LmsAssignment, id_: str) -> str:
    return f"courses/{course}/courseWork/{stored.assignment.lms_id}/studentSubmissions/{id_}"


def _key(stored: LmsAssignment, student: str) -> str:
    return f"grade/{stored.assignment.lms_id}/{student}"
