"""Bringing in a district's roster: read, checked, compared, and applied at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.lms.registry import BUILTIN
from passback.sis.rows import Problem, Problems
from passback.store import roster, syncs
from passback.store.staging import tables

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.rosters.lease import Renew
    from passback.rosters.progress import Progress
    from passback.sis.rows import Format
    from passback.store.engine.database import Session
    from passback.store.staging.tables import Plan

MOST_REMOVED = 0.1
"""Which part of a kind of objects a roster may remove without being told that it may."""

_SINGULAR = {
    "schools": "school", "terms": "term", "courses": "course", "sections": "section", "users": "user",
}  # fmt: skip


class Checked(Struct, frozen=True):
    """A roster that was read and compared."""

    plan: Plan | None
    """None where something is wrong."""
    problems: list[Problem]
    """The first that are wrong: of each row by itself, then between them; in the order of reading, the root first."""
    count: int
    """How many are wrong in all."""


def check(session: Session, files: Format, district_id: str, clock: Clock, progress: Progress) -> Checked:
    """Read a roster into temporary tables, and find out what is wrong with it, or what it would change."""
    tables.prepare(session)
    problems = Problems()
    ids = tables.Ids(clock())
    for kind, rows in files.rows(problems):
        tables.load(session, kind, rows, ids)
        progress.read(files.read(), files.size)
    progress.step("checking")
    tables.settle(session, ids, repeated_users=files.repeats_users, one_role=files.one_role)
    between = Problems()
    for sort in [] if problems.cut_short else tables.faults(session, ids_by_role=files.ids_by_role):
        _tell(sort, files, problems.files, between)
    if count := problems.count + between.count:
        return Checked(None, [*problems.first, *between.first], count)
    return Checked(tables.plan(session, district_id, progress.step), [], 0)


def too_many_removed(plan: Plan) -> list[str]:
    """The kinds of objects of which a roster would remove more than it may unasked, each with how many."""
    return [
        f"{it.removed:,} of {it.before:,} {kind}"
        for kind, it in plan.kinds.items()
        if it.removed > it.before * MOST_REMOVED
    ]


def apply(session: Session, plan: Plan, clock: Clock, progress: Progress, hold: Renew | None = None) -> None:
    """Make the roster the district's, in one transaction. Raises `passback.store.staging.tables.Overtaken`.

    `hold` where it was read from the LMS, and so follows it from now on: it raises
    `passback.rosters.lease.LeaseLost`.
    """
    progress.step("noting what was before")
    tables.note_previous(session)
    with session.transaction():
        tables.begin(session, plan)
        if not plan.nothing:
            district = roster.find(session, roster.DISTRICTS, plan.district_id, plan.district_id)
            own = district is not None and district.lms_type == BUILTIN
            tables.apply(session, plan, clock(), progress.step, own_lms=own)
        roster.follow_lms(session, plan.district_id, follows=hold is not None)
        if hold is not None:
            hold(session)  # only now: it may have taken longer than one holds
        elif not plan.nothing and syncs.find(session, plan.district_id) is not None:
            syncs.ask(session, plan.district_id, clock())  # what is new must be matched


def _tell(sort: tables.Faults, files: Format, spoilt: set[str], problems: Problems) -> None:
    """Add faults of a sort; as one, where what they miss may be in a row of a `spoilt` file that was left out."""
    file, column = files.place(sort.kind, sort.column, sort.role)
    if sort.missing is None:
        for fault in sort.first:
            problems.add(
                file,
                fault.line,
                column,
                f"{_shown(fault)} is there more than once, first in line {fault.first}: each {_SINGULAR[sort.kind]}"
                " needs an id of its own",
            )
    elif (home := files.place(sort.missing, "sis_id", sort.role)[0]) in spoilt:
        rows = "the row refers" if sort.count == 1 else f"{sort.count:,} rows, first this, refer"
        problems.add(
            file,
            sort.first[0].line,
            column,
            f"{rows} to {sort.missing} that are not there, or left out for what is wrong with {home}",
        )
        return
    else:
        for fault in sort.first:
            problems.add(
                file,
                fault.line,
                column,
                f"there is no {_SINGULAR[sort.missing]} {_shown(fault)}: add it, or correct the id",
            )
    problems.more(sort.count - len(sort.first))


def _shown(fault: tables.Fault) -> str:
    return repr("".join(it if it.isprintable() else " " for it in fault.value)[:80])
