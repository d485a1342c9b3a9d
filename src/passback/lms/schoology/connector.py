"""Schoology behind the connector interface: which calls, in which order."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from passback.lms.interface import (
    Capabilities,
    Gone,
    LmsError,
    LostCreate,
    NotAllowed,
    OneOfMany,
    RefusedByLms,
    Unavailable,
    in_doubt_after_write,
)
from passback.lms.schoology import map_assignments
from passback.lms.schoology.api import SchoologyApi
from passback.lms.schoology.check import findings
from passback.lms.schoology.errors import NAME, SetupChanged
from passback.lms.schoology.grade import Grading
from passback.lms.schoology.grading_setup import GradingSetups
from passback.lms.schoology.map_assignments import Ref
from passback.lms.schoology.one_look import judged, may_be_a_slip, verdict
from passback.lms.schoology.roster import (
    Roster,
    find_section,
    is_enrolled,
    read_courses,
    read_people,
    read_sections,
)
from passback.lms.schoology.stored import as_stored
from passback.lms.stale import made_afresh
from passback.lms.toolkit import alike
from passback.lms.toolkit.json_fields import Json, id_of, integer, texts
from passback.lms.toolkit.looks import looked
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.unsupported_fields import note_key, read_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.clock import Clock
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.interface import Finding, LmsConnection
    from passback.lms.notes import Note, Notes
    from passback.lms.schoology.map_assignments import LmsAssignment

CAPABILITIES = Capabilities(
    kind="schoology",
    name=NAME,
    not_stored_assignment=map_assignments.NOTED_FIELDS,
    ignored_assignment=frozenset({"description_plaintext"}),
    not_stored_flags=frozenset({"late", "missing"}),
    cannot=frozenset({"extra_attempts", "override_due_date"}),
    hand_in=frozenset({"file", "text"}),
)

_GRADING_SECONDS = 5.0
"""How long what grading needs of an assignment (its type, points and assignees) is remembered."""
_FEW = 3
"""Up to this many assignments are read one by one."""
_WITH_ATTACHMENTS = {"with_attachments": 1}


class SchoologyConnector(OneOfMany):
    """See `passback.lms.interface.Connector`.

    Assignments are written and read as the key's own user, so that all dates are in one time zone; grades are given as
    the teacher who is named.
    """

    def __init__(self, connection: LmsConnection, notes: Notes, clock: Clock) -> None:
        options = connection.options
        self._api = SchoologyApi(connection, clock)
        self._options = options
        self._notes = notes
        self._clock = clock
        self._timer = connection.timer
        self._roster = Roster(self._api)
        self._setups = GradingSetups(self._api, options.get("category", ""), options.get("time_zone", ""))
        self._grading = Grading(self._api, connection, notes, clock, roster=self._roster, setups=self._setups)
        # Another process may have changed the assignment a moment ago.
        self._recent = TtlCache(0.0 if connection.shared else _GRADING_SECONDS)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:  # noqa: ARG002
        kind = map_assignments.kind_of(fields)
        try:
            return await self._create(section, kind, fields)
        except SetupChanged:
            self._setups.forget(section)
            return await self._create(section, kind, fields)

    async def _create(self, section: str, kind: str, fields: AssignmentFields) -> Assignment:
        """Create an assignment by what is remembered of the section."""
        sent = await judged(self._api, section, lambda: self._new(section, kind, fields))
        answer = await self._make(section, kind, sent)
        return await self._made(section, map_assignments.ref_of(kind, answer), fields, sent, answer)

    async def _make(self, section: str, kind: str, sent: Mapping[str, Any]) -> Json:
        """Send a new assignment; returns Schoology's answer. One refusal may be a stray one, and is looked into."""
        path = f"sections/{section}/{kind}s"
        refused: LmsError | None = None
        while True:
            try:
                answer = await self._api.send("POST", path, sent, safe=False, gone="section")
            except NotAllowed as error:
                if refused is not None:
                    raise refused from None
                refused = await verdict(self._api, section, error)
                if not isinstance(refused, RefusedByLms):
                    raise refused from None
                wanted = as_stored(sent, await self._setups.users_zone())
                if any(wanted.may_be(it) for it in await self._list(section, kind)):
                    raise Unavailable(str(error), in_doubt=True) from None
            else:
                return map_assignments.created_content(answer)

    async def _made(
        self, section: str, ref: Ref, fields: AssignmentFields, sent: Mapping[str, Any], answer: Json
    ) -> Assignment:
        """Check that Schoology stored a new assignment as it was sent, and keep the rest in its note."""
        with in_doubt_after_write():
            try:
                given = {"attachments": fields.attachments, "assignees": fields.assignee_ids}
                if any(value and name not in answer for name, value in given.items()):
                    answer = await self._read(section, ref)
                if _has_assignees_sent(fields, sent, answer):
                    return await self._remember(section, ref, answer, fields, sent, None)
                # Schoology silently drops assignees that it does not accept, and then everyone would have it.
                await self._withdraw(section, ref)
            except RefusedByLms as error:
                raise Unavailable(str(error)) from None
        raise _no_assignees()

    async def _withdraw(self, section: str, ref: Ref) -> None:
        """Delete an assignment that should not have been made. Raises `Unavailable` if it is still there."""
        with contextlib.suppress(Gone):
            await self._api.send("DELETE", ref.path(section), safe=True)
        with contextlib.suppress(Gone):
            await self._read(section, ref)
            raise Unavailable("it still has an assignment that was made for others, and deleted")

    async def find_assignment(
        self,
        section: str,
        fields: AssignmentFields,
        lost: LostCreate,
    ) -> Assignment | None:
        kind = map_assignments.kind_of(fields)
        sent = await self._new(section, kind, fields)
        # Ids grow: the assignment in question has a higher one than all that were known when the try began.
        before = [it for it, when in lost.known.items() if when < lost.since]
        newest = max((id_ for lms_id in before if (id_ := map_assignments.number_of(lms_id))), default=0)
        taken = {map_assignments.number_of(lms_id) for lms_id in lost.known}
        listed = await self._list(section, kind)
        wanted = as_stored(sent, await self._setups.users_zone())
        candidates = [
            it
            for it in listed
            if wanted.may_be(it) and (integer(it, "id") or 0) > newest and integer(it, "id") not in taken
        ]
        candidates = alike.likeliest(candidates, wanted.has_words_of)
        found = lost.pick(sorted(candidates, key=lambda it: integer(it, "id") or 0))
        if found is None:
            return None
        ref = map_assignments.ref_of(kind, found)
        return await self._made(section, ref, fields, sent, found)

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        ref = Ref.of(assignment)
        return (await judged(self._api, section, lambda: self._load(section, ref))).assignment

    async def read_assignments(self, section: str, wanted: Sequence[str]) -> Mapping[str, Assignment]:
        refs = []
        for assignment in wanted:
            with contextlib.suppress(Gone):
                refs.append(Ref.of(assignment))
        notes = await self._notes.read([note_key(ref.lms_id) for ref in refs])
        contents: dict[str, Json] = {}
        for kind in sorted({ref.kind for ref in refs}):
            contents |= await self._read_all(section, kind, [ref for ref in refs if ref.kind == kind])
        found = {}
        for ref in refs:
            if ref.lms_id in contents:
                stored = await self._from_lms(
                    section, ref, contents[ref.lms_id], notes.get(note_key(ref.lms_id))
                )
                found[ref.lms_id] = stored.assignment
        return found

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        async def update() -> Assignment:
            try:
                return await self._updated(section, assignment, fields)
            except SetupChanged:
                self._setups.forget(section)
                return await self._updated(section, assignment, fields)

        return await judged(self._api, section, update)

    async def _updated(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        ref = Ref.of(assignment)
        note = await read_note(self._notes, ref.lms_id)
        before = await self._read(section, ref)
        if fields.grading_type is not None or fields.assignee_ids:
            shown = await self._from_lms(section, ref, before, note)
            fields = map_assignments.changes(fields, shown.assignment)
        sent = await self._to_lms(section, ref.kind, fields, before)
        self._recent.forget(f"{section}/{assignment}")
        if sent:
            await self._api.send("PUT", ref.path(section), sent, safe=True)

        async def read() -> Json:
            return await self._read(section, ref)

        def shows(now: Json) -> bool:
            return _has_assignees_sent(fields, sent, now) and not map_assignments.still_as_before(
                sent, before, now
            )

        answer = await looked(read, shows, self._timer)
        if not _has_assignees_sent(fields, sent, answer):
            was = {name: texts(before, name) for name in ("assignees", "grading_group_ids")}
            await self._api.send("PUT", ref.path(section), was, safe=True)
            raise _no_assignees()
        changed = await self._remember(section, ref, answer, fields, sent, note)
        differing = map_assignments.still_as_before(sent, before, answer)
        return replace(changed, warnings=(*changed.warnings, *differing)) if differing else changed

    async def delete_assignment(self, section: str, assignment: str) -> None:
        ref = Ref.of(assignment)
        # Schoology answers the same for an assignment that never existed as for one that an earlier try just deleted.
        await judged(self._api, section, lambda: self._read(section, ref))
        self._recent.forget(f"{section}/{assignment}")
        with contextlib.suppress(Gone):
            await judged(self._api, section, lambda: self._api.send("DELETE", ref.path(section), safe=True))
        await self._notes.write({note_key(assignment): None})

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        ref = Ref.of(assignment)

        async def read() -> Mapping[str, Submission]:
            stored = await self._load(section, ref)
            enrollments = await self._roster.enrollments(section, students, now=True)
            assigned = stored.assignment.assignee_ids
            if stored.assignment.assignee_mode == "individuals":
                enrollments = {student: it for student, it in enrollments.items() if student in assigned}
            return await self._grading.read(section, stored, enrollments)

        return await judged(self._api, section, read)

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        ref = Ref.of(assignment)
        outcomes = await judged(self._api, section, lambda: self._graded(section, ref, changes))
        refused = [at for at, it in enumerate(outcomes) if isinstance(it, NotAllowed)]
        if refused:
            meant = await verdict(self._api, section, cast("NotAllowed", outcomes[refused[0]]))
            again: Sequence[Submission | LmsError] = [meant] * len(refused)
            if may_be_a_slip(meant):
                again = await self._graded(section, ref, [changes[at] for at in refused])
            for at, outcome in zip(refused, again, strict=True):
                outcomes[at] = meant if isinstance(outcome, NotAllowed) else outcome
        if any(isinstance(it, Gone) and it.thing == "student" for it in outcomes):
            try:
                await self._still_there(section, ref)
            except Gone as gone:
                return [gone if isinstance(it, Gone) else it for it in outcomes]
            except LmsError:
                return outcomes  # what was done of the others is known nevertheless
        return outcomes

    async def _graded(
        self, section: str, ref: Ref, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> list[Submission | LmsError]:
        """Change submissions by what is remembered, or without that; returns the outcome of each, in order."""
        stored = await self._recent.get(f"{section}/{ref.lms_id}", lambda: self._load(section, ref))
        try:
            outcomes = await self._grading.update(section, stored, changes, fresh=False)
        except Gone:
            await self._still_there(section, ref)
            raise

        async def without_memory(
            changes: Sequence[tuple[str, SubmissionFields]],
        ) -> list[Submission | LmsError]:
            self._roster.forget(section)
            self._setups.forget(section)
            self._recent.forget(f"{section}/{ref.lms_id}")
            stored = await self._load(section, ref)
            return await self._grading.update(section, stored, changes, fresh=True)

        return await made_afresh(changes, outcomes, without_memory)

    async def _still_there(self, section: str, ref: Ref) -> None:
        """Check that the assignment still exists, after something of it was said to be gone. Raises `Gone`."""
        self._recent.forget(f"{section}/{ref.lms_id}")
        await self._read(section, ref)

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await read_courses(self._api)

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return await read_sections(self._api, course)

    async def read_people(self, section: str) -> Sequence[Person]:
        return await read_people(self._api, section)

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        return await find_section(self._api, section)

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        return await is_enrolled(self._api, section, role, person)

    async def check(self) -> Sequence[Finding]:
        return await findings(self._api, self._options)

    async def close(self) -> None:
        await self._api.close()

    async def _new(self, section: str, kind: str, fields: AssignmentFields) -> dict[str, Any]:
        """Return what Schoology is sent to create an assignment."""
        sent = map_assignments.new_defaults(kind) | await self._to_lms(section, kind, fields, None)
        if category := await self._setups.category_for_new(section):
            sent["grading_category"] = map_assignments.numeric(category)
        if period := (await self._setups.read(section)).period_at(fields.due_date):
            sent["grading_period"] = map_assignments.numeric(period)
        return sent

    async def _to_lms(
        self, section: str, kind: str, fields: AssignmentFields, before: Json | None
    ) -> dict[str, Any]:
        setup = await self._setups.read(section) if fields.grading_type is not None else None
        enrollments: Mapping[str, str] = {}
        if fields.assignee_ids:
            # Of somebody who has left, Schoology would make everyone.
            enrollments = await self._roster.enrollments(section, fields.assignee_ids, now=True)
        return map_assignments.to_lms(fields, kind, setup, await self._setups.zone(), enrollments, before)

    async def _read(self, section: str, ref: Ref) -> Json:
        content = await self._api.get(ref.path(section), _WITH_ATTACHMENTS)
        map_assignments.check_complete(content)
        if id_of(content) != ref.id:
            raise Unavailable("it answers with another assignment")
        return content

    async def _list(self, section: str, kind: str) -> list[Json]:
        return await self._api.pages(f"sections/{section}/{kind}s", kind, _WITH_ATTACHMENTS, gone="section")

    async def _read_all(self, section: str, kind: str, refs: Sequence[Ref]) -> dict[str, Json]:
        """Read several assignments of a kind, by their ids here; those that cannot be read are left out."""
        found: dict[str, Json] = {}
        if len(refs) <= _FEW:
            for ref in refs:
                with contextlib.suppress(Gone, RefusedByLms):
                    found[ref.lms_id] = await judged(self._api, section, partial(self._read, section, ref))
            return found
        by_id = {id_of(item): item for item in await self._list(section, kind)}
        return {ref.lms_id: by_id[ref.id] for ref in refs if ref.id in by_id}

    async def _load(self, section: str, ref: Ref) -> LmsAssignment:
        content = await self._read(section, ref)
        return await self._from_lms(section, ref, content, await read_note(self._notes, ref.lms_id))

    async def _from_lms(self, section: str, ref: Ref, content: Json, note: Note | None) -> LmsAssignment:
        map_assignments.check_complete(content)
        zone = await self._setups.zone()
        has_scale = integer(content, "grading_scale")
        setup = await self._setups.read(section) if has_scale else None
        members: dict[str, str] = {}
        if map_assignments.has_assignees(content):
            students = (await self._roster.enrolled(section)).students
            members = {enrollment: student for student, enrollment in students.items()}
            content = {**content, "assignees": await self._assignees(section, content)}
        return map_assignments.from_lms(ref, content, note, setup, zone, members)

    async def _assignees(self, section: str, content: Json) -> list[str]:
        """Return the enrollments that an assignment is for, directly or through groups."""
        assignees = texts(content, "assignees")
        if groups := set(texts(content, "grading_group_ids")):
            for group in await self._api.unpaged(f"sections/{section}/grading_groups", "grading_groups"):
                if id_of(group) in groups:
                    assignees += texts(group, "members")
                    groups.remove(id_of(group))
            if groups:
                raise Unavailable("it does not list a group that has an assignment")
        return list(dict.fromkeys(assignees))

    async def _remember(
        self,
        section: str,
        ref: Ref,
        answer: Json,
        fields: AssignmentFields,
        sent: Mapping[str, Any],
        before: Note | None,
    ) -> Assignment:
        """Keep what Schoology has no place for; returns the assignment that `answer` shows."""
        note = map_assignments.to_note(fields, sent, before, self._clock())
        await self._notes.write({note_key(ref.lms_id): note})
        return (await self._from_lms(section, ref, answer, note)).assignment


def _has_assignees_sent(fields: AssignmentFields, sent: Mapping[str, Any], shown: Json) -> bool:
    """Whether Schoology shows the assignees that a change gives, if it gives any."""
    return not fields.assignee_ids or set(texts(shown, "assignees")) == {str(it) for it in sent["assignees"]}


def _no_assignees() -> RefusedByLms:
    return RefusedByLms("INVALID_ASSIGNEES", "Schoology does not accept the assignees")
