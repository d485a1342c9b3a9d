"""Every link between the pages leads somewhere, and every page can be found from the index; every table is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2[^\n]*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`+[^`\n]+`+")
_INLINE = re.compile(r"\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]\(\s*<?([^\s<>()]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_NAMED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)>?", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links to other pages and places, images included."""
    text = _CODE.sub("code", _FENCE.sub("", page.read_text("utf-8")))
    for found in (_INLINE, _NAMED):
        yield from (target for target in found.findall(text) if not _ELSEWHERE.match(target))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    made: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.*?)[ #]*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        made.add(next(name for n in range(1000) if (name := f"{slug}-{n}" if n else slug) not in made))
    return made


def broken(page: Path, root: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    return [target for target in links(page) if not _leads_somewhere(page, target, root.resolve())]


def _leads_somewhere(page: Path, target: str, root: Path) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if path.startswith("/") or not file.is_relative_to(root) or not file.exists():
        return False
    return not anchor or (file.suffix == ".md" and anchor in anchors(file))


def reachable(index: Path) -> set[Path]:
    """The pages that a reader finds who follows links from `index`."""
    seen, to_read = {index.resolve()}, [index]
    while to_read:
        page = to_read.pop()
        for target in links(page):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.exists() and file not in seen:
                seen.add(file)
                to_read.append(file)
    return seen


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page, ROOT) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_is_of_a_table(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        assert re.match(r"\|.*\n[|:\- ]+(\n|$)", table), f"not shown as a table:\n{table}"


def test_every_page_is_found_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    missing = {page.resolve() for page in PAGES if page.is_relative_to(ROOT / "docs")} - reachable(index)
    assert {str(page.relative_to(ROOT)) for page in missing} == set()


def test_the_index_itself_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert {str(page.relative_to(ROOT)) for page in pages - named} == set()


def test_the_pages_that_code_names_exist() -> None:
    rooms = ("src", "tests", "bench", "torture")
    files = [file for room in rooms for file in sorted((ROOT / room).rglob("*.py")) if file != Path(__file__)]
    texts = {file: file.read_text("utf-8") for file in [*files, ROOT / "Makefile", ROOT / "pyproject.toml"]}
    named = [(file, page) for file, text in texts.items() for page in re.findall(r"\bdocs/[\w/-]+\.md", text)]
    assert len(named) > 5
    assert [(str(file.relative_to(ROOT)), page) for file, page in named if not (ROOT / page).exists()] == []


def test_what_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.md").write_text("# `Other` things: a, b\n## Twice\n## Twice\n", "utf-8")
    good = "[a](deep/other.md#other-things-a-b) [two\nlines](deep/other.md#twice-1) [w](https://x.example/a.md#b) [s](#p)"
    hidden = "`[code](nowhere.md)`\n\n```\n[fenced](nowhere.md)\n# not a heading\n```"
    bad = [
        "nowhere.md",
        "deep/other.md#thrice",
        "#not-a-heading",
        "../outside.md",
        "/absolute.md",
        "image.png",
        "named.md",
    ]
    text = "\n".join(
        [*(f"[bad]({target})" for target in bad[:5]), "![image](image.png)", "", "[name]: named.md"]
    )
    page = tmp_path / "page.md"
    page.write_text(f"# P\n{good}\n{hidden}\n{text}\n", "utf-8")
    (tmp_path.parent / "outside.md").write_text("", "utf-8")
    assert broken(page, tmp_path) == bad
    assert reachable(page) == {
        page.resolve(),
        (tmp_path / "deep" / "other.md").resolve(),
        (tmp_path.parent / "outside.md").resolve(),
    }
