"""Detects the format of a roster's files."""

from __future__ import annotations

from passback.domain.clock import Clock, system_clock
from passback.sis.archive import Archive
from passback.sis.clever import Clever
from passback.sis.oneroster import MANIFEST, OneRoster
from passback.sis.rows import Format, UnusableFile


def format_of(archive: Archive, clock: Clock = system_clock) -> Format:
    """The format of an archive's files; `clock` says what is current. Raises `UnusableFile` if it is unknown."""
    if MANIFEST in archive.sizes:
        return OneRoster(archive, clock)
    if {"schools.csv", "sections.csv"} <= archive.sizes.keys():
        return Clever(archive)
    found = ", ".join(sorted(archive.sizes)[:8]) or "no CSV file"
    raise UnusableFile(
        f"this is not a known roster format: it has {found}. OneRoster has a {MANIFEST}; Clever's layout has"
        " schools.csv, students.csv, teachers.csv, sections.csv and enrollments.csv"
    )
