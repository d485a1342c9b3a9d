"""The scripts of ``tests/node``, by which tests drive clients that others wrote for Node.js."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

FOLDER = Path(__file__).parents[1] / "node"
_PATIENCE = 60.0
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
"""Tools that would write home do not."""


class NodeError(Exception):
    """What a client threw: its name, its message, and its other properties."""

    def __init__(self, thrown: dict[str, Any]) -> None:
        super().__init__(f"{thrown.get('type')}: {thrown.get('message')}")
        self.thrown = thrown


class Script:
    """A running script."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input: IO[str] = process.stdin
        self._output: IO[str] = process.stdout

    def __call__(self, name: str, **given: Any) -> Any:
        """Have the script do something. Raises `NodeError` with what its client throws."""
        self._input.write(json.dumps({"name": name, "given": given}) + "\n")
        self._input.flush()
        reply = self.read()
        if "error" in reply:
            raise NodeError(reply["error"])
        return reply["result"]

    def read(self) -> dict[str, Any]:
        """The next object that the script writes."""
        # Nothing is buffered here: it writes one line for each call.
        assert select.select([self._output], [], [], _PATIENCE)[0], "the script does not answer"
        line = self._output.readline()
        assert line, "the script has ended"
        found: dict[str, Any] = json.loads(line)
        return found


def packages() -> Path:
    """The folder of what npm has installed. Skips the test if it has not; in CI it fails."""
    folder = FOLDER / "node_modules"
    if not (folder / ".package-lock.json").exists():  # which npm writes in the end
        _give_up("what `make test` installs by npm")
    return folder


def tool(name: str, *arguments: str | Path, cwd: Path) -> str:
    """What a command of a package writes. Raises `AssertionError` with it if the command fails."""
    done = subprocess.run(
        [packages() / ".bin" / name, *arguments], cwd=cwd, env={**os.environ, **_QUIET}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def _give_up(lacking: str) -> NoReturn:
    why = f"needs {lacking}, which is not here"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@contextlib.contextmanager
def running(script: str, *arguments: str) -> Iterator[Script]:
    """Run a script of the folder. Skips the test if that is not possible here; in CI it fails."""
    packages()
    node = shutil.which("node")
    if node is None:
        _give_up("Node.js")
    with subprocess.Popen(
        [node, script, *arguments], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        try:
            yield Script(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
