"""Which format a roster's files are in."""

from __future__ import annotations

from passback.sis.archive import Archive
from passback.sis.clever import Clever
from passback.sis.oneroster import MANIFEST, OneRoster
from passback.sis.rows import Format, UnusableFile


def format_of(archive: Archive) -> Format:
    """The format of an archive's files. Raises `UnusableFile` for one that is unknown."""
    if MANIFEST in archive.sizes:
        return OneRoster(archive)
    if {"schools.csv", "sections.csv"} <= archive.sizes.keys():
        return Clever(archive)
    there = ", ".join(sorted(archive.sizes)[:8]) or "no CSV file at all"
    raise UnusableFile(
        f"this is no roster that is known: there is {there}. OneRoster has a {MANIFEST}; Clever's layout has"
        " schools.csv, students.csv, teachers.csv, sections.csv and enrollments.csv"
    )
