"""Where our connectors stand on the quality scale is said for each rule, and true as far as a test can tell."""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest

from docs import generate
from lms.conftest import NETWORKED
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Connector, ConnectorKind, ListsDecide
from passback.testing import quality
from passback.testing.suite.checks import writes

FILES = generate.quality_files()
KINDS = pytest.mark.parametrize("kind", FILES, ids=lambda it: it.capabilities.kind)
TESTS = Path(__file__).parents[1]
QUALITY = generate.REFERENCE / "quality"


def standing(kind: ConnectorKind, rule: str) -> str:
    return quality.read(FILES[kind])[rule].status


def page(kind: ConnectorKind) -> str:
    return (generate.REFERENCE / "lms" / f"{FILES[kind].parent.name}.md").read_text("utf-8")


def said_as_done(kind: ConnectorKind, rule: str, *, true: bool) -> None:
    assert (standing(kind, rule) == "done") == true, rule


def test_the_page_is_what_the_files_say() -> None:
    assert generate.quality_page() == (QUALITY / "README.md").read_text("utf-8"), "run `make docs`"


def test_every_rule_has_a_page_that_says_what_why_how_and_for_example() -> None:
    rules = {rule for rules in quality.RULES.values() for rule in rules}
    assert {it.stem for it in QUALITY.glob("*.md")} == {*rules, "README"}
    for rule in rules:
        headings = re.findall(r"(?m)^## (.*)$", (QUALITY / f"{rule}.md").read_text("utf-8"))
        assert headings == ["What", "Why", "How it is checked", "Example"], rule


@KINDS
def test_a_connector_that_passes_the_suite_is_one_that_the_suite_runs_on(kind: ConnectorKind) -> None:
    said_as_done(kind, "suite", true=kind.capabilities.kind in NETWORKED)


@KINDS
def test_its_page_has_the_parts_that_it_is_said_to_have(kind: ConnectorKind) -> None:
    headings = re.findall(r"(?m)^## (.*)$", page(kind))
    setup = [it for it in headings if it.startswith(("What to set up", "Options", "What becomes of what"))]
    table = page(kind).partition("\n## What the client gets")[2].partition("\n## ")[0]
    said_as_done(kind, "setup-page", true=len(setup) == 3)
    said_as_done(kind, "refusals-table", true=len(re.findall(r"(?m)^\| ", table)) > 11)
    said_as_done(kind, "troubleshooting", true="Troubleshooting" in headings)


@KINDS
def test_what_its_troubleshooting_quotes_is_said_by_the_code(kind: ConnectorKind) -> None:
    part = page(kind).partition("## Troubleshooting\n")[2].partition("\n## ")[0]
    rows = [row.split(" | ")[0] for row in re.findall(r"(?m)^\| (.*) \|$", part)[1:]]
    quoted = [words for row in rows for words in re.findall(r'"([^"]+)"', row)]
    said = _texts_of(FILES[kind].parent) + _texts_of(FILES[kind].parents[1] / "http")
    pieces = [it.strip(" :,(") for words in quoted for it in words.split("...")]
    assert len(rows) >= 6
    assert [it for it in pieces if not any(it in text for text in said)] == []


def _texts_of(package: Path) -> list[str]:
    nodes = [node for file in package.glob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    return [it.value for it in nodes if isinstance(it, ast.Constant) and isinstance(it.value, str)]


@KINDS
def test_what_is_tested_by_lms_names_it(kind: ConnectorKind) -> None:
    name = kind.capabilities.kind
    said_as_done(kind, "throttling", true=f"support.{_support(name)} import" in _text("test_throttling"))
    if FILES[kind].parent.name != "moodle":  # whose errorcodes tell what is denied
        said_as_done(kind, "denied-objects", true=f'"{name} 401": ' in _text("test_denied_objects"))


def _support(kind: str) -> str:
    return "lti_lms" if kind == "lti" else kind


def _text(name: str) -> str:
    return (TESTS / "lms" / f"{name}.py").read_text("utf-8")


@KINDS
def test_its_simulator_is_held_against_others_clients_if_it_is_said(kind: ConnectorKind) -> None:
    listed = re.findall(r"(?m)^\| ([^|]+?)(?:, every family)? \| `[^`]+` \((?:PyPI|npm)\)", _simulators())
    said_as_done(kind, "others-clients", true=kind.capabilities.name.removesuffix(" Advantage") in listed)


def _simulators() -> str:
    return (generate.REFERENCE / "simulators.md").read_text("utf-8")


@KINDS
def test_people_sign_in_if_it_is_said(kind: ConnectorKind) -> None:
    said_as_done(kind, "sign-in", true=kind.sign_in is not None)


@KINDS
def test_one_is_asked_for_and_a_class_is_graded_in_one_write_if_it_is_said(kind: ConnectorKind) -> None:
    with NETWORKED[kind.capabilities.kind]() as lms:
        said_as_done(kind, "asks-for-one", true=not _leaves_to_lists(lms.connector))
        assignment = lms.create().lms_id
        changes = [(it, SubmissionFields(grade_points=Decimal(7))) for it in lms.students[:5]]
        lms.calls()
        lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
        sent = writes(lms.calls())
    said_as_done(kind, "bulk", true=len(sent) == 1)


def _leaves_to_lists(connector: Connector) -> bool:
    return any(
        getattr(type(connector), it) is getattr(ListsDecide, it) for it in ("find_section", "has_person")
    )


def test_a_level_needs_all_below_it(tmp_path: Path) -> None:
    def standing_of(**todo: str) -> str:
        file = tmp_path / "quality.toml"
        rules = [rule for rules in quality.RULES.values() for rule in rules]
        file.write_text(
            "".join(f'[{it}]\nstatus = "{todo.get(it, "done")}"\nwhy = "so"\n' for it in rules), "utf-8"
        )
        return quality.level(quality.read(file))

    assert standing_of() == "platinum"
    assert standing_of(bulk="exempt") == "platinum"
    assert standing_of(bulk="todo") == "silver"
    assert standing_of(suite="todo") == ""


def test_a_file_that_leaves_out_a_rule_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "quality.toml"
    file.write_text('[suite]\nstatus = "done"\nwhy = "so"\n', "utf-8")
    with pytest.raises(ValueError, match="bulk"):
        quality.read(file)
