"""Rosters that are imported from files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from passback.rosters import delta, import_files
from passback.sis.archive import Archive
from passback.store import enrollments, roster, roster_events
from passback.store.engine.database import Opened
from passback.store.staging.calendar import Calendar
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Table, zipped
from support.sandbox import NOW

DISTRICT = "d" * 24
OTHER = "e" * 24
FORMATS = {"clever": CLEVER, "1.1": ONEROSTER_11, "1.2": ONEROSTER_12}


class Silent:
    """Shows nothing, but can run something at a step."""

    def __init__(self, at: Mapping[str, Callable[[], object]] | None = None) -> None:
        self._at = at or {}

    def read(self, done: int, total: int) -> None: ...

    def step(self, what: str) -> None:
        if what in self._at:
            self._at[what]()


class Importer:
    """Imports rosters into a database."""

    def __init__(self, database: Opened, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.now = NOW
        self.notes: list[str] = []
        """What was said about the delta files of the last import."""

    def __call__(
        self,
        files: Mapping[str, Table | str | bytes],
        *,
        district: str = DISTRICT,
        at: Mapping[str, Callable[[], object]] | None = None,
        allow_removals: bool = True,
        calendar: Calendar = Calendar(),  # noqa: B008 - it cannot change
        end_is_last_day: bool = False,
        tolerance: import_files.Tolerance = import_files.USUAL,
    ) -> import_files.Checked:
        """Check a roster, and apply it if that is tolerated. `at` maps steps to what to run at them."""
        archive = Archive(zipped(self.folder / "roster.zip", files))
        with contextlib.closing(archive), self.database.session() as session:
            opened = delta.open_files(session, archive, district, end_is_last_day=end_is_last_day)
            self.notes = [] if opened.source is None else opened.source.notes
            checked = import_files.check(
                session,
                opened.files,
                district,
                lambda: self.now,
                Silent(at),
                import_files.Options(allow_removals=allow_removals, calendar=calendar, tolerance=tolerance),
            )
            if checked.plan is not None:
                if opened.source is not None:
                    delta.collect(session, district, opened.source)
                import_files.apply(session, checked.plan, lambda: self.now, Silent(), source=opened.source)
        return checked

    def all(self, table: roster.Table[Any], district: str = DISTRICT) -> list[Any]:
        return self.database.read_now(lambda conn: roster.page(conn, table, district, limit=100)).items

    def ids(self, table: roster.Table[Any], district: str = DISTRICT) -> dict[str, str]:
        return {item.sis_id: item.id for item in self.all(table, district)}

    def members(self) -> dict[str, list[str]]:
        """The SIS ids of the section's members, by role."""
        [section] = self.all(roster.SECTIONS)
        names = {user.id: user.sis_id for user in self.all(roster.USERS)}
        found = self.database.read_now(lambda conn: enrollments.section_members(conn, [section.id]))
        return {role: sorted(names[it] for it in ids) for (_, role), ids in found.items()}

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        page = self.database.read_now(lambda conn: roster_events.page(conn, DISTRICT, limit=100))
        return [(f"{it.kind}.{it.what}", it.previous) for it in page.items]


def counts(checked: import_files.Checked) -> dict[str, tuple[int, int, int]]:
    """How many objects of each kind are added, changed and removed."""
    assert checked.plan is not None, checked.problems
    found = {kind: (it.created, it.updated, it.removed) for kind, it in checked.plan.kinds.items()}
    return {kind: it for kind, it in found.items() if any(it)}
