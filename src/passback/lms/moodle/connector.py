"""Moodle behind the connector interface: which functions, in which order."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.domain.assignment import plain_title
from passback.domain.clock import DAY, SECOND
from passback.lms.interface import (
    Capabilities,
    Gone,
    ListsDecide,
    LmsError,
    NotAllowed,
    OneOfMany,
    RefusedByLms,
    Unavailable,
    Unsupported,
    in_doubt_after_write,
)
from passback.lms.moodle import map_assignments
from passback.lms.moodle.api import MoodleApi
from passback.lms.moodle.check import findings
from passback.lms.moodle.errors import NAME
from passback.lms.moodle.grade import Grading
from passback.lms.moodle.roster import (
    Roster,
    find_section,
    has_suspended,
    objects_of,
    read_courses,
    read_people,
    section_of,
)
from passback.lms.moodle.templates import Templates
from passback.lms.stale import made_afresh
from passback.lms.toolkit.json_fields import Json, as_object, check_id, flag, id_of, text, unix_instant
from passback.lms.toolkit.ttl_cache import TtlCache
from passback.lms.toolkit.unsupported_fields import note_key, read_note

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.clock import Clock, Instant
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import Submission, SubmissionFields
    from passback.lms.interface import Finding, LmsConnection, LostCreate
    from passback.lms.moodle.map_assignments import LmsAssignment
    from passback.lms.notes import Note, Notes

CAPABILITIES = Capabilities(
    kind="moodle",
    name=NAME,
    not_stored_assignment=map_assignments.NOT_STORED,
    ignored_assignment=frozenset({"description_plaintext"}),
    not_stored_flags=frozenset({"late", "missing"}),
    cannot=frozenset({"excused", "individual_assignees", "points_above_maximum"}),
    sometimes=frozenset({"create_assignments", "extra_attempts"}),
    hand_in=frozenset(),
)
_WITHOUT_TEMPLATE = replace(
    CAPABILITIES,
    cannot=CAPABILITIES.cannot | {"create_assignments"},
    sometimes=CAPABILITIES.sometimes - {"create_assignments"},
)

_GRADING_SECONDS = 5.0
"""How long what grading needs of an assignment (its maximum, workflow and plugins) is remembered."""
_FEW = 3
"""Of up to this many assignments it is asked one by one whether they are hidden."""
_END_OF_TIME = 2**31 - 1


class MoodleConnector(ListsDecide, OneOfMany):
    """See `passback.lms.interface.Connector`. A section is a course; an assignment is one of ``mod_assign``."""

    def __init__(self, connection: LmsConnection, notes: Notes, clock: Clock) -> None:
        self._api = MoodleApi(connection)
        self._notes = notes
        self._clock = clock
        self._template = connection.options.get("template") or ""
        self._roster = Roster(self._api)
        self._templates = Templates(self._api, notes, self._template, self._list)
        self._grading = Grading(self._api, notes, clock, self._roster, connection.timer)
        # Another process may have changed the assignment a moment ago.
        self._recent = TtlCache(0.0 if connection.shared else _GRADING_SECONDS)

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES if self._template else _WITHOUT_TEMPLATE

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        map_assignments.check(fields)
        if not self._template:
            raise Unsupported(NAME, "creating assignments (the connection names no template to copy)")
        copy = await self._templates.copy(section, fields, mark)
        return await self._finished(section, copy, fields)

    async def _finished(self, section: str, copy: Json, fields: AssignmentFields) -> Assignment:
        """Name a copy, set its due date, and show it. It is deleted if Moodle refuses that."""
        with in_doubt_after_write():
            try:
                await self._rename(copy, fields.title or "")
                due = await self._move(section, copy, fields.due_date)
                await self._edit(section, copy, "cm_show")
                if _is_another_day(due, fields.due_date):
                    # What is hidden may be in no calendar.
                    due = await self._move(section, copy, fields.due_date)
            except RefusedByLms:
                with contextlib.suppress(Gone):
                    await self._api.change("core_course_delete_modules", cmids=[id_of(copy, "cmid")])
                await self._templates.forget(id_of(copy))
                raise
            note = await read_note(self._notes, id_of(copy))
            return await self._remember(section, id_of(copy), fields, due, note)

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        map_assignments.check(fields)
        if not self._template:
            return None
        copy = await self._templates.find(section, fields, lost)
        return None if copy is None else await self._finished(section, copy, fields)

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return (await self._load(section, assignment)).assignment

    async def read_assignments(self, section: str, wanted: Sequence[str]) -> Mapping[str, Assignment]:
        listed = {id_of(it): it for it in await self._list(section) if id_of(it) in wanted}
        notes = await self._notes.read([note_key(it) for it in listed])
        visible = await self._visible(section, listed.values())
        return {
            it: map_assignments.from_lms(
                content, notes.get(note_key(it)), visible=visible[id_of(content, "cmid")]
            ).assignment
            for it, content in listed.items()
            if id_of(content, "cmid") in visible
        }

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        stored = await self._load(section, assignment)
        map_assignments.check_change(fields, stored)
        self._recent.forget(f"{section}/{assignment}")
        if fields.title is not None and plain_title(fields.title) != stored.assignment.title:
            await self._rename(stored.content, fields.title)
        due = await self._move(section, stored.content, fields.due_date)
        note = await read_note(self._notes, assignment)
        return await self._remember(section, assignment, fields, due, note)

    async def delete_assignment(self, section: str, assignment: str) -> None:
        stored = await self._load(section, assignment)
        self._recent.forget(f"{section}/{assignment}")
        await self._delete(section, stored)
        await self._templates.forget(assignment)

    async def _delete(self, section: str, stored: LmsAssignment) -> None:
        try:
            await self._api.change("core_course_delete_modules", cmids=[stored.cmid])
        except Gone:
            return  # an earlier try has done it
        except NotAllowed:
            with contextlib.suppress(Gone):
                await self._content(section, stored.id)
                raise

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        stored = await self._for_grading(section, assignment)
        there = await self._roster.students(section, students, now=True)
        return await self._grading.read(section, stored, [it for it in students if it in there])

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        key = f"{section}/{assignment}"

        async def update(
            changes: Sequence[tuple[str, SubmissionFields]], *, fresh: bool = True
        ) -> list[Submission | LmsError]:
            if fresh:
                self._recent.forget(key)
            stored = await self._recent.get(key, partial(self._for_grading, section, assignment))
            return await self._grading.update(section, stored, changes, fresh=fresh)

        outcomes = await update(changes, fresh=not self._recent.knows(key))
        outcomes = await made_afresh(changes, outcomes, update)
        if any(isinstance(it, Gone | RefusedByLms) for it in outcomes):
            self._recent.forget(key)
        gone = [it for it in outcomes if isinstance(it, Gone) and it.thing != "grader"]
        if gone:
            try:
                await self._content(section, assignment)
            except Gone as error:
                return [error if it in gone else it for it in outcomes]
            except LmsError:
                return outcomes  # what was done of the others is known nevertheless
        return outcomes

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await read_courses(self._api)

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return [section_of(course)]

    async def read_people(self, section: str) -> Sequence[Person]:
        return await read_people(self._api, section)

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        return await find_section(self._api, section)

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        """See `Connector.has_person`. A list without anybody is none, if nobody has been suspended either."""
        people = await read_people(self._api, section)
        if not people and not await has_suspended(self._api, section):
            raise Unavailable("it shows nobody in the course")
        return any((it.id, it.role) == (person, role) for it in people)

    async def check(self) -> Sequence[Finding]:
        return await findings(self._api, self._template)

    async def close(self) -> None:
        await self._api.close()

    async def _list(self, section: str) -> list[Json]:
        """Read the assignments of a course. Raises `LmsError`."""
        answer = as_object(
            await self._api.read(
                "mod_assign_get_assignments",
                "section",
                courseids=[section],
                # Otherwise it lists nothing of a course in which the token's user is not enrolled.
                includenotenrolledcourses=True,
            )
        )
        for course in objects_of(answer, "courses"):
            if id_of(course) == section:
                listed = objects_of(course, "assignments")
                for one in listed:
                    id_of(one)
                return listed
        if await find_section(self._api, section) is None:
            raise Gone("section")
        raise NotAllowed("it does not show the course's assignments: may the token's user view the course?")

    async def _content(self, section: str, assignment: str) -> Json:
        for content in await self._list(section):
            if id_of(content) == assignment:
                map_assignments.check_complete(content)
                return content
        raise Gone("assignment")

    async def _load(self, section: str, assignment: str) -> LmsAssignment:
        content = await self._content(section, assignment)
        return await self._with_note(section, content, await read_note(self._notes, assignment))

    async def _for_grading(self, section: str, assignment: str) -> LmsAssignment:
        """Read an assignment without asking whether it is hidden: it is graded nevertheless."""
        content = await self._content(section, assignment)
        return map_assignments.from_lms(content, await read_note(self._notes, assignment), visible=True)

    async def _with_note(self, section: str, content: Json, note: Note | None) -> LmsAssignment:
        visible = await self._visible(section, [content])
        cmid = id_of(content, "cmid")
        if cmid not in visible:
            raise Gone("assignment")
        return map_assignments.from_lms(content, note, visible=visible[cmid])

    async def _visible(self, section: str, contents: Collection[Json]) -> dict[str, bool]:
        """Ask whether students see assignments; returns the answers by the ids of their course modules."""
        found: dict[str, bool] = {}
        cmids = [id_of(it, "cmid") for it in contents]
        if len(cmids) <= _FEW:
            for cmid in cmids:
                with contextlib.suppress(Gone):
                    answer = as_object(await self._api.read("core_course_get_course_module", cmid=cmid))
                    module = as_object(answer.get("cm"))
                    check_id(module, cmid)
                    found[cmid] = _is_visible(module)
            return found
        options = [{"name": "modname", "value": "assign"}, {"name": "excludecontents", "value": 1}]
        listed = await self._api.read(
            "core_course_get_contents", "section", courseid=section, options=options
        )
        for part in objects_of({"sections": listed}, "sections"):
            for module in objects_of(part, "modules"):
                found[id_of(module)] = _is_visible(module)
        return {cmid: found[cmid] for cmid in cmids if cmid in found}

    async def _rename(self, content: Json, title: str) -> None:
        if text(content, "name") == plain_title(title):
            return
        reply, answer = await self._api.write(
            "core_update_inplace_editable",
            component="core_course",
            itemtype="activityname",
            itemid=id_of(content, "cmid"),
            value=plain_title(title),
        )
        if text(as_object(answer), "itemid") != id_of(content, "cmid"):
            raise reply.useless("is about something else")

    async def _move(self, section: str, content: Json, wanted: Instant | None) -> Instant | None:
        """Move the due date to another day, if it is due at all; returns when it is due then.

        The time of day stays as it is: the web services have no way to change it.
        """
        due = map_assignments.due_of(content)
        if wanted is None or due is None or wanted == due:
            return due
        answer = as_object(
            await self._api.read(
                "core_calendar_get_calendar_events",
                "section",
                events={"courseids": [section]},
                options={
                    "userevents": False,
                    "siteevents": False,
                    "timestart": 0,
                    "timeend": _END_OF_TIME,
                    "ignorehidden": False,
                },
            )
        )
        for event in objects_of(answer, "events"):
            own = (text(event, "modulename"), text(event, "instance"), text(event, "eventtype"))
            if own == ("assign", id_of(content), "due"):
                return await self._moved(id_of(event), wanted)
        return due

    async def _moved(self, event: str, wanted: Instant) -> Instant:
        try:
            reply, answer = await self._api.write(
                "core_calendar_update_event_start_day", eventid=event, daytimestamp=wanted // SECOND
            )
        except RefusedByLms:
            raise RefusedByLms("INVALID_DUE_DATE", "Moodle does not accept the due date") from None
        shown = answer.get("event") if isinstance(answer, dict) else None
        due = unix_instant(shown, "timestart") if isinstance(shown, dict) else None
        if due is None:
            raise reply.useless("shows no event")
        return due

    async def _edit(self, section: str, content: Json, action: str) -> None:
        reply, answer = await self._api.write(
            "core_courseformat_update_course", action=action, courseid=section, ids=[id_of(content, "cmid")]
        )
        if not isinstance(answer, str):
            raise reply.useless("is not a list of changes")

    async def _remember(
        self,
        section: str,
        assignment: str,
        fields: AssignmentFields,
        due: Instant | None,
        before: Note | None,
    ) -> Assignment:
        """Keep what Moodle has no place for, and that it is `due` then; returns the assignment as it is now."""
        note = map_assignments.to_note(fields, due, before, self._clock())
        await self._notes.write({note_key(assignment): note})
        return (await self._with_note(section, await self._content(section, assignment), note)).assignment


def _is_another_day(due: Instant | None, wanted: Instant | None) -> bool:
    return due is not None and wanted is not None and abs(due - wanted) >= DAY


def _is_visible(module: Json) -> bool:
    found = flag(module, "visible")
    if found is None:
        raise Unavailable("its answer does not tell whether an assignment is hidden")
    return found
