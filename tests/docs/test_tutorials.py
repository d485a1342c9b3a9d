"""The tutorials of operators and contributors, done as they say."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

import passback
from support.postgres import DATABASES, database_of

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"


def scripts(page: str) -> list[str]:
    """The scripts of a tutorial, in order."""
    return re.findall(r"```sh\n(.*?)```", (TUTORIALS / page).read_text("utf-8"), re.DOTALL)


def run(script: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def terminal(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder, and the variables of a reader who has installed this Passback."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "passback"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m passback "$@"\n', "utf-8")
    program.chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PASSBACK_")}
    paths = {"PATH": f"{programs}{os.pathsep}{own['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    return tmp_path, {**own, **paths}


@contextlib.contextmanager
def served(script: str, folder: Path, env: Mapping[str, str]) -> Iterator[str]:
    """What a script serves on a free port; its address."""
    command = re.sub(r"--port \d+", "--port 0", script)
    with subprocess.Popen(
        ["sh", "-c", f"exec {command}"], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    ) as it:
        try:
            assert it.stdout is not None
            yield re.findall(r"http://127\.0\.0\.1:\d+", it.stdout.readline())[0]
        finally:
            it.send_signal(signal.SIGINT)


FIRST_DISTRICT = scripts("first-district.md")


@pytest.mark.parametrize("kind", DATABASES)
def test_the_first_districts_tutorial_goes_as_it_says(
    kind: str, terminal: tuple[Path, dict[str, str]]
) -> None:
    folder, env = terminal
    simulate, serve, connect, load, token, grade, deliveries, account, backup, shared = FIRST_DISTRICT
    with database_of(kind) as url:
        if url:
            env |= {"PASSBACK_DATABASE_URL": url, "PASSBACK_SECRET_KEY": base64.b64encode(bytes(32)).decode()}
            assert "PASSBACK_DATABASE_URL=" in shared
            assert "PASSBACK_SECRET_KEY_FILE=" in shared
        with served(simulate, folder, env) as lms, served(serve, folder, env) as gateway:
            steps = [connect, load, token, grade, "echo", deliveries, account, *([] if url else [backup])]
            script = "\necho ---\n".join(["set -eu", *steps])
            script = script.replace("http://127.0.0.1:9001", lms).replace("http://127.0.0.1:8081", gateway)
            done = run(script, folder, env)
            assert done.returncode == 0, done.stderr
            asked = httpx2.get(f"{lms}/_simulator/requests").json()
    _, connected, loaded, _, graded, _, listed, made, *backed_up = done.stdout.split("---\n")
    told = re.findall(r"```sh\npassback connect.*?```\n```\n(.*?)```", page("first-district.md"), re.DOTALL)[
        0
    ]
    assert without_ids(connected) == without_ids(told)
    assert "students 100 %" in loaded
    assert '"grade":"18"' in graded
    assert "delivered" in listed
    assert "ada@example.org (owner)" in made
    assert len(backed_up) == (0 if url else 1)
    assert [it for it in asked if it.startswith("PUT /") and "/submissions/" in it]


CONNECTOR = scripts("write-a-connector.md")


def test_the_connectors_tutorial_goes_as_it_says(terminal: tuple[Path, dict[str, str]]) -> None:
    folder, env = terminal
    environment, new, red, green, simulate, serve, connect, load, grade, comment, requests, leave = CONNECTOR
    install, uninstall = (
        "pip install --editable './slate-connector[test]'",
        "pip uninstall --yes slate-connector",
    )
    assert f"passback-{passback.__version__}-py3-none-any.whl[testing]" in environment
    assert (install in new, leave) == (True, f"{uninstall}\n")
    for name, command in (("python", ""), ("pytest", "-m pytest -q -p no:cacheprovider")):
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} {command} "$@"\n', "utf-8")
        (folder / "bin" / name).chmod(0o755)
    # This environment stays as it is, and there may be no registry.
    ours = "python -m pip install -q --no-index --no-deps --no-build-isolation --target installed ./slate-connector"
    paths = (folder / "slate-connector" / "src", folder / "installed", env["PYTHONPATH"])
    env["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    assert run(new.replace(install, ours), folder, env).returncode == 0
    told = _shown_after(red)
    [one] = re.findall(r"::(\w+)$", told)
    failed = run(red.replace("-k Basics", f"-k {one}"), folder, env).stdout
    assert "create_assignment is not written yet" in failed
    assert told.removeprefix("FAILED slate-connector/") in failed
    passed = run(green.replace("pytest slate-connector", f"pytest slate-connector -k {one}"), folder, env)
    assert passed.returncode == 0, passed.stdout
    with served(simulate, folder, env) as lms, served(serve, folder, env) as gateway:

        def typed(script: str) -> str:
            """What a reader sees who runs a script, with the addresses that they have seen."""
            script = script.replace("http://127.0.0.1:41803", lms).replace("http://127.0.0.1:8090", gateway)
            done = run(f"set -eu\n{script}", folder, env)
            assert done.returncode == 0, done.stderr
            return done.stdout.rstrip("\n")

        connected = typed(connect)
        assert without_ids(connected) == without_ids(_shown_after(connect))
        loaded = typed(re.sub(r"(?<=DISTRICT=)\w+", connected.split()[1], load))
        ids = dict(re.findall(r"(?m)^([0-9a-f]{24}) .* (\S+) \(by lms_id\)$", loaded))
        places = {lms_id: ours for ours, lms_id in ids.items()}
        [token] = re.findall(r"(?m)^  (\S{43})$", loaded)
        given = re.sub(r"(?<=Bearer )\w+", token, grade)
        given = re.sub(r"(?<=sections/)\w+(?=\n)", places["s1"], given)
        given = re.sub(r"(?<=STUDENT=)\w+", places["student-1"], given)
        graded, refused = typed(f"{given}\necho; echo ---\n{comment}").split("\n---\n")
        shown, expected = json.loads(graded)["data"], json.loads(_shown_after(grade))["data"]
        assert (shown.keys(), shown["grade"]) == (expected.keys(), expected["grade"])
        assert refused == _shown_after(comment)
        assert "PUT /assignments/" in typed(requests)


def _shown_after(script: str) -> str:
    """What the connectors' tutorial shows after a script."""
    return page("write-a-connector.md").partition(script)[2].split("```")[2].partition("\n")[2].rstrip("\n")


def page(name: str) -> str:
    return (TUTORIALS / name).read_text("utf-8")


def without_ids(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+|[0-9a-f]{24}", "...", text)


def test_the_first_changes_tutorial_goes_as_it_says(tmp_path: Path) -> None:
    check, find, test, change, put_back = scripts("first-change.md")
    assert check == "make check\n"
    for name in ("src", "tests/domain", "tests/support", "tests/conftest.py"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert "LONGEST_WAIT = 15 * MINUTE" in run(find, tmp_path, env).stdout
    assert run(test, tmp_path, env).returncode == 0
    failed = run(change, tmp_path, env)
    told = re.findall(r"```\n(FAILED.*?)```", page("first-change.md"), re.DOTALL)[0]
    assert re.findall(r"^FAILED \S+", failed.stdout, re.MULTILINE) == re.findall(
        r"^FAILED \S+", told, re.MULTILINE
    )
    assert run(put_back, tmp_path, env).returncode == 0
