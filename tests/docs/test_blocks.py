"""Every code block of every page is what it claims to be; `test_blocks_run.py` says which tests run it.

Commands and options of ours must exist, and so must paths of the API, settings and metrics, wherever a page names them.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import yaml

from passback.cli import app
from passback.settings import FROM_FILES, PREFIX, Settings
from passback.web.routes import Routes
from support.blocks import PAGES, ROOT, Block, blocks, commands

BLOCKS = [it for page in PAGES for it in blocks(page.relative_to(ROOT).as_posix())]


def _read_json(text: str) -> None:
    for line in [text] if text.lstrip().startswith(("{\n", "[\n")) else text.strip().split("\n\n"):
        json.loads(line)


def _read_shell(text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _read_ini(text: str) -> None:
    configparser.ConfigParser(strict=False, interpolation=None).read_string(text)


def _read_yaml(text: str) -> None:
    assert all(it is not None for it in yaml.safe_load_all(text))


READERS: dict[str, Callable[[str], object]] = {
    "ini": _read_ini,
    "json": _read_json,
    "python": ast.parse,
    "sh": _read_shell,
    "toml": tomllib.loads,
    "yaml": _read_yaml,
}
SHOWN = {"": "what a program prints, or a drawing", "console": "usage lines, which are generated"}
"""The languages that are not read, and what they are for."""


def test_every_block_is_in_a_language_that_is_read() -> None:
    assert {(it.page, it.language) for it in BLOCKS if it.language not in {*READERS, *SHOWN}} == set()
    assert len(BLOCKS) > 100


@pytest.mark.parametrize("block", BLOCKS, ids=lambda it: f"{it.page}:{it.language}")
def test_a_block_is_what_it_claims_to_be(block: Block) -> None:
    reader = READERS.get(block.language)
    if reader is not None:
        reader(block.text)


OURS = [(it.page, words) for it in BLOCKS if it.language == "sh" for words in commands(it.text)]
OURS += [
    (page.relative_to(ROOT).as_posix(), words)
    for page in PAGES
    if page.name != "CHANGELOG.md"  # which may name commands that no longer exist
    for quoted in re.findall(r"(?<!`)`(passback [a-z][^`]*)`", page.read_text("utf-8").replace("\n", " "))
    for words in commands(quoted)
]


@pytest.mark.parametrize(
    ("page", "words"), OURS, ids=lambda it: " ".join(it)[:60] if isinstance(it, list) else it
)
def test_a_command_is_one_that_there_is(page: str, words: list[str]) -> None:
    found, options = app, [it for it in words if it.startswith("--") and it != "--"]
    for word in words:
        if word.startswith("-") or found.default_command is not None or word not in found:
            break
        found = found[word]
    assert found is not app or options == ["--version"] or words == ["..."], "no such command"
    if found.default_command is not None:
        known = {
            name
            for argument in found.assemble_argument_collection(default_parameter=app.default_parameter)
            for name in argument.names
        }
        assert {it.partition("=")[0] for it in options} <= {*known, "--help"}


CALLS = [
    (it.page, path)
    for it in BLOCKS
    if it.language == "sh"
    for path in re.findall(r"/v3\.1(/[\w$/{}.-]*)", it.text)
    if "$" not in path and "..." not in path
]


@pytest.mark.parametrize(("page", "path"), CALLS)
def test_a_call_has_a_path_that_there_is(page: str, path: str) -> None:
    complete = f"/v3.1{path.rstrip('.')}"
    assert any(Routes().find(complete + rest) for rest in ("", "/assignments", "/submissions")), page


OTHER_VARIABLES = {"PASSBACK_API_TOKEN", "PASSBACK_CONFIG", "PASSBACK_TEST_BROWSER"}
PACKAGES = {"passback_client", "passback_sandbox", "passback_simulators"}
FIXTURES = {"passback_sandbox_process", "passback_webhooks"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_setting_is_one_that_there_is(page: Path) -> None:
    settings = {it.name for it in msgspec.structs.fields(Settings)} | {f"{name}_file" for name in FROM_FILES}
    known = {PREFIX + name.upper() for name in settings} | OTHER_VARIABLES
    assert set(re.findall(r"PASSBACK_[A-Z_]+[A-Z]", page.read_text("utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_metric_is_one_that_there_is(page: Path) -> None:
    reference = (ROOT / "docs/reference/logs-and-metrics.md").read_text("utf-8")
    known = set(re.findall(r"^\| `(passback_[a-z_]+)` \|", reference, re.MULTILINE)) | PACKAGES | FIXTURES
    assert set(re.findall(r"\bpassback_[a-z_]+[a-z]", page.read_text("utf-8"))) <= known
