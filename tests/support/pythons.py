"""The Pythons of this machine, and empty environments to install packages into."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from uv import find_uv_bin

from support.commands import ENVIRONMENT

ROOT = Path(__file__).parents[2]
MINORS = (11, 12, 13, 14)
"""The versions 3.x that Passback is made for."""
OUTSIDE = {
    name: value for name, value in ENVIRONMENT.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
}  # fmt: skip
"""An environment in which this repository's code is not to be found."""


def uv(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] = OUTSIDE) -> str:
    """Run uv; its output. Skips the test if the registry cannot be reached; in CI it fails."""
    done = subprocess.run(
        [find_uv_bin(), "--quiet", *map(str, arguments)],
        cwd=cwd, env={**environment, "UV_PYTHON_DOWNLOADS": "never"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Failed to fetch" in done.stderr and not os.environ.get("CI"):
        pytest.skip("needs the package registry, which cannot be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def python(minor: int) -> str:
    """The path of a Python 3.`minor`. Skips the test if there is none."""
    name = f"python3.{minor}"
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for found in (shutil.which(name), *versions.glob(f"3.{minor}.*/bin/{name}")):
        # pyenv has a command for each version, which works for the chosen ones.
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(found)
    pytest.skip(f"Python 3.{minor} is not on this machine")


def install(wheel: Path, minor: int, folder: Path, *, locked: bool = True) -> Path:
    """Install a package into an empty environment below `folder`, with the locked versions of what it needs.

    Returns the folder of its commands.
    """
    environment = folder / "environment"
    uv("venv", "--python", python(minor), environment, cwd=folder)
    into = ("pip", "install", "--python", environment)
    if locked:
        uv(*into, "--require-hashes", "--requirement", ROOT / "requirements.lock", cwd=folder)
    uv(*into, *(("--no-deps", "--no-build-isolation") if locked else ()), wheel, cwd=folder)
    return environment / "bin"


@contextlib.contextmanager
def started(command: Sequence[str | Path], cwd: Path) -> Iterator[int]:
    """A server outside of this repository, until the end: its port, which its first line with an address tells."""
    with subprocess.Popen(
        [*map(str, command)], cwd=cwd, env=OUTSIDE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:(\d+)", it) for it in process.stdout)))
            yield int(found[1])
        finally:
            process.terminate()
            process.communicate(timeout=60)
