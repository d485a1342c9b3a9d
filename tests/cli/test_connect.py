"""Connecting a district to its LMS by commands, with the example's connector."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from passback.lms.interface import LmsConnection
from passback.store.engine.vault import new_key
from passback.testing.jumping import JumpingTime
from passback.testing.served import Served, serving
from passback.testing.slate.simulator import SlateSimulator
from support import commands as running
from support.rosters import CLEVER, zipped
from support.sandbox import SetClock, stored
from support.slate import installed

KEY = "slate-key"


@pytest.fixture(autouse=True)
def time_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries against an LMS that cannot be reached take no time."""
    monkeypatch.setattr(
        "passback.lms.registry.LmsConnection", partial(LmsConnection, timer=JumpingTime().timer)
    )


@dataclass(frozen=True)
class Commands:
    """Runs commands on one data folder."""

    folder: Path
    slate: Served

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return running.run(
            *arguments, "--data", str(self.folder), environment={**running.ENVIRONMENT, **environment}
        )

    def connect(
        self, *arguments: str, key: str = KEY, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return self.run(
            "connect",
            "slate",
            "--address",
            self.slate.url,
            "--set",
            f"api_key={key}",
            *arguments,
            **environment,
        )

    def connected(self, **environment: str) -> str:
        """The id of a new, connected district."""
        done = self.connect("--name", "Slate Unified", **environment)
        assert done.returncode == 0, done
        found = re.search(r"district ([0-9a-f]{24}) is connected", done.stdout)
        assert found
        return found[1]


@pytest.fixture(scope="module")
def slate() -> Iterator[Served]:
    simulator = SlateSimulator(SetClock())
    simulator.start()
    with installed(), serving(simulator) as served:
        yield served


@pytest.fixture
def commands(tmp_path: Path, slate: Served) -> Commands:
    from passback.store.engine import migrate
    from passback.store.engine.sqlite import SqliteDatabase

    with closing(SqliteDatabase(tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
    return Commands(tmp_path, slate)


def test_a_new_district_is_connected_and_checked(commands: Commands) -> None:
    done = commands.connect("--name", "Slate Unified")
    assert (done.returncode, "ok   Slate shows 2 sections" in done.stdout, "passback roster import" in done.stdout) == (
        0, True, True,
    )  # fmt: skip


def test_its_secret_is_neither_stored_nor_shown(commands: Commands) -> None:
    district = commands.connected()
    shown = commands.run("connection", "show", "--district", district)
    assert re.search(r"^api_key +\(kept encrypted\)$", shown.stdout, re.MULTILINE)
    assert KEY not in shown.stdout + shown.stderr
    files = b"".join(path.read_bytes() for path in commands.folder.iterdir())
    assert KEY.encode() not in files


def test_a_command_that_was_asked_wrongly_leaves_no_district(commands: Commands) -> None:
    for arguments in (("schoology", "--name", "X"), ("canvas", "--name", "X", "--address", "a.example", "--set", "sis_mark=maybe")):  # fmt: skip
        assert commands.run("connect", *arguments).returncode == 2
    assert stored(commands.folder / "passback.db", "SELECT * FROM districts") == []


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("run_as=maybe", "'maybe' is not a value of run_as: yes: grade as"),
        ("requests_in_5_seconds=0", "'0' is not a value of"),
    ],
)
def test_an_option_has_only_its_values(commands: Commands, setting: str, told: str) -> None:
    done = commands.run("connect", "schoology", "--name", "X", "--set", setting)
    assert (done.returncode, told in done.stderr) == (2, True)


def test_an_lms_that_cannot_be_reached_is_told(commands: Commands) -> None:
    done = commands.run(
        "connect", "schoology", "--name", "X", "--address", "http://127.0.0.1:1", "--set", "consumer_key=a",
        "--set", "consumer_secret=b",
    )  # fmt: skip
    assert (done.returncode, "users/me: it cannot be connected to" in done.stdout) == (1, True)


def test_a_district_may_use_the_built_in_gradebook(commands: Commands, tmp_path: Path) -> None:
    made = commands.run("connect", "builtin", "--name", "Elm Schools")
    district = made.stdout.split()[1]
    assert made.stdout.startswith(
        f"district {district} uses the built-in gradebook\nnext: passback roster import"
    )
    brought = commands.run(
        "roster", "import", str(zipped(tmp_path / "r.zip", CLEVER)), "--district", district
    )
    assert brought.returncode == 0
    status = commands.run("match", "status", "--district", district).stdout
    assert status.startswith("Elm Schools (success): sections 100 %, students 100 %, teachers 100 %\n")


@pytest.mark.parametrize(
    "arguments", [("--district", "0" * 24), (), ("--name", "X", "--address", "https://x.example")]
)
def test_the_built_in_gradebook_is_asked_for_rightly(commands: Commands, arguments: tuple[str, ...]) -> None:
    done = commands.run("connect", "builtin", *arguments)
    assert (done.returncode, "built-in gradebook" in done.stderr) == (2, True)


def test_a_value_may_stand_in_a_file(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(KEY + "\n")
    done = commands.run(
        "connect",
        "slate",
        "--name",
        "X",
        "--address",
        commands.slate.url,
        "--set",
        f"api_key=@{tmp_path}/key.txt",
    )
    assert done.returncode == 0, done


def test_what_is_missing_is_told_with_what_to_do(commands: Commands) -> None:
    done = commands.connect("--name", "X", key="wrong")
    assert (done.returncode, "NOT  Slate does not let us in" in done.stdout, "-> make a new API key" in done.stdout) == (
        1, True, True,
    )  # fmt: skip
    assert "wrong" not in done.stdout + done.stderr


def test_a_connect_that_fails_leaves_no_district(commands: Commands) -> None:
    assert "No district was made" in commands.connect("--name", "X", key="wrong").stdout
    done = commands.run(
        "connect", "schoology", "--name", "X", "--address", "http://127.0.0.1:1", "--set", "consumer_key=a",
        "--set", "consumer_secret=b",
    )  # fmt: skip
    assert done.returncode == 1
    for table in ("districts", "connections", "lms_syncs"):
        assert stored(commands.folder / "passback.db", f"SELECT * FROM {table}") == []
    assert commands.run("district", "list").stdout.count("\n") == 1


@pytest.mark.parametrize(
    "again",
    [
        ("connect", "slate", "--address", "http://127.0.0.1:1", "--set", f"api_key={KEY}"),
        ("connect", "canvas", "--address", "http://127.0.0.1:1", "--set", "access_token=x"),
        ("connect", "google", "--set", "client_id=a", "--set", "client_secret=b", "--set", "refresh_token=c",
         "--address", "http://127.0.0.1:1", "--set", "token_uri=http://127.0.0.1:1/token"),
    ],
    ids=lambda arguments: arguments[1],
)  # fmt: skip
def test_a_connect_that_fails_leaves_the_connection_and_matches_that_a_district_has(
    commands: Commands, again: tuple[str, ...]
) -> None:
    district, file = commands.connected(), commands.folder / "passback.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "INSERT INTO sections (id, district_id, name, lms_id, matched_by, created, last_modified)"
            " VALUES ('0', ?, 's1', 's1', 'hand', 0, 0)",
            (district,),
        )
        connection.commit()
    tables = ("districts", "connections", "sections", "lms_syncs", "roster_events")
    before = [stored(file, f"SELECT * FROM {table}") for table in tables]
    done = commands.run(*again, "--district", district)
    assert (done.returncode, "Nothing was changed." in done.stdout) == (1, True), done
    assert [stored(file, f"SELECT * FROM {table}") for table in tables] == before


@pytest.mark.parametrize("kind", ["builtin", "slate"])
def test_a_name_that_is_blank_makes_no_district(commands: Commands, kind: str) -> None:
    rest = ("--address", commands.slate.url, "--set", f"api_key={KEY}") if kind == "slate" else ()
    done = commands.run("connect", kind, "--name", "  ", *rest)
    assert (done.returncode, done.stderr) == (2, "passback: the name is empty\n")
    assert stored(commands.folder / "passback.db", "SELECT * FROM districts") == []


def test_districts_are_listed_renamed_and_deleted(commands: Commands) -> None:
    district = commands.connected()
    renamed = commands.run("district", "rename", "Elm\nSchools", "--district", district.upper())
    assert renamed.stdout == f"district {district} is now Elm Schools\n"
    [_, line] = commands.run("district", "list").stdout.splitlines()
    assert (line.split()[:2], line.endswith("  Elm Schools")) == ([district, "slate"], True)
    asked = commands.run("district", "delete", "--district", district)
    assert (asked.returncode, "give --yes" in asked.stderr) == (2, True)
    done = commands.run("district", "delete", "--district", district, "--yes")
    assert done.stdout == (
        f"Elm Schools ({district}): 0 sections, 0 people, 0 matches, 0 assignments, 0 tokens, 0 webhooks, 0 open"
        f" deliveries\ndistrict {district} is deleted\n"
    )
    gone = commands.run("district", "delete", "--district", district, "--yes")
    assert (gone.returncode, gone.stderr) == (2, f"passback: there is no district {district}\n")


def test_a_check_marks_a_broken_connection_and_one_that_works_again(commands: Commands) -> None:
    district = commands.connected()
    commands.slate.fail("expired-credentials", times=None)
    broken = commands.run("connection", "check", "--district", district)
    states = [stored(commands.folder / "passback.db", "SELECT lms_state FROM districts")[0][0]]
    commands.slate.control("DELETE", "faults")
    works = commands.run("connection", "check", "--district", district)
    states += stored(commands.folder / "passback.db", "SELECT lms_state FROM districts")[0]
    assert (broken.returncode, works.returncode, states) == (1, 0, ["error", "initial_sync_processing"])


def test_connections_are_listed(commands: Commands) -> None:
    district = commands.connected()
    line = next(
        it for it in commands.run("connection", "list").stdout.splitlines() if it.startswith(district)
    )
    assert line.split() == [
        district,
        "slate",
        "initial_sync_processing",
        "Slate",
        "Unified",
        f"{commands.slate.url}/",
    ]


def test_a_connection_is_removed_with_its_credentials(commands: Commands) -> None:
    district = commands.connected()
    assert commands.run("connection", "remove", "--district", district).returncode == 0
    rows = stored(commands.folder / "passback.db", "SELECT lms_state FROM districts")
    assert (rows, stored(commands.folder / "passback.db", "SELECT * FROM connections")) == (
        [("disconnected",)],
        [],
    )


def test_the_key_is_rotated_in_its_file(commands: Commands) -> None:
    district = commands.connected()
    path = commands.folder / "secret.key"
    before = path.read_text()
    assert commands.run("key", "rotate").stdout == "1 connection, 0 webhooks and 0 LTI keys encrypted again\n"
    assert before.strip() not in path.read_text()
    assert commands.run("connection", "check", "--district", district).returncode == 0


def test_the_key_is_rotated_in_the_environment(commands: Commands) -> None:
    old, new = new_key(), new_key()
    district = commands.connected(PASSBACK_SECRET_KEY=old)
    assert not (commands.folder / "secret.key").exists()
    alone = commands.run("key", "rotate", PASSBACK_SECRET_KEY=old)
    done = commands.run("key", "rotate", PASSBACK_SECRET_KEY=f"{new},{old}")
    check = commands.run("connection", "check", "--district", district, PASSBACK_SECRET_KEY=new)
    assert [alone.returncode, done.returncode, check.returncode] == [2, 0, 0]


def test_what_only_the_gateway_need_read_nobody_else_can(commands: Commands) -> None:
    commands.connected()
    assert {path.name: path.stat().st_mode & 0o077 for path in commands.folder.iterdir()} == dict.fromkeys(
        (path.name for path in commands.folder.iterdir()), 0
    )


def test_credentials_that_cannot_be_sent_are_told(commands: Commands) -> None:
    done = commands.connect("--name", "X", key="Sécrét")
    assert (done.returncode, "characters that cannot be sent" in done.stdout, "Traceback" in done.stderr) == (1, True, False)  # fmt: skip


def test_a_district_that_changes_its_lms_is_matched_anew(commands: Commands) -> None:
    district = commands.connected()
    with closing(sqlite3.connect(commands.folder / "passback.db")) as connection:
        connection.execute(
            "INSERT INTO sections (id, district_id, name, lms_id, matched_by, created, last_modified)"
            " VALUES ('0', ?, 's1', 's1', 'hand', 0, 0)",
            (district,),
        )
        connection.commit()
    again = commands.connect("--district", district)
    kept = stored(commands.folder / "passback.db", "SELECT lms_id FROM sections")
    elsewhere = commands.slate.url.replace("127.0.0.1", "localhost")
    commands.run(
        "connect", "slate", "--district", district, "--address", elsewhere, "--set", f"api_key={KEY}"
    )
    left = stored(commands.folder / "passback.db", "SELECT lms_id FROM sections")
    assert (again.returncode, kept, left) == (0, [("s1",)], [(None,)])


def test_nobody_signs_in_where_the_lms_takes_work_from_others(commands: Commands) -> None:
    district = commands.connected()
    done = commands.run("connection", "sign-in-student", "--district", district, "--user", "0")
    assert (done.returncode, "nobody need sign in" in done.stderr) == (2, True)


def test_no_command_that_reads_makes_a_key(commands: Commands) -> None:
    district = commands.connected()
    (commands.folder / "secret.key").unlink()
    for command in (("connection", "show"), ("connection", "check"), ("sync", "run")):
        done = commands.run(*command, "--district", district)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    for alone in (("connection", "list"), ("webhook", "list"), ("deliveries", "list"), ("key", "rotate")):
        commands.run(*alone)
    assert not (commands.folder / "secret.key").exists()


def test_a_missing_key_is_told(commands: Commands) -> None:
    district = commands.connected()
    done = commands.run("connection", "show", "--district", district, PASSBACK_SECRET_KEY=new_key())
    assert (done.returncode, "which is not at hand" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("connect", "moodlet", "--name", "X"), "there is no connector for 'moodlet'"),
        (("connect", "slate", "--name", "X"), "--address is missing"),
        (("connect", "slate", "--name", "X", "--address", "ftp://slate.example"), "must begin with https://"),
        (("connect", "slate", "--name", "X", "--address", "http://slate.example"), "must begin with https://"),
        (("connect", "slate", "--name", "X", "--address", "slate.example"), "missing: api_key"),
        (("connect", "slate", "--name", "X", "--address", "slate.example", "--set", "key=1"), "'key' is not a setting"),
        (("connect", "slate", "--name", "X", "--address", "slate.example", "--set", "api_key=@/nowhere"), "cannot read"),
        (("connect", "slate", "--address", "slate.example", "--set", "api_key=1"), "--district or --name is missing"),
        (("connect", "slate", "--address", "slate.example", "--set", "api_key=1", "--district", "x"), "there is no district"),
        (("connect", "slate", "--name", "X", "--address", "https://user:pw@slate.example", "--set", "api_key=1"), "no user, no password"),
        (("connect", "slate", "--name", "X", "--address", "http://127.0.0.1:abc", "--set", "api_key=1"), "must be a host"),
        (("connect", "slate", "--name", "X", "--address", "slate.example", "--set", "api_key"), "write api_key=VALUE"),
        (("connect", "slate", "--name", "X", "--address", "slate.example", "--set", "s3cr3t"), "passback: --set has no value: write NAME=VALUE or NAME=@FILE\n"),
        (("connect", "slate", "--name", "X", "--district", "x", "--address", "slate.example", "--set", "api_key=1"), "give one of them"),
        (("connect", "canvas", "--name", "X", "--address", "a.example"), "missing: one of access_token, refresh_token"),
        (("connect", "google", "--name", "X"), "missing: one of service_account, refresh_token"),
        (("match", "set", "x", ""), "cannot be an LMS's id"),
        (("match", "set", "x", "../../x"), "cannot be an LMS's id"),
        (("connection", "check", "--district", "x"), "has no connection"),
        (("connection", "show", "--district", "x"), "has no connection"),
        (("connection", "remove", "--district", "x"), "has no connection"),
        (("sync", "run", "--district", "x"), "there is no district"),
        (("match", "status", "--district", "x"), "there is no district"),
        (("match", "set", "x", "y"), "there is no section or user"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_told(commands: Commands, arguments: tuple[str, ...], told: str) -> None:
    done = commands.run(*arguments)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False), done


def test_a_roster_is_read_from_the_lms_where_there_is_nothing_else(commands: Commands) -> None:
    district = commands.connected()
    command = ("roster", "import", "--from-lms", "--district", district)
    read = commands.run(*command)
    assert (read.returncode, read.stdout.splitlines()[-1], read.stderr) == (0, "Done.", "")
    status = commands.run("match", "status", "--district", district, "--all").stdout
    assert "(success): sections 100 %, students 100 %, teachers 100 %" in status
    assert re.search(r"student +student-1 +student-1 \(by lms_id\)", status), status
    assert "Nothing to change." in commands.run(*command).stdout
    again = commands.run("sync", "run", "--district", district).stdout
    assert re.fullmatch(r"sections: \d+ lms_id\npeople: \d+ lms_id\n", again), again


def test_a_roster_that_is_an_lms_s_is_not_made_anothers(commands: Commands) -> None:
    district = commands.connected()
    commands.run("roster", "import", "--from-lms", "--district", district)
    address = commands.slate.url.replace("127.0.0.1", "localhost")
    elsewhere = (
        "connect",
        "slate",
        "--district",
        district,
        "--address",
        address,
        "--set",
        f"api_key={KEY}",
    )
    refused = commands.run(*elsewhere)
    assert (refused.returncode, "give --same-lms" in refused.stderr) == (2, True)
    assert f"is connected to Slate at {address}" in commands.run(*elsewhere, "--same-lms").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name a file, or give --from-lms"),
        (("roster.zip", "--from-lms"), "name a file, or give --from-lms, not both"),
    ],
)
def test_a_roster_comes_from_a_file_or_from_the_lms(
    commands: Commands, arguments: tuple[str, ...], told: str
) -> None:
    done = commands.run("roster", "import", *arguments, "--district", "0" * 24)
    assert (done.returncode, done.stderr) == (2, f"passback: {told}\n")


