"""Imports a district's roster: reads it, checks it, compares it and applies it in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.delivery import webhook_notify
from passback.domain.clock import SECOND
from passback.lms.registry import BUILTIN
from passback.rosters.removals import most_removed
from passback.sis.rows import Problem, Problems
from passback.store import districts, held_back, roster, syncs
from passback.store.staging import compare, renames, source_rows, tables
from passback.store.staging.apply import lock_roster, note_previous, write_roster
from passback.store.staging.calendar import Calendar, settle_dates
from passback.store.staging.keep import keep_people_and_enrollments
from passback.store.staging.problems import FaultyRow, FaultyRows, leave_out_members, leave_out_objects
from passback.store.withdrawals import withdraw

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.rosters.delta import Source
    from passback.rosters.lease import Renew
    from passback.rosters.progress import Progress
    from passback.sis.rows import Format
    from passback.store.engine.database import Session
    from passback.store.staging.compare import Plan

_SINGULAR = {
    "schools": "school", "terms": "term", "courses": "course", "sections": "section", "users": "user",
}  # fmt: skip


class Tolerance(Struct, frozen=True):
    """How many rows with problems an import may leave out before it changes nothing."""

    rows: int = 10
    share: float = 0.01
    """Of all rows; the larger bound counts."""
    strict: bool = False
    """Whether no row may be left out, and no reference be emptied."""

    def most(self, rows_read: int) -> int:
        """The bound for a roster of so many rows."""
        return 0 if self.strict else max(self.rows, int(rows_read * self.share))


USUAL = Tolerance()
STRICT = Tolerance(strict=True)


class Options(Struct, frozen=True):
    """How a roster is imported."""

    allow_removals: bool = False
    """Whether it may remove any number of objects."""
    calendar: Calendar = Calendar()
    tolerance: Tolerance = USUAL


class Checked(Struct, frozen=True):
    """A roster that was read and compared."""

    plan: Plan | None
    """None if there are more problems than are tolerated, or a file cannot be read."""
    problems: list[Problem]
    """The first problems: those within a row, then those between rows; causes before consequences."""
    count: int
    """How many problems there are in all."""
    warnings: list[Problem] = []
    """The first things that do not leave out a row, or follow from a problem."""
    warning_count: int = 0
    rows_left_out: int = 0
    """How many rows have a problem. What the district has of them stays as it is."""
    earlier_rows_left_out: int = 0
    """How many of them came with an earlier import, so that these files are not to blame."""
    most_left_out: int = 0
    """How many rows of the files may have one."""

    @property
    def as_it_is(self) -> bool:
        """Whether all of it becomes the roster, as it is."""
        plan = self.plan
        nothing_said = not (self.count or self.warning_count)
        return (
            nothing_said
            and plan is not None
            and not (plan.left_out or plan.people_left_out or plan.held_back)
        )

    @property
    def too_many_left_out(self) -> bool:
        """Whether so many rows have a problem that nothing is to change."""
        return self.rows_left_out - self.earlier_rows_left_out > self.most_left_out


def check(
    session: Session,
    files: Format,
    district_id: str,
    clock: Clock,
    progress: Progress,
    options: Options,
) -> Checked:
    """Read a roster into temporary tables, leave out rows that have problems, and find what it would change.

    Unless they are allowed, the plan holds all removals back if they are too many.
    """
    tables.prepare(session)
    problems = Problems()
    ids = tables.Ids(clock())
    for kind, rows in files.rows(problems):
        tables.load(session, kind, rows, ids)
        progress.read(files.read(), files.size)
    if problems.cut_short:
        return Checked(None, problems.first, problems.count)
    progress.step("checking")
    between, warnings = Problems(), Problems()
    tables.index(session)
    source_rows.note_unreadable(session)
    tables.settle_former_ids(session, district_id)
    today = datetime.fromtimestamp(clock() / SECOND, UTC).astimezone().date()  # of this machine's time zone
    found = leave_out_objects(session, district_id, files)
    settle_dates(session, today, options.calendar)
    found += leave_out_members(session, district_id)
    for sort in sorted(found, key=lambda it: it.effect == "follows"):
        _add_faults(sort, files, between if sort.effect == "left out" else warnings)
    most = options.tolerance.most(problems.rows_read)
    checked = Checked(
        None,
        [*problems.first, *between.first],
        problems.count + between.count,
        warnings.first,
        warnings.count,
        problems.rows_left_out + between.rows_left_out,
        problems.earlier_rows_left_out + between.earlier_rows_left_out,
        most,
    )
    if options.tolerance.strict and checked.count + checked.warning_count:
        return Checked(None, [*checked.problems, *checked.warnings], checked.count + checked.warning_count)
    if checked.too_many_left_out:
        return checked
    tables.settle(session, ids, one_role=files.one_role)
    keep_people_and_enrollments(session, district_id)
    bound = None if options.allow_removals else most_removed
    return replace(checked, plan=compare.plan(session, district_id, progress.step, bound))


def apply(
    session: Session,
    plan: Plan,
    clock: Clock,
    progress: Progress,
    renew: Renew | None = None,
    source: Source | None = None,
    *,
    digest: str | None = None,
) -> None:
    """Apply a roster to the district, in one transaction. Raises `passback.store.staging.compare.RosterChanged`.

    `renew` is given if the roster was read from the LMS, which it then follows; it may raise
    `passback.rosters.lease.LeaseLost`. Later delta files are applied to the rows of `source`, if there is one. `digest`
    is that of files of which everything becomes the roster, on any day.
    """
    progress.step("noting what was before")
    note_previous(session)
    with session.transaction():
        lock_roster(session, plan)
        if source is not None and source.version != plan.version:
            raise compare.RosterChanged
        if not plan.nothing:
            district = roster.find(session, roster.DISTRICTS, plan.district_id, plan.district_id)
            own = district is not None and district.lms_type == BUILTIN
            if not own:
                _withdraw_renamed(session, plan.district_id, clock())
            write_roster(session, plan, clock(), progress.step, own_lms=own)
        if source is None:
            source_rows.forget(session, plan.district_id)
        else:
            source_rows.write(session, plan.district_id, source.facts)
            if source.changes and plan.nothing:  # what was planned from other rows is out of date
                districts.count_version(session, plan.district_id)
        districts.follow_lms(session, plan.district_id, follows=renew is not None)
        held_back.replace(session, plan.district_id, "removals", plan.held_back, clock())
        if renew is not None:
            renew(session)  # only now: the work above may have outlasted the lease
        elif not plan.nothing and syncs.find(session, plan.district_id) is not None:
            syncs.request(session, plan.district_id, clock())  # to match what is new
        districts.note_files(session, plan.district_id, digest)
        sizes = {kind: changes.after for kind, changes in plan.kinds.items()}
        districts.note_sizes(session, plan.district_id, sizes)


def _withdraw_renamed(session: Session, district_id: str, now: Instant) -> None:
    """Withdraw the matches that may be another child's now. It cannot wait for the sync: grades come meanwhile."""
    lost = withdraw(session, district_id, renames.by_import(session), now)
    webhook_notify.matches_withdrawn(session, district_id, lost, now)


