"""The LMS's own roster, in the form of an import, for districts that have no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.sis.rows import BATCH
from passback.store import lms_roster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.sis.rows import Kind, Problems, Row
    from passback.store.engine.database import Session


class LmsRoster(Struct):
    """What was read of an LMS, as a roster to import. See `passback.sis.rows.Format`."""

    session: Session
    district_id: str
    name: str
    size: int = 0
    """The number of enrollments."""
    repeats_users: bool = False
    ids_by_role: bool = True
    one_role: bool = False
    sections_name_terms: bool = False
    done: int = 0

    def read(self) -> int:
        return self.done

    def locate(self, kind: Kind, column: str, role: str) -> tuple[str, str]:  # noqa: ARG002
        return f"{self.name}, {kind}", column

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:  # noqa: ARG002 - an LMS has no lines
        self.size = lms_roster.gather_people(self.session, self.district_id)
        number = 0
        for courses in lms_roster.keyed_courses(self.session, self.district_id, BATCH):
            rows: list[Row] = []
            for key, name, code in courses:
                number += 1
                rows.append((number, key, name, code, None))
            yield "courses", rows
        number = 0
        for sections in lms_roster.keyed_sections(self.session, self.district_id, BATCH):
            rows = []
            for lms_id, key, name, course in sections:
                number += 1
                rows.append((number, key, name, None, course, None, None, None, None, None, lms_id))
            yield "sections", rows
        number = 0
        for people in lms_roster.keyed_people(self.session, BATCH):
            rows = []
            for role, lms_id, key, name, email in people:
                number += 1
                rows.append(
                    (number, key, role, *_names(name, key), email, None, None, lms_id, None, None, None)
                )
            yield "users", rows
        lms_roster.stage_members(self.session, self.district_id)  # so many that they are not read here
        self.done = self.size
        yield "enrollments", []


def _names(name: str, key: str) -> tuple[str, None, str]:
    """First, middle and last name, from the full name that an LMS gives."""
    first, _, last = " ".join(name.split()).rpartition(" ")
    return (first, None, last) if first else (last or key, None, "")
