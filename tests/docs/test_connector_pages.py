"""The pages of the types and of the stable surface for connectors say what the code does, and a change is deliberate."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

from docs import generate
from passback.lms import kit

REFERENCE = generate.REFERENCE
ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_pages_are_what_the_code_generates() -> None:
    again = "run `make docs`"
    assert generate.types_page() == (REFERENCE / "connector-types.md").read_text("utf-8"), again
    assert generate.surface_page() == (REFERENCE / "connector-surface.md").read_text("utf-8"), again


def test_the_surface_changes_only_with_its_version() -> None:
    found = generate.surface_digest()
    assert kit.DIGESTS[kit.KIT_VERSION] == found, (
        f"what is stable for connectors has changed: add a version with {found} to DIGESTS of passback.lms.kit (a"
        " higher minor if it was only added to; if the last one is not released yet, change its digest), say so in"
        " CHANGELOG.md, and run `make docs`"
    )


def test_every_version_of_the_surface_is_in_the_changelog() -> None:
    assert set(re.findall(r"connector kit (\d+\.\d+)", CHANGELOG)) == set(kit.DIGESTS)


def test_every_stable_name_can_be_imported() -> None:
    for module, lines in generate.stable_modules():
        imported = importlib.import_module(module)
        names = [
            re.split(r"\W", re.sub(r"^(@\S+ )*(class |async def |def |import )?", "", it))[0] for it in lines
        ]
        top = [name for name, line in zip(names, lines, strict=True) if not line.startswith(" ")]
        assert [name for name in top if not hasattr(imported, name)] == []
        assert top, module


def test_every_module_that_authors_are_given_is_stable() -> None:
    text = (REFERENCE / "connector-kit.md").read_text("utf-8").partition("## What you are given")[2]
    named = re.findall(r"^\| `(passback(?:\.[a-z_0-9]+)+)[`.]", text.partition("\n## ")[0], re.MULTILINE)
    assert len(named) > 10
    assert set(named) <= kit.PUBLIC.keys()


def test_everything_that_the_template_and_the_example_import_is_stable() -> None:
    template = ROOT / "src/passback/operations/connector_template"
    files = [*template.rglob("*.py.tmpl"), *(ROOT / "src/passback/testing/slate").glob("*.py")]
    texts = [re.sub(r"\[\[ methods ]]", "", it.read_text("utf-8")) for it in files]
    imported = {
        (node.module or "", it.name)
        for text in texts
        for node in ast.walk(ast.parse(re.sub(r"\[\[ (\w+) ]]", r"\1", text)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("passback")
        for it in node.names
    }
    assert len(imported) > 20
    assert {it for it in imported if not _is_stable(*it)} == set()


def _is_stable(module: str, name: str) -> bool:
    if f"{module}.{name}" in kit.PUBLIC:
        return True
    return module in kit.PUBLIC and name in (kit.PUBLIC[module] or (name,))
