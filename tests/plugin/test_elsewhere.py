"""The plugin and the client in somebody else's project: installed from their wheels, into an empty environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.pythons import OUTSIDE, ROOT, install, uv

APPLICATION = """\
from collections.abc import Iterator
from datetime import timedelta

import pytest

from passback_client import AsyncPassback, Passback
from passback_sandbox.hook import Receiver
from passback_sandbox.sandbox import District, Sandbox


@pytest.fixture(params=["builtin", "canvas", "moodle"])
def district(request: pytest.FixtureRequest, passback_sandbox: Sandbox) -> District:
    assert passback_sandbox.calls() == []
    return passback_sandbox.districts[request.param]


@pytest.fixture
def passback(district: District, passback_sandbox: Sandbox) -> Iterator[Passback]:
    with Passback(district.token, passback_sandbox.url) as passback:
        yield passback


def test_sync(district: District, passback: Passback, passback_sandbox: Sandbox) -> None:
    due = passback_sandbox.now + timedelta(days=7)
    made = passback.assignments.create(district.section, title="E", description="x", due_date=due, points_possible=10)
    passback.submissions.update(district.section, made.id, district.students[0], grade_points=8)
    assert passback_sandbox.points(district.section, made.id) == {district.students[0]: 8}


@pytest.mark.anyio
async def test_async(district: District, passback_sandbox: Sandbox, anyio_backend_name: str) -> None:
    async with AsyncPassback(district.token, passback_sandbox.url) as passback:
        assert len([it async for it in passback.roster.students(district.section)]) == 30


def test_webhooks(district: District, passback: Passback, passback_webhooks: Receiver) -> None:
    passback.webhooks.test(passback_webhooks.register(district.token))
    assert passback_webhooks.next("webhook.test").id
"""
CONFTEST = """\
import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an environment of its own."""
    folder = tmp_path_factory.mktemp("project")
    for source in (ROOT, ROOT / "clients" / "python"):
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "wheels"],
            cwd=source, check=True, capture_output=True,
        )  # fmt: skip
    client, gateway = sorted((folder / "wheels").glob("*.whl"), key=lambda it: "client" not in it.name)
    commands = install(gateway, sys.version_info[1], folder)
    uv(
        "pip",
        "install",
        "--python",
        commands / "python",
        client,
        "pytest",
        "pytest-xdist",
        "mypy",
        cwd=folder,
    )
    (folder / "test_application.py").write_text(APPLICATION, "utf-8")
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    return folder


def said(project: Path, *command: str) -> str:
    done = subprocess.run(
        [project / "environment" / "bin" / "python", "-m", *command],
        cwd=project, env=OUTSIDE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_tests_pass_beside_each_other_and_without_a_warning(project: Path) -> None:
    assert "9 passed" in said(project, "pytest", "-W", "error", "-n", "2")


def test_its_types_are_known(project: Path) -> None:
    assert "Success" in said(project, "mypy", "--strict", "test_application.py")
