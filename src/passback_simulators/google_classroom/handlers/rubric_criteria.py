"""A rubric's criteria and levels: their validation, and what may change once grading has started.

The rules are those of "Rubrics structure and known limitations" (Classroom API docs). A criterion is stored as clients
send it, with ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import errors, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback_simulators.google_classroom.state import ClassroomState

Criterion = dict[str, Any]

_MOST_CRITERIA = 50
_MOST_LEVELS = 10


def read(lms: ClassroomState, given: Sequence[Criterion], kept: Sequence[Criterion] = ()) -> list[Criterion]:
    """Check the criteria of a request; raises `Refusal`. New criteria and levels get ids.

    Args:
        lms: The simulator.
        given: The criteria as sent.
        kept: Those of the rubric so far, whose ids may be named.
    """
    levels = [level for criterion in given for level in criterion.get("levels", [])]
    scored = {"points" in level for level in levels}
    if not 1 <= len(given) <= _MOST_CRITERIA or len(scored) != 1:
        raise errors.named("RubricCriteriaInvalidFormat")
    if [level.get("points") for level in levels] == [0]:
        raise errors.named("RubricCriteriaInvalidFormat")
    known = {one["id"]: one for one in kept}
    return [_criterion(lms, one, known) for one in _identified(lms, given, known)]


def _criterion(lms: ClassroomState, given: Criterion, kept: dict[str, Criterion]) -> Criterion:
    levels = given.get("levels", [])
    points = [level["points"] for level in levels if "points" in level]
    sorted_ = points in (sorted(points), sorted(points, reverse=True))
    unnamed = any("points" not in level and not level.get("title") for level in levels)
    if not 1 <= len(levels) <= _MOST_LEVELS or len(set(points)) != len(points) or not sorted_ or unnamed:
        raise errors.named("RubricCriteriaInvalidFormat")
    if any(one < 0 for one in points):
        raise errors.named("RubricCriteriaInvalidFormat")
    known = {one["id"]: one for one in kept.get(given["id"], {}).get("levels", [])}
    return given | {"levels": _identified(lms, levels, known)}


def _identified(
    lms: ClassroomState, given: Sequence[dict[str, Any]], known: dict[str, Any]
) -> list[dict[str, Any]]:
    """Criteria or levels with ids: their own, which must be known and used once, or new ones."""
    named = [one["id"] for one in given if one.get("id")]
    if len(set(named)) != len(named) or not set(named) <= known.keys():
        raise errors.named("RubricCriteriaInvalidFormat")
    return [one if one.get("id") else one | {"id": _new_id(lms)} for one in given]


def _new_id(lms: ClassroomState) -> str:
    return wire.id_in_links(str(lms.records.next_number("rubric_part", 461_232_336_701)))


def without_ids(criteria: Sequence[Criterion]) -> list[Criterion]:
    """Criteria as a spreadsheet holds them."""
    return [
        {name: value for name, value in one.items() if name not in ("id", "levels")}
        | {"levels": [{name: level[name] for name in level if name != "id"} for level in one["levels"]]}
        for one in criteria
    ]


def allowed_while_grading(before: Sequence[Criterion], after: Sequence[Criterion]) -> bool:
    """Whether only titles, descriptions and the order of levels differ."""

    def fixed(criteria: Sequence[Criterion]) -> list[tuple[str, dict[str, float | None]]]:
        return [
            (one["id"], {level["id"]: level.get("points") for level in one["levels"]}) for one in criteria
        ]

    return fixed(before) == fixed(after)


def shown(criteria: Sequence[Criterion]) -> list[dict[str, Any]]:
    """Criteria as the API shows them: points of 0 are points."""
    return [
        one | {"levels": [level | {"points": wire.present(level.get("points"))} for level in one["levels"]]}
        for one in criteria
    ]
