"""Makes the package of a new connector, from the template beside this file."""

from __future__ import annotations

import inspect
import re
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from passback import __version__
from passback.lms.interface import Connector
from passback.operations.errors import OperationError

_FOLDERS = {"workflows": ".github/workflows", "gitignore": ".gitignore"}
"""What a file or folder of the template is called in the package, if not the same."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TITLE = re.compile(r"[^\"\\\x00-\x1f\x7f-\x9f]+")
"""What can stand in code and in TOML as it is."""
_IN_INTERFACE = ("capabilities", "close")
"""What the template has itself."""


def make(name: str, folder: Path, title: str) -> list[Path]:
    """Write the package of a connector for the kind of LMS `name`; returns its files. Raises `OperationError`."""
    if not _NAME.fullmatch(name):
        raise OperationError(
            f"{name!r} cannot name a kind of LMS: use small letters, digits and single underscores"
        )
    if not _TITLE.fullmatch(title):
        raise OperationError(
            f"{title!r} cannot name an LMS: leave out quotation marks, backslashes and control characters"
        )
    taken = {it.name for it in metadata.entry_points(group="passback.connectors")} | {"builtin"}
    if name in taken:
        raise OperationError(f"there is a connector for {name!r} already")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OperationError(f"{folder} is there already, and not empty")
    words = {
        "name": name,
        "title": title,
        "module": f"{name}_connector",
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "version": __version__,
        "methods": _methods(),
    }
    folders = {**_FOLDERS, "src": f"src/{words['module']}"}
    files = []
    for source, parts in _sources(resources.files(__package__) / "connector_template", ()):
        file = folder.joinpath(*(folders.get(part, part) for part in parts))
        filled = re.sub(r"\[\[ (\w+) ]]", lambda found: words[found[1]], source.read_text("utf-8"))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(filled, "utf-8")
        except OSError as error:
            raise OperationError(f"cannot write {file.absolute()}: {error.strerror}") from None
        files.append(file)
    return sorted(files)


def example(name: str) -> str:
    """Return the code of the finished example: ``connector`` or ``simulator``."""
    # Not imported: that would need what the suite needs.
    return (resources.files("passback") / "testing" / "slate" / f"{name}.py").read_text("utf-8")


def _sources(place: Traversable, parts: tuple[str, ...]) -> list[tuple[Traversable, tuple[str, ...]]]:
    found = []
    for item in place.iterdir():
        if item.is_dir():
            found += _sources(item, (*parts, item.name))
        elif item.name.endswith(".tmpl"):
            found.append((item, (*parts, item.name.removesuffix(".tmpl"))))
    return found


def _methods() -> str:
    """Every method of the interface with its documentation, and nothing in it yet."""
    _, *methods = re.split(r"\n\n(?=    (?:async def|def|@))", inspect.getsource(Connector))
    named = {found[1]: method for method in methods if (found := re.search(r"def (\w+)\(", method))}
    return "\n\n".join(
        re.sub(r"\n        \.\.\.\s*$", f'\n        raise NotWritten("{name}")', method)
        for name, method in named.items()
        if name not in _IN_INTERFACE
    )
