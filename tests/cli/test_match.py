"""``passback match``: what a person must decide, and what they say by hand."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest

from passback.sandbox.seed import seed
from passback.store import districts, matching, number_fits, syncs
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.store.number_fits import NumberFit
from passback.testing.served import serving
from passback.testing.slate.simulator import SlateSimulator
from support import commands as running
from support.blocks import blocks
from support.sandbox import DISTRICT, NOW, SECTION, STUDENTS, SetClock, stored
from support.slate import installed

T = TypeVar("T")

ONE, OTHER = STUDENTS[:2]
GUIDE = "docs/how-to/match-a-roster.md"
_PROMPT = "q to stop] "


def command(folder: Path, *arguments: str) -> list[str]:
    return running.command("match", *arguments, "--data", str(folder))


class Commands:
    """The command on a data file with two students, each of whom may be one of two people of the LMS's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.closing(connect("", folder / "passback.db")) as database:
            migrate.prepare(database, "sandbox")
        self.write(lambda conn: seed(conn, NOW))
        for id_ in (ONE, OTHER):
            self.open("users", id_)

    def write(self, fn: Callable[[Connection], T]) -> T:
        with contextlib.closing(connect("", self.folder / "passback.db")) as database:
            return database.write_now(fn)

    def open(self, table: str, id_: str, **known: Any) -> None:
        """Let a section or user be undecided between two of the LMS's, of whom the same is known."""
        self.offer(table, id_, *({"lms_id": it, "name": f"No. {it}", **known} for it in ("77", "78")))

    def offer(self, table: str, id_: str, *candidates: Mapping[str, Any]) -> None:
        """Let a section or user be undecided between candidates."""

        def write(conn: Connection) -> None:
            conn.execute(f"UPDATE {table} SET lms_id = NULL, matched_by = NULL WHERE id = :id", {"id": id_})
            for candidate in candidates:
                fields = {"district_id": DISTRICT, "id": id_, **candidate}
                conn.execute(
                    f"INSERT INTO match_candidates ({', '.join(fields)})"
                    f" VALUES ({', '.join(':' + it for it in fields)})",
                    fields,
                )

        self.write(write)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return running.run("match", *arguments, "--data", str(self.folder), stdin=stdin)

    def review(self, answers: str) -> subprocess.CompletedProcess[str]:
        return self.run("review", "--district", DISTRICT, stdin=answers)

    @contextlib.contextmanager
    def reviewing(self) -> Iterator[subprocess.Popen[str]]:
        """A review that has asked its first question."""
        with subprocess.Popen(
            command(self.folder, "review", "--district", DISTRICT),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            read_to(process.stdout, _PROMPT)
            yield process

    def matched(self, *ids: str) -> list[tuple[str | None, str | None]]:
        found = {it.id: it for it in self.write(lambda conn: matching.all_of(conn, DISTRICT))}
        return [(found[id_].lms_id, found[id_].matched_by) for id_ in ids or (ONE, OTHER)]

    def asked(self) -> bool:
        """Whether a sync was asked for."""
        found = self.write(lambda conn: syncs.find(conn, DISTRICT))
        return found is not None and found.requested is not None


def read_to(stream: IO[str] | None, end: str) -> None:
    assert stream is not None
    told = ""
    while not told.endswith(end):
        character = stream.read(1)
        assert character, told
        told += character


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def test_each_is_shown_and_decided(commands: Commands) -> None:
    told = commands.review("7\nx\n2\n1\n")
    assert (told.returncode, told.stderr, commands.matched()) == (0, "", [("78", "hand"), ("77", "hand")])
    assert commands.review("").stdout == "There is nothing to decide.\n"


def test_what_tells_them_apart_is_shown(commands: Commands) -> None:
    commands.open(
        "sections", SECTION, course="Maths\x1b[31m", teachers="Ann Lee, Bo Ek", students=1, sis_id="s-1"
    )
    told = commands.review("q\n").stdout
    assert told.startswith(
        f"1 of 3: section Algebra 1 ({SECTION}): course Algebra 1; at Sandbox High School; term School year; period 7;"
        " taught by Amara Okafor; 30 students; SIS id section-7\n"
        "  1  No. 77 (77): course Maths [31m; taught by Ann Lee, Bo Ek; 1 student; SIS id s-1\n"
        "  2  No. 78 (78): course Maths [31m;"
    ), told  # fmt: skip
    told = commands.review("s\nq\n").stdout
    assert (
        f"2 of 3: student Ada Abbott ({ONE}): in Algebra 1; ada.abbott@district-27.example; SIS id student-001001\n"
        in told
    ), told


def test_it_asks_as_the_guide_shows(commands: Commands) -> None:
    commands.write(lambda conn: conn.execute("DELETE FROM match_candidates"))
    one = {"lms_id": "107/207", "name": "Algebra 1", "teachers": "Amara Okafor, Bo Ek", "students": 31}
    other = {"lms_id": "108/208", "name": "Algebra 1", "teachers": "Cy Orr", "students": 10}
    why = {"course": "Algebra", "reason": "several sections have this name"}
    commands.offer("sections", SECTION, one | why, other | why)
    why = {
        "reason": "the name agrees, but its e-mail address is a@x.example, not ada.abbott@district-27.example"
    }
    commands.offer("users", ONE, {"lms_id": "4", "name": "Ada Abbott", "email": "a@x.example", **why})
    [shown] = [it.text for it in blocks(GUIDE, "") if "Which is it?" in it.text]
    asked = re.sub(r"(?m)^(Which is it\?.*\] )\d?$", r"\1", shown).replace(
        "] \n", "] "
    )  # what is typed shows no line
    assert commands.review("1\nq\n").stdout.startswith(asked.rstrip())


def test_what_one_is_is_not_offered_to_another(commands: Commands) -> None:
    told = commands.review("1\nq\n").stdout
    assert told.count("  1  No. 77 (77)") == 1
    assert "  1  No. 78 (78)\nWhich is it? [1, s to skip" in told


def test_one_can_be_left_for_later(commands: Commands) -> None:
    assert commands.review("s\n1\n").returncode == 0
    assert commands.matched() == [(None, None), ("77", "hand")]


@pytest.mark.parametrize("answers", ["q\n", ""])
def test_the_rest_can_be_left_for_later(commands: Commands, answers: str) -> None:
    told = commands.review(f"1\n{answers}")
    assert (told.returncode, commands.matched()) == (0, [("77", "hand"), (None, None)])
    assert told.stdout.endswith("The rest is left for later.\n")


def test_it_can_be_interrupted(commands: Commands) -> None:
    commands.write(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    commands.open("sections", SECTION)
    with commands.reviewing() as process:
        assert process.stdin is not None
        process.stdin.write("1\n")
        process.stdin.flush()
        read_to(process.stdout, _PROMPT)
        process.send_signal(signal.SIGINT)
        told, wrong = process.communicate(timeout=30)
    assert (process.returncode, wrong, commands.matched(SECTION)) == (0, "", [("77", "hand")])
    assert "\nThe rest is left for later.\nA sync has been requested" in told
    assert commands.asked()


def test_the_number_that_sis_ids_are_taken_for_is_shown_and_why(commands: Commands) -> None:
    found = [
        NumberFit("student", "number", 11530, 11204, 11150, "fits"), NumberFit("student", "sis_id", 11530, 41, 0),
        NumberFit("student", "username", 11530, 0, 0), NumberFit("teacher", "sis_id", 711, 702, 698, "fits"),
    ]  # fmt: skip
    commands.write(lambda conn: number_fits.replace(conn, DISTRICT, found))
    none = [
        NumberFit("student", "sis_id", 1200, 0, 0, "fits"),
        NumberFit("teacher", "state_id", 30, 0, 0, "named"),
    ]
    shown = commands.run("status", "--district", DISTRICT).stdout.splitlines()
    assert shown[1:4] == blocks(GUIDE, "")[0].text.splitlines()
    commands.write(lambda conn: number_fits.replace(conn, DISTRICT, none))
    shown = commands.run("status", "--district", DISTRICT).stdout.splitlines()
    assert shown[1:3] == [
        "The LMS's SIS ids are none of the students' numbers",
        "SIS ids of teachers are taken for their state_id as match by says: 0 (0 by name, too) of 30 fit",
    ]


def test_without_a_terminal_it_says_what_to_do(commands: Commands) -> None:
    told = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *command(commands.folder, "review", "--district", DISTRICT)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("passback: match review asks at the terminal")


@pytest.mark.parametrize("meanwhile", ["decided", "not a candidate any more"])
def test_what_changes_meanwhile_is_not_overwritten(commands: Commands, meanwhile: str) -> None:
    with commands.reviewing() as process:
        if meanwhile == "decided":
            commands.write(lambda conn: matching.decide(conn, ONE, "78", NOW))
        else:
            commands.write(lambda conn: conn.execute("DELETE FROM match_candidates WHERE lms_id = '77'"))
        told, wrong = process.communicate("1\n1\n", timeout=30)
    assert (process.returncode, wrong, f"{ONE} has been decided meanwhile" in told) == (0, "", True)
    kept = ("78", "hand") if meanwhile == "decided" else (None, None)
    other = "77" if meanwhile == "decided" else "78"
    assert commands.matched() == [kept, (other, "hand")]


def test_two_are_never_the_same(commands: Commands) -> None:
    with commands.reviewing() as process:
        commands.write(lambda conn: matching.decide(conn, OTHER, "77", NOW))
        told, _ = process.communicate("1\n", timeout=30)
    assert commands.matched() == [(None, None), ("77", "hand")]
    assert f"Not matched: 77 is {OTHER} already" in told
    assert f"2 of 2: student Ben Bauer ({OTHER}) no longer needs a decision." in told


@pytest.mark.parametrize(
    ("answers", "read", "asked"),
    [("1\nq\n", True, True), ("s\n1\nq\n", True, False), ("1\nq\n", False, False)],
)
def test_a_sync_is_asked_for_where_a_section_was_decided(
    commands: Commands, answers: str, read: bool, asked: bool
) -> None:
    if read:
        commands.write(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    commands.open("sections", SECTION)
    told = commands.review(answers).stdout
    assert (commands.asked(), "A sync has been requested" in told) == (asked, asked)


@pytest.mark.parametrize("arguments", [("set", ONE, "79"), ("clear", ONE)])
def test_the_built_in_gradebook_has_nothing_to_decide(commands: Commands, arguments: tuple[str, ...]) -> None:
    before = commands.matched()
    told = commands.run(*arguments)
    assert (told.returncode, "uses the built-in gradebook" in told.stderr, commands.matched()) == (
        2,
        True,
        before,
    )


def test_what_no_lms_can_be_asked_is_set_with_a_warning(commands: Commands) -> None:
    commands.write(lambda conn: districts.set_lms(conn, DISTRICT, "canvas", "success"))
    told = commands.run("set", ONE, "79")
    assert (told.returncode, commands.matched(ONE)) == (0, [("79", "hand")])
    assert told.stderr == (
        "passback: it is set, but could not be looked up in the LMS: district 4fee004cca2e43cf27000000 is not connected"
        " to an LMS\n"
    )


@pytest.mark.parametrize(
    ("by", "read", "words"),
    [
        ("hand", True, ["(by hand): no grades reach it.", "A sync has been requested, which matches it again if it can"]),
        ("sis_id", True, ["(automatically, by sis_id): no grades reach it.", "A sync matches it in the same way again, unless"
                          " the roster or the LMS has changed: passback match set", "A sync has been requested"]),
        ("sis_id", False, ["(automatically, by sis_id): no grades reach it."]),
    ],
)  # fmt: skip
def test_clearing_says_what_it_does(commands: Commands, by: str, read: bool, words: list[str]) -> None:
    def prepare(conn: Connection) -> None:
        districts.set_lms(conn, DISTRICT, "canvas", "success")
        conn.execute("UPDATE users SET lms_id = '79', matched_by = :by WHERE id = :id", {"by": by, "id": ONE})
        if read:
            syncs.schedule(conn, DISTRICT, None, 0, 0)

    commands.write(prepare)
    told = commands.run("clear", ONE)
    assert (told.returncode, told.stderr, commands.matched(ONE)) == (0, "", [(None, None)])
    assert told.stdout.startswith(f"{ONE} is no longer matched to 79 ")
    assert [word in told.stdout for word in words] == [True] * len(words)
    assert ("in the same way again" in told.stdout) == (by != "hand")
    assert commands.asked() == read
    again = commands.run("clear", ONE)
    assert (again.returncode, again.stdout) == (0, f"{ONE} is not matched: nothing has changed.\n")


def test_what_the_lms_has_not_is_not_set(tmp_path: Path) -> None:
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
    simulator = SlateSimulator(SetClock())
    simulator.start()
    with installed(), serving(simulator) as slate:

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return running.run(*arguments, "--data", str(tmp_path))

        made = run("connect", "slate", "--name", "X", "--address", slate.url, "--set", "api_key=slate-key")
        run("roster", "import", "--from-lms", "--district", made.stdout.split()[1])
        [(section, before)] = stored(
            tmp_path / "passback.db", "SELECT id, lms_id FROM sections WHERE name = 's1'"
        )
        told = run("match", "set", section, "s9")
        assert (told.returncode, told.stdout, told.stderr) == (
            2, "", "passback: the LMS has no section s9: nothing has been changed\n",
        )  # fmt: skip
        told = run("match", "set", section, "s1")
    assert (told.returncode, told.stderr, "A sync has been requested" in told.stdout) == (0, "", True)
    how = stored(tmp_path / "passback.db", f"SELECT lms_id, matched_by FROM sections WHERE id = '{section}'")
    assert (before, how) == ("s1", [("s1", "hand")])