def test_a_roster_is_matched_shown_decided_and_cleared(commands: Commands) -> None:
    district = commands.connected()
    section, student = "0" * 23 + "1", "0" * 23 + "2"
    with closing(sqlite3.connect(commands.folder / "passback.db")) as connection:
        connection.execute(
            "INSERT INTO sections (id, district_id, name, sis_id, created, last_modified) VALUES (?, ?, 's1', NULL, 0, 0)",
            (section, district),
        )
        connection.execute(
            "INSERT INTO users (id, district_id, role, first_name, last_name, created, last_modified)"
            " VALUES (?, ?, 'student', 'Ann', 'Lee', 0, 0)",
            (student, district),
        )
        connection.execute("INSERT INTO enrollments VALUES (?, ?, 'student')", (section, student))
        connection.commit()
    run = commands.run("sync", "run", "--district", district)
    assert (run.returncode, run.stdout) == (0, "sections: 1 undecided\npeople: 1 unmatched\n")
    commands.run("match", "set", student, "student-1")
    status = commands.run("match", "status", "--district", district, "--all").stdout
    assert "students 100 %" in status
    assert re.search(rf"{student}  student +Ann Lee +student-1 \(by hand\)", status)
    assert "people: 1 hand" in commands.run("sync", "run", "--district", district).stdout
    with closing(sqlite3.connect(commands.folder / "passback.db")) as connection:
        connection.execute(
            "INSERT INTO users (id, district_id, role, first_name, last_name, created, last_modified)"
            " VALUES ('3', ?, 'student', 'Ben', 'Lee', 0, 0)",
            (district,),
        )
        connection.commit()
    taken = commands.run("match", "set", "3", "student-1")
    assert (taken.returncode, f"student-1 is {student} already" in taken.stderr) == (2, True)
    commands.run("match", "clear", student)
    everything = commands.run("match", "status", "--district", district, "--all").stdout
    assert re.search(rf"^{section} ", everything, re.MULTILINE)
    left = commands.run("match", "status", "--district", district).stdout
    assert re.search(rf"{student} .* not matched", left)
    assert section not in left
