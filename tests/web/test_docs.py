"""The documentation's own calls, run as a reader would run them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support import Sandbox

DOCS = Path(__file__).parent.parent.parent / "docs"
ERRORS = (DOCS / "errors.md").read_text("utf-8")
SETUP = re.findall(r"```sh\n(.*?)```", ERRORS, re.DOTALL)[0]
EXAMPLES = re.findall(r"(?<=\n)```sh\n(curl[^`]*)```\n```\n(.*?)```", ERRORS, re.DOTALL)


@pytest.mark.parametrize(("command", "answer"), EXAMPLES, ids=lambda text: text[:40])
def test_example_of_the_errors_page(sandbox: Sandbox, command: str, answer: str) -> None:
    script = f"set -eu\n{SETUP}\n{command}".replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert result.stdout.rstrip("\n") == answer.rstrip("\n")


def test_every_row_has_an_example() -> None:
    rows = re.findall(r"### Row (\d+):(.*?)(?=\n##)", ERRORS, re.DOTALL)
    assert [int(number) for number, text in rows if "```sh\ncurl" in text] == list(range(1, 16))
