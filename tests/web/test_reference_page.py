"""The programs on the page of the API (`/docs`), run as whoever copies them does."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.node import tool
from support.sandbox import SECTION, STUDENT, TOKEN, Sandbox

PAGE = (Path(__file__).parents[2] / "src/passback/web/reference/index.html").read_text("utf-8")
PROGRAMS = {
    language: html.unescape(text)
    for language, text in re.findall(
        r"<summary>(\w+)</summary>\n<pre[^>]*><code>(.*?)</code>", PAGE, re.DOTALL
    )
}


def curl(program: str, folder: Path) -> None:
    create, grade = program.split("\n\n")
    script = f"""TOKEN={TOKEN} SECTION={SECTION} STUDENT={STUDENT}
ASSIGNMENT=$({create.replace("curl ", "curl -s ")} | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
{grade.replace("curl ", "curl -fs ")}"""
    subprocess.run(["sh", "-euc", script], check=True, capture_output=True, timeout=60, cwd=folder)


def python(program: str, folder: Path) -> None:
    given = f"token, section, student = {TOKEN!r}, {SECTION!r}, {STUDENT!r}\n"
    subprocess.run([sys.executable, "-c", given + program], check=True, timeout=60, cwd=folder)


def typescript(program: str, folder: Path) -> None:
    names = {"token": TOKEN, "section": SECTION, "student": STUDENT}
    given = "".join(f'const {name} = "{value}";\n' for name, value in names.items())
    (folder / "page.mts").write_text(f"{given}{program}\nexport {{}};\n", "utf-8")
    strict = ("--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    tool("tsc", *strict, "--lib", "es2022,dom", folder / "page.mts", cwd=folder)
    subprocess.run(["node", folder / "page.mjs"], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("language", "run"), [("curl", curl), ("Python", python), ("TypeScript", typescript)]
)
def test_a_program_of_the_page_puts_a_grade_into_the_gradebook_and_a_repeat_no_second_assignment(
    sandbox: Sandbox, language: str, run: Callable[[str, Path], None], tmp_path: Path
) -> None:
    program = PROGRAMS[language].replace("ORIGIN", f"http://127.0.0.1:{sandbox.port}")
    for _ in range(2):
        run(program, tmp_path)
    book = sandbox.client(None).get(f"/sandbox/teacher/sections/{SECTION}").data
    assert [it["title"] for it in book["assignments"]] == ["Essay 1"]
    assert [it["points"] for it in book["grades"] if it["user_id"] == STUDENT] == [17.5]


def test_every_program_of_the_page_is_run() -> None:
    assert set(PROGRAMS) == {"curl", "Python", "TypeScript"}
