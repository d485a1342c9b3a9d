"""What `make build` builds: a wheel and a source distribution, installed as others install them."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from uv import find_uv_bin

import passback
from support.pythons import MINORS, OUTSIDE, ROOT, install, started, uv
from support.sandbox import STUDENT, TEACHER, Client

TRIED = (11, 12, 13)
"""The versions 3.x that the metadata names: the package has been installed and run on each."""


def build(source: Path, target: Path) -> tuple[Path, Path]:
    """The wheel and the source distribution, built as `make build` does."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", target], cwd=source, check=True, capture_output=True
    )  # fmt: skip
    [wheel], [source_distribution] = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, source_distribution


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(built: tuple[Path, Path]) -> Path:
    return built[0]


@pytest.fixture(scope="module")
def source(built: tuple[Path, Path]) -> Path:
    return built[1]


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_command_that_builds_is_the_one_tested() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.run", "build"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    assert "python -m hatchling build --directory dist" in printed


def test_the_wheel_has_both_packages_whole_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert found == ours
    assert {f"{it.parent.name}/py.typed" for it in (ROOT / "src").glob("*/__init__.py")} <= found
    assert {
        "passback/console/templates/base.html",
        "passback/console/static/console.css",
        "passback/store/migrations/0001_start.sql",
        "passback/web/reference/index.html",
        "passback_simulators/__init__.py",
    } <= found


def test_the_source_distribution_has_nothing_of_the_tests_and_builds_the_same_wheel(
    wheel: Path, source: Path, tmp_path: Path
) -> None:
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.iterdir()
    assert sorted(it.name for it in unpacked.iterdir()) == [
        ".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "requirements.lock", "src",
    ]  # fmt: skip
    again, _ = build(unpacked, tmp_path / "dist")
    assert contents(again) == contents(wheel)


def test_the_metadata_is_valid_and_says_what_is_tested(wheel: Path) -> None:
    [raw] = [content for name, content in contents(wheel).items() if name.endswith(".dist-info/METADATA")]
    metadata = Metadata.from_email(raw, validate=True)
    assert (metadata.name, str(metadata.version)) == ("passback", passback.__version__)
    assert (metadata.license_expression, metadata.license_files) == ("Apache-2.0", ["LICENSE"])
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")
    assert str(metadata.requires_python) == f">=3.{MINORS[0]}"
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in TRIED} <= set(
        metadata.classifiers or ()
    )
    # A bound from above would keep security fixes away.
    assert all(it.specifier and "<" not in str(it.specifier) for it in metadata.requires_dist or ())


@pytest.mark.parametrize("minor", MINORS)
def test_the_wheel_works_on_each_python_that_is_here(wheel: Path, minor: int, tmp_path: Path) -> None:
    commands = install(wheel, minor, tmp_path)
    assert said(commands / "passback", "--version", cwd=tmp_path) == f"{passback.__version__}\n"
    assert (
        said(commands / "python", "-c", "import sys; print(sys.version_info[1])", cwd=tmp_path)
        == f"{minor}\n"
    )
    with started([commands / "passback", "sandbox", "--port", "0"], tmp_path) as port:
        grade(port)
    assert {it.name for it in (tmp_path / "data").iterdir()} >= {"passback.db"}


def test_the_source_distribution_works(source: Path, tmp_path: Path) -> None:
    commands = install(source, sys.version_info[1], tmp_path)
    with started([commands / "passback", "sandbox", "--port", "0", "--data", ":memory:"], tmp_path) as port:
        grade(port)


def test_uvx_starts_the_sandbox_with_the_newest_of_what_it_needs(wheel: Path, tmp_path: Path) -> None:
    """As `uvx passback sandbox` does, and `pip install passback`: neither knows the lock file."""
    uv("tool", "run", "--from", wheel, "passback", "--version", cwd=tmp_path)  # skips without a registry
    command: list[str | Path] = [
        find_uv_bin(),
        "tool",
        "run",
        "--from",
        wheel,
        "passback",
        "sandbox",
        "--port",
        "0",
    ]
    with started(command, tmp_path) as port:
        grade(port)


def test_pipx_runs_it(wheel: Path, tmp_path: Path) -> None:
    own = {**OUTSIDE, "PIPX_HOME": str(tmp_path / "pipx")}
    told = uv(
        "tool", "run", "pipx", "run", "--spec", wheel, "passback", "--version", cwd=tmp_path, environment=own
    )
    assert told == f"{passback.__version__}\n"


def test_the_readmes_line_starts_the_sandbox_from_a_clone(tmp_path: Path) -> None:
    [line] = re.findall(
        r"^uvx (--from \. passback sandbox)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    uv("tool", "run", "--from", ROOT, "passback", "--version", cwd=tmp_path)
    command: list[str | Path] = [
        find_uv_bin(),
        "tool",
        "run",
        *line.split(),
        "--port",
        "0",
        "--data",
        str(tmp_path / "data"),
    ]
    with started(command, ROOT) as port:
        grade(port)


def said(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=OUTSIDE, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def grade(port: int) -> None:
    """Have a sandbox take an assignment and a grade, and show the pages that are made of templates and other files."""
    with contextlib.closing(Client(port)) as client:
        path = client.create()
        given = {"grade_points": 18, "grader_id": TEACHER, "state": "returned"}
        assert client.patch(f"{path}/submissions/{STUDENT}", given).data["grade_points"] == 18
        assert client.get("/console", Accept="text/html").status in (200, 303, 307)
        assert client.get("/docs").status == 200