def _add_faults(sort: FaultyRows, files: Format, problems: Problems) -> None:
    """Report faults of one sort; as one if they follow from rows that were left out."""
    file, column = files.locate(sort.kind, sort.column, sort.role)
    if sort.effect == "left out":
        problems.rows_left_out += sort.rows
        problems.earlier_rows_left_out += sort.earlier
    if sort.effect == "follows" and sort.missing is not None:
        home = files.locate(sort.missing, "sis_id", sort.role)[0]
        if file != home:  # otherwise the very row that was left out
            rows = (
                "this row refers"
                if sort.count == 1
                else f"{sort.count:,} rows, starting with this one, refer"
            )
            problems.add(
                file,
                sort.first[0].line,
                column,
                f"{rows} to {sort.missing} that are missing, or were skipped because of the problems in {home}",
            )
        return
    for fault in sort.first:
        if sort.missing is None:
            message = (
                f"{_quoted(fault)} appears more than once, first in line {fault.first}: give each"
                f" {_SINGULAR[sort.kind]} an id of its own"
            )
        else:
            message = f"there is no {_SINGULAR[sort.missing]} {_quoted(fault)}: add it, or correct the id"
        problems.add(file, fault.line, column, message)
    problems.count_more(sort.count - len(sort.first))


def _quoted(fault: FaultyRow) -> str:
    return repr("".join(it if it.isprintable() else " " for it in fault.value)[:80])
