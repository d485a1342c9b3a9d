"""Districts of several sizes: what it takes to import and match them, and whether reading costs more in a large one.

30 students to a section, six sections to a student, in the five files of Clever's SFTP sync. Beside the seconds is the
CPU time by the kernel's clock of the process, which is steady on a busy machine.
"""

from __future__ import annotations

import contextlib
import csv
import http.client
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import running
from passback.domain.clock import system_clock
from passback.domain.roster import District
from passback.rosters import import_files, match
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.progress import Quiet
from passback.store import roster, tokens
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect

SIZES = (1_000, 50_000, 1_000_000)
"""How many students a district has."""
TOKEN = "BENCH_TOKEN"
READS = 1_000

_DISTRICT = "d" * 24
_SECTIONS_OF_A_STUDENT = 6
_STUDENTS_OF_A_SECTION = 30
_STUDENTS_OF_A_SCHOOL = 1_000


@dataclass(frozen=True)
class Taken:
    """What a piece of work took."""

    seconds: float
    cpu: float
    """Seconds of CPU time."""
    memory: float = 0
    """The most memory, in MiB."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu:.1f} of CPU)"


@dataclass(frozen=True)
class Result:
    """What a district of one size takes."""

    students: int
    file_bytes: int
    first: Taken
    """The first import."""
    changed: Taken
    """Importing again, with one more student."""
    again: Taken
    """Importing the same once more."""
    match: Taken
    """Matching all to an LMS that has been read."""
    follow: Taken
    """Making the roster what was read."""
    reads: dict[str, tuple[float, float]]
    """The median seconds of each kind of read, and those of the same in the smallest, one after the other."""


def generate(folder: Path, students: int, seed: int = 1) -> int:
    """Write a district's files; how many bytes they are."""
    chance = random.Random(seed)
    sections = max(1, students * _SECTIONS_OF_A_STUDENT // _STUDENTS_OF_A_SECTION)
    teachers = max(1, sections // 5)
    schools = max(1, students // _STUDENTS_OF_A_SCHOOL)
    folder.mkdir(parents=True)

    def write(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)

    def name() -> str:
        return chance.choice("BCDFGHKLMNPRSTVZ") + "".join(chance.choices("aeioulnrst", k=6))

    write("schools.csv", ("School_id", "School_name"), ((f"s{it}", f"School {it}") for it in range(schools)))
    write(
        "students.csv",
        ("School_id", "Student_id", "First_name", "Last_name", "Grade", "Student_email"),
        (
            (f"s{it % schools}", f"p{it}", name(), name(), 1 + it % 12, f"p{it}@d.example")
            for it in range(students)
        ),
    )
    write(
        "teachers.csv",
        ("School_id", "Teacher_id", "First_name", "Last_name", "Teacher_email"),
        ((f"s{it % schools}", f"t{it}", name(), name(), f"t{it}@d.example") for it in range(teachers)),
    )
    write(
        "sections.csv",
        ("School_id", "Section_id", "Teacher_id", "Name", "Course_name", "Course_number", "Term_name"),
        (
            (
                f"s{it % schools}",
                f"c{it}",
                f"t{it % teachers}",
                f"Section {it}",
                f"Course {it % 900}",
                it % 900,
                "2026",
            )
            for it in range(sections)
        ),
    )
    write(
        "enrollments.csv",
        ("School_id", "Section_id", "Student_id"),
        (
            (f"s{it % schools}", f"c{(it * _SECTIONS_OF_A_STUDENT + nth) % sections}", f"p{it}")
            for it in range(students)
            for nth in range(_SECTIONS_OF_A_STUDENT)
        ),
    )
    return sum(file.stat().st_size for file in folder.iterdir())


def measure(folder: Path, students: int) -> Result:
    """Import a district of that size twice, and read from it and from the first that was measured, as it was then."""
    data = folder / f"data-{students}"
    with contextlib.closing(connect("", data / "passback.db")) as database:
        migrate.prepare(database, "production")
        now = system_clock()
        made = District(_DISTRICT, "Bench", "builtin", "success", None, now, now, {})
        database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, [made]))
        database.write_now(
            lambda conn: tokens.create(
                conn, district_id=_DISTRICT, application="Bench", secret=TOKEN, now=now
            )
        )
    size = generate(folder / f"files-{students}", students)
    files = folder / f"files-{students}"
    first = _import(files, data)
    with (files / "students.csv").open("a", newline="") as file:
        file.write("s0,new,Ann,Ash,9,new@d.example\r\n")
    changed, again = _import(files, data), _import(files, data)
    smallest = folder / "smallest"
    if not smallest.exists():
        shutil.copytree(data, smallest)
    with contextlib.ExitStack() as ends:
        ports = [
            ends.enter_context(running("-m", "passback", "serve", "--port", "0", "--data", str(served)))[0]
            for served in (data, smallest)
        ]
        reads = _reads(ports)
    matched, followed = _sync(data)
    return Result(students, size, first, changed, again, matched, followed, reads)


def _sync(data: Path) -> tuple[Taken, Taken]:
    """What matching the district takes, as if an LMS that has just the same had been read, and following it."""

    def read(conn: Connection) -> None:
        conn.execute("INSERT INTO lms_courses SELECT district_id, id, name, sis_id, number, 1 FROM courses")
        conn.execute(
            "INSERT INTO lms_sections SELECT district_id, 'at-' || id, course_id, name, sis_id, 1 FROM sections"
        )
        conn.execute(
            "INSERT INTO lms_members SELECT district_id, 'at-' || section_id, enrollments.role, 'at-' || id,"
            " first_name || ' ' || last_name, email, sis_id FROM enrollments JOIN users ON users.id = user_id"
        )

    with contextlib.closing(connect("", data / "passback.db")) as database:
        database.write_now(read)
        times = [(time.monotonic(), time.process_time())]
        with database.session() as session:
            match.match_roster(
                session,
                _DISTRICT,
                system_clock,
                lambda _: None,
                lambda _done, _total: None,
                allow_losses=True,
            )
        times.append((time.monotonic(), time.process_time()))
        with database.session() as session:
            files = LmsRoster(session, _DISTRICT, "The LMS's roster")
            options = import_files.Options(allow_removals=True)
            checked = import_files.check(session, files, _DISTRICT, system_clock, Quiet(), options)
            assert checked.plan is not None, checked.problems
            import_files.apply(session, checked.plan, system_clock, Quiet(), lambda _: None)
        times.append((time.monotonic(), time.process_time()))
    matched, followed = (
        Taken(end[0] - begin[0], end[1] - begin[1]) for begin, end in itertools.pairwise(times)
    )
    return matched, followed


def _import(files: Path, data: Path) -> Taken:
    """What an import takes."""
    command = ["roster", "import", str(files), "--district", _DISTRICT, "--data", str(data)]
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "passback", *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the import failed"
    return Taken(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _reads(ports: Sequence[int]) -> dict[str, tuple[float, float]]:
    """The median seconds of each kind of read from each of two servers, called in turn."""
    readers = [_Reader(port) for port in ports]
    medians = {}
    for name in readers[0].paths:
        times: list[list[float]] = [[], []]
        for _ in range(READS):
            for reader, taken in zip(readers, times, strict=True):
                began = time.perf_counter()
                reader.ask("GET", reader.paths[name])
                taken.append(time.perf_counter() - began)
        medians[name] = statistics.median(times[0]), statistics.median(times[1])
    return medians


class _Reader:
    """Reads from a server's district."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        section = json.loads(self.ask("GET", "/v3.1/sections?limit=1"))["data"][0]["data"]
        user = section["students"][0]
        assignments = f"/v3.1/sections/{section['id']}/assignments"
        essay = '{"title":"Essay","description":"Two pages","due_date":"2099-06-01T23:59:00Z","points_possible":20}'
        assignment = json.loads(self.ask("POST", assignments, essay))["data"]["id"]
        self.paths = {
            "a section": f"/v3.1/sections/{section['id']}",
            "a user": f"/v3.1/users/{user}",
            "a submission": f"{assignments}/{assignment}/submissions/{user}",
        }

    def ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """What a call answers."""
        self._connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return content


def bench(folder: Path, sizes: Sequence[int] = SIZES) -> None:
    """Measure and print, beside the smallest."""
    print("\nrosters: imports, and the median times of reads beside those of the smallest")
    for students in sizes:
        found = measure(folder, students)
        reads = ", ".join(
            f"{name} {1000 * seconds:.2f} ms ({seconds / smallest:.2f})"
            for name, (seconds, smallest) in found.reads.items()
        )
        memory = max(it.memory for it in (found.first, found.changed, found.again))
        print(
            f"  {students:>9,} students, {found.file_bytes / 1e6:6.1f} MB: import {found.first}, again with one more"
            f" {found.changed}, the same {found.again}, {memory:4.0f} MiB, matched in {found.match}, taken over from"
            f" an LMS in {found.follow}; {reads}",
            flush=True,
        )
