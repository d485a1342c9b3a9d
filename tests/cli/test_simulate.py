"""A simulated LMS and a gateway that is connected to it, each a process of its own."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from passback.store.engine import migrate
from passback.store.engine.sqlite import SqliteDatabase
from passback_simulators.canvas import seed as canvas
from passback_simulators.google_classroom import seed as google
from passback_simulators.schoology import seed as schoology
from support import commands
from support.sandbox import stored


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command while it runs."""
    with subprocess.Popen(
        commands.command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=commands.ENVIRONMENT,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()


@contextlib.contextmanager
def simulated(kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A simulated LMS: its address, and what a connection to it is made with."""
    with process("simulate", kind, "--port", "0") as running:
        assert running.stdout is not None
        found = re.search(r"(http://\S+)  \(control", running.stdout.readline())
        assert found
        given = {}
        while (line := running.stdout.readline()).startswith("  "):
            name, _, value = line.strip().partition("=")
            given[name] = value
        yield found[1], given


@pytest.fixture
def data(tmp_path: Path) -> str:
    with closing(SqliteDatabase(tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
    return str(tmp_path)


def run(data: str, *arguments: str) -> str:
    done = commands.run(*arguments, "--data", data)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("kind", ["canvas", "google", "lti", "moodle", "schoology"])
def test_what_a_simulated_lms_prints_connects_a_district_to_it(kind: str, data: str, tmp_path: Path) -> None:
    with simulated(kind) as (address, given):
        settings = []
        for name, value in given.items():
            (tmp_path / name).write_text(value)
            settings += ["--set", f"{name}=@{tmp_path / name}"]
        shown = run(data, "connect", kind, "--name", "Unified", "--address", address, *settings)
    assert "NOT" not in shown
    assert "passback roster import" in shown
    assert stored(Path(data) / "passback.db", "SELECT lms_type FROM districts") == [(kind,)]


def sign_in(data: str, arguments: list[str], visit: str) -> str:
    """Run a command that waits for the browser; what it prints. `visit`: what is posted to the LMS's page."""
    port = "--callback-port=0"
    with process(*arguments, port, "--data", data) as running:
        assert running.stdout is not None
        while not (page := running.stdout.readline()).startswith("http"):
            assert page, running.stderr.read() if running.stderr else ""
        url = httpx2.URL(page.strip())
        form = dict(url.params)
        form |= dict(item.split("=") for item in visit.split("&") if item)
        action = str(url.copy_with(query=None)).replace("/login/oauth2/auth", "/login/oauth2/accept")
        pairs: dict[str, str | list[str]] = {**form}
        if "scope" in form:
            pairs["scope"] = form["scope"].split()
        with httpx2.Client(follow_redirects=True) as browser:
            assert browser.post(action, data=pairs).status_code == 200
        output = running.communicate(timeout=30)[0]
        assert running.returncode == 0, output
    return output


def test_an_administrator_signs_in_to_canvas_with_the_browser(data: str) -> None:
    with simulated("canvas") as (address, _):
        arguments = [
            "connect", "canvas", "--name", "Unified", "--address", address, "--sign-in",
            "--set", f"client_id={canvas.CLIENT_ID}", "--set", f"client_secret={canvas.CLIENT_SECRET}",
        ]  # fmt: skip
        assert "NOT" not in sign_in(data, arguments, "allow=1")


def test_a_teacher_signs_in_to_google_with_the_browser(data: str) -> None:
    with simulated("google") as (address, _):
        arguments = [
            "connect", "google", "--name", "Unified", "--address", address, "--sign-in",
            "--set", f"client_id={google.CLIENT_ID}", "--set", f"client_secret={google.CLIENT_SECRET}",
            "--set", f"token_uri={address}token", "--set", f"authorize_uri={address}o/oauth2/v2/auth",
        ]  # fmt: skip
        output = sign_in(data, arguments, f"decision=allow&email={google.person_email('000001')}")
    assert "NOT" not in output


def test_a_student_signs_in_to_schoology_with_the_browser(data: str) -> None:
    with simulated("schoology") as (address, given):
        settings = [
            f"--set={name}={given[name]}"
            for name in ("consumer_key", "consumer_secret", "app_key", "app_secret")
        ]
        web = address.removesuffix("v1/")
        shown = run(
            data,
            "connect",
            "schoology",
            "--name",
            "U",
            "--address",
            address,
            *settings,
            f"--set=web_address={web}",
        )
        district, student = shown.split()[1], "0" * 23 + "2"
        lms_id = schoology.person_lms_id("001001")
        with closing(sqlite3.connect(Path(data) / "passback.db")) as connection:
            connection.execute(
                "INSERT INTO users (id, district_id, role, first_name, last_name, lms_id, created, last_modified)"
                " VALUES (?, ?, 'student', 'Ada', 'Abbott', ?, 0, 0)",
                (student, district, lms_id),
            )
            connection.commit()
        arguments = ["connection", "sign-in-student", "--district", district, "--user", student]
        assert "can hand in work now" in sign_in(data, arguments, f"uid={lms_id}&allow=1")
    shown = run(data, "connection", "show", "--district", district)
    assert re.search(rf"student:{lms_id} +\(kept encrypted\)", shown)
