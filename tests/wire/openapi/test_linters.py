"""Redocly and Spectral find nothing in the document; their configurations give a reason for each exception."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from support.node import FOLDER, tool
from support.openapi import DOCUMENT


def redocly(file: Path) -> str:
    return tool("redocly", "lint", file, "--config", FOLDER / "redocly.yaml", cwd=file.parent)


def spectral(file: Path) -> str:
    rules = FOLDER / "spectral.yaml"
    return tool("spectral", "lint", file, "--ruleset", rules, "--fail-severity", "hint", cwd=file.parent)


def written(folder: Path, described: dict[str, Any]) -> Path:
    file = folder / "openapi.json"
    file.write_text(json.dumps(described), "utf-8")
    return file


@pytest.mark.parametrize("lint", [redocly, spectral])
def test_a_linter_finds_nothing(lint: Any, tmp_path: Path) -> None:
    lint(written(tmp_path, DOCUMENT))


@pytest.mark.parametrize("lint", [redocly, spectral])
def test_a_linter_finds_an_operation_without_an_id(lint: Any, tmp_path: Path) -> None:
    wrong = copy.deepcopy(DOCUMENT)
    del wrong["paths"]["/v3.1/deliveries"]["get"]["operationId"]
    with pytest.raises(AssertionError, match="operation-operationId"):
        lint(written(tmp_path, wrong))
