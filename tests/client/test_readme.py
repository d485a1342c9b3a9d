"""The client's page: its programs run, and what it promises is in the package."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.sandbox import serving

CLIENT = Path("clients/python")
PROGRAMS = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text("utf-8"), re.DOTALL)


def test_its_programs_run(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as sandbox:
        for program in PROGRAMS:
            here = program.replace("127.0.0.1:8080", f"127.0.0.1:{sandbox.port}")
            exec(compile(here, "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert printed == "18\n['Algebra 1', 'Biology']\na teacher has deleted it\ndelivered\n"


def test_the_package_holds_the_client_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=CLIENT, check=True, capture_output=True,
    )  # fmt: skip
    [wheel] = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    package = CLIENT / "src"
    ours = {str(it.relative_to(package)) for it in package.rglob("*") if it.suffix in (".py", ".typed")}
    assert ours == {it for it in names if ".dist-info/" not in it}
    assert "passback_client/py.typed" in names
