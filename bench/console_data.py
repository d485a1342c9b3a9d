"""A district with so many students and ten deliveries for each, as the console's pages are measured on it.

The rows go straight into the tables: to accept a million deliveries one by one would take an hour. Of a hundred, two
wait, one was refused, and one failed and was made up for by a later one, as an app does that asks again.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from uuid_utils import uuid7

from passback.domain.clock import DAY, HOUR, MINUTE, Instant
from passback.domain.delivery import Delivery, State
from passback.domain.roster import District
from passback.store import deliveries, districts, roster, tokens
from passback.store.engine.database import Connection, Opened

DISTRICT = "d" * 24
APPS = ("Reader", "Quiz", "Rare")
"""The district's applications. The last one has asked for one change in a hundred."""
STUDENTS_OF_A_SECTION = 30
_SECTIONS_OF_A_STUDENT = 6
_ASSIGNMENTS_OF_A_SECTION = 2
_ROWS = 5_000
"""How many rows are written with one transaction."""
_SPAN = 20 * DAY
"""Over how long the deliveries were accepted."""


def student(number: int) -> str:
    """A student's id."""
    return f"a{number:023x}"


_chance = random.Random(1)
_NAMES = ["".join(_chance.choices("aeioulnrst", k=6)).capitalize() for _ in range(2_000)]


def name(number: int) -> tuple[str, str]:
    """A student's first and last name: about as many names as a country has that are not rare."""
    chance = random.Random(number)
    return chance.choice(_NAMES), chance.choice(_NAMES)


def section(number: int) -> str:
    """A section's id."""
    return f"b{number:023x}"


def assignment(number: int) -> str:
    """An assignment's id."""
    return f"0190a000-0000-7000-9000-{number:012x}"


def delivery(number: int, now: Instant, of: int) -> tuple[str, Instant]:
    """The id of a delivery, one of so many, and when it was accepted, which its id tells."""
    at = now - _SPAN + _SPAN * number // (of + 1)
    return f"{at >> 16:08x}-{at & 0xFFFF:04x}-7000-8000-{number:012x}", at


def analyse(database: Opened) -> None:
    """Gather statistics of all tables, as PostgreSQL does by itself, but later."""
    with database.session() as session:
        for table in sorted(session.tables()):
            session.analyse(table)


def fill(database: Opened, students: int, now: Instant) -> None:
    """Make the district."""
    made = District(DISTRICT, "Bench", "canvas", "success", now, now, now, {"students": 97.0})
    sections = max(1, students * _SECTIONS_OF_A_STUDENT // STUDENTS_OF_A_SECTION)
    database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, [made]))
    for app in APPS:
        database.write_now(
            lambda conn, app=app: tokens.create(  # type: ignore[misc]
                conn, district_id=DISTRICT, application=app, secret=f"token of {app}", now=now
            )
        )
    _people(database, students, sections, now)
    _assignments(database, sections, now)
    _deliveries(database, students, now)
    _waiting_matches(database, students)
    _audit(database, students, now)
    sizes = {"students": students, "sections": sections, "enrollments": students * _SECTIONS_OF_A_STUDENT}
    database.write_now(lambda conn: districts.note_sizes(conn, DISTRICT, sizes))
    database.write_now(
        lambda conn: conn.execute(
            "INSERT INTO lms_syncs (district_id, every, due, phase, failures)"
            " VALUES (:id, :day, :due, 'idle', 0)",
            {"id": DISTRICT, "day": DAY, "due": now + DAY},
        )
    )


def put_off(database: Opened, now: Instant) -> None:
    """Let nothing become due while it is measured."""
    database.write_now(
        lambda conn: conn.execute(
            "UPDATE deliveries SET due = :due WHERE state = 'waiting'", {"due": now + 14 * MINUTE}
        )
    )


def _people(database: Opened, students: int, sections: int, now: Instant) -> None:
    stamps = (now, now)
    _write(
        database,
        "users",
        "id district_id role first_name last_name email sis_id number lms_id created last_modified",
        (
            (
                student(it),
                DISTRICT,
                "student",
                *name(it),
                f"s{it}@bench.example",
                f"sis-{it}",
                f"{it}",
                # Two of ten are not matched; one of these has candidates.
                None if it % 10 < 2 else f"u{it}",
                *stamps,
            )
            for it in range(students)
        ),
    )
    _write(
        database,
        "sections",
        "id district_id name sis_id lms_id created last_modified",
        (
            (section(it), DISTRICT, f"Section {it}", f"sis-{it}", section(it), *stamps)
            for it in range(sections)
        ),
    )
    _write(
        database,
        "enrollments",
        "section_id user_id role",
        (
            (section((it * _SECTIONS_OF_A_STUDENT + nth) % sections), student(it), "student")
            for it in range(students)
            for nth in range(min(_SECTIONS_OF_A_STUDENT, sections))
        ),
    )
    for table, more in (("lms_courses", "number"), ("lms_sections", "course_id")):
        _write(
            database,
            table,
            f"district_id id name {more} read",
            ((DISTRICT, f"l{it}", f"Course {it}", "c", 1) for it in range(sections)),
        )


