"""Over generated districts: whatever is wrong with one row, everything else arrives and nothing that existed goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from passback.domain.roster import District
from passback.store import enrollments, roster
from passback.store.engine import migrate
from passback.store.engine.open import connect
from support.imports import DISTRICT, FORMATS, Importer
from support.rosters import Files, Table, text

PLACES: Mapping[str, Mapping[str, tuple[str, str, str]]] = {
    # file: the columns that must be filled, that refer to something, and that have a day
    "clever": {
        "schools.csv": ("School_id School_name", "", ""),
        "students.csv": ("School_id Student_id First_name Last_name", "School_id", ""),
        "teachers.csv": ("School_id Teacher_id First_name Last_name", "School_id", ""),
        "sections.csv": ("School_id Section_id", "School_id Teacher_id", "Term_start"),
        "enrollments.csv": ("Section_id Student_id", "Section_id Student_id", ""),
    },
    "1.1": {
        "orgs.csv": ("sourcedId name type", "", ""),
        "academicSessions.csv": ("sourcedId title type", "", "startDate endDate"),
        "courses.csv": ("sourcedId title", "", ""),
        "classes.csv": ("sourcedId title schoolSourcedId", "schoolSourcedId", ""),
        "users.csv": ("sourcedId givenName familyName role", "orgSourcedIds role status", ""),
        "enrollments.csv": (
            "classSourcedId userSourcedId role", "classSourcedId userSourcedId role status", "beginDate endDate",
        ),
    },
    "1.2": {
        "users.csv": ("sourcedId givenName familyName", "primaryOrgSourcedId status", ""),
        "roles.csv": ("userSourcedId role", "userSourcedId orgSourcedId role status", ""),
        "enrollments.csv": (
            "classSourcedId userSourcedId role", "classSourcedId userSourcedId role status", "beginDate endDate",
        ),
    },
}  # fmt: skip
WRONG = {
    "filled": ["", " ", "x" * 1001, "é"],
    "referring": ["x9", "é"],
    "a day": ["soon", "46254", "20/8/2026"],
}


class Case(Struct, frozen=True):
    """A district, the file with a wrong row, and the ids of who is new in it."""

    good: Files
    wrong: Mapping[str, Table | bytes]
    student: str
    section: str


def _row(files: Files, name: str, model: int, **values: str) -> tuple[str, ...]:
    """A row of a file like one that it has, with other values."""
    header, *rows = files[name]
    return tuple(values.get(title, value) for title, value in zip(header, rows[model], strict=True))


@st.composite
def districts_of(draw: st.DrawFn, kind: str) -> Case:
    """A district with some sections and people, and one wrong row among those of today."""
    files: dict[str, Table] = {name: list(table) for name, table in FORMATS[kind].items()}
    user, role_of, class_ = (
        ("Student_id", "", "Section_id")
        if kind == "clever"
        else ("userSourcedId", "sourcedId", "classSourcedId")
    )
    people = "students.csv" if kind == "clever" else "users.csv"
    place = "sections.csv" if kind == "clever" else "classes.csv"
    person, section = ("Student_id", "Section_id") if kind == "clever" else ("sourcedId", "sourcedId")

    def add(name: str, row: Sequence[str]) -> None:
        files[name] = [*files[name], tuple(row)]

    def add_student(id_: str) -> None:
        add(people, _row(files, people, 0, **{person: id_, "Last_name": id_, "familyName": id_}))
        if kind == "1.2":
            add("roles.csv", _row(files, "roles.csv", 0, sourcedId=f"r-{id_}", userSourcedId=id_))

    def enroll(id_: str, where: str) -> None:
        own = {user: id_, class_: where, **({role_of: f"{id_}-{where}"} if role_of else {})}
        add("enrollments.csv", _row(files, "enrollments.csv", 0, **own))

    sections = ["c1", *(f"c{number}" for number in range(2, draw(st.integers(2, 4))))]
    for id_ in sections[1:]:
        add(place, _row(files, place, 0, **{section: id_}))
    for number in range(draw(st.integers(0, 4))):
        add_student(f"s{number}")
        for where in draw(st.sets(st.sampled_from(sections), max_size=2).map(sorted)):
            enroll(f"s{number}", where)
    good = dict(files)
    add_student("new")
    where = draw(st.sampled_from(sections))
    enroll("new", where)
    name = draw(st.sampled_from(sorted(PLACES[kind])))
    index = draw(st.integers(1, len(good[name]) - 1))
    return Case(good, {**files, name: draw(_spoiled(files[name], kind, name, index))}, "new", where)


@st.composite
def _spoiled(draw: st.DrawFn, table: Table, kind: str, name: str, index: int) -> bytes:
    """A file with one row in which something is wrong."""
    rows = [list(row) for row in table]
    row, header = rows[index], rows[0]
    ways = {
        way: columns.split()
        for way, columns in zip(WRONG, PLACES[kind][name], strict=True)
        if columns and set(columns.split()) & set(header)
    }
    way = draw(st.sampled_from([*ways, "short", "long", "quoted", "open"]))
    lines = text(rows).encode().splitlines(keepends=True)
    if way in ways:
        column = draw(st.sampled_from([it for it in ways[way] if it in header]))
        row[header.index(column)] = draw(st.sampled_from(WRONG[way]))
        lines[index] = text([row]).encode("cp1252")
    elif way in ("short", "long"):
        lines[index] = text([row[:1] if way == "short" else [*row, "x"]]).encode()
    else:
        first = b'"' if way == "open" else b'"x"'
        lines[index] = first + lines[index].lstrip(b'"')
    return b"".join(lines)


def _state(bring: Importer) -> tuple[dict[str, Any], dict[tuple[str, str], set[str]]]:
    """Everything in the roster by id, and the members of the sections."""
    tables: list[roster.Table[Any]] = [
        roster.SCHOOLS,
        roster.TERMS,
        roster.COURSES,
        roster.SECTIONS,
        roster.USERS,
    ]
    found = {it.id: it for table in tables for it in bring.all(table)}
    sections = [it.id for it in bring.all(roster.SECTIONS)]
    members = bring.database.read_now(lambda conn: enrollments.section_members(conn, sections))
    return found, {key: set(ids) for key, ids in members.items()}


@pytest.mark.parametrize("kind", FORMATS)
def test_everything_else_arrives_and_nothing_goes(tmp_path: Path, kind: str) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(districts_of(kind))
    def holds(case: Case) -> None:
        database = connect("", None)
        try:
            migrate.prepare(database, "production")
            made = [District(DISTRICT, "D", "builtin", "", None, 0, 0, {})]
            database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, made))
            bring = Importer(database, tmp_path)
            bring(case.good)
            before, members_before = _state(bring)
            checked = bring(case.wrong)
            assert checked.plan is not None, checked
            after, members = _state(bring)
            assert before.keys() <= after.keys()
            for id_, was in before.items():
                assert (
                    after[id_] == was or getattr(was, "sis_id", "") == case.section
                )  # whose members changed
            for key, ids in members_before.items():
                assert ids <= members[key]
            [new] = [id_ for id_ in after if getattr(after[id_], "sis_id", "") == case.student]
            [place] = [it.id for it in bring.all(roster.SECTIONS) if it.sis_id == case.section]
            assert members[place, "student"] - members_before.get((place, "student"), set()) == {new}
        finally:
            database.close()

    holds()
