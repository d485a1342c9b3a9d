"""Canvas behind the connector interface: which calls, in which order.

A section is ``<course>/<section>`` here, because Canvas's assignments belong to courses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import MINUTE
from passback.lms.canvas import map_assignments, map_submissions
from passback.lms.canvas.api import CanvasApi
from passback.lms.canvas.audience import Audience, assigns_anew, audience_of, with_dates
from passback.lms.canvas.bulk_grade import Batch, BulkGrading
from passback.lms.canvas.check import findings
from passback.lms.canvas.errors import NAME
from passback.lms.canvas.grade import Grading
from passback.lms.canvas.map_assignments import LmsAssignment
from passback.lms.canvas.map_submissions import NotTaken, Target
from passback.lms.canvas.overrides import send_override
from passback.lms.canvas.roster import (
    Roster,
    find_section,
    is_enrolled,
    read_courses,
    read_people,
    read_sections,
)
from passback.lms.canvas.schemes import Schemes
from passback.lms.canvas.verdict import ADD, DELETE, EDIT, VIEW, Concluded, judged
from passback.lms.interface import (
    Capabilities,
    Gone,
    LmsError,
    LostCreate,
    RefusedByLms,
    Unavailable,
    in_doubt_after_write,
)
from passback.lms.toolkit import alike, unsupported_fields
from passback.lms.toolkit.json_fields import Json, as_object, id_of, text
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.unsupported_fields import note_key, read_note

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.canvas.schemes import Scheme
    from passback.lms.interface import Finding, LmsConnection
    from passback.lms.notes import Note, Notes

NOTED_FIELDS = frozenset({"start_date", "term_id"})

CAPABILITIES = Capabilities(
    kind="canvas",
    name=NAME,
    not_stored_assignment=NOTED_FIELDS,
    ignored_assignment=frozenset({"description_plaintext"}),
    adds_comments=True,
)
_BY_PROXY = replace(CAPABILITIES, hand_in=frozenset({"file"}))
"""What is left where work is handed in on the student's behalf: many instances take nothing else so."""

_Seen = tuple[LmsAssignment, "Scheme | None"]
"""An assignment, and the grading scheme in force."""

_GRADING_SECONDS = 5.0
"""How long what grading needs of an assignment (its type, points and dates) is remembered."""
_FEW = 3
"""Up to this many submissions are read one by one."""


