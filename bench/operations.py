"""The operations whose cost is measured, on the sandbox's built-in gradebook, and how many statements each takes."""

from __future__ import annotations

import asyncio
import contextlib
import json

from msgspec import Struct

from bench.way import Count, call
from passback.app import build_api, build_gateway, open_database
from passback.domain.clock import system_clock
from passback.domain.roster import User
from passback.settings import Settings
from passback.store import enrollments, roster
from passback.store.engine.database import Connection
from passback_simulators.identities import ALGEBRA, SANDBOX_UNIFIED

PAGE = 100
"""How many students the section has: a page of submissions."""
TOKEN = SANDBOX_UNIFIED.token
SECTION = SANDBOX_UNIFIED.id(ALGEBRA.digits)
STUDENTS = [SANDBOX_UNIFIED.id(it) for it in ALGEBRA.students]
ASSIGNMENTS = f"/v3.1/sections/{SECTION}/assignments"
ESSAY = json.dumps(
    {
        "title": "Essay 1",
        "description": "Two pages on a book of your choice",
        "due_date": "2099-06-01T23:59:00Z",
        "points_possible": 20,
        "submission_types": ["file", "text"],
    }
).encode()

Request = tuple[str, str, bytes]
"""Method, address and body."""


class Operation(Struct, frozen=True):
    """A request, or similar ones in turn."""

    name: str
    requests: list[Request]
    status: int = 200
    goals: dict[str, tuple[str, str]] = {}
    """Per database with 16 and 64 connections."""
    beside_writes: bool = False
    """Whether another process writes to the database meanwhile."""


def operations(assignment: str) -> list[Operation]:
    """All of them; `assignment` is the address of one in a section that `fill_up` has filled."""
    row_5 = ESSAY.replace(b'["file", "text"]', b'[""]')
    row_7 = ESSAY.replace(b'", "description"', b'" : "description"')
    grades = [
        ("PATCH", f"{assignment}/submissions/{student}", b'{"grade_points": %d}' % points)
        for points in range(20)
        for student in STUDENTS
    ]
    bulk = [("PATCH", f"{assignment}/submissions", _of_all(points)) for points in range(20)]
    refused = {"sqlite": ("0.65", "0.65"), "postgresql": ("90 us", "90 us")}
    get = {"sqlite": ("0.45", "0.45"), "postgresql": ("300 us", "300 us")}
    return [
        Operation("POST refused by row 5", [("POST", ASSIGNMENTS, row_5)], 400, refused),
        Operation("POST refused by row 7", [("POST", ASSIGNMENTS, row_7)], 400, refused),
        Operation("GET an assignment", [("GET", assignment, b"")]),
        Operation("GET it while others write", [("GET", assignment, b"")], goals=get, beside_writes=True),
        Operation(
            "POST a valid one, durable", [("POST", ASSIGNMENTS, ESSAY)], goals={"sqlite": ("0.18", "0.27")}
        ),
        Operation("PATCH a grade", grades, goals={"sqlite": ("0.15", "0.22")}),
        Operation(
            "PATCH 30 grades in bulk",
            bulk,
            goals={"sqlite": ("1950 us", "1950 us"), "postgresql": ("150/s", "150/s")},
        ),
        Operation(
            f"GET a page of {PAGE} submissions",
            [("GET", f"{assignment}/submissions?limit={PAGE}", b"")],
            goals={"sqlite": ("900 us", "900 us")},
        ),
    ]


def fill_up(conn: Connection) -> None:
    """Add students to the section, up to a page of them."""
    now = system_clock()
    digits = [f"{9000 + number:06}" for number in range(PAGE - len(STUDENTS))]
    users = [
        User(
            id=SANDBOX_UNIFIED.id(it), district_id=SANDBOX_UNIFIED.district_id, role="student",
            first_name="Robin", middle_name=None, last_name=it, email=None, sis_id=it, school_id=None,
            grade=None, lms_id=SANDBOX_UNIFIED.id(it), created=now, last_modified=now,
        )
        for it in digits
    ]  # fmt: skip
    roster.insert(conn, roster.USERS, users)
    enrollments.enroll(conn, SECTION, "student", map(SANDBOX_UNIFIED.id, digits))


async def statements(database_url: str) -> dict[str, int]:
    """How many statements each takes on a database ('' for SQLite), by name; the token's are among them."""
    settings = Settings(data=":memory:", database_url=database_url)
    count = Count()
    found = {}
    with contextlib.closing(open_database(settings, "sandbox")) as database:
        count.store(database)
        gateway = build_gateway(database, settings, kind="sandbox")
        api = build_api(gateway, settings, "sandbox")
        database.write_now(fill_up)
        made = await call(api, TOKEN, "POST", ASSIGNMENTS, ESSAY)
        for it in operations(f"{ASSIGNMENTS}/{made['data']['id']}"):
            first, second = (*it.requests, it.requests[0])[:2]
            await call(api, TOKEN, *first, status=it.status)
            await asyncio.sleep(0.05)  # the token is looked up again
            count.statements = 0
            count.counting = True
            await call(api, TOKEN, *second, status=it.status)
            count.counting = False
            found[it.name] = count.statements
        await gateway.connectors.close()
    return found


def _of_all(points: int) -> bytes:
    return json.dumps(
        {"submissions": [{"user_id": student, "grade_points": points} for student in STUDENTS]}
    ).encode()
