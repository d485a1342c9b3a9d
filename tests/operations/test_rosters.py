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
from passback.sis.archive import Archive
from passback.store import districts
from passback.store.engine.database import Opened
from support.rosters import CLEVER, ONEROSTER_11, Files, Table, changed, text, zipped
from support.sandbox import DISTRICT, NOW


class Seen:
    """Notes what it sees. See `passback.operations.rosters.Observer`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.steps = 0
        """How many steps took long enough to show their progress."""
        self.plans: list[rosters.Plan] = []

    def progress(self) -> contextlib.nullcontext[Quiet]:
        self.steps += 1
        return contextlib.nullcontext(Quiet())

    def resuming(self, since: int) -> None:
        self.seen.append("resuming")

    def noted(self, notes: Sequence[str]) -> None:
        self.seen += notes

    def compared(self, name: str, checked: rosters.Checked) -> None:
        self.seen.append(f"{name}: {checked.count} problems")
        if checked.plan is not None:
            self.plans.append(checked.plan)

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


def is_compared(database: Opened, file: Path, files: Files, *, dry_run: bool = False) -> bool:
    """Whether an import compares its files with the roster. Nothing may change."""
    seen = Seen()
    before = asyncio.run(rosters.status(database, DISTRICT))
    wanted = rosters.ImportRequest(DISTRICT, dry_run, rosters.Options(allow_removals=True))
    found = rosters.import_from_files(database, zipped(file, files), wanted, lambda: NOW, seen)
    assert found.state == ("dry run" if dry_run else "applied")
    assert seen.plans[0].nothing
    assert [it.before for it in seen.plans[0].kinds.values()] == [*before[0].sizes.values()]
    return seen.steps > 0


def test_files_that_the_roster_is_from_are_not_compared_again(database: Opened, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    bring(database, file, CLEVER, allow_removals=True)
    assert not is_compared(database, file, CLEVER)
    assert not is_compared(database, file, CLEVER, dry_run=True)
    (tmp_path / "files").mkdir()
    for name, table in CLEVER.items():
        (tmp_path / "files" / name).write_text(text(table), newline="")
    with contextlib.closing(Archive(file)) as one, contextlib.closing(Archive(tmp_path / "files")) as other:
        assert one.digest() == other.digest()


def test_other_files_are_compared_even_if_the_difference_says_nothing(
    database: Opened, tmp_path: Path
) -> None:
    file = tmp_path / "roster.zip"
    bring(database, file, CLEVER, allow_removals=True)
    titles, *rows = CLEVER["enrollments.csv"]
    other = {**CLEVER, "enrollments.csv": [titles, *reversed(rows)]}
    assert [is_compared(database, file, it) for it in (other, other, CLEVER, CLEVER)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_roster_that_has_changed_since_is_compared(database: Opened, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    bring(database, file, CLEVER, allow_removals=True)
    database.write_now(lambda conn: districts.count_version(conn, DISTRICT))
    assert is_compared(database, file, CLEVER)


@pytest.mark.parametrize(
    "files",
    [
        changed(CLEVER, "enrollments.csv", 2, "Student_id", "nobody"),
        changed(CLEVER, "enrollments.csv", 2, "Student_id", "t1"),
        ONEROSTER_11,
    ],
    ids=["a problem", "somebody in another role", "dates"],
)
def test_files_that_may_become_another_roster_are_compared_each_time(
    database: Opened, tmp_path: Path, files: Files
) -> None:
    bring(database, tmp_path / "roster.zip", files, allow_removals=True)
    assert is_compared(database, tmp_path / "roster.zip", files)


def test_files_whose_removals_wait_are_compared(database: Opened, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    assert bring(database, file, CLEVER)[0].removals
    done, _ = bring(database, file, CLEVER, allow_removals=True)
    [known] = asyncio.run(rosters.status(database, DISTRICT))
    assert (done.state, known.sizes["students"]) == ("applied", 2)


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
