"""Connecting by LTI with commands, and replacing the key that the gateway signs with."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from passback.domain.clock import system_clock
from passback.store import connections, lti_keys
from passback.store.engine import migrate
from passback.store.engine.open import connect
from passback.testing.served import serving
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.lti.profiles import PROFILES
from support import commands as running

ENVIRONMENT = {**running.ENVIRONMENT, "PASSBACK_PUBLIC_URL": "https://passback.example/"}
MOODLE = ("connect", "lti", "--family", "moodle", "--address")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return running.run(*arguments, "--data", str(folder), environment=ENVIRONMENT)


def test_a_link_is_made_and_nothing_else(folder: Path) -> None:
    done = run(folder, *MOODLE, "https://school.example/moodle", "--name", "North", "--link")
    assert done.returncode == 0, done
    assert re.search(r"^https://passback\.example/lti/register\?code=[\w-]{43}$", done.stdout, re.MULTILINE)
    assert run(folder, "district", "list", "--json").stdout == "[]\n"


def test_what_a_link_needs_is_asked_for(folder: Path) -> None:
    address = "https://lms.example"
    for arguments, words in (
        (("connect", "lti", "--address", address, "--name", "N", "--link"), "--family is missing"),
        (
            ("connect", "lti", "--family", "x", "--address", address, "--name", "N"),
            "'x' is not a value of family",
        ),
        ((*MOODLE, address, "--link"), "--district or --name is missing"),
        ((*MOODLE, address, "--district", "4fee004cca2e43cf28000000", "--link"), "there is no district"),
        (("connect", "canvas", "--family", "moodle", "--address", address, "--name", "N"), "for lti only"),
        (("connect", "canvas", "--link", "--address", address, "--name", "N"), "for lti only"),
    ):
        done = run(folder, *arguments)
        assert (done.returncode, words in done.stderr) == (2, True), done


def test_a_connection_is_made_by_hand(folder: Path) -> None:
    simulator = LtiSimulator(system_clock, family="moodle")
    simulator.start()
    with serving(simulator) as lms:
        key = folder / "key.json"
        key.write_text(simulator.connection_credentials(lms.url)["private_key"])
        done = run(
            folder, *MOODLE, lms.url, "--name", "North", "--set", f"client_id={seed.CLIENT_ID}",
            "--set", "deployment_ids=3", "--set", f"private_key=@{key}",
        )  # fmt: skip
        assert done.returncode == 0, done
        district = re.search(r"district ([0-9a-f]{24}) is connected", done.stdout)
        assert district is not None, done
        added = run(folder, "lti", "add-deployment", "--district", district[1], "--deployment", "4")
        assert added.returncode == 0, added
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        found = database.read_now(lambda conn: connections.find(conn, district[1]))
    assert found is not None
    assert found.options["issuer"] == lms.url
    assert found.options["auth_login_url"] == f"{lms.url}/mod/lti/auth.php"
    assert found.options["deployment_ids"] == "3,4"


@pytest.mark.parametrize("family", PROFILES)
def test_a_simulated_lms_of_every_family_is_connected_by_what_it_tells(folder: Path, family: str) -> None:
    simulator = LtiSimulator(system_clock, family=family)
    simulator.start()
    with serving(simulator) as lms:
        told = {**simulator.connection_credentials(lms.url), **simulator.connection_options(lms.url)}
        given = [it for name, value in told.items() for it in ("--set", f"{name}={value}")]
        done = run(folder, "connect", "lti", "--address", lms.url, "--name", "North", *given)
    assert done.returncode == 0, done
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        [found] = database.read_now(lambda conn: connections.of_kind(conn, "lti"))
    assert found.options["issuer"] == lms.url  # from where its launches come


def test_the_addresses_for_an_lms_begin_with_the_public_url() -> None:
    done = running.run("lti", "addresses", environment=ENVIRONMENT)
    assert re.findall(r"https://\S+", done.stdout) == [
        "https://passback.example/lti/login",
        "https://passback.example/lti/launch",
        "https://passback.example/lti/jwks.json",
    ]


def test_the_key_is_replaced_in_time_or_at_once(folder: Path) -> None:
    early = run(folder, "lti", "rotate-key")
    assert (early.returncode, "try again after" in early.stderr) == (2, True), early
    done = run(folder, "lti", "rotate-key", "--leaked")
    assert done.returncode == 0, done
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        current = database.read_now(lti_keys.current)
    assert current is not None
    assert done.stdout == f"key {current.id} signs from now on\n"
