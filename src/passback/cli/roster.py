"""``passback roster``: import a district's people and sections."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from passback.cli import Data, UsageError, group, leaving
from passback.cli.data import existing, on_database, with_gateway
from passback.cli.output import show_json, show_rows
from passback.cli.progress import progress_bar
from passback.cli.sync import say_what_is_resumed, waiting, waiting_fields
from passback.cli.text import one_line
from passback.domain.clock import system_clock
from passback.operations import rosters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from passback.cli.progress import ProgressBar
    from passback.domain.clock import Instant
    from passback.operations.rosters import Checked, Outcome, Plan, Status
    from passback.sis.rows import Problem

app = group("roster")

_MOST_SHOWN = 50


@app.command(name="import")
def import_roster(
    file: str | None = None,
    *,
    district: str,
    from_lms: bool = False,
    dry_run: bool = False,
    allow_removals: bool = False,
    early: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=36_500))] = 0,
    keep_until_next: bool = False,
    end_date_inclusive: bool = False,
    strict: bool = False,
    max_bad_rows: str | None = None,
    all_problems: bool = False,
    json: bool = False,
    data: Data = None,
) -> int:
    """Import a district's roster: OneRoster 1.1 or 1.2 (CSV), or the five files of Clever's SFTP sync.

    An import replaces the whole roster: anyone missing from the file is removed. If that would remove more than 10 %
    (and more than 5) of any kind, no removal is carried out: they wait for --allow-removals, while everything else is
    applied. Everything is checked first. A row that has a problem is left out and shown with file, line and column;
    what the district has of it stays as it is. The rest is applied at once, or not at all if too many rows have
    problems. Ids stay the same across imports, which recognize objects by their SIS ids.

    No option is remembered: the command that runs every day has to give them every day.

    Exit codes: 0 success (or nothing to do), 1 rows have problems (even if the rest was applied), removals wait, or
    the roster lacks sections that the LMS did not give, 2 usage error, or the roster could not be read.

    Args:
        file: The zip archive, or the folder of the files.
        district: The district's id.
        from_lms: Read the roster from the connected LMS instead, if there is no other source.
        dry_run: Only show what would change.
        allow_removals: Allow the import to remove any number, also what waits.
        early: Bring enrollments in so many days before they begin.
        keep_until_next: Keep enrollments that have ended until the same person's next one begins, or, if they have no
            next one, until one begins in their school.
        end_date_inclusive: Read OneRoster's endDate as the last day. The standard says that it is the first day after.
        strict: Change nothing if there is any problem, or a reference to an unknown term or course.
        max_bad_rows: How many rows may be left out, as a number (25) or a share of all rows (2%; then 10 in any case).
            If more have problems, nothing changes. 1% unless given.
        all_problems: Show not only the first 50 problems, but all that are kept: 1,000, and of each sort of problem
            between rows (such as unknown students) 200.
        json: Print JSON, with all problems that are kept.
        data: The folder of the data file [data].
    """
    if (file is None) is not from_lms or file == "":  # "" would be the working directory
        raise UsageError("name a file, or give --from-lms" + (", not both" if file and from_lms else ""))
    if strict and max_bad_rows is not None:
        raise UsageError("give --strict or --max-bad-rows, not both")
    options = rosters.Options(
        allow_removals=allow_removals,
        calendar=rosters.Calendar(early=early, keep_until_next=keep_until_next),
        tolerance=rosters.STRICT if strict else _tolerance(max_bad_rows),
    )
    wanted = rosters.ImportRequest(district.lower(), dry_run, options, end_date_inclusive)
    seen = _Collected() if json else _Printed(all_problems=all_problems)
    with existing(data) as database, leaving(lambda: _left(seen, from_lms=from_lms)):
        if file is None:
            outcome = with_gateway(database, data, lambda it: rosters.import_from_lms(it, wanted, seen))
        else:
            outcome = rosters.import_from_files(database, Path(file).absolute(), wanted, system_clock, seen)
    if isinstance(seen, _Collected):
        show_json(seen.fields(outcome))
    else:
        _report(outcome)
    if outcome.state == "invalid":
        return 1
    return 1 if outcome.removals or outcome.note or outcome.rows_left_out else 0


@app.command
def status(*, district: str | None = None, json: bool = False, data: Data = None) -> None:
    """Show how large each district's roster is, where it comes from, and what waits for a person.

    Removals wait if they are too many to be sure: see passback roster import --help.

    Args:
        district: The district's id; without it, all districts.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: rosters.status(it, district and district.lower()))
    if json:
        show_rows(map(_fields, found), (), json=True)
        return
    for one in found:
        print(f"{one.district.id}  {one_line(one.district.name)}")
        print(f"  from  {'the LMS' if one.from_lms else 'files'}")
        print(
            "  has   "
            + ", ".join(f"{count:,} {kind[:-1] if count == 1 else kind}" for kind, count in one.sizes.items())
        )
        if one.held_back is not None:
            print(f"  waits {waiting(one.held_back)}")


