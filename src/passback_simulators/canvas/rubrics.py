"""Rubrics: their criteria, the assignments that they are for, and assessments by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.replies import number_of, truthy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

_SHOWN = ("id", "title", "context_id", "context_type", "points_possible", "reusable", "public", "read_only",
          "free_form_criterion_comments", "hide_score_total", "data")  # fmt: skip


def criteria_of(rubric_id: int, given: Any) -> list[Record]:
    """The criteria of a rubric as they are sent: objects by number, each with its ratings by number.

    What a criterion is worth is what its best rating is worth. Ids that are missing, or come twice, are made.
    """
    used: set[str] = set()

    def unique(wanted: Any) -> str:
        made, number = str(wanted or "").strip(), 1000
        while not made or made in used:
            made, number = f"{rubric_id}_{number}", number + 1
        used.add(made)
        return made

    criteria = []
    for criterion in _in_order(given):
        made = unique(criterion.get("id"))
        ratings: list[Record] = [
            {
                "description": str(it.get("description") or "No Description").strip(),
                "long_description": str(it.get("long_description") or "").strip(),
                "points": number_of(it.get("points")),
                "criterion_id": made,
                "id": unique(it.get("id")),
            }
            for it in _in_order(criterion.get("ratings"))
        ]
        ratings.sort(key=lambda it: (-it["points"], it["description"]))
        criteria.append(
            {
                "description": str(criterion.get("description") or "No Description").strip(),
                "long_description": str(criterion.get("long_description") or "").strip(),
                "points": max((it["points"] for it in ratings), default=0),
                "id": made,
                "criterion_use_range": truthy(criterion.get("criterion_use_range")),
                "ratings": ratings,
            }
        )
    return criteria


def _in_order(given: Any) -> list[dict[str, Any]]:
    """The objects of a hash by number, or of an array."""
    if isinstance(given, dict):
        keys = sorted(given, key=lambda it: int(it) if str(it).isdecimal() else 0)
        return [given[it] for it in keys if isinstance(given[it], dict)]
    return [it for it in given if isinstance(it, dict)] if isinstance(given, list) else []


def rubric_of(lms: CanvasState, association: Record) -> Record:
    """The rubric of an association."""
    return lms.records.get("rubrics", association["rubric_id"]) or {}


def association_of(lms: CanvasState, assignment: Record) -> Record | None:
    """What ties a rubric to an assignment."""
    found = [
        it
        for it in lms.records.all("rubric_associations")
        if (it["association_type"], it["association_id"]) == ("Assignment", assignment["id"])
        and it["purpose"] == "grading"
    ]
    return found[-1] if found else None


def fits(lms: CanvasState, association: Record, given: Mapping[str, Any]) -> bool:
    """Whether an assessment names any criterion of the rubric."""
    return any(it["id"] in given for it in rubric_of(lms, association)["data"])


def assess(
    lms: CanvasState,
    assignment: Record,
    association: Record,
    submission: Record,
    given: Mapping[str, Any],
    *,
    assessor: int,
    kind: str = "grading",
) -> Record:
    """Assess a submission; for grading there is one assessment of it, whoever makes it."""
    data, score = [], None
    for criterion in rubric_of(lms, association)["data"]:
        row = given.get(criterion["id"])
        if not isinstance(row, dict):
            continue
        points = None if row.get("points") in (None, "") else number_of(row["points"])
        same: Record = next((it for it in criterion["ratings"] if it["points"] == (points or 0.0)), {})
        score = score if points is None else (score or 0.0) + points
        data.append(
            {
                "id": row.get("rating_id") or same.get("id"),
                "points": points,
                "criterion_id": criterion["id"],
                "description": row.get("description") or same.get("description") or "No details",
                "comments": row.get("comments"),
                "comments_enabled": True,
            }
        )
    found = assessment_of(lms, association, submission, kind, None if kind == "grading" else assessor)
    number = found["id"] if found is not None else lms.records.next_number("rubric_assessments", 801)
    changed = {"score": score, "data": data} if data else {}
    record = {
        "id": number, "rubric_id": association["rubric_id"], "rubric_association_id": association["id"],
        "score": None, "artifact_type": "Submission", "artifact_id": submission["id"],
        "artifact_attempt": submission["attempt"], "assessment_type": kind, "user_id": submission["user_id"],
        "assignment_id": assignment["id"], "data": [], **(found or {}), "assessor_id": assessor, **changed,
    }  # fmt: skip
    return lms.records.put("rubric_assessments", number, record)


def assessment_of(
    lms: CanvasState,
    association: Record,
    submission: Record,
    kind: str = "grading",
    assessor: int | None = None,
) -> Record | None:
    """The assessment of a submission, of one kind and by one assessor if that matters."""
    return next(
        (
            it
            for it in lms.records.all("rubric_assessments")
            if it["rubric_association_id"] == association["id"]
            and it["user_id"] == submission["user_id"]
            and it["assessment_type"] == kind
            and assessor in (None, it["assessor_id"])
        ),
        None,
    )


def of_submission(lms: CanvasState, assignment: Record, submission: Record, asked: Collection[str]) -> Record:
    """What a submission shows of its assessment, if the request includes it."""
    if not {"rubric_assessment", "full_rubric_assessment"} & set(asked):
        return {}
    association = association_of(lms, assignment)
    found = assessment_of(lms, association, submission) if association is not None else None
    if found is None:
        return {}
    content: Record = {}
    if "rubric_assessment" in asked:
        content["rubric_assessment"] = {
            it["criterion_id"]: {"rating_id": it["id"], "comments": it["comments"], "points": it["points"]}
            for it in found["data"]
        }
    if "full_rubric_assessment" in asked:
        content["full_rubric_assessment"] = found | {"assessor_name": _name(lms, found["assessor_id"])}
    return content


def of_assignment(lms: CanvasState, assignment: Record) -> Record:
    """What an assignment shows of its rubric."""
    association = association_of(lms, assignment)
    if association is None:
        return {}
    rubric = rubric_of(lms, association)
    return {
        "use_rubric_for_grading": association["use_for_grading"],
        "rubric": [
            {**it, "ratings": [_without_criterion(rating) for rating in it["ratings"]]}
            for it in rubric["data"]
        ],
        "rubric_settings": {
            "id": rubric["id"], "title": rubric["title"], "points_possible": rubric["points_possible"],
            "free_form_criterion_comments": rubric["free_form_criterion_comments"],
            "hide_score_total": association["hide_score_total"], "hide_points": association["hide_points"],
        },
    }  # fmt: skip


def shown(rubric: Record) -> Record:
    """A rubric as the API shows it."""
    return {name: rubric[name] for name in _SHOWN}


def _name(lms: CanvasState, user: int) -> str | None:
    return (lms.records.get("users", user) or {}).get("name")


def _without_criterion(rating: Record) -> Record:
    return {name: value for name, value in rating.items() if name != "criterion_id"}
