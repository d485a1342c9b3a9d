"""Google Classroom behind the connector interface: which calls, in which order."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from passback.domain.clock import MINUTE
from passback.lms.google_classroom import map_assignments
from passback.lms.google_classroom.api import AT_ONCE, ClassroomApi
from passback.lms.google_classroom.check import findings
from passback.lms.google_classroom.errors import NAME, NotOurs
from passback.lms.google_classroom.grade import FEW, Grading
from passback.lms.google_classroom.map_submissions import Target
from passback.lms.google_classroom.one_look import OneLook
from passback.lms.google_classroom.roster import Roster
from passback.lms.interface import (
    Capabilities,
    Gone,
    LmsError,
    LostCreate,
    RefusedByLms,
    Unavailable,
    Unsupported,
    in_doubt_after_write,
    update_one_by_one,
)
from passback.lms.toolkit.json_fields import Json, id_of, instant, is_id, text
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.unsupported_fields import note_key, read_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.clock import Clock
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.google_classroom.map_assignments import LmsAssignment
    from passback.lms.interface import Finding, LmsConnection
    from passback.lms.notes import Note, Notes

CAPABILITIES = Capabilities(
    kind="google",
    name=NAME,
    not_stored_assignment=map_assignments.NOTED_FIELDS | {"grading_type"},
    not_stored_flags=frozenset({"late", "missing"}),
    comments=False,
    cannot=frozenset({"excused", "extra_attempts", "override_due_date"}),
    grading_types=frozenset({"pass_fail", "percent", "points"}),
    hand_in=frozenset({"file", "link"}),
)
_OF_ONE_TEACHER = replace(CAPABILITIES, hand_in=frozenset())

_GRADING_SECONDS = 5.0
"""How long what grading needs of an assignment (its type, points and dates) is remembered."""
_PAUSES = (0.0, 0.5, 1.0, 2.0)
"""The seconds before each try to publish what was just created."""
_SHOWN = {"courseWorkStates": ["PUBLISHED", "DRAFT"]}
_PROJECT = "project"
"""The key of the note with the Cloud project that the district's assignments belong to."""


