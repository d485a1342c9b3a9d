"""Build the documentation's site: ``make site``.

The pages are those of ``docs/`` and a few from elsewhere in the repository. They are copied to a folder of their own,
because the site's root is ``docs/``; links are changed on the way. Sphinx does the rest, and fails for any link that
leads nowhere.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SITE = ROOT / "build" / "site"
ARCHIVE = ROOT / "src" / "passback" / "web" / "guide.zip"
"""What the gateway serves."""

FROM_ELSEWHERE = {
    "clients/python/README.md": "reference/python-client.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages of the site that are not in ``docs/``: where they are in the repository, and on the site."""
_LOOK = ("console.css", "mark.svg", "theme.js")
"""Files of the console that the site looks like the console by."""
_PARTS = {
    "Tutorials": "tutorials/",
    "How-to guides": "how-to/",
    "Reference": "reference/",
    "Explanation": "explanation/",
}
"""The captions of the navigation, by folder."""


def build(site: Path) -> None:
    """Build the site into an empty folder. Raises `SystemExit` if any page has a fault."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        copy_pages(source)
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "--fail-on-warning",
            "--nitpicky",
            "--quiet",
            "--conf-dir",
            str(HERE),
        ]
        command += [
            "--doctree-dir",
            f"{folder}/doctrees",
            "--define",
            f"html_static_path={source / '_static'}",
        ]
        if subprocess.run([*command, str(source), str(site)]).returncode:  # noqa: S603 - our own command
            raise SystemExit(1)
    (site / ".buildinfo").unlink()


def copy_pages(source: Path) -> None:
    """Copy everything that the site is made of."""
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("*.md", "site", "__pycache__"))
    on_site = places()
    for place, page in on_site.items():
        text = with_links_of_site((ROOT / place).read_text("utf-8"), place, on_site)
        if page == "index.md":
            text += navigation(text)
        (source / page).write_text(text, "utf-8")
    (source / "_static").mkdir()
    for name in _LOOK:
        shutil.copy(ROOT / "src" / "passback" / "console" / "static" / name, source / "_static")


def places() -> dict[str, str]:
    """Where each page is on the site, by where it is in the repository."""
    found = sorted(it.relative_to(ROOT / "docs").as_posix() for it in (ROOT / "docs").rglob("*.md"))
    return {f"docs/{name}": "index.md" if name == "README.md" else name for name in found} | FROM_ELSEWHERE


def with_links_of_site(text: str, place: str, on_site: Mapping[str, str]) -> str:
    """A page's text with its links to other pages as they lead on the site."""

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link[1]))
        if target not in on_site:
            return link[0]
        return "](" + posixpath.relpath(on_site[target], posixpath.dirname(on_site[place]) or ".")

    return re.sub(r"\]\(([^\s()#:]+\.md)", moved, text)


def navigation(home: str) -> str:
    """The pages in the order in which the lists of the home page, as it is on the site, name them; for Sphinx."""
    lists = home.partition("\n## ")[2]
    pages = list(dict.fromkeys(re.findall(r"\]\(([\w/-]+)\.md", lists)))
    parts = {caption: [it for it in pages if it.startswith(folder)] for caption, folder in _PARTS.items()}
    parts["The project"] = [it for it in pages if "/" not in it]
    trees = [
        "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```"])
        for caption, names in parts.items()
    ]
    return "\n" + "\n\n".join(trees) + "\n"


def pack(site: Path, archive: Path) -> None:
    """Pack the site into one file, the same for the same pages."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(it for it in site.rglob("*") if it.is_file()):
            packed.writestr(
                zipfile.ZipInfo(file.relative_to(site).as_posix()), file.read_bytes(), zipfile.ZIP_DEFLATED
            )


def main() -> None:
    """Build the site, and what the gateway serves of it."""
    shutil.rmtree(SITE, ignore_errors=True)
    build(SITE)
    pack(SITE, ARCHIVE)
    sys.stdout.write(f"{SITE / 'index.html'}\n")


if __name__ == "__main__":
    main()
