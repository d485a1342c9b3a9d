"""A connector for Slate, an LMS with an API key that stores titles, due dates, points and scores."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import Clock
from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.domain.submission import Submission, SubmissionFields
from passback.lms import interface as lms
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.http.reply import Reply
from passback.lms.notes import Notes
from passback.lms.toolkit import points, unsupported_fields

# Slate has no place for the other fields of an assignment: Passback keeps them in notes.
KEPT = frozenset(AssignmentFields.__struct_fields__) - {"title", "due_date", "points_possible"}
DERIVED = frozenset({"late", "missing"})
CANNOT = frozenset[lms.Ability]({"excused", "extra_attempts", "override_due_date"})
CAPABILITIES = lms.Capabilities(
    "slate", "Slate", KEPT, not_stored_flags=DERIVED, comments=False, cannot=CANNOT, hand_in=frozenset()
)
UNSUPPORTED = frozenset({"attachments", "grade_comment", *CANNOT})


class Item(msgspec.Struct):
    id: str
    title: str
    due: int | None = None
    points: str | None = None
    external_id: str | None = None


class Score(msgspec.Struct):
    score: Decimal | None  # always there
    graded_by: str | None = None


class SlateConnector(lms.ListsDecide):  # passback.lms.interface.Connector says what each method must do
    capabilities = CAPABILITIES

    def __init__(self, connection: lms.LmsConnection, notes: Notes, clock: Clock) -> None:
        self._client = LmsClient(connection, PlainManners({"X-Api-Key": connection.credentials["api_key"]}))
        self._notes = notes
        self.close = self._client.close

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        path, sent = f"sections/{section}/assignments", {**to_slate(fields), "external_id": mark}
        made = (await self._call("POST", path, sent, "section")).typed(Item)
        with lms.in_doubt_after_write():
            await self._call("GET", f"assignments/{made.id}")  # an odd answer may name what is not there
            return await self._assignment(made, fields)

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: lms.LostCreate
    ) -> Assignment | None:
        marked = [item for item in await self._listed(section) if item.external_id == lost.mark]
        return await self._assignment(marked[0], fields) if marked else None

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return await self._assignment((await self._call("GET", f"assignments/{assignment}")).typed(Item))

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        found = [item for item in await self._listed(section) if item.id in assignments]
        return {item.id: await self._assignment(item) for item in found}

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        reply = await self._call("PUT", f"assignments/{assignment}", to_slate(fields))
        return await self._assignment(reply.typed(Item), fields)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        await self._call("GET", f"assignments/{assignment}")
        with suppress(lms.Gone):  # an earlier try deleted it, but its answer was lost
            await self._call("DELETE", f"assignments/{assignment}")

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        found = await self.read_assignment(section, assignment)
        scores = (await self._call("GET", f"assignments/{assignment}/scores")).typed(dict[str, Score])
        have = set(scores) & set(found.assignee_ids or scores)
        return {one: submission_of(one, scores[one], found) for one in students if one in have}

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        if (before := (await self.read_submissions(section, assignment, [student])).get(student)) is None:
            raise lms.Gone("student")
        teachers = {person.id for person in await self.read_people(section) if person.role == "teacher"}
        if fields.grader_id is not None and fields.grader_id not in teachers:
            raise lms.Gone("grader")
        points.refuse_unsupported("Slate", fields, UNSUPPORTED)
        if fields.state not in (None, before.state):
            raise lms.Unsupported("Slate", f"state of {fields.state}")
        found = await self.read_assignment(section, assignment)
        score = points.points_given(fields, found)
        if score is None and fields.grade is None:
            return before
        sent = {"score": None if score is None else str(score), "graded_by": fields.grader_id}
        reply = await self._call("PUT", f"assignments/{assignment}/scores/{student}", sent, "student")
        return submission_of(student, reply.typed(Score), found)

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | lms.LmsError]:
        return await lms.update_one_by_one(self, section, assignment, changes, at_once=4)

    async def read_courses(self) -> Sequence[LmsCourse]:  # Slate has only sections
        return (await self._call("GET", "sections")).typed(list[LmsCourse])

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return [SectionRef(course.id, course.name)]

    async def read_people(self, section: str) -> Sequence[Person]:
        return (await self._call("GET", f"sections/{section}/people", gone="section")).typed(list[Person])

    async def check(self) -> Sequence[lms.Finding]:
        try:
            return [lms.Finding(True, f"Slate shows {len(await self.read_courses())} sections")]
        except lms.NotAllowed as error:
            return [lms.Finding(False, f"Slate does not let us in: {error}", "make a new API key")]
        except lms.LmsError as error:
            return [lms.Finding(False, f"Slate cannot be reached: {error}", "check its address")]

    async def _listed(self, section: str) -> list[Item]:
        return (await self._call("GET", f"sections/{section}/assignments", gone="section")).typed(list[Item])

    async def _assignment(self, item: Item, fields: AssignmentFields | None = None) -> Assignment:
        """The assignment; what `fields` give that Slate has no place for is kept in its note first."""
        if fields is not None:
            await unsupported_fields.write_note(self._notes, item.id, fields, KEPT)
        bare = unsupported_fields.bare_assignment(item.id, item.title, item.due, item.points)
        note = await unsupported_fields.read_note(self._notes, item.id)
        return unsupported_fields.restore(bare, note, KEPT)

    async def _call(self, method: str, path: str, sent: Any = None, gone: lms.Thing = "assignment") -> Reply:
        return (await self._client.send(method, path, content=sent, safe=method != "POST")).good(gone)


def to_slate(fields: AssignmentFields) -> dict[str, Any]:
    possible = None if fields.points_possible is None else str(fields.points_possible)
    given = {"title": fields.title, "due": fields.due_date, "points": possible}
    return {name: value for name, value in given.items() if value is not None}


def submission_of(student: str, it: Score, a: Assignment) -> Submission:
    return Submission(student, "created", (), points.grade_text(it.score, a), it.score, None, it.graded_by)


ADDRESS = lms.Setting("address", "the school's Slate, such as https://slate.example")
API_KEY = lms.Setting("api_key", "the key that Slate's settings show", secret=True)
KIND = lms.ConnectorKind(CAPABILITIES, ADDRESS, (API_KEY,), open=SlateConnector)
