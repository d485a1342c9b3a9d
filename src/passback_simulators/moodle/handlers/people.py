"""People and their enrolments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access
from passback_simulators.moodle.errors import bad_parameter
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.params import list_of, object_of, whole, words

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

_FIELDS = ("id", "idnumber", "username", "email")
_OPTIONS = frozenset(
    {"withcapability", "groupid", "onlyactive", "onlysuspended", "userfields", "limitfrom", "limitnumber", "sortby",
     "sortdirection"}
)  # fmt: skip


def enrolled(lms: MoodleState, courseid: int, options: list[dict[str, str]]) -> list[dict[str, Any]]:
    """``core_enrol_get_enrolled_users``."""
    access.course(lms, courseid)
    access.need(lms, "moodle/course:viewparticipants")
    given = {it["name"]: it["value"] for it in options}
    if not given.keys() <= _OPTIONS:
        raise bad_parameter()
    found = [it for it in lms.records.all("enrolments") if it["course"] == courseid]
    # Suspended enrolments are in the list unless they are not wanted.
    if given.get("onlyactive") == "1":
        found = [it for it in found if lms.is_active(courseid, it["user"])]
    if group := given.get("groupid", "0").strip("0"):
        members = (lms.records.get("groups", group) or {}).get("members", [])
        found = [it for it in found if it["user"] in members]
    users = [
        (it, user) for it in found if (user := lms.records.get("users", it["user"])) and not user["deleted"]
    ]
    users.sort(key=lambda pair: int(pair[1]["id"]))
    start, count = int(given.get("limitfrom", "0")), int(given.get("limitnumber", "0"))
    users = users[start : start + count] if count else users[start:]
    wanted = given["userfields"].split(",") if given.get("userfields") else None
    return [_shown(lms, user, enrolment, wanted) for enrolment, user in users]


def _shown(lms: MoodleState, user: Record, enrolment: Record, wanted: list[str] | None) -> dict[str, Any]:
    number, name = enrolment["role"]
    shown = {
        **_user(lms, user),
        "roles": [{"roleid": number, "name": "", "shortname": name, "sortorder": 0}],
        "groups": [
            {"id": it["id"], "name": it["name"], "description": "", "descriptionformat": 1}
            for it in lms.records.all("groups")
            if user["id"] in it["members"] and it["courseid"] == enrolment["course"]
        ],
        "enrolledcourses": [],
    }
    if wanted is None:
        return shown
    return {name: it for name, it in shown.items() if name in ("id", "fullname") or name in wanted}


def _user(lms: MoodleState, user: Record) -> dict[str, Any]:
    shown = {
        "id": user["id"], "username": user["username"], "firstname": user["firstname"], "lastname": user["lastname"],
        "fullname": f"{user['firstname']} {user['lastname']}", "department": "", "firstaccess": 0, "lastaccess": 0,
        "description": "", "descriptionformat": 1, "profileimageurlsmall": "", "profileimageurl": "",
    }  # fmt: skip
    if lms.may("moodle/site:viewuseridentity"):
        shown["email"] = user["email"]
        if user["idnumber"]:
            shown["idnumber"] = user["idnumber"]
    return shown


def by_field(lms: MoodleState, field: str, values: list[str]) -> list[dict[str, Any]]:
    """``core_user_get_users_by_field``: unknown values are left out."""
    if field not in _FIELDS:
        raise bad_parameter()
    # A deleted user still answers by id, under a name and an address that are nobody's.
    return [
        _user(lms, it)
        for it in lms.records.all("users")
        if str(it[field]) in values and (not it["deleted"] or field == "id")
    ]


_OPTION = object_of({"name": words(), "value": words()})

FUNCTIONS = {
    "core_enrol_get_enrolled_users": Function(
        {"courseid": whole(), "options": list_of(_OPTION, [])}, enrolled, reads=True
    ),
    "core_user_get_users_by_field": Function(
        {"field": words(), "values": list_of(words())}, by_field, reads=True
    ),
}
