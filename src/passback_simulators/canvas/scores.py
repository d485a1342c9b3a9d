"""Students' scores in a course, as Canvas computes them from the scores of their work."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from passback_simulators.canvas import grading_periods, overrides, works
from passback_simulators.canvas.drops import Scored, kept
from passback_simulators.canvas.grades import levels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record


class Totals(Struct, frozen=True):
    """A student's scores, in percent; None if there is nothing to compute them from."""

    current: float | None
    """Of what is graded."""
    final: float | None
    """With nothing for what is not graded."""
    points: float
    """The points of what is graded."""


class _Sum(Struct, frozen=True):
    """A student's points in an assignment group."""

    score: float
    possible: float
    weight: float


class Gradebook:
    """The scores of one course's students; made again for each request."""

    def __init__(self, lms: CanvasState, course: int) -> None:
        self._lms = lms
        self._course = lms.records.get("courses", course) or {}
        self.periods = grading_periods.periods_of(lms, course)
        found = [it for it in lms.assignments_of(course) if it["published"]]
        self._assignments = [it for it in found if it["submission_types"] != ["not_graded"]]
        self._assigned = {it["id"]: set(overrides.assigned_to(lms, it)) for it in self._assignments}
        self._groups = lms.groups_of(course)
        self._works: dict[int, list[tuple[Record, Record]]] = {}

    def totals(self, user: int, *, unposted: bool = False, period: Record | None = None) -> Totals:
        """The scores of a student, in the course or one grading period; `unposted` counts hidden grades, too."""
        periods = grading_periods.set_of(self._lms, self._course["id"]) if period is None else None
        if periods is not None and periods["weighted"] and self.periods:
            return self._of_periods(user, unposted=unposted)
        graded = self._sums(user, unposted, period, ungraded=False)
        return Totals(
            current=self._total(graded),
            final=self._total(self._sums(user, unposted, period, ungraded=True)),
            points=sum(it.score for it in graded),
        )

    def letter(self, score: float | None) -> str | None:
        """A score in words, if the course has a grading scheme of its own."""
        if score is None or self._course.get("grading_standard_id") is None:
            return None
        levels = levels_of(self._lms, {"course_id": self._course["id"]})
        return next((name for name, least in levels if score / 100 >= least - 1e-9), levels[-1][0])

    def _of_periods(self, user: int, *, unposted: bool) -> Totals:
        """The scores by the weights of grading periods, scaled up if the weights make less than all."""
        parts = [
            (float(it["weight"] or 0), self.totals(user, unposted=unposted, period=it)) for it in self.periods
        ]

        def weighted(scores: Sequence[tuple[float, float | None]], full: float) -> float:
            total = sum(weight / 100 * (score or 0.0) for weight, score in scores)
            if full >= 100:
                return total
            return total * 100 / full if full else 0.0

        current = [(weight, it.current) for weight, it in parts]
        final = [(weight, it.final) for weight, it in parts]
        nothing = all(score is None for _, score in current)
        return Totals(
            current=None
            if nothing
            else _rounded(weighted(current, sum(weight for weight, score in current if score is not None))),
            final=_rounded(weighted(final, sum(weight for weight, _ in final))),
            points=sum(it.points for _, it in parts),
        )

    def _sums(self, user: int, unposted: bool, period: Record | None, *, ungraded: bool) -> list[_Sum]:
        scored: dict[int, list[Scored]] = {it["id"]: [] for it in self._groups}
        for assignment, work in self._counting(user):
            if period is not None and work["grading_period_id"] != period["id"]:
                continue
            hidden = not unposted and works.hides_grade(assignment, work)
            score = None if hidden else work["score"]
            if (work["excused"] and not hidden) or (score is None and not ungraded):
                continue
            item = Scored(
                assignment["id"], score or 0.0, float(assignment["points_possible"] or 0), fixed=hidden
            )
            scored.setdefault(int(assignment["assignment_group_id"]), []).append(item)
        return [self._sum(group, scored[group["id"]]) for group in self._groups]

    def _counting(self, user: int) -> list[tuple[Record, Record]]:
        """The assignments that count for a student, with what they have of each now."""
        if user not in self._works:
            self._works[user] = [
                (it, works.as_of_now(self._lms, it, works.submission_of(self._lms, it, user), self.periods))
                for it in self._assignments
                if user in self._assigned[it["id"]] and not it["omit_from_final_grade"]
            ]
        return self._works[user]

    @staticmethod
    def _sum(group: Record, scored: list[Scored]) -> _Sum:
        items = kept(scored, group.get("rules") or {})
        return _Sum(
            sum(it.score for it in items), sum(it.possible for it in items), float(group["group_weight"] or 0)
        )

    def _total(self, sums: Sequence[_Sum]) -> float | None:
        """The percentage of all points or, if groups have weights, of the groups that have any."""
        if not self._course.get("apply_assignment_group_weights"):
            possible = sum(it.possible for it in sums)
            return _rounded(sum(it.score for it in sums) / possible * 100) if possible else None
        relevant = [it for it in sums if it.possible]
        full = sum(it.weight for it in relevant)
        if not full:
            return None
        total = sum(it.score / it.possible * it.weight for it in relevant)
        return _rounded(total * 100 / full if full < 100 else total)


def _rounded(score: float) -> float:
    return float(Decimal(repr(score)).quantize(Decimal("0.01"), ROUND_HALF_UP))