class CanvasConnector:
    """See `passback.lms.interface.Connector`."""

    def __init__(self, connection: LmsConnection, notes: Notes, clock: Clock) -> None:
        self._api = CanvasApi(connection, clock)
        self._connection = connection
        self._notes = notes
        self._clock = clock
        self._roster = Roster(self._api)
        self._schemes = Schemes(self._api)
        # Another process may have changed the assignment a moment ago.
        self._recent = TtlCache(0.0 if connection.shared else _GRADING_SECONDS)
        self._grading = Grading(self._api, connection, notes, clock, self._roster)
        self._bulk_grading = BulkGrading(self._api, self._grading)

    @property
    def capabilities(self) -> Capabilities:
        return _BY_PROXY if self._connection.options.get("submit_as") == "proxy" else CAPABILITIES

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        course, own = _split(section)
        whole = await self._roster.is_only_section(course, own)
        audience = audience_of(fields, own, whole_course=whole, before=None)
        sent = {**map_assignments.to_lms(fields), **audience.sent, "published": True}
        if self._writes_marks:
            sent["sis_assignment_id"] = mark
        path = f"courses/{course}/assignments"

        async def create() -> Any:
            return await self._api.send("POST", path, {"assignment": sent}, safe=False, gone="section")

        lost = LostCreate(mark, self._clock())

        async def create_unless_there() -> Any:
            if await self._alike(course, own, fields, lost):
                raise Unavailable("it refuses to create what it may have created", in_doubt=True)
            return await create()

        try:
            answer = await judged(self._api, course, ADD, create, again=create_unless_there)
        except RefusedByLms:
            # If the mark is taken, it is our own: an earlier attempt succeeded after all.
            found = await self._find_by_mark(course, mark) if self._writes_marks else None
            if found is None:
                raise
            answer = found
        with in_doubt_after_write():
            return await self._remember(course, own, as_object(answer), fields, audience, None)

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        course, own = _split(section)
        found = await self._find_by_mark(course, lost.mark) if self._writes_marks else None
        if found is None:
            found = await self._find_alike(course, own, fields, lost)
            if found is None:
                return None
        whole = await self._roster.is_only_section(course, own)
        audience = audience_of(fields, own, whole_course=whole, before=None)
        return await self._remember(course, own, found, fields, audience, None)

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        course, own = _split(section)
        note = await read_note(self._notes, assignment)
        return await self._to_assignment(course, await self._load(course, own, assignment, note), note)

    async def read_assignments(self, section: str, wanted: Sequence[str]) -> Mapping[str, Assignment]:
        if not wanted:
            return {}
        course, own = _split(section)
        notes = await self._notes.read([note_key(assignment) for assignment in wanted])
        params = {"assignment_ids[]": list(wanted), **_WHOLE}
        found = {}
        for item in await self._api.pages(f"courses/{course}/assignments", params, gone="section"):
            note = notes.get(note_key(id_of(item)))
            found[id_of(item)] = await self._to_assignment(
                course, map_assignments.from_lms(item, own, map_assignments.noted_due_date(note)), note
            )
        return {assignment: found[assignment] for assignment in wanted if assignment in found}

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        async with self._grading.overrides(assignment):
            return await self._updated(section, assignment, fields)

    async def _updated(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        course, own = _split(section)
        note = await read_note(self._notes, assignment)
        before = await self._load(course, own, assignment, note)
        sent = map_assignments.to_lms(fields, map_assignments.to_assignment(before, ()))
        audience = await self._audience(course, own, fields, before)
        if audience is not None:
            sent |= audience.sent
        path = f"courses/{course}/assignments/{assignment}"

        async def change() -> None:
            await self._api.send("PUT", path, {"assignment": sent}, safe=True)
            if audience is not None and audience.override is not None:
                await send_override(self._api, path, audience.override)

        await judged(self._api, course, EDIT, change)
        self._recent.forget(f"{course}/{assignment}")
        answer = await self._read(course, assignment)
        return await self._remember(course, own, answer, fields, audience, note)

    async def _audience(
        self, course: str, own: str, fields: AssignmentFields, before: LmsAssignment
    ) -> Audience | None:
        """Return what a change makes of an assignment's assignees and dates; None if it leaves them."""
        assigns, dates = assigns_anew(fields, before), _gives_dates(fields)
        if not assigns and not dates:
            return None
        whole = await self._roster.is_only_section(course, own)
        if assigns:
            return audience_of(fields, own, whole_course=whole, before=before)
        return with_dates(fields, before, whole_course=whole)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        course, _ = _split(section)
        # Canvas answers the same for an assignment that never existed as for one that an earlier try just deleted.
        await self._read(course, assignment)
        self._recent.forget(f"{course}/{assignment}")

        async def delete() -> Any:
            return await self._api.send("DELETE", f"courses/{course}/assignments/{assignment}", safe=True)

        with contextlib.suppress(Gone):
            answer = await judged(self._api, course, DELETE, delete)
            if isinstance(answer, dict) and text(answer, "id") == assignment:
                # If Canvas says anything else, it may still be there, and then needs its note.
                await self._notes.write({note_key(assignment): None})

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        course, own = _split(section)
        note = await read_note(self._notes, assignment)
        item = await self._load(course, own, assignment, note)
        if len(students) <= _FEW:
            answers = await asyncio.gather(
                *(self._grading.read(Target(course, item, student)) for student in students)
            )
            found = {student: it for student, it in zip(students, answers, strict=True) if it is not None}
        else:
            found = await self._grading.read_all(course, own, item)
        graders = await self._notes.read(
            [map_submissions.grade_key(assignment, student) for student in students]
        )
        return {
            student: map_submissions.to_submission(
                found[student], student, item, graders.get(map_submissions.grade_key(assignment, student))
            )
            for student in students
            if student in found and map_submissions.is_assigned(found[student])
        }

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        course, own = _split(section)
        seen = await self._for_grading(course, own, assignment)
        try:
            return await self._graded(course, seen, student, fields)
        except Concluded:
            raise
        except RefusedByLms as refused:
            now = await self._seen_otherwise(course, own, seen)
            if now is None and not isinstance(refused, NotTaken):
                raise
            return await self._graded(course, now or seen, student, fields)

    async def _graded(self, course: str, seen: _Seen, student: str, fields: SubmissionFields) -> Submission:
        item, scheme = seen
        assignment = item.id
        try:
            return await self._grading.update(Target(course, item, student), scheme, fields)
        except Gone as error:
            if error.thing == "grader":
                raise
            self._recent.forget(f"{course}/{assignment}")
            await self._read(course, assignment)  # perhaps the assignment itself is gone
            raise Gone("student") from None
        finally:
            if fields.override_due_date is not None:
                self._recent.forget(f"{course}/{assignment}")

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        course, own = _split(section)
        seen = await self._for_grading(course, own, assignment)

        async def one(student: str, fields: SubmissionFields) -> Submission:
            return await self.update_submission(section, assignment, student, fields)

        outcomes = list(await self._bulk_grading.update(Batch(course, own, *seen), changes, one))
        refused = [
            position
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, RefusedByLms) and not isinstance(outcome, Concluded)
        ]
        now = await self._seen_otherwise(course, own, seen) if refused else None
        if now is not None:
            again = [changes[position] for position in refused]
            after = await self._bulk_grading.update(Batch(course, own, *now), again, one)
            outcomes = [
                after[refused.index(position)] if position in refused else outcome
                for position, outcome in enumerate(outcomes)
            ]
        return outcomes

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await read_courses(self._api)

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return await read_sections(self._api, course)

    async def read_people(self, section: str) -> Sequence[Person]:
        course, own = _split(section)
        return await read_people(self._api, course, own)

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        course, own = _split(section)
        return await find_section(self._api, course, own)

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        course, own = _split(section)
        return await is_enrolled(self._api, course, role, person, None if role == "teacher" else own)

    async def check(self) -> Sequence[Finding]:
        return await findings(self._api, self._connection.options)

    async def close(self) -> None:
        await self._api.close()

    @property
    def _writes_marks(self) -> bool:
        return self._connection.options.get("sis_mark") == "yes"

    async def _read(self, course: str, assignment: str) -> Json:
        async def read() -> Json:
            return as_object(await self._api.get(f"courses/{course}/assignments/{assignment}", _WHOLE))

        found = await judged(self._api, course, VIEW, read)
        if id_of(found) != assignment:
            raise Unavailable("it answers with another assignment")
        return found

    async def _read_made(self, course: str, assignment: str) -> Json:
        """Read an assignment that was just made or changed: Canvas may not show it at once."""

        async def look() -> Json:
            try:
                return await self._read(course, assignment)
            except Gone:
                return {}

        return await self._grading.until(look, bool)

    async def _load(self, course: str, section: str, assignment: str, note: Note | None) -> LmsAssignment:
        return map_assignments.from_lms(
            await self._read(course, assignment), section, map_assignments.noted_due_date(note)
        )

    async def _for_grading(self, course: str, section: str, assignment: str) -> _Seen:
        async def read() -> _Seen:
            content = await self._read(course, assignment)
            note = await read_note(self._notes, assignment)
            item = map_assignments.from_lms(content, section, map_assignments.noted_due_date(note))
            return item, await self._schemes.of(course, item)

        return await self._recent.get(f"{course}/{assignment}", read)

    async def _seen_otherwise(self, course: str, section: str, seen: _Seen) -> _Seen | None:
        """Return what an assignment is like now, if not as it was seen: a teacher may just have changed it."""
        before, scheme = seen
        self._recent.forget(f"{course}/{before.id}")
        self._schemes.forget()
        after, now = await self._for_grading(course, section, before.id)
        return None if (before.content, scheme) == (after.content, now) else (after, now)

    async def _to_assignment(self, course: str, item: LmsAssignment, note: Note | None) -> Assignment:
        shown = map_assignments.to_assignment(item, await self._schemes.of(course, item) or ())
        return unsupported_fields.restore_dates(unsupported_fields.restore(shown, note, NOTED_FIELDS), note)

    async def _remember(
        self,
        course: str,
        section: str,
        answer: Json,
        fields: AssignmentFields,
        audience: Audience | None,
        before: Note | None,
    ) -> Assignment:
        """Keep what Canvas has no place for; returns the assignment that `answer` shows."""
        note = unsupported_fields.keep(fields, NOTED_FIELDS, before)
        if audience is not None:
            note.pop("due_date", None)
            if audience.due_date is not None:
                note["due_date"] = audience.due_date
        if "overrides" not in answer:
            answer = await self._read_made(course, id_of(answer))
        item = map_assignments.from_lms(answer, section, note.get("due_date"))
        shown = map_assignments.to_assignment(item, await self._schemes.of(course, item) or ())
        note = unsupported_fields.keep_dates(fields, shown, note)
        if note != (before or {}):
            await self._notes.write({note_key(item.id): note})
        return unsupported_fields.restore_dates(unsupported_fields.restore(shown, note, NOTED_FIELDS), note)

    async def _find_alike(
        self, course: str, own: str, fields: AssignmentFields, lost: LostCreate
    ) -> Json | None:
        """Return the assignment that a try may have made; None if there is none."""
        fitting = await self._alike(course, own, fields, lost)
        fitting.sort(key=lambda it: (map_assignments.created(it) or 0, len(it.id), it.id))
        picked = lost.pick(fitting)
        return None if picked is None else picked.content

    async def _alike(
        self, course: str, own: str, fields: AssignmentFields, lost: LostCreate
    ) -> list[LmsAssignment]:
        """Return the assignments that a try may have made.

        All are read: Canvas refuses to search for short titles, and trims long blanks.
        """
        params = {"include[]": "overrides", **_BASE_DATES}
        listed = await self._api.pages(f"courses/{course}/assignments", params, gone="section")
        expected = map_assignments.as_stored(fields)
        if self._writes_marks and not lost.forgotten:
            listed = [it for it in listed if text(it, "sis_assignment_id") is None]  # another's mark
        items = [map_assignments.from_lms(it, own, None) for it in listed if id_of(it) not in lost.known]
        fitting = [it for it in items if is_since(it, lost.since) and expected.fits(it)]
        return alike.likeliest(fitting, expected.has_words_of)

    async def _find_by_mark(self, course: str, mark: str) -> Json | None:
        params = {"include[]": "overrides", **_BASE_DATES}
        try:
            return as_object(
                await self._api.get(f"courses/{course}/assignments/sis_assignment_id:{mark}", params)
            )
        except Gone:
            return None


_BASE_DATES = {"override_assignment_dates": "false"}
"""Otherwise Canvas shows the dates that apply to the token's user."""
_WHOLE = {"include[]": ["overrides", "assignment_visibility"], **_BASE_DATES}
"""What an assignment is read with. Who has it is asked: overrides of groups or mastery paths do not say."""


def _split(section: str) -> tuple[str, str]:
    course, _, own = section.partition("/")
    if not own:
        raise Gone("section")
    return course, own


def _gives_dates(fields: AssignmentFields) -> bool:
    return any(it is not None for it in (fields.due_date, fields.display_date, fields.end_date))


def is_since(item: LmsAssignment, since: Instant) -> bool:
    """Whether an assignment may come from an attempt that began at `since`: the LMS's clock is not ours."""
    created = map_assignments.created(item)
    return created is None or created >= since - MINUTE
