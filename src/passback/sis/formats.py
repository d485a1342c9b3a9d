"""Detects the format of a roster's files."""

from __future__ import annotations

from passback.sis.archive import RosterFiles
from passback.sis.clever import Clever
from passback.sis.oneroster import MANIFEST, OneRoster
from passback.sis.rows import Format, UnusableFile


def format_of(archive: RosterFiles, *, end_is_last_day: bool = False) -> Format:
    """The format of an archive's files. Raises `UnusableFile` if it is unknown.

    `end_is_last_day` if the system writes the last day as OneRoster's ``endDate``, instead of the first day after.
    """
    if MANIFEST in archive.sizes:
        return OneRoster(archive, end_is_last_day=end_is_last_day)
    if {"schools.csv", "sections.csv"} <= archive.sizes.keys():
        return Clever(archive)
    found = ", ".join(sorted(archive.sizes)[:8]) or "no CSV file"
    raise UnusableFile(
        f"this is not a known roster format: it has {found}. OneRoster has a {MANIFEST}; Clever's layout has"
        " schools.csv, students.csv, teachers.csv, sections.csv and enrollments.csv"
    )
