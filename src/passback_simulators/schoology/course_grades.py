"""The grade of a whole period or course, as Schoology computes it from categories and their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.schoology.replies import number

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

MISSING = 3
"""The exception that counts as zero; the others do not count at all."""


def percent(
    lms: SchoologyState, section_id: str, enrollment_id: str, period: int | None = None
) -> float | None:
    """A student's percentage in a period or in the course; None while nothing counts.

    Items without a category do not count; nor does a category whose weight is 0.
    """
    sums: dict[int, list[float]] = {}
    for item in lms.records.all("grade_items"):
        if item["section_id"] != section_id or not item["grading_category"] or not item["count_in_grade"]:
            continue
        grade = lms.records.get("grades", f"{item['id']}/{enrollment_id}")
        if grade is None or period not in (None, item["grading_period"]):
            continue
        points = 0.0 if grade["exception"] == MISSING else grade["grade"]
        if points is not None:
            total = sums.setdefault(item["grading_category"], [0.0, 0.0])
            total[0] += points * item["factor"]
            total[1] += item["max_points"] * item["factor"]
    section = lms.records.get("sections", section_id)
    weighted = section is not None and section["weighted"] == "1"
    weights = {}
    for category_id, (_, most) in sums.items():
        category = lms.records.get("categories", category_id)
        if category is not None and most:
            weights[category_id] = float(category["weight"]) if weighted else 1.0
    whole = sum(weights.values())
    if not whole:
        return None
    share = sum(weight * sums[one][0] / sums[one][1] for one, weight in weights.items())
    return number(round(100 * share / whole, 2))


def periods(lms: SchoologyState, section_id: str) -> list[Record]:
    """The periods of a section as grades name them."""
    ids = (lms.records.get("sections", section_id) or {"grading_periods": []})["grading_periods"]
    return [
        {
            "period_id": f"p{id_}",
            "period_title": (lms.records.get("periods", id_) or {"title": ""})["title"],
            "weight": f"{100 / len(ids):.2f}",
        }
        for id_ in ids
    ]


def final(lms: SchoologyState, section_id: str, enrollment_id: str) -> list[Record]:
    """A student's grades of each period, of "other" (no period), and of the course."""
    rows: list[tuple[str, float | None]] = []
    for period in periods(lms, section_id):
        id_ = period["period_id"]
        rows.append((id_, percent(lms, section_id, enrollment_id, int(id_[1:]))))
    rows.append(("other", percent(lms, section_id, enrollment_id, 0)))
    rows.append(("final", percent(lms, section_id, enrollment_id)))
    shown = []
    for id_, grade in rows:
        comment = lms.records.get("final_comments", f"{enrollment_id}/{id_}")
        kept = comment or {"comment": "", "comment_status": None}
        shown.append({"period_id": id_, "grade": grade, **kept})
    return shown
