"""Running ``passback`` commands in this process, which takes a fraction of the time that a process of their own takes.

Signals, serving, kill -9, broken pipes and arguments that are not UTF-8 need a real process; `real` starts one.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from passback import cli

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PASSBACK_")}
"""This process's environment without settings of Passback."""


def run(
    *arguments: str, environment: Mapping[str, str] = ENVIRONMENT, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command as `real` does, but in this process: with that environment and input, none of it a terminal."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["passback", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        _level_kept("psycopg.pool"),
    ):
        code = _exit_code()
    return subprocess.CompletedProcess(list(arguments), code, output.getvalue(), errors.getvalue())


def real(
    *arguments: str, environment: Mapping[str, str] = ENVIRONMENT, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        command(*arguments), input=stdin, capture_output=True, text=True, timeout=60, check=False, env=environment
    )  # fmt: skip


def command(*arguments: str) -> list[str]:
    """What starts the process of a command."""
    return [sys.executable, "-m", "passback", *arguments]


@contextlib.contextmanager
def started(
    given: Sequence[str | Path], environment: Mapping[str, str], **how: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process, whose output can be read, until it is told to stop in the end."""
    with subprocess.Popen(given, stdout=subprocess.PIPE, text=True, env=environment, **how) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _exit_code() -> int:
    """What the command ends with. An exception that a process would show a traceback of fails the test."""
    try:
        cli.main()
    except SystemExit as ended:
        assert ended.code is None or isinstance(ended.code, int)
        return ended.code or 0


@contextlib.contextmanager
def _level_kept(name: str) -> Iterator[None]:
    """Give a logger back the level that it had: a command's process would end with its own."""
    logger = logging.getLogger(name)
    before = logger.level
    try:
        yield
    finally:
        logger.setLevel(before)
