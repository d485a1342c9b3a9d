"""Making an assignment: Moodle's web services cannot, so a template of the course is copied, and the copy named.

Copies of one template are all alike, and hidden like it, until they are named and shown. Each belongs to the create
that first notes it down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passback.lms.interface import Unavailable
from passback.lms.moodle.map_assignments import is_copy, is_named, template_for
from passback.lms.toolkit.json_fields import Json, id_of
from passback.lms.toolkit.unsupported_fields import note_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from passback.domain.assignment import AssignmentFields
    from passback.lms.interface import LostCreate
    from passback.lms.moodle.api import MoodleApi
    from passback.lms.notes import Note, Notes


class Templates:
    """Copies templates in one Moodle."""

    def __init__(
        self, api: MoodleApi, notes: Notes, name: str, list_all: Callable[[str], Awaitable[Sequence[Json]]]
    ) -> None:
        """`name` is that of all templates; `list_all` reads the assignments of a course."""
        self._api = api
        self._notes = notes
        self._name = name
        self._list = list_all
        self._turns: dict[str, asyncio.Lock] = {}

    async def copy(self, section: str, fields: AssignmentFields, mark: str) -> Json:
        """Copy the template that fits, and note the copy down for this create. Raises `LmsError`."""
        async with self._turn(section):
            before = await self._list(section)
            template = template_for(before, self._name, fields.points_possible, fields)
            known = {id_of(it) for it in before}
            reply, answer = await self._api.write(
                "core_courseformat_update_course",
                "section",
                safe=False,
                action="cm_duplicate",
                courseid=section,
                ids=[id_of(template, "cmid")],
            )
            if not isinstance(answer, str):
                raise reply.useless("is not a list of changes")
            made = [it for it in await self._list(section) if id_of(it) not in known]
            found = await self._unclaimed([it for it in made if is_copy(it, template)])
            if len(found) != 1:
                # Somebody else copies the same at this moment, or it is not in the list yet.
                raise _unclear()
            await self._claim(found[0], mark)
            return found[0]

    async def find(self, section: str, fields: AssignmentFields, lost: LostCreate) -> Json | None:
        """Find the copy of a create whose answer was lost, and note it down; None if there is none."""
        async with self._turn(section):
            listed = await self._list(section)
            own = (await self._notes.read([_mark_key(lost.mark)])).get(_mark_key(lost.mark))
            if own is not None:
                return next((it for it in listed if id_of(it) == own["assignment"]), None)
            template = template_for(listed, self._name, fields.points_possible, fields)
            # Ids grow: the copy has a higher one than all that were known when the try began.
            before = [_number(it) for it, when in lost.known.items() if when < lost.since]
            newest = max((it for it in before if it is not None), default=0)
            since = [
                it for it in listed if id_of(it) not in lost.known and (_number(id_of(it)) or 0) > newest
            ]
            since = await self._unclaimed(sorted(since, key=lambda it: _number(id_of(it)) or 0))
            # One that has its name already was made before a backup that knows nothing of it was restored.
            named = [it for it in since if is_named(it, template, fields)]
            picked = lost.pick(named or [it for it in since if is_copy(it, template)])
            if picked is not None:
                await self._claim(picked, lost.mark)
            return picked

    async def forget(self, assignment: str) -> None:
        """Forget an assignment that was deleted."""
        note = (await self._notes.read([note_key(assignment)])).get(note_key(assignment)) or {}
        marks = [_mark_key(note["mark"])] if "mark" in note else []
        await self._notes.write(dict.fromkeys([note_key(assignment), *marks]))

    async def _unclaimed(self, copies: Sequence[Json]) -> list[Json]:
        notes = await self._notes.read([note_key(id_of(it)) for it in copies])
        return [it for it in copies if "mark" not in notes.get(note_key(id_of(it)), {})]

    async def _claim(self, copy: Json, mark: str) -> None:
        """Note down whose a copy is. Raises `Unavailable` if another create has just taken it, in any process."""
        assignment = id_of(copy)
        key = note_key(assignment)
        is_ours = False

        def take(kept: Mapping[str, Note]) -> Mapping[str, Note]:
            nonlocal is_ours
            is_ours = kept.get(key, {}).get("mark", mark) == mark
            return {key: {"mark": mark}, _mark_key(mark): {"assignment": assignment}} if is_ours else {}

        await self._notes.change([key, _mark_key(mark)], take)
        if not is_ours:
            raise _unclear()

    def _turn(self, section: str) -> asyncio.Lock:
        return self._turns.setdefault(section, asyncio.Lock())


def _unclear() -> Unavailable:
    return Unavailable("it does not tell which copy is ours", in_doubt=True, retry_after=1)


def _mark_key(mark: str) -> str:
    return f"made/{mark}"


def _number(lms_id: str) -> int | None:
    return int(lms_id) if lms_id.isdecimal() and lms_id.isascii() and len(lms_id) < 19 else None
