"""An LMS's LTI services behind the connector interface: which calls, in which order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.lms.interface import (
    Capabilities,
    Gone,
    ListsDecide,
    LmsError,
    LostCreate,
    NotAllowed,
    OneOfMany,
    RefusedByLms,
    if_shown,
    in_doubt_after_write,
    looking_after_write,
)
from passback.lms.lti import map_assignments, roster
from passback.lms.lti.api import LtiApi
from passback.lms.lti.check import findings
from passback.lms.lti.contexts import Contexts
from passback.lms.lti.errors import Denied, DeniedAlone, Linked, NotLaunched, NotTaken
from passback.lms.lti.families import FAMILIES, OTHER
from passback.lms.lti.grade import Grading, Reread
from passback.lms.lti.map_assignments import LmsAssignment, path_of
from passback.lms.lti.roster import Roster
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.unsupported_fields import note_key, read_note

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.clock import Clock
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.interface import Finding, LmsConnection
    from passback.lms.lti.contexts import Context
    from passback.lms.notes import Note, Notes
    from passback.lms.toolkit.json_fields import Json

CAPABILITIES = Capabilities(
    kind="lti",
    name="LTI Advantage",
    not_stored_assignment=map_assignments.NOTED_FIELDS,
    not_stored_flags=frozenset({"late", "missing"}),
    cannot=frozenset({"excused", "extra_attempts", "override_due_date"}),
    sometimes=frozenset({"points_above_maximum"}),
    grading_types=frozenset({"pass_fail", "percent", "points"}),
    hand_in=frozenset(),
)

_GRADING_SECONDS = 5.0
"""How long what grading needs of an assignment (its points and assignees) is remembered."""
_FEW = 3
"""Up to this many assignments are read one by one."""


class LtiConnector(ListsDecide, OneOfMany):
    """See `passback.lms.interface.Connector`."""

    def __init__(self, connection: LmsConnection, notes: Notes, clock: Clock) -> None:
        self._family = FAMILIES.get(connection.options.get("family", ""), OTHER)
        self._capabilities = replace(
            CAPABILITIES,
            cannot=CAPABILITIES.cannot | (frozenset() if self._family.own_items else {"create_assignments"}),
            adds_comments=self._family.comments == "added",
        )
        self._address = connection.address
        self._notes = notes
        self._clock = clock
        self._timer = connection.timer
        self._api = LtiApi(connection, clock, self._family)
        self._contexts = Contexts(notes, self._family, connection.options)
        self._roster = Roster(self._api)
        self._grading = Grading(self._api, connection, notes, clock, self._family, self._roster)
        # Another process may have changed the assignment a moment ago.
        self._recent = TtlCache(0.0 if connection.shared else _GRADING_SECONDS)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        if not self._family.own_items:
            raise RefusedByLms(
                "MADE_IN_LMS",
                f"{self._family.name} shows grades only of activities that a teacher has added there",
            )
        context = await self._contexts.find(section)
        sent = map_assignments.new_defaults(fields) | await self._to_lms(context, fields)
        sent |= {"resourceId": mark, "tag": mark}
        try:
            made, answer = await self._made(context, sent)
        except Denied as error:
            made, answer = await self._made_after_all(context, sent, error)
        with in_doubt_after_write():
            return await self._remember(made, answer, fields, {"mark": mark})

    async def _made(self, context: Context, sent: Json) -> tuple[str, Json]:
        """Make a line item; returns the id of its assignment, and the line item."""
        reply = await self._api.send_item(
            context, "POST", context.lineitems, sent, safe=False, gone="section"
        )
        answer = reply.json()
        made = (
            map_assignments.item_id(answer, self._address, context.lineitems)
            if isinstance(answer, dict)
            else ""
        )
        if not map_assignments.is_item(answer, made):
            raise reply.useless("is no line item")
        return made, answer

    async def _made_after_all(self, context: Context, sent: Json, error: Denied) -> tuple[str, Json]:
        """Look for a line item that was denied, and make it if it is not there: what is denied twice is refused."""
        mark = sent["resourceId"]

        async def find() -> Mapping[str, Json]:
            try:
                listed = await self._listed(context)
            except NotAllowed as other:
                raise NotAllowed(str(other), credentials=other.credentials, in_doubt=True) from None
            except LmsError:
                raise error from None
            return {name: it for name, it in listed.items() if map_assignments.has_mark(it, mark)}

        for again in (True, False):
            if found := await looked(find, bool, self._timer):
                return next(iter(found.items()))
            if again:
                await self._api.granted(context, renew=True)  # a scope may have been taken away since
                try:
                    return await self._made(context, sent)
                except Denied:
                    continue
        raise DeniedAlone(self._family.name)

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        context = await self._contexts.find(section)
        listed = await self._listed(context, {"resource_id": lost.mark})
        found = [name for name, it in listed.items() if map_assignments.has_mark(it, lost.mark)]
        if not found:
            listed = await self._listed(context)  # it may know the filter, and not have kept what it is about
            found = [name for name, it in listed.items() if map_assignments.has_mark(it, lost.mark)]
        known = {map_assignments.id_from(it, self._address) for it in lost.known}
        alone = len(found) == 1
        if len(found) > 1:
            found = [await self._kept(context, [it for it in found if it not in known] or found)]
        if not found:
            wanted = map_assignments.new_defaults(fields) | await self._to_lms(context, fields)
            alike = [
                name
                for name, it in listed.items()
                if name not in known and map_assignments.may_be(it, wanted, marked=lost.forgotten)
            ]
            picked = lost.pick(alike)
            found = [] if picked is None else [picked]
        if not found:
            return None
        # Of two with one mark, the other must never be taken for the first that has been moved.
        note = {"mark": lost.mark} if alone else None
        return await self._remember(found[0], listed[found[0]], fields, note)

    async def _kept(self, context: Context, made: Sequence[str]) -> str:
        """Return the one that is kept of several line items that one create has made, and delete the others.

        It is the first that has grades, or else the oldest. Another that has grades is left to a teacher.
        """
        ordered = sorted(made, key=map_assignments.age)
        graded = [it for it in ordered if await self._has_grades(context, it)]
        kept = (graded or ordered)[0]
        for one in ordered:
            if one == kept:
                continue
            try:
                if one in graded:
                    raise RefusedByLms("GRADED", "it has grades, too")
                await self._api.send_item(context, "DELETE", path_of(one), None, safe=True, gone="assignment")
            except LmsError as error:
                log.warning(
                    "the line item %s was made twice, and the other remains at %s: %s", kept, one, error
                )
        return kept

    async def _has_grades(self, context: Context, assignment: str) -> bool:
        results = await self._api.results(context, path_of(assignment))
        return any(it.get("resultScore") is not None for it in results)

    async def _listed(self, context: Context, params: Mapping[str, str] | None = None) -> dict[str, Json]:
        """Read our line items of a course, by the ids of their assignments."""
        items = await self._api.items(context, params)
        return {map_assignments.item_id(it, self._address, context.lineitems): it for it in items}

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        context = await self._contexts.find(section)
        return (await self._load(context, assignment)).assignment

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        context = await self._contexts.find(section)
        notes = await self._notes.read([note_key(it) for it in assignments])
        contents: dict[str, Json] = {}
        if len(assignments) <= _FEW or not self._family.own_items:
            found = await asyncio.gather(*(self._if_there(context, it) for it in assignments))
            contents |= {it: one for it, one in zip(assignments, found, strict=True) if one is not None}
        else:
            listed = await self._listed(context)
            for it in assignments:
                own = listed.get(map_assignments.id_from(it, self._address))
                if own is None and (moved := await self._moved(listed, notes.get(note_key(it)))) is not None:
                    own = moved[1]
                contents |= {} if own is None else {it: own}
        return {
            it: map_assignments.from_lms(contents[it], notes.get(note_key(it)), it).assignment
            for it in assignments
            if it in contents
        }

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        context = await self._contexts.find(section)
        note = await read_note(self._notes, assignment)
        path, before = await self._found(context, assignment)
        sent = await self._to_lms(context, fields)
        self._recent.forget(assignment)
        answer: Json = before
        if any(before.get(name) != value for name, value in sent.items()):
            if not self._family.own_items:
                raise Linked(self._family.name)
            # What is left out is erased.
            reply = await self._api.send_item(
                context, "PUT", path, {**before, **sent}, safe=True, gone="assignment"
            )
            shown = reply.content()
            with in_doubt_after_write():
                if map_assignments.is_item(shown, path):
                    answer = shown
                else:
                    answer = await self._read(context, path)
        if self._family.rescales and sent.get("scoreMaximum", before.get("scoreMaximum")) != before.get(
            "scoreMaximum"
        ):
            note = {**note, "stamped": self._clock()}
        with in_doubt_after_write():
            return await self._remember(assignment, answer, fields, note)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        context = await self._contexts.find(section)
        path, _ = await self._found(context, assignment)
        if not self._family.own_items:
            raise Linked(self._family.name)
        self._recent.forget(assignment)
        with contextlib.suppress(Gone):
            try:
                await self._api.send_item(context, "DELETE", path, None, safe=True, gone="assignment")
            except (NotAllowed, DeniedAlone) as error:
                item = await self._read(context, path)  # or it is gone all the same
                if isinstance(error, DeniedAlone) and item.get("resourceLinkId"):
                    raise Linked(self._family.name) from None  # Canvas says so with a 401
                raise
        await self._notes.write({note_key(assignment): None})

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        context = await self._contexts.find(section)
        stored = await self._load(context, assignment)
        members = await self._roster.students(context, students, now=True)
        only = stored.assignment.assignee_ids if stored.assignment.assignee_mode == "individuals" else members
        return await self._grading.read(
            context, stored, [it for it in students if it in members and it in only]
        )

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        context = await self._contexts.find(section)
        stored = await self._recent.get(assignment, lambda: self._load(context, assignment))
        outcomes: Sequence[Submission | LmsError] = await self._grading.update(context, stored, changes)
        if any(isinstance(it, Reread) for it in outcomes):
            outcomes = await self._by_new_maximum(context, stored, changes, outcomes)
        if any(isinstance(it, Gone | NotTaken) for it in outcomes):
            return await self._without_memory(context, assignment, changes, outcomes)
        return outcomes

    async def _by_new_maximum(
        self,
        context: Context,
        stored: LmsAssignment,
        changes: Sequence[tuple[str, SubmissionFields]],
        outcomes: Sequence[Submission | LmsError],
    ) -> Sequence[Submission | LmsError]:
        """Send scores again whose maximum a teacher has changed since the assignment was read."""
        assignment = stored.assignment.lms_id
        self._recent.forget(assignment)
        ended = list(outcomes)
        doubtful = [number for number, it in enumerate(outcomes) if isinstance(it, Reread)]
        try:
            with looking_after_write():
                fresh = await self._load(context, assignment)
        except LmsError as error:
            for number in doubtful:
                ended[number] = error
            return ended
        if fresh.points != stored.points:
            again = await self._grading.update(context, fresh, [changes[it] for it in doubtful])
            for number, outcome in zip(doubtful, again, strict=True):
                ended[number] = outcome
        # Some LMSs always show another maximum.
        return [it.shown if isinstance(it, Reread) else it for it in ended]

    async def _without_memory(
        self,
        context: Context,
        assignment: str,
        changes: Sequence[tuple[str, SubmissionFields]],
        outcomes: Sequence[Submission | LmsError],
    ) -> Sequence[Submission | LmsError]:
        """Return the outcomes by what there is now: the assignment may be gone, or who was refused have left."""
        self._recent.forget(assignment)
        try:
            await self._load(context, assignment)
            members = await self._roster.students(context, [student for student, _ in changes], now=True)
        except Gone as gone:
            return [gone if isinstance(it, Gone | NotTaken) else it for it in outcomes]
        except LmsError:
            return outcomes  # what was done of the others is known nevertheless
        return [
            Gone("student") if isinstance(it, NotTaken) and student not in members else it
            for (student, _), it in zip(changes, outcomes, strict=True)
        ]

    async def read_courses(self) -> Sequence[LmsCourse]:
        return [it.course for it in await self._contexts.all()]

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return [(await self._contexts.find(course.id, for_grades=False)).section]

    async def read_people(self, section: str) -> Sequence[Person]:
        return await roster.read_people(self._api, await self._contexts.find(section, for_grades=False))

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        try:
            context = await self._contexts.find(section, for_grades=False)
        except NotLaunched:
            return None
        return await if_shown(roster.find_section(self._api, context))

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        """See `Connector.has_person`. A list without anybody is no list of a course that had somebody."""
        enrolled = await self._roster.enrolled(await self._contexts.find(section, for_grades=False), now=True)
        return person in (enrolled.students if role == "student" else enrolled.teachers)

    async def check(self) -> Sequence[Finding]:
        return await findings(self._api, self._contexts, self._family)

    async def close(self) -> None:
        await self._api.close()

    async def _to_lms(self, context: Context, fields: AssignmentFields) -> dict[str, object]:
        """Return the members of a line item for `fields`. Raises `LmsError`."""
        if fields.assignee_ids and set(fields.assignee_ids) - await self._roster.students(
            context, fields.assignee_ids
        ):
            raise RefusedByLms(
                "INVALID_ASSIGNEES", f"not all of them are in the course in {self._family.name}"
            )
        return map_assignments.to_lms(fields, self._family)

    async def _found(self, context: Context, assignment: str) -> tuple[str, Json]:
        """Return where the line item of an assignment is, and the line item.

        An LMS whose course was restored has it in another place, with the same mark.
        """
        try:
            return assignment, await self._read(context, assignment)
        except Gone:
            note = await read_note(self._notes, assignment)
            if "mark" not in note:
                raise
            moved = await self._moved(await self._listed(context, {"resource_id": note["mark"]}), note)
            if moved is None:
                raise
            return moved

    async def _moved(self, listed: Mapping[str, Json], note: Note | None) -> tuple[str, Json] | None:
        """Return the line item of a list with the mark of an assignment, and where it is.

        None if there is none or more than one, or if it is another assignment's.
        """
        mark = (note or {}).get("mark")
        found = [it for it in listed.items() if mark is not None and map_assignments.has_mark(it[1], mark)]
        if len(found) != 1 or await self._notes.read([note_key(found[0][0])]):
            return None
        return found[0]

    async def _read(self, context: Context, path: str) -> Json:
        content = await self._api.item(context, path_of(path))
        map_assignments.check_item(content, path)
        return content

    async def _if_there(self, context: Context, assignment: str) -> Json | None:
        """Read the line item of an assignment; None if it is gone, or not to be read."""
        try:
            return (await self._found(context, assignment))[1]
        except (Gone, RefusedByLms):
            return None

    async def _load(self, context: Context, assignment: str) -> LmsAssignment:
        path, content = await self._found(context, assignment)
        return map_assignments.from_lms(content, await read_note(self._notes, assignment), assignment, path)

    async def _remember(
        self, assignment: str, answer: Json, fields: AssignmentFields, before: Note | None
    ) -> Assignment:
        """Keep what a line item has no place for; returns the assignment that `answer` shows."""
        note = map_assignments.to_note(fields, before, self._clock())
        await self._notes.write({note_key(assignment): note})
        return map_assignments.from_lms(answer, note, assignment).assignment
