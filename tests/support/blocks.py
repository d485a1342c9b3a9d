"""The fenced blocks of the documentation's pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "clients").glob("*/README.md")),
]


class Block(NamedTuple):
    """A fenced block."""

    page: str
    """The page's path in the repository."""
    language: str
    text: str


def blocks(page: str, language: str | None = None) -> list[Block]:
    """The blocks of a page, in order; those of one language only, if it is given."""
    text = (ROOT / page).read_text("utf-8")
    found = re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    read = [Block(page, it[2], re.sub(rf"(?m)^{it[1]}", "", it[3])) for it in found]
    return [it for it in read if language in (None, it.language)]


def without_numbers(text: str) -> str:
    """What a program prints, in one line: a page wraps it, and has numbers of its own."""
    return re.sub(r"\d[\d,]*", "#", " ".join(text.split()))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of ours in a script."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        for part in re.split(r"\s(?:\||&&|;|>)\s", line.partition(" #")[0]):
            words = _words(part)
            at = next((n for n, word in enumerate(words) if word.rpartition("/")[2] == "passback"), None)
            leads = ("sudo", "exec", "uvx", "pipx", "run", "-u", "docker", "compose")
            if at is not None and all("=" in word or word in leads for word in words[:at]):
                yield words[at + 1 :]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a part of a longer quotation, which is no command
        return []