def _assignments(database: Opened, sections: int, now: Instant) -> None:
    of = [(it, it // _ASSIGNMENTS_OF_A_SECTION) for it in range(sections * _ASSIGNMENTS_OF_A_SECTION)]
    _write(
        database,
        "assignments",
        "id section_id lms_id title district_id",
        ((assignment(it), section(its), assignment(it), f"Essay {it} on a book", DISTRICT) for it, its in of),
    )
    _write(
        database,
        "gradebook_assignments",
        "id section_id title description grading_type submission_types due_date assignee_mode assignee_ids"
        " attachments published created last_modified points_possible",
        (
            (
                assignment(it), section(its), f"Essay {it} on a book", "x", "points", "[]", now, "all", "[]", "[]",
                1, now, now, "20",
            )
            for it, its in of
        ),
    )  # fmt: skip


def _deliveries(database: Opened, students: int, now: Instant) -> None:
    many = 10 * students
    lanes = _lanes(students)
    again: list[tuple[int, str, str, str]] = []

    def rows() -> Iterator[Delivery]:
        number = 0
        while number < many:
            state: State = "delivered"
            if again and number % 100 == 99:  # what made up for the one that failed
                _, its, assignment_id, user_id = again.pop()
            else:
                its, assignment_id, user_id = next(lanes)
                state = _STATES.get(number % 100, "delivered")
                if state == "failed":
                    again.append((number, its, assignment_id, user_id))
            id_, at = delivery(number, now, many)
            yield Delivery(
                id=id_,
                district_id=DISTRICT,
                application=APPS[-1] if number % 97 == 7 else APPS[number % 2],
                operation="update_submission",
                section_id=its,
                assignment_id=assignment_id,
                user_id=user_id,
                destination=DISTRICT,
                lane=f"submission/{assignment_id}/{user_id}",
                rank=at,
                content='{"grade_points":"5","grade_comment":"Well argued"}',
                background=number % 2 == 0,
                state=state,
                attempts=1,
                created=at,
                due=now if state == "waiting" else at,
                expires=now + 72 * HOUR,
                finished=None if state == "waiting" else at + 1_000,
                fence=1,
                status=None if state == "waiting" else 200 if state == "delivered" else 500,
                cause="the LMS is down" if state != "delivered" else None,
                request_id=f"request-{number}" if number % 50 == 0 else str(uuid7()),
            )
            number += 1

    source = rows()
    while some := list(itertools.islice(source, _ROWS)):
        database.write_now(lambda conn, some=some: deliveries.add(conn, some))  # type: ignore[misc]


_STATES: dict[int, State] = {11: "waiting", 31: "waiting", 51: "refused", 71: "failed"}


def _lanes(students: int) -> Iterator[tuple[str, str, str]]:
    """Section, assignment and student of each submission, again and again."""
    sections = max(1, students * _SECTIONS_OF_A_STUDENT // STUDENTS_OF_A_SECTION)
    while True:
        for nth in range(_SECTIONS_OF_A_STUDENT):
            for it in range(students):
                its = (it * _SECTIONS_OF_A_STUDENT + nth) % sections
                for one in range(_ASSIGNMENTS_OF_A_SECTION):
                    yield section(its), assignment(its * _ASSIGNMENTS_OF_A_SECTION + one), student(it)


def _waiting_matches(database: Opened, students: int) -> None:
    _write(
        database,
        "match_candidates",
        "district_id id lms_id name sis_id reason",
        (
            (DISTRICT, student(it), f"c{it}-{nth}", "Robin Doe", f"sis-{it}", "the given name differs")
            for it in range(0, students, 10)
            for nth in range(2)
        ),
    )


def _audit(database: Opened, students: int, now: Instant) -> None:
    many = max(1_000, students)
    _write(
        database,
        "audit",
        "id at actor action object_id district detail",
        (
            (
                delivery(it, now, many)[0],
                delivery(it, now, many)[1],
                f"account:teacher{it % 10}@bench.example",
                "token.rotated" if it % 5_000 == 7 else "gradebook.graded",
                assignment(it % 100),
                DISTRICT,
                "student x",
            )
            for it in range(many)
        ),
    )


def _write(database: Opened, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    source = iter(rows)
    while some := list(itertools.islice(source, _ROWS)):

        def write(conn: Connection, some: list[Sequence[Any]] = some) -> None:
            conn.insert(table, tuple(columns.split()), some)

        database.write_now(write)
