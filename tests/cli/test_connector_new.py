"""``passback connector new``: the template is a package whose suite runs, red at first and green once it is written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from passback import __version__
from support.commands import ENVIRONMENT, run

ROOT = Path(__file__).parents[2]
BASICS = "Basics or Rosters"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "slate-connector"
    made = run("connector", "new", "slate", "--folder", str(folder))
    assert (made.returncode, made.stderr) == (0, "")
    return folder


def suite(package: Path, chosen: str) -> tuple[int, str]:
    """Run the package's tests as its author does; the exit code and what is printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen],
        cwd=package, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return ran.returncode, ran.stdout


def test_a_new_package_says_of_each_test_what_is_not_written_yet(package: Path) -> None:
    code, printed = suite(package, BASICS)
    failed = set(re.findall(r"^FAILED \S+::(\w+)", printed, re.MULTILINE))
    said = set(re.findall(r"^(\w+) is not written yet$", printed, re.MULTILINE))
    assert (code, "error" in printed, "passed" in printed) == (1, False, False)
    assert len(failed) > 25
    assert {"create_assignment", "read_courses", "read_people", "check"} <= said


def test_the_package_with_slates_connector_is_green(package: Path) -> None:
    for name, chosen in (("connector", ()), ("simulator", ("--simulator",))):
        printed = run("connector", "example", *chosen).stdout
        (package / "src" / "slate_connector" / f"{name}.py").write_text(printed, "utf-8")
    code, printed = suite(package, f"{BASICS} or left_out")
    assert code == 0, printed


def test_a_class_of_the_suite_that_is_left_out_is_noticed(package: Path) -> None:
    tests = package / "tests" / "test_suite.py"
    tests.write_text(tests.read_text("utf-8").replace("(suite.Throttling)", ""), "utf-8")
    code, printed = suite(package, "left_out")
    assert (code, "Throttling" in printed) == (1, True)


def test_what_the_package_brings_is_whole(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["dependencies"] == [f"passback>={__version__}"]
    assert project["entry-points"] == {"passback.connectors": {"slate": "slate_connector.connector:KIND"}}
    files = {str(it.relative_to(package)) for it in package.rglob("*") if it.is_file()}
    assert files >= {
        ".github/workflows/ci.yml", "README.md", "tests/conftest.py", "tests/test_suite.py", "tests/test_quality.py", "src/slate_connector/quality.toml",
        "src/slate_connector/connector.py", "src/slate_connector/errors.py", "src/slate_connector/simulator.py",
    }  # fmt: skip
    assert not [it for it in files if "[[ " in (package / it).read_text("utf-8")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Slate", "small letters"),
        ("../slate", "small letters"),
        ("canvas", "already"),
        ("builtin", "already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_made(tmp_path: Path, name: str, says: str) -> None:
    folder = tmp_path / "there"
    refused = run("connector", "new", name, "--folder", str(folder))
    assert (refused.returncode, says in refused.stderr, folder.exists()) == (2, True, False)


def test_its_readme_has_the_parts_that_the_quality_scale_asks_for(package: Path) -> None:
    headings = re.findall(r"(?m)^## (.*)$", (package / "README.md").read_text("utf-8"))
    rules = [
        ROOT / "docs/reference/quality" / f"{it}.md"
        for it in ("setup-page", "refusals-table", "troubleshooting")
    ]
    asked = {part for rule in rules for part in re.findall(r'"([A-Z][^"]+)"', rule.read_text("utf-8"))}
    assert len(asked) == 5
    assert [it for it in asked if not any(heading.startswith(it) for heading in headings)] == []


@pytest.mark.parametrize("title", ['A "B"', "Back\\slash", "two\nlines", '""" + x'])
def test_a_title_that_would_break_the_package_is_refused(title: str, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    refused = run("connector", "new", "slate", "--folder", str(folder), "--title", title)
    assert (refused.returncode, "quotation marks" in refused.stderr, folder.exists()) == (2, True, False)


def test_any_other_title_makes_code_that_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    assert (
        run("connector", "new", "slate", "--folder", str(folder), "--title", "L'Étoile & {Co}").returncode
        == 0
    )
    for file in folder.rglob("*.py"):
        ast.parse(file.read_text("utf-8"))
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert "L'Étoile & {Co}" in project["description"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run("connector", "new", "slate", "--folder", str(tmp_path / "file" / "there"))
    assert (refused.returncode, "cannot write" in refused.stderr) == (2, True)


def test_a_folder_that_holds_something_is_left_alone(package: Path) -> None:
    before = sorted(package.rglob("*"))
    refused = run("connector", "new", "slate", "--folder", str(package))
    assert (refused.returncode, "not empty" in refused.stderr) == (2, True)
    assert sorted(package.rglob("*")) == before
