"""The courses of an LMS, as far as they are known: from launches, or from how the LMS makes up its addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.matching import LmsCourse, SectionRef
from passback.lms.lti.errors import NotLaunched
from passback.lms.toolkit.json_fields import text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.lms.lti.families import Family
    from passback.lms.notes import Notes

PREFIX = "context/"
"""What the notes of courses begin with; the id of the context follows."""


class Context(Struct, frozen=True):
    """A course: where its services are, and what a launch said of it."""

    id: str
    lineitems: str
    memberships: str
    scopes: tuple[str, ...] = ()
    """What the LMS lets us do with its line items; empty if nobody has said so."""
    title: str = ""
    label: str = ""
    sourcedid: str = ""
    older_memberships: tuple[str, ...] = ()
    """Where else its members were, by earlier launches: in Open edX they are gone with the activity."""

    @property
    def addresses(self) -> tuple[str, str]:
        """The addresses of its services: a launch, which the LMS signs, may name them on a host of their own."""
        return self.lineitems, self.memberships

    @property
    def course(self) -> LmsCourse:
        return LmsCourse(self.id, self.title or self.label, self.sourcedid or None, self.label or None)

    @property
    def section(self) -> SectionRef:
        return SectionRef(self.id, self.title or self.label, self.sourcedid or None)


class Contexts:
    """The courses of one connection."""

    def __init__(self, notes: Notes, family: Family, options: Mapping[str, str]) -> None:
        self._notes = notes
        self._family = family
        self._deployment = (options.get("deployment_ids") or "").replace(",", " ").split()[:1]

    async def find(self, section: str, *, for_grades: bool = True) -> Context:
        """Return a course by its id. Raises `NotLaunched` if its class list is not known, or where grades are taken.

        Not `for_grades`, the class list is enough.
        """
        key = PREFIX + section
        found = self._known(section, (await self._notes.read([key])).get(key))
        if found is None or not found.memberships or (for_grades and not found.lineitems):
            raise NotLaunched(self._family.name)
        return found

    async def lacking(self, sections: Sequence[str]) -> list[str]:
        """Return those of the courses that `find` would raise `NotLaunched` for."""
        notes = await self._notes.find(PREFIX)
        known = {it: self._known(it, notes.get(PREFIX + it)) for it in sections}
        return [name for name, it in known.items() if it is None or not (it.lineitems and it.memberships)]

    async def all(self) -> list[Context]:
        """Return every course from which somebody has opened us."""
        notes = await self._notes.find(PREFIX)
        found = (self._known(key.removeprefix(PREFIX), note) for key, note in notes.items())
        return [it for it in found if it is not None]

    def _known(self, section: str, note: Mapping[str, Any] | None) -> Context | None:
        """Return a course, as far as it is known from launches or by its number; None if nothing is."""
        derived = self._derived(section)
        if note is None:
            return derived
        told = _from_note(section, note)
        if derived is None:
            return told
        # The launch in which a teacher chooses an activity tells less than others, for one.
        return replace(
            told,
            lineitems=told.lineitems or derived.lineitems,
            memberships=told.memberships or derived.memberships,
        )

    def _derived(self, section: str) -> Context | None:
        """Return a course whose addresses follow from its number."""
        family = self._family
        if not (family.items and section.isdecimal() and section.isascii()):
            return None
        if "{deployment}" in family.items and not self._deployment:
            return None
        deployment = quote("".join(self._deployment), safe="")
        return Context(
            section,
            family.items.format(course=section, deployment=deployment),
            family.memberships.format(course=section, deployment=deployment),
        )


def _from_note(section: str, note: Mapping[str, Any]) -> Context:
    return Context(
        section,
        text(note, "lineitems") or "",
        text(note, "memberships_url") or "",
        tuple(texts(note, "scopes")),
        text(note, "title") or "",
        text(note, "label") or "",
        text(note, "sourcedid") or "",
        tuple(texts(note, "older_memberships")),
    )
