"""Finding people, assignments and deliveries, on every database."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from passback.domain.delivery import Delivery
from passback.sandbox.seed import seed
from passback.store import assignments, deliveries, search
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database
from passback.store.engine.open import connect
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, NOW, SECTION

PEOPLE = {
    "p1": ("José", "García"),
    "p2": ("Jose", "Garcia Lorca"),
    "p3": ("Mária", "GARCÍA"),
    "p4": ("Anna", "van der Berg"),
    "p5": ("Bergljót", "Øster"),
}


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database_of(request.param) as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        opened.write_now(_fill)
        yield opened


def _fill(conn: Connection) -> None:
    columns = ("id", "district_id", "role", "first_name", "last_name", "sis_id", "number", "email", "created")
    rows = [
        (key, DISTRICT, "student", *names, f"sis-{key}", f"no-{key}", f"{key}@Example.org", NOW)
        for key, names in PEOPLE.items()
    ]
    conn.insert("users", (*columns, "last_modified"), [(*row, NOW) for row in rows])
    for key, title in {"a1": "Écoles de Paris", "a2": "Ecole 2"}.items():
        assignments.add(
            conn,
            assignment_id=key,
            section_id=SECTION,
            lms_id=f"lms-{key}",
            title=title,
        )
    enrollments = [(SECTION, key, "student") for key in PEOPLE]
    conn.insert("enrollments", ("section_id", "user_id", "role"), enrollments)
    deliveries.add(
        conn,
        [
            grade("d1", "a1", "p1", state="delivered", request_id="request-number7"),
            grade("d2", "a2", "p1", state="refused"),
            grade("d3", "a1", "p2", state="delivered"),
            grade("d4", "a1", "p1", state="waiting"),
            grade("d5", "a1", "p3", state="delivering"),
            delivery("d6", state="delivered", user_id=None, assignment_id="a1", lane="assignment/a1"),
        ],
    )


def grade(delivery_id: str, assignment_id: str, user_id: str, **changes: Any) -> Delivery:
    lane = f"submission/{assignment_id}/{user_id}"
    return delivery(delivery_id, user_id=user_id, assignment_id=assignment_id, lane=lane, **changes)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("garcia", {"p1", "p2", "p3"}),
        ("GARCÍA", {"p1", "p2", "p3"}),
        ("jose garcia", {"p1", "p2"}),
        ("García, José", {"p1", "p2"}),
        ("garcia lorca", {"p2"}),
        ("van der b", {"p4"}),
        ("anna van", {"p4"}),
        ("berg", {"p5"}),
        ("oster", {"p5"}),
        ("garciaz", set()),
        (", ", set()),
        ("%", set()),
    ],
)
def test_people_are_found_by_how_their_names_begin(asked: str, ids: set[str], database: Database) -> None:
    found = database.read_now(lambda conn: search.people_named(conn, DISTRICT, asked, 50))
    assert {it.id for it in found} & PEOPLE.keys() == ids


class Explained:
    """A connection to SQLite that notes what a statement reads from end to end: a table, or a whole district's part."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.scans: list[str] = []

    def execute(self, sql: str, parameters: Any = None) -> Any:
        plan = [row[3] for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters or {})]
        self.scans += [it for it in plan if it.startswith("SCAN") and it != "SCAN near"]
        self.scans += [it for it in plan if it.endswith("(district_id=?)")]
        return self._connection.execute(sql, parameters or {})


@pytest.mark.parametrize(
    "question",
    [
        lambda conn: search.people_named(conn, DISTRICT, "jose garcia", 50),
        lambda conn: search.people_known_as(conn, [DISTRICT, "other"], "p1", 50),
        lambda conn: search.person(conn, DISTRICT, "p1"),
        lambda conn: search.assignments_titled(conn, DISTRICT, "ecole", 50),
        lambda conn: search.assignments_known_as(conn, [DISTRICT], "a1", 50),
        lambda conn: search.of_request(conn, "request-number7", None, 50),
        lambda conn: search.of_request(conn, "request-number7", ("d1", "d3"), 50),
        lambda conn: search.of_person(conn, "p1", "", 50),
        lambda conn: search.newest_of_each(conn, "a1", ["p1", "p2"]),
        lambda conn: search.of_assignment_itself(conn, "a1", 50),
        lambda conn: search.sections_named(conn, DISTRICT, "algebra", 50),
        lambda conn: search.section_known_as(conn, [DISTRICT, "other"], SECTION),
        lambda conn: search.students_of(conn, SECTION, "", 50),
        lambda conn: search.sections_of(conn, "p1", 50),
    ],
)
def test_no_question_reads_a_whole_table(question: Callable[[Any], Any], tmp_path: Path) -> None:
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        database.write_now(_fill)

        def explain(conn: Connection) -> list[str]:
            explained = Explained(conn)
            question(explained)
            return explained.scans

        assert database.read_now(explain) == []


def test_no_more_people_are_found_than_are_asked_for(database: Database) -> None:
    assert len(database.read_now(lambda conn: search.people_named(conn, DISTRICT, "garcia", 2))) == 2


@pytest.mark.parametrize("asked", ["sis-p1", "no-p1", "P1@example.org", "P1"])
def test_a_person_is_found_by_what_is_their_own(asked: str, database: Database) -> None:
    found = database.read_now(lambda conn: search.people_known_as(conn, [DISTRICT], asked, 50))
    assert [it.id for it in found] == ["p1"]
    assert database.read_now(lambda conn: search.people_known_as(conn, ["other"], asked, 50)) == []


def test_assignments_are_found_by_how_their_titles_begin(database: Database) -> None:
    found = database.read_now(lambda conn: search.assignments_titled(conn, DISTRICT, "ecole", 50))
    assert {it.id for it in found} == {"a1", "a2"}
    assert database.read_now(lambda conn: search.assignments_titled(conn, "other", "ecole", 50)) == []


@pytest.mark.parametrize("asked", ["A1", "lms-a1"])
def test_an_assignment_is_found_by_its_ids(asked: str, database: Database) -> None:
    found = database.read_now(lambda conn: search.assignments_known_as(conn, [DISTRICT], asked, 50))
    assert [it.title for it in found] == ["Écoles de Paris"]


def test_deliveries_of_a_student_an_assignment_and_a_request_are_found(database: Database) -> None:
    assert database.read_now(lambda conn: search.of_person(conn, "p1", "", 10)) == ["d4", "d2", "d1"]
    assert database.read_now(lambda conn: search.of_person(conn, "p1", "d4", 1)) == ["d2"]
    newest = database.read_now(lambda conn: search.newest_of_each(conn, "a1", [*PEOPLE]))
    assert newest == {"p1": "d4", "p2": "d3", "p3": "d5"}
    assert database.read_now(lambda conn: search.of_assignment_itself(conn, "a1", 10)) == ["d6", "a1"]
    assert database.read_now(lambda conn: search.of_request(conn, "request-number7", None, 10)) == ["d1"]