class ClassroomConnector:
    """See `passback.lms.interface.Connector`."""

    def __init__(self, connection: LmsConnection, notes: Notes, clock: Clock) -> None:
        self._api = ClassroomApi(connection, clock)
        self._admin = connection.options.get("admin_email", "")
        self._notes = notes
        self._clock = clock
        self._timer = connection.timer
        self._roster = Roster(self._api, self._admin, connection.options.get("topic", ""))
        self._grading = Grading(self._api, connection, notes, clock, self._roster)
        self._one_look = OneLook(self._api, self._roster)
        self._recent = TtlCache(_GRADING_SECONDS)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES if self._api.tokens.delegated else _OF_ONE_TEACHER

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        map_assignments.check_supported(fields)
        # First a draft with the mark, which no student sees: it can be found if the answer is lost.
        draft = map_assignments.creation_only(fields) | map_assignments.to_lms(fields, new=True)
        draft["description"] = _marked(mark)
        if topic := await self._roster.topic_for_new(section):
            draft["topicId"] = topic
        await self._note_project()

        async def post(acting: str) -> Json:
            path = f"courses/{section}/courseWork"
            return await self._api.send("POST", path, acting, draft, safe=False, gone="section")

        denied = False

        async def make() -> Json:
            nonlocal denied
            if denied and (made := await self._find_draft(section, mark)) is not None:
                return made
            denied = True
            return await self._roster.as_teacher(section, post)

        try:
            made = await self._one_look.ask(section, None, make)
        except RefusedByLms as refused:
            raise map_assignments.explain(refused, fields, self._clock()) from None
        with in_doubt_after_write():
            if not await self._is_told_rightly(made, mark):
                found = await self._find_draft(section, mark)
                if found is None:
                    raise Unavailable("what it says that it created is something else")
                made = found
            return await self._publish(section, made, fields, mark)

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        mark = lost.mark
        # What becomes visible loses its mark, so its id is noted first.
        made = (await self._notes.read([_made_key(mark)])).get(_made_key(mark))
        if made is not None:
            item = await self._read_made(section, made)
            if item is not None and item.get("associatedWithDeveloper") is not False:
                return await self._finish(section, item, fields, mark)
        listed = await self._list(section)
        for item in listed:
            if text(item, "description") == _marked(mark):
                return await self._publish(section, item, fields, mark)
        # Perhaps an older version, which noted nothing before it was done, made it visible.
        expected = map_assignments.as_stored(fields)
        fitting = [
            item
            for item in listed
            if id_of(item) not in lost.known
            and map_assignments.may_be_made_since(item, lost.since)
            and expected.fits(item)
        ]
        noted = await self._notes.read([note_key(id_of(item)) for item in fitting])
        fitting = [item for item in fitting if "mark" not in noted.get(note_key(id_of(item)), {})]
        picked = lost.pick(sorted(fitting, key=lambda it: instant(it, "creationTime") or 0))
        return None if picked is None else await self._remember(picked, fields, None)

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        loaded = await self._one_look.ask(section, assignment, lambda: self._load(section, assignment))
        return loaded.assignment

    async def read_assignments(self, section: str, wanted: Sequence[str]) -> Mapping[str, Assignment]:
        found = await self._list_wanted(section, wanted) if len(wanted) > FEW else {}
        # A list may lack what was moved while it was read: what it lacks is asked for again.
        lacking = [it for it in wanted if it not in found]
        if len(lacking) > FEW:
            found |= await self._list_wanted(section, lacking)
        else:
            for assignment in lacking:
                item = await self._read_if_there(section, assignment)
                found |= {} if item is None else {assignment: item}
        notes = await self._notes.read([note_key(assignment) for assignment in found])
        return {
            it: map_assignments.from_lms(found[it], notes.get(note_key(it))).assignment
            for it in wanted
            if it in found
        }

    async def _list_wanted(self, section: str, wanted: Sequence[str]) -> dict[str, Json]:
        listed = {id_of(item): item for item in await self._list(section)}
        return {it: listed[it] for it in wanted if it in listed}

    async def _read_if_there(self, section: str, assignment: str) -> Json | None:
        """Read course work; None if it is deleted or denied, or if Google says twice that it does not exist.

        Raises `Gone` if the course itself does not exist.
        """
        for _ in range(2):
            try:
                item = await self._one_look.ask(section, assignment, lambda: self._read(section, assignment))
                return None if text(item, "state") == "DELETED" else item
            except RefusedByLms:
                return None
            except Gone as gone:
                if gone.thing == "section":
                    raise
        await self._roster.require(section)
        return None

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        map_assignments.check_supported(fields)
        return await self._one_look.ask(
            section, assignment, lambda: self._updated(section, assignment, fields)
        )

    async def _updated(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        note = await read_note(self._notes, assignment)
        before = map_assignments.from_lms(await self._read(section, assignment), note)
        if fields.attachments is not None and fields.attachments != before.assignment.attachments:
            raise Unsupported(NAME, "changing attachments")
        sent = map_assignments.to_lms(fields, new=False)
        if fields.display_date is not None:
            if before.is_draft:
                sent |= map_assignments.publication(fields.display_date, self._clock())
            elif fields.display_date > self._clock():
                raise RefusedByLms(
                    "ALREADY_PUBLISHED", f"{NAME} cannot hide an assignment again that students see"
                )
        change = map_assignments.changed_assignees(fields, before.assignment)
        self._recent.forget(f"{section}/{assignment}")
        content = before.content
        try:
            if change is not None:
                content = await self._change(section, assignment, ":modifyAssignees", change)
            if sent:
                content = await self._change(section, assignment, "", sent)
        except RefusedByLms as refused:
            raise map_assignments.explain(refused, fields, self._clock()) from None
        return await self._remember(content, fields, note)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        # Classroom answers the same for an assignment that never existed as for one that an earlier try just deleted.
        await self._one_look.ask(section, assignment, lambda: self._load(section, assignment))
        await self._one_look.ask(section, assignment, lambda: self._delete(section, assignment))

    async def _delete(self, section: str, assignment: str) -> None:
        """Delete an assignment that was there."""
        self._recent.forget(f"{section}/{assignment}")
        mark = (await read_note(self._notes, assignment)).get("mark")
        try:
            await self._send_delete(section, assignment)
        except (Gone, RefusedByLms) as error:
            if not await self._is_deleted(section, assignment):
                if isinstance(error, RefusedByLms) and not str(error).startswith("INVALID_STATE"):
                    raise
                raise Unavailable(f"it does not delete what it shows: {error}", in_doubt=True) from None
        else:
            with in_doubt_after_write():
                if not await self._is_deleted(section, assignment):
                    return  # what is kept of it goes with it, not before
        kept = [note_key(assignment), *([_made_key(mark)] if mark else [])]
        await self._notes.write(dict.fromkeys(kept))

    async def _send_delete(self, section: str, assignment: str) -> None:
        async def delete(acting: str) -> None:
            await self._api.send("DELETE", f"courses/{section}/courseWork/{assignment}", acting, safe=True)

        await self._roster.as_teacher(section, delete)

    async def _is_deleted(self, section: str, assignment: str) -> bool:
        try:
            await self._load(section, assignment)
        except Gone as gone:
            if gone.thing != "assignment":
                raise
            return True
        return False

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        async def read() -> Mapping[str, Submission]:
            return await self._grading.read(section, await self._load(section, assignment), students)

        return await self._one_look.ask(section, assignment, read)

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        return await self._one_look.ask(
            section, assignment, lambda: self._graded(section, assignment, student, fields), fields.grader_id
        )

    async def _graded(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        target = Target(section, await self._for_grading(section, assignment), student)
        knows_id = self._grading.knows_id(target)
        try:
            graded = await self._grading.update(target, fields)
        except (Gone, RefusedByLms) as error:
            if isinstance(error, Gone) and error.thing == "grader":
                raise
            # Perhaps the assignment is gone, or what was remembered is no longer so.
            self._recent.forget(f"{section}/{assignment}")
            fresh = await self._for_grading(section, assignment)
            if fresh == target.stored and not (isinstance(error, Gone) and knows_id):
                raise
        else:
            if graded is not None:
                return graded
            # What was remembered of the assignment made it another grade than it should be.
            self._recent.forget(f"{section}/{assignment}")
            fresh = await self._for_grading(section, assignment)
        again = await self._grading.update(Target(section, fresh, student), fields)
        if again is None:
            raise Unavailable("the points of the assignment change all the time", in_doubt=True)
        return again

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        students = list(dict.fromkeys(student for student, _ in changes))

        async def prepare() -> None:
            await self._grading.prepare(section, await self._for_grading(section, assignment), students)

        await self._one_look.ask(section, assignment, prepare)
        return await update_one_by_one(self, section, assignment, changes, at_once=AT_ONCE)

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await self._roster.read_courses()

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return [await self._roster.read_section(course)]

    async def read_people(self, section: str) -> Sequence[Person]:
        return await self._roster.read_people(section)

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        return await self._roster.find_section(section)

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        return await self._roster.is_member(section, role, person)

    async def check(self) -> Sequence[Finding]:
        note = (await self._notes.read([_PROJECT])).get(_PROJECT)
        return await findings(self._api, self._admin, str(note["id"]) if note else None)

    async def close(self) -> None:
        await self._api.close()

    async def _finish(self, section: str, made: Json, fields: AssignmentFields, mark: str) -> Assignment:
        """Make what was created visible, unless it is."""
        if text(made, "description") == _marked(mark) or not map_assignments.is_published(made):
            return await self._publish(section, made, fields, mark)
        return await self._remember(made, fields, None, mark)

    async def _publish(self, section: str, made: Json, fields: AssignmentFields, mark: str) -> Assignment:
        """Give a marked draft its description and make it visible. Raises `LmsError`."""
        made_id = id_of(made)
        await self._note_made(made_id, mark)
        sent = {
            "description": map_assignments.to_lms(fields, new=True).get("description", ""),
            **map_assignments.publication(fields.display_date, self._clock()),
        }
        refused: RefusedByLms | None = None
        for seconds in _PAUSES:
            await self._timer.sleep(seconds)
            try:
                content = await self._change(section, made_id, "", sent)
            except (Gone, NotOurs):
                # What was just made may not be visible yet; or it is not what it was said to be.
                found = await self._find_draft(section, mark)
                if found is not None and id_of(found) != made_id:
                    await self._notes.write({note_key(made_id): None})
                    made_id = id_of(found)
                    await self._note_made(made_id, mark)
                continue
            except RefusedByLms as error:
                content = await self._read(section, made_id)
                if refused is not None and text(content, "description") == _marked(mark):
                    await self._discard(section, made_id, mark)
                    raise
                refused = error
            if text(content, "description") != _marked(mark) and map_assignments.is_published(content):
                return await self._remember(content, fields, None, mark)
        raise Unavailable("it does not show what it created as it was told", in_doubt=True)

    async def _note_made(self, made: str, mark: str) -> None:
        await self._notes.write(
            {_made_key(mark): {"id": made, "at": self._clock()}, note_key(made): {"mark": mark}}
        )

    async def _is_told_rightly(self, made: Json, mark: str) -> bool:
        """Whether the answer to a create can be believed: its mark is there, and its id is not another's."""
        if text(made, "description") != _marked(mark) or not is_id(made):
            return False
        note = await read_note(self._notes, id_of(made))
        return not note or note.get("mark") == mark

    async def _discard(self, section: str, assignment: str, mark: str) -> None:
        """Delete a draft that cannot be made visible. Raises `LmsError`, unless it cannot be deleted, either."""
        with contextlib.suppress(Gone, RefusedByLms):
            await self._send_delete(section, assignment)
        await self._notes.write({_made_key(mark): None, note_key(assignment): None})

    async def _read_made(self, section: str, made: Note) -> Json | None:
        """Read what was noted as made; None if it is deleted. Raises `Unavailable` if it is not visible yet."""
        try:
            item = await self._read(section, str(made["id"]))
        except Gone:
            if self._clock() - made.get("at", 0) < MINUTE:
                raise Unavailable(
                    "what it just created is not visible yet", in_doubt=True, retry_after=5
                ) from None
            return None
        return None if text(item, "state") == "DELETED" else item

    async def _find_draft(self, section: str, mark: str) -> Json | None:
        """Find what was created with a mark, and is not visible yet."""
        listed = await self._list(section)
        return next((item for item in listed if text(item, "description") == _marked(mark)), None)

    async def _change(self, section: str, assignment: str, action: str, content: Mapping[str, Any]) -> Json:
        """Patch course work, or do an `action` to it, which may be repeated; returns it as it is then."""

        async def send(acting: str) -> Json:
            path = f"courses/{section}/courseWork/{assignment}{action}"
            params = {} if action else {"updateMask": map_assignments.mask_of(content)}
            method = "POST" if action else "PATCH"
            return await self._api.send(method, path, acting, content, params=params, safe=True)

        answer = await self._roster.as_teacher(section, send)
        if map_assignments.is_course_work(answer, assignment):
            return answer
        with in_doubt_after_write():
            return await self._read(section, assignment)

    async def _list(self, section: str) -> list[Json]:
        """Read the course work of a course, the latest first."""
        path, query = f"courses/{section}/courseWork", {**_SHOWN, "orderBy": "updateTime desc"}

        async def read(acting: str) -> list[Json]:
            return await self._api.surely(path, "courseWork", acting, query, gone="section")

        return await self._roster.as_teacher(section, read)

    async def _read(self, section: str, assignment: str) -> Json:
        async def read(acting: str) -> Json:
            return await self._api.get(f"courses/{section}/courseWork/{assignment}", acting)

        content = await self._roster.as_teacher(section, read)
        if not map_assignments.is_course_work(content, assignment):
            raise Unavailable("its answer is not the assignment that was asked for")
        return content

    async def _load(self, section: str, assignment: str) -> LmsAssignment:
        return map_assignments.from_lms(
            await self._read(section, assignment), await read_note(self._notes, assignment)
        )

    async def _for_grading(self, section: str, assignment: str) -> LmsAssignment:
        return await self._recent.get(f"{section}/{assignment}", lambda: self._load(section, assignment))

    async def _note_project(self) -> None:
        """Keep the project that the district's assignments belong to: no other can change them."""
        project = self._api.tokens.project
        if project and not (await self._notes.read([_PROJECT])):
            await self._notes.write({_PROJECT: {"id": project}})

    async def _remember(
        self, content: Json, fields: AssignmentFields, before: Note | None, mark: str = ""
    ) -> Assignment:
        """Keep what Classroom has no place for, and what it was marked with; returns what `content` shows."""
        note = map_assignments.to_note(fields, content, before) | ({"mark": mark} if mark else {})
        if note != (before or {}):
            await self._notes.write({note_key(id_of(content)): note})
        return map_assignments.from_lms(content, note).assignment


def _marked(mark: str) -> str:
    return f"passback:{mark}"


def _made_key(mark: str) -> str:
    """The key of the note with the id of what was created with this mark."""
    return f"made/{mark}"
