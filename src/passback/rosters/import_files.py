"""Imports a district's roster: reads it, checks it, compares it and applies it in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import SECOND
from passback.lms.registry import BUILTIN
from passback.rosters.removals import most_removed
from passback.sis.rows import Problem, Problems
from passback.store import districts, held_back, roster, syncs
from passback.store.staging import compare, tables
from passback.store.staging.apply import lock_roster, note_previous, write_roster
from passback.store.staging.calendar import Calendar, settle_dates
from passback.store.staging.problems import FaultyRow, FaultyRows, find_faulty_rows

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.rosters.lease import Renew
    from passback.rosters.progress import Progress
    from passback.sis.rows import Format
    from passback.store.engine.database import Session
    from passback.store.staging.compare import Plan

_SINGULAR = {
    "schools": "school", "terms": "term", "courses": "course", "sections": "section", "users": "user",
}  # fmt: skip


class Options(Struct, frozen=True):
    """How a roster is imported."""

    allow_removals: bool = False
    """Whether it may remove any number of objects."""
    calendar: Calendar = Calendar()


class Checked(Struct, frozen=True):
    """A roster that was read and compared."""

    plan: Plan | None
    """None if there are problems."""
    problems: list[Problem]
    """The first problems: those within a row, then those between rows; causes before consequences."""
    count: int
    """How many problems there are in all."""


def check(
    session: Session,
    files: Format,
    district_id: str,
    clock: Clock,
    progress: Progress,
    options: Options,
) -> Checked:
    """Read a roster into temporary tables; find its problems, or else what it would change.

    Unless they are allowed, the plan holds all removals back if they are too many.
    """
    tables.prepare(session)
    problems = Problems()
    ids = tables.Ids(clock())
    for kind, rows in files.rows(problems):
        tables.load(session, kind, rows, ids)
        progress.read(files.read(), files.size)
    progress.step("checking")
    tables.index(session)
    today = datetime.fromtimestamp(clock() / SECOND, UTC).astimezone().date()  # of this machine's time zone
    settle_dates(session, today, options.calendar)
    tables.settle(session, ids, repeated_users=files.repeats_users, one_role=files.one_role)
    between = Problems()
    for sort in [] if problems.cut_short else find_faulty_rows(session, ids_by_role=files.ids_by_role):
        _add_faults(sort, files, problems.files, between)
    if count := problems.count + between.count:
        return Checked(None, [*problems.first, *between.first], count)
    bound = None if options.allow_removals else most_removed
    return Checked(compare.plan(session, district_id, progress.step, bound), [], 0)


def apply(session: Session, plan: Plan, clock: Clock, progress: Progress, renew: Renew | None = None) -> None:
    """Apply a roster to the district, in one transaction. Raises `passback.store.staging.compare.RosterChanged`.

    `renew` is given if the roster was read from the LMS, which it then follows; it may raise
    `passback.rosters.lease.LeaseLost`.
    """
    progress.step("noting what was before")
    note_previous(session)
    with session.transaction():
        lock_roster(session, plan)
        if not plan.nothing:
            district = roster.find(session, roster.DISTRICTS, plan.district_id, plan.district_id)
            own = district is not None and district.lms_type == BUILTIN
            write_roster(session, plan, clock(), progress.step, own_lms=own)
        districts.follow_lms(session, plan.district_id, follows=renew is not None)
        held_back.replace(session, plan.district_id, "removals", plan.held_back, clock())
        if renew is not None:
            renew(session)  # only now: the work above may have outlasted the lease
        elif not plan.nothing and syncs.find(session, plan.district_id) is not None:
            syncs.request(session, plan.district_id, clock())  # to match what is new


def _add_faults(sort: FaultyRows, files: Format, incomplete: set[str], problems: Problems) -> None:
    """Report faults of one sort; as one problem if they may refer to rows skipped in an `incomplete` file."""
    file, column = files.locate(sort.kind, sort.column, sort.role)
    if sort.missing is None:
        for fault in sort.first:
            problems.add(
                file,
                fault.line,
                column,
                f"{_quoted(fault)} appears more than once, first in line {fault.first}: give each"
                f" {_SINGULAR[sort.kind]} an id of its own",
            )
    elif (home := files.locate(sort.missing, "sis_id", sort.role)[0]) in incomplete:
        rows = "this row refers" if sort.count == 1 else f"{sort.count:,} rows, starting with this one, refer"
        problems.add(
            file,
            sort.first[0].line,
            column,
            f"{rows} to {sort.missing} that are missing, or were skipped because of the problems in {home}",
        )
        return
    else:
        for fault in sort.first:
            problems.add(
                file,
                fault.line,
                column,
                f"there is no {_SINGULAR[sort.missing]} {_quoted(fault)}: add it, or correct the id",
            )
    problems.count_more(sort.count - len(sort.first))


def _quoted(fault: FaultyRow) -> str:
    return repr("".join(it if it.isprintable() else " " for it in fault.value)[:80])