def _left(seen: _Printed | _Collected, *, from_lms: bool) -> str:
    """What an import leaves that was interrupted."""
    if seen.is_applied:
        return "the roster has been imported"
    kept = ", and what was read of the LMS is kept: the same command goes on with it" if from_lms else ""
    return f"the roster is as it was{kept}"


def _fields(one: Status) -> dict[str, Any]:
    """A district's roster, for JSON."""
    return {
        "district_id": one.district.id,
        "district_name": one.district.name,
        "source": "lms" if one.from_lms else "files",
        "sizes": one.sizes,
        "waiting": waiting_fields(one.held_back),
    }


def _tolerance(text: str | None) -> rosters.Tolerance:
    """How many rows may be left out: a number, or a share such as 2%. Raises `UsageError`."""
    if text is None:
        return rosters.USUAL
    match = re.fullmatch(r"(\d{1,9})(?:(\.\d{1,3})?(%))?", text, re.ASCII)
    if match is None or (match[3] and float(f"{match[1]}{match[2] or ''}") > 100):
        raise UsageError(f"'{text}' is not a number of rows such as 25, or a share such as 2%")
    if match[3]:
        return rosters.Tolerance(share=float(f"{match[1]}{match[2] or ''}") / 100)
    return rosters.Tolerance(rows=int(match[1]), share=0)


class _Printed:
    """Prints an import while it goes on. See `passback.operations.rosters.Observer`."""

    def __init__(self, *, all_problems: bool) -> None:
        self._all_problems = all_problems
        self.is_applied = False

    def progress(self) -> AbstractContextManager[ProgressBar]:
        return progress_bar()

    def resuming(self, since: Instant) -> None:
        say_what_is_resumed(since)

    def noted(self, notes: Sequence[str]) -> None:
        for note in notes:
            print(one_line(note), file=sys.stderr)

    def compared(self, name: str, checked: Checked) -> None:
        _show_problems(checked, all_problems=self._all_problems)
        if checked.plan is not None:
            print(f"{name}:")
            _show_plan(checked.plan)

    def applied(self, plan: Plan) -> None:
        self.is_applied = True
        if not plan.nothing:
            print("Done.")


