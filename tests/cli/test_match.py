"""``passback match review``: what a person must decide."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from passback.sandbox.seed import seed
from passback.store import matching, migrate
from passback.store.database import Connection, connect
from support import DISTRICT, NOW, STUDENTS

ONE, OTHER = STUDENTS[:2]


class Commands:
    """The command on a data file with two students, each of whom may be one of two people of the LMS's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.closing(connect("", folder / "passback.db")) as database:
            migrate.prepare(database, "sandbox")
            database.write_now(lambda conn: seed(conn, NOW))
            database.write_now(_fill)

    def review(self, answers: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "passback", "match", "review", "--district", DISTRICT],
            input=answers,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PASSBACK_DATA": str(self.folder)},
        )

    def matched(self) -> list[tuple[str | None, str | None]]:
        with contextlib.closing(connect("", self.folder / "passback.db")) as database:
            found = {it.id: it for it in database.read_now(lambda conn: matching.all_of(conn, DISTRICT))}
        return [(found[id_].lms_id, found[id_].matched_by) for id_ in (ONE, OTHER)]


def _fill(conn: Connection) -> None:
    for id_ in (ONE, OTHER):
        conn.execute("UPDATE users SET lms_id = NULL, matched_by = NULL WHERE id = :id", {"id": id_})
        for lms_id in ("77", "78"):
            conn.execute(
                "INSERT INTO match_candidates (district_id, id, lms_id, name, email, sis_id)"
                " VALUES (:district_id, :id, :lms_id, :name, NULL, NULL)",
                {"district_id": DISTRICT, "id": id_, "lms_id": lms_id, "name": f"Person {lms_id}\x1b[31m"},
            )


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def test_each_is_shown_and_decided(commands: Commands) -> None:
    told = commands.review("7\nx\n2\n1\n")
    assert (told.returncode, told.stderr, commands.matched()) == (0, "", [("78", "hand"), ("77", "hand")])
    assert f"({ONE}) may be\n  1  Person 77 [31m (77)\n  2  Person 78 [31m (78)\n" in told.stdout
    assert commands.review("").stdout == "There is nothing to decide.\n"


def test_one_can_be_left_for_later(commands: Commands) -> None:
    assert commands.review("s\n1\n").returncode == 0
    assert commands.matched() == [(None, None), ("77", "hand")]


@pytest.mark.parametrize("answers", ["q\n", ""])
def test_the_rest_can_be_left_for_later(commands: Commands, answers: str) -> None:
    told = commands.review(answers)
    assert (told.returncode, commands.matched()) == (0, [(None, None)] * 2)
    assert told.stdout.endswith("The rest is left for later.\n")


def test_two_are_never_the_same(commands: Commands) -> None:
    told = commands.review("1\n1\n")
    assert commands.matched() == [("77", "hand"), (None, None)]
    assert f"That cannot be: 77 is {ONE} already" in told.stdout
