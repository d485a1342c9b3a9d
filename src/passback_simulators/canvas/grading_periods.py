"""Grading periods: sets of an account, which a term's courses have, and which of them work counts in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

_MINUTE = 60_000


def set_of(lms: CanvasState, course: int) -> Record | None:
    """The set of the course's term, if there is one."""
    term = (lms.records.get("courses", course) or {}).get("enrollment_term_id")
    return next((it for it in lms.records.all("grading_period_sets") if term in it["term_ids"]), None)


def periods_of(lms: CanvasState, course: int) -> list[Record]:
    """The grading periods of a course, in order."""
    found = set_of(lms, course)
    return [] if found is None else periods_in(lms, found["id"])


def periods_in(lms: CanvasState, set_id: int) -> list[Record]:
    """The grading periods of a set, in order."""
    found = [it for it in lms.records.all("grading_periods") if it["grading_period_group_id"] == set_id]
    return sorted(found, key=lambda it: it["start_date"])


def current(lms: CanvasState, course: int) -> Record | None:
    """The grading period of a course that it is now."""
    return _at(periods_of(lms, course), lms.clock())


def period_for(periods: list[Record], due: int | None) -> Record | None:
    """The grading period that work counts in, by when it is due: what has no date counts in the last."""
    if due is None:
        return periods[-1] if periods else None
    return _at(periods, due)


def is_closed(lms: CanvasState, period: Record | None) -> bool:
    """Whether grades of a period can be changed no more, but by administrators."""
    return period is not None and lms.clock() > period["close_date"]


def _at(periods: list[Record], when: int) -> Record | None:
    """The period at a time: the end is in it, the start is not, and seconds do not count."""
    minute = when // _MINUTE
    return next(
        (it for it in periods if it["start_date"] // _MINUTE < minute <= it["end_date"] // _MINUTE), None
    )