class _Collected:
    """Keeps what an import finds, for JSON. See `passback.operations.rosters.Observer`."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._checked: Checked | None = None
        self._notes: list[str] = []
        self.is_applied = False

    def progress(self) -> AbstractContextManager[ProgressBar]:
        return progress_bar()

    def resuming(self, since: Instant) -> None:
        """Nothing to keep."""

    def noted(self, notes: Sequence[str]) -> None:
        self._notes += notes

    def compared(self, name: str, checked: Checked) -> None:
        self._name = name
        self._checked = checked

    def applied(self, plan: Plan) -> None:  # noqa: ARG002 - as compared
        self.is_applied = True

    def fields(self, outcome: Outcome) -> dict[str, Any]:
        """What the import came to."""
        checked = self._checked
        plan = None if checked is None else checked.plan
        return {
            "district_name": self._name,
            "state": outcome.state.replace(" ", "_"),
            "changes": None if plan is None else {kind: _changes(plan, kind) for kind in plan.kinds},
            "enrollments_left_out": 0 if plan is None else plan.left_out,
            "people_left_out": 0 if plan is None else plan.people_left_out,
            "rows_left_out": 0 if checked is None else checked.rows_left_out,
            "problem_count": 0 if checked is None else checked.count,
            "problems": [] if checked is None else [_problem(it) for it in checked.problems],
            "warning_count": 0 if checked is None else checked.warning_count,
            "warnings": [] if checked is None else [_problem(it) for it in checked.warnings],
            "too_many_removals": list(outcome.removals),
            "notes": [*self._notes, *([outcome.note] if outcome.note else [])],
        }


def _changes(plan: Plan, kind: str) -> dict[str, int]:
    it = plan.kinds[kind]
    return {
        "before": it.before,
        "added": it.created,
        "changed": it.updated,
        "removed": it.removed,
        "waiting": plan.held_back.get(kind, 0),
    }


def _problem(it: Problem) -> dict[str, Any]:
    return {
        "file": it.file,
        "line": it.line if it.line > 0 else None,
        "column": it.column or None,
        "message": it.message,
    }


def _report(outcome: Outcome) -> None:
    """Print what the import came to."""
    if outcome.state == "dry run":
        print("Nothing has been changed: this was a dry run.")
    if outcome.state == "invalid":
        return
    if outcome.removals:
        print(
            f"passback: removals wait: {', '.join(outcome.removals)} would be removed, too many to be sure. If that is"
            " right, run this again with --allow-removals.",
            file=sys.stderr,
        )
    if outcome.note is not None:
        print(f"passback: {one_line(outcome.note)}", file=sys.stderr)


def _show_problems(checked: Checked, *, all_problems: bool) -> None:
    """Print problems and warnings, and what becomes of the rows."""
    hidden = _show_some(checked.problems, checked.count, "", all_problems=all_problems)
    hidden_warnings = _show_some(
        checked.warnings, checked.warning_count, "warning: ", all_problems=all_problems
    )
    if checked.warning_count:
        _say(
            f"{_count(checked.warning_count, 'warning', hidden_warnings)}; references to what is unknown or left out"
            " are empty, and enrollments that have one are left out"
        )
    if not checked.count:
        return
    problems, rows = _count(checked.count, "problem", hidden), checked.rows_left_out
    if checked.plan is not None:
        which = (
            "1 row is left out, and what the district has of it"
            if rows == 1
            else (f"{rows:,} rows are left out, and what the district has of them")
        )
        _say(f"{problems}; {which} stays as it is")
    elif checked.too_many_left_out:
        rows -= checked.earlier_rows_left_out
        _say(
            f"{problems}, in {_count(rows, 'row', 0)}, of which no more than {checked.most_left_out:,} may be left out"
            " (--max-bad-rows); nothing has been changed"
        )
    else:
        _say(f"{problems}; nothing has been changed")


def _show_some(problems: Sequence[Problem], count: int, sort: str, *, all_problems: bool) -> int:
    """Print the first problems. Returns how many are not shown."""
    shown = problems if all_problems else problems[:_MOST_SHOWN]
    for problem in shown:
        print(one_line(f"{sort}{problem}"), file=sys.stderr)
    return count - len(shown)


def _count(count: int, what: str, hidden: int) -> str:
    return f"{count:,} {what}{'s' if count > 1 else ''}" + (
        f", {hidden:,} of them not shown" if hidden else ""
    )


def _say(text: str) -> None:
    print(f"passback: {text}", file=sys.stderr)


def _show_plan(plan: Plan) -> None:
    waiting = plan.held_back
    print(
        f"{'':<12}  {'now':>10}  {'added':>10}  {'changed':>10}  {'removed':>10}"
        + (f"  {'waiting':>10}" if waiting else "")
    )
    for kind, it in plan.kinds.items():
        print(
            f"{kind:<12}  {it.before:>10,}  {it.created:>10,}  {it.updated:>10,}  {it.removed:>10,}"
            + (f"  {waiting.get(kind, 0):>10,}" if waiting else "")
        )
    if plan.people_left_out:
        people = "1 person is" if plan.people_left_out == 1 else f"{plan.people_left_out:,} people are"
        print(f"{people} left out: neither student nor teacher, or not active today")
    if plan.left_out:
        enrollments = "1 enrollment is" if plan.left_out == 1 else f"{plan.left_out:,} enrollments are"
        print(f"{enrollments} left out: not active today, or of people in another role")
    if plan.nothing:
        print("Nothing to change.")
