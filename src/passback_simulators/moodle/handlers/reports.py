"""The gradebook: its report of a student, and writing it past the assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access, gradebook
from passback_simulators.moodle.errors import no_module, refused
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.params import floating, list_of, object_of, whole, words, yes_no

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

OK, ITEM_LOCKED = 0, 4


def grade_items(lms: MoodleState, courseid: int, userid: int, **_: Any) -> dict[str, Any]:
    """``gradereport_user_get_grade_items``: what a student sees, of all students if none is named."""
    access.course(lms, courseid)
    if not lms.may("moodle/grade:viewall") or not lms.may("gradereport/user:view"):
        raise refused("nopermissiontoviewgrades", "Cannot view grades")
    users = [it["user"] for it in lms.records.all("enrolments") if it["course"] == courseid]
    items = [it for it in lms.records.all("items") if it["course"] == courseid and it["gradetype"]]
    return {
        "usergrades": [
            {"courseid": courseid, "courseidnumber": "", "userid": user, "userfullname": "", "useridnumber": "",
             "maxdepth": 2, "gradeitems": [_item(lms, it, user) for it in items]}
            for user in users
            if userid in (0, user)
        ],
        "warnings": [],
    }  # fmt: skip


def _item(lms: MoodleState, item: Record, user: int) -> dict[str, Any]:
    row, assign = gradebook.entry(lms, item["id"], user), lms.records.get("assigns", item["assign"]) or {}
    return {
        "id": item["id"], "itemname": item["itemname"], "itemtype": "mod", "itemmodule": "assign",
        "iteminstance": item["assign"], "itemnumber": item["itemnumber"], "idnumber": "", "categoryid": 1,
        "outcomeid": None, "scaleid": None, "locked": item["locked"], "cmid": assign.get("cmid", 0),
        "graderaw": row["grade"], "gradedatesubmitted": None, "gradedategraded": row["time"],
        "gradehiddenbydate": False, "gradeneedsupdate": False, "gradeishidden": bool(row["hidden"] or item["hidden"]),
        "gradeislocked": bool(row["locked"] or item["locked"]), "gradeisoverridden": row["overridden"],
        "gradeformatted": "-" if row["grade"] is None else f"{row['grade']:.2f}", "grademin": 0,
        "grademax": item["grademax"], "feedback": row["feedback"] or "", "feedbackformat": 1,
    }  # fmt: skip


def update_grades(
    lms: MoodleState,
    *,
    itemnumber: int,
    grades: list[dict[str, Any]],
    itemdetails: dict[str, Any],
    **activity: Any,
) -> int:
    """``core_grades_update_grades``: it keeps no ``str_feedback``, and does not ask who the students are."""
    courseid = activity["courseid"]
    access.course(lms, courseid)
    access.need(lms, "moodle/grade:edit")
    cm = lms.cm(activity["activityid"])
    if cm is None or cm["course"] != courseid or activity["component"] != f"mod_{cm['modname']}":
        raise no_module()
    item = next(
        (
            it
            for it in lms.records.all("items")
            if (it["assign"], it["itemnumber"]) == (cm["instance"], itemnumber)
        ),
        None,
    )
    if itemdetails.get("deleted"):
        if item is not None:
            lms.records.remove("items", item["id"])
        return OK
    if item is not None and item["locked"]:
        return ITEM_LOCKED
    if item is None:
        number = lms.records.next_number("item", 7301)
        item = {
            "id": number, "course": courseid, "assign": cm["instance"], "itemnumber": itemnumber, "itemname": "",
            "locked": False, "hidden": False, "grademax": 100, "gradetype": 1,
        }  # fmt: skip
    item |= {
        name: itemdetails[name] for name in ("itemname", "grademax", "gradetype") if itemdetails.get(name)
    }
    lms.records.put("items", item["id"], item)
    for one in grades:
        row = gradebook.entry(lms, item["id"], one["studentid"])
        if row["locked"] or lms.records.get("users", one["studentid"]) is None:
            continue
        row["grade"], row["time"] = min(max(one["grade"], 0.0), float(item["grademax"])), lms.seconds
        gradebook.put(lms, row)
    return OK


_GRADE = object_of({"studentid": whole(), "grade": floating(), "str_feedback": words("")})
_DETAILS = object_of(
    {"itemname": words(""), "idnumber": whole(0), "gradetype": whole(0), "grademax": floating(0.0),
     "grademin": floating(0.0), "scaleid": whole(0), "multfactor": floating(1.0), "plusfactor": floating(0.0),
     "deleted": yes_no(False), "hidden": yes_no(False)},
    {},
)  # fmt: skip

FUNCTIONS = {
    "gradereport_user_get_grade_items": Function(
        {"courseid": whole(), "userid": whole(0), "groupid": whole(0)}, grade_items, reads=True
    ),
    "core_grades_update_grades": Function(
        {
            "source": words(), "courseid": whole(), "component": words(), "activityid": whole(),
            "itemnumber": whole(), "grades": list_of(_GRADE, []), "itemdetails": _DETAILS,
        },
        update_grades,
    ),
}  # fmt: skip
