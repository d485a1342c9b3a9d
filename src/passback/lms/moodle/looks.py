"""Reading submissions: of a few students one by one, of many in lists."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.lms.http.client import TooLarge
from passback.lms.interface import Unavailable
from passback.lms.moodle.map_submissions import LmsSubmission, extension_of
from passback.lms.moodle.roster import objects_of
from passback.lms.toolkit.json_fields import Json, as_object, check_id, id_of, number_or_none, text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from passback.domain.clock import Instant
    from passback.lms.moodle.api import MoodleApi
    from passback.lms.moodle.map_assignments import LmsAssignment

log = logging.getLogger(__name__)

FEW = 3
"""Up to this many students are read one by one."""
_REPORT = "gradereport_user_get_grade_items"


class Feedback(Struct, frozen=True):
    """A student's comment as it is stored, to be sent again: Moodle loses one that is left out."""

    words: str
    format: str = "1"


class Status(Struct, frozen=True):
    """What Moodle tells of one student besides the gradebook."""

    attempt: Json | None
    extension: Instant | None
    feedback: Feedback | None


class Looks:
    """Reads what one Moodle has of submissions."""

    def __init__(self, api: MoodleApi) -> None:
        self._api = api
        self._large = set[str]()
        """The courses whose lists are larger than is read of an answer."""

    async def look(
        self,
        section: str,
        stored: LmsAssignment,
        students: Collection[str],
        known: Mapping[str, Status] | None = None,
    ) -> dict[str, LmsSubmission]:
        """Read submissions, by student; those whom the gradebook does not show are left out. Raises `LmsError`.

        A status that is `known` already is not asked for again.
        """
        if len(students) > FEW and section not in self._large:
            try:
                return await self._look_at_all(section, stored, students)
            except TooLarge as error:
                log.info("reads the submissions of a course one by one: %s", error)
                self._large.add(section)
        found = await asyncio.gather(
            *(self._look_at(section, stored, it, (known or {}).get(it)) for it in students)
        )
        return {student: it for student, it in zip(students, found, strict=True) if it is not None}

    async def _look_at_all(
        self, section: str, stored: LmsAssignment, students: Collection[str]
    ) -> dict[str, LmsSubmission]:
        entries, attempts, flags = await asyncio.gather(
            self._report(section, stored),
            self._listed("mod_assign_get_submissions", stored, "submissions"),
            self._listed("mod_assign_get_user_flags", stored, "userflags"),
        )
        return {
            student: LmsSubmission(
                entries[student], attempts.get(student), extension_of(flags.get(student, {}))
            )
            for student in students
            if student in entries
        }

    async def _look_at(
        self, section: str, stored: LmsAssignment, student: str, known: Status | None
    ) -> LmsSubmission | None:
        entries = await self._report(section, stored, student)
        if student not in entries:
            return None
        status = known or await self.status(stored, student)
        return LmsSubmission(entries[student], status.attempt, status.extension)

    async def _report(
        self, section: str, stored: LmsAssignment, student: str | None = None
    ) -> dict[str, Json]:
        """Read what the gradebook has of an assignment, by student; of all students unless one is named."""
        who = {} if student is None else {"userid": student}
        answer = as_object(await self._api.read(_REPORT, "section", courseid=section, **who))
        found = {}
        for one in objects_of(answer, "usergrades"):
            entry = _entry(objects_of(one, "gradeitems"), stored)
            if entry is not None:
                found[id_of(one, "userid")] = entry
        return found

    async def _listed(self, function: str, stored: LmsAssignment, name: str) -> dict[str, Json]:
        """Read a list of an assignment, by student."""
        answer = as_object(await self._api.read(function, assignmentids=[stored.id]))
        return {
            id_of(it, "userid"): it
            for one in objects_of(answer, "assignments")
            if id_of(one, "assignmentid") == stored.id
            for it in objects_of(one, name)
        }

    async def grades(self, stored: LmsAssignment) -> dict[str, Decimal | None]:
        """Read the grades that the assignment itself keeps, released or not, by student; -1 is none."""
        rows = await self._listed("mod_assign_get_grades", stored, "grades")
        return {student: number_or_none(row, "grade") for student, row in rows.items()}

    async def status(self, stored: LmsAssignment, student: str) -> Status:
        """Read a student's newest attempt, extension and comment. Raises `LmsError`."""
        answer = await self._api.read("mod_assign_get_submission_status", assignid=stored.id, userid=student)
        status = as_object(answer)
        last = as_object(status.get("lastattempt"))
        attempt = last.get("submission")
        if attempt is not None:
            check_id(as_object(attempt), student, "userid")
        return Status(attempt, extension_of(last), _feedback(status))


def _feedback(status: Json) -> Feedback | None:
    """A student's comment; None if there is none. Raises `Unavailable` if it cannot be read."""
    if "feedback" not in status:
        return None
    for plugin in objects_of(as_object(status["feedback"]), "plugins"):
        if text(plugin, "type") == "comments":
            for field in objects_of(plugin, "editorfields"):
                words = field.get("text")
                if not isinstance(words, str):
                    raise Unavailable("its answer has a comment that cannot be read")
                return Feedback(words, text(field, "format") or "1") if words else None
    return None


def _entry(items: list[Any], stored: LmsAssignment) -> Json | None:
    """The assignment's own column of a student's report."""
    for item in items:
        own = (text(item, "itemmodule"), text(item, "iteminstance"), text(item, "itemnumber"))
        if own == ("assign", stored.id, "0"):
            return item  # type: ignore[no-any-return]
    return None
