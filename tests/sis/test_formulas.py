"""Names may look like formulas, so a spreadsheet must never get them from us as they are."""

from __future__ import annotations

import re
from pathlib import Path

import passback

_WRITES_CSV = re.compile(r"csv\.(?:writer|DictWriter)|text/csv|from csv import")


def test_nothing_that_we_write_is_csv() -> None:
    """Rosters keep a leading = + - @. Whoever adds an export must disarm them (a ' before them), and test that here."""
    sources = Path(passback.__file__).parent.rglob("*.py")
    assert [str(it) for it in sources if _WRITES_CSV.search(it.read_text("utf-8"))] == []
