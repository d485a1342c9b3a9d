"""One word for one thing, whichever page shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import passback.console

TEMPLATES = sorted((Path(passback.console.__file__).parent / "templates").iterdir())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda it: it.name)
def test_a_section_is_always_called_a_section(template: Path) -> None:
    shown = re.sub(r"<[^>]*>|\{%.*?%\}|\{\{.*?\}\}", " ", template.read_text("utf-8"))
    assert not re.search(r"\bclass(es)?\b", shown, re.IGNORECASE)
