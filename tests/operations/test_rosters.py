"""Importing rosters from files. `tests/cli` has imports from an LMS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from passback.operations import rosters
from passback.operations.errors import NotFound, OperationError
from passback.rosters.progress import Quiet
from passback.store.engine.database import Opened
from support.rosters import CLEVER, Table, changed, zipped
from support.sandbox import DISTRICT, NOW


class Seen:
    """Notes what it sees. See `passback.operations.rosters.Observer`."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def progress(self) -> contextlib.nullcontext[Quiet]:
        return contextlib.nullcontext(Quiet())

    def resuming(self, since: int) -> None:
        self.seen.append("resuming")

    def noted(self, notes: Sequence[str]) -> None:
        self.seen += notes

    def compared(self, name: str, checked: rosters.Checked) -> None:
        self.seen.append(f"{name}: {checked.count} problems")

    def applied(self, plan: rosters.Plan) -> None:
        self.seen.append("applied")


def bring(
    database: Opened,
    file: Path,
    files: Mapping[str, Table],
    *,
    dry_run: bool = False,
    allow_removals: bool = False,
    tolerance: rosters.Tolerance = rosters.USUAL,
) -> tuple[rosters.Outcome, list[str]]:
    seen = Seen()
    options = rosters.Options(allow_removals=allow_removals, tolerance=tolerance)
    wanted = rosters.ImportRequest(DISTRICT, dry_run, options)
    found = rosters.import_from_files(database, zipped(file, files), wanted, lambda: NOW, seen)
    return found, [it.split(": ")[-1] for it in seen.seen]


def test_a_roster_is_compared_and_then_applied(database: Opened, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    tried = bring(database, file, CLEVER, dry_run=True, allow_removals=True)
    assert tried == (rosters.Outcome("dry run"), ["0 problems"])
    refused, seen = bring(database, file, CLEVER)
    assert (refused.state, seen) == ("applied", ["0 problems", "applied"])
    assert "40 of 40 students" in refused.removals
    [known] = asyncio.run(rosters.status(database, DISTRICT))
    assert (known.sizes["students"], known.held_back is not None, known.from_lms) == (42, True, False)
    done = bring(database, file, CLEVER, allow_removals=True)
    assert done == (rosters.Outcome("applied"), ["0 problems", "applied"])
    assert bring(database, file, CLEVER) == done


def test_a_roster_with_problems_is_not_applied(database: Opened, tmp_path: Path) -> None:
    wrong = changed(CLEVER, "enrollments.csv", 2, "Student_id", "nobody")
    file = tmp_path / "roster.zip"
    for tolerance in (rosters.STRICT, rosters.Tolerance(rows=0, share=0)):
        found = bring(database, file, wrong, allow_removals=True, tolerance=tolerance)
        assert found == (rosters.Outcome("invalid"), ["1 problems"])


def test_a_roster_is_applied_without_the_rows_that_have_problems(database: Opened, tmp_path: Path) -> None:
    wrong = changed(CLEVER, "enrollments.csv", 2, "Student_id", "nobody")
    file = tmp_path / "roster.zip"
    tried = bring(database, file, wrong, allow_removals=True, dry_run=True)
    assert tried == (rosters.Outcome("dry run", rows_left_out=1), ["1 problems"])
    done = bring(database, file, wrong, allow_removals=True)
    assert done == (rosters.Outcome("applied", rows_left_out=1), ["1 problems", "applied"])


def test_what_cannot_be_read_is_refused(database: Opened, tmp_path: Path) -> None:
    wanted = rosters.ImportRequest(DISTRICT)
    for file in (tmp_path / "missing.zip", tmp_path):  # the folder has no roster's files
        with pytest.raises(OperationError):
            rosters.import_from_files(database, file, wanted, lambda: NOW, Seen())


def test_an_unknown_district_is_not_found(database: Opened, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no district x"):
        rosters.import_from_files(database, tmp_path, rosters.ImportRequest("x"), lambda: NOW, Seen())
    with pytest.raises(NotFound, match="there is no district x"):
        asyncio.run(rosters.require_district(database, "x"))
