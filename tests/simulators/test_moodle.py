"""The simulated Moodle: what its web services do that other APIs do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from passback.testing.served import Served
from passback_simulators.moodle import seed
from passback_simulators.moodle.app import SERVER, MoodleSimulator
from support.moodle_types import misfits
from support.sandbox import NOW

COURSE = int(seed.SECTION_LMS_ID["000007"])
STUDENT, OTHER = int(seed.person_lms_id("001001")), int(seed.person_lms_id("001002"))
ADA: dict[str, Any] = {
    "userid": STUDENT,
    "attemptnumber": -1,
    "addattempt": 0,
    "workflowstate": "",
    "grade": 8,
}
COMMENT = "plugindata[assignfeedbackcomments_editor]"


def simulator(moodle: Served) -> MoodleSimulator:
    assert isinstance(moodle.simulator, MoodleSimulator)
    return moodle.simulator


def ask(moodle: Served, function: str, *, token: str = seed.TOKEN, **params: Any) -> httpx2.Response:
    given = {"wstoken": token, "wsfunction": function, "moodlewsrestformat": "json", **params}
    return httpx2.post(moodle.url + SERVER, data={name: str(it) for name, it in given.items()})


def call(moodle: Served, function: str, params: Mapping[str, Any] | None = None, **more: Any) -> Any:
    reply = ask(moodle, function, **{**(params or {}), **more})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    answer = reply.json()
    if not (isinstance(answer, dict) and "exception" in answer):
        assert misfits(function, answer) == []
    return answer


def code(moodle: Served, function: str, params: Mapping[str, Any] | None = None, **more: Any) -> str:
    answer = call(moodle, function, params, **more)
    assert {*answer} == {"exception", "errorcode", "message"}, answer
    return str(answer["errorcode"])


def make(moodle: Served, **settings: Any) -> int:
    return simulator(moodle).ui_create_assignment(COURSE, "Essay", **{"grade": 20, **settings})


def save(moodle: Served, assign: int, **changes: Any) -> Any:
    return call(moodle, "mod_assign_save_grade", assignmentid=assign, applytoall=0, **{**ADA, **changes})


def stored(moodle: Served, assign: int) -> dict[int, str]:
    answer = call(moodle, "mod_assign_get_grades", {"assignmentids[0]": assign})
    return {it["userid"]: it["grade"] for one in answer["assignments"] for it in one["grades"]}


def in_gradebook(moodle: Served, assign: int, user: int = STUDENT) -> Any:
    answer = call(moodle, "gradereport_user_get_grade_items", courseid=COURSE, userid=user)
    [item] = [it for it in answer["usergrades"][0]["gradeitems"] if it["iteminstance"] == assign]
    return item


# Transport.


def test_json_only_where_it_is_asked_for(moodle: Served) -> None:
    body = {"wstoken": seed.TOKEN, "wsfunction": "core_webservice_get_site_info"}
    reply = httpx2.post(moodle.url + SERVER, data=body)
    assert reply.text.startswith('<?xml version="1.0" encoding="UTF-8" ?>\n<RESPONSE>\n<SINGLE>')
    wrong = httpx2.post(moodle.url + SERVER, data={**body, "wstoken": "x"})
    assert "<ERRORCODE>invalidtoken</ERRORCODE>" in wrong.text


def test_get_works_as_well(moodle: Served) -> None:
    query = urlencode(
        {"wstoken": seed.TOKEN, "wsfunction": "core_webservice_get_site_info", "moodlewsrestformat": "json"}
    )
    assert httpx2.get(f"{moodle.url}{SERVER}?{query}").json()["release"].startswith("4.5")


def test_neither_a_header_nor_a_json_body_is_read(moodle: Served) -> None:
    body = {"wstoken": seed.TOKEN, "wsfunction": "core_webservice_get_site_info"}
    headers = {"Authorization": f"Bearer {seed.TOKEN}"}
    reply = httpx2.post(f"{moodle.url}{SERVER}?moodlewsrestformat=json", json=body, headers=headers)
    assert reply.json()["errorcode"] == "invalidtoken"


@pytest.mark.parametrize(
    ("function", "params", "expected"),
    [
        ("no_such_function", {}, "invalidrecord"),
        ("core_course_get_course_module", {}, "invalidparameter"),
        ("core_course_get_course_module", {"cmid": "x"}, "invalidparameter"),
        ("core_course_get_course_module", {"cmid": "9031", "more": "1"}, "invalidparameter"),
        ("core_course_get_course_module", {"cmid": "1"}, "invalidcoursemodule"),
        ("core_course_get_courses_by_field", {"field": "colour", "value": "1"}, "invalidparameter"),
        ("core_enrol_get_enrolled_users", {"courseid": "999"}, "invalidrecord"),
        ("mod_assign_save_grade", {"assignmentid": 5031, "applytoall": 0, **ADA, "grade": "12,5"}, "invalidparameter"),
        ("mod_assign_save_grade", {"assignmentid": 5031, "applytoall": 0, **ADA, f"{COMMENT}[text]": "x"}, "invalidparameter"),
    ],
)  # fmt: skip
def test_refusals_have_status_200(
    moodle: Served, function: str, params: dict[str, Any], expected: str
) -> None:
    assert code(moodle, function, params) == expected


def test_tokens_end_and_services_are_narrow(moodle: Served) -> None:
    token = simulator(moodle).records.get("tokens", seed.TOKEN)
    assert token is not None
    token["functions"] = ["core_webservice_get_site_info"]
    assert code(moodle, "core_course_get_courses_by_field") == "accessexception"
    assert [it["name"] for it in call(moodle, "core_webservice_get_site_info")["functions"]] == token[
        "functions"
    ]
    token["expired"] = True
    assert code(moodle, "core_webservice_get_site_info") == "accessexception"


def test_a_site_in_maintenance_answers_a_page(moodle: Served) -> None:
    moodle.control("PUT", "settings", {"maintenance": True})
    reply = ask(moodle, "core_webservice_get_site_info")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "text/html; charset=utf-8")


def test_no_token_is_made(moodle: Served) -> None:
    reply = httpx2.post(
        f"{moodle.url}/login/token.php", data={"username": "a", "password": "b", "service": "c"}
    )
    assert reply.json()["errorcode"] == "cannotcreatetoken"


def test_the_function_is_listed_as_a_path_of_its_own(moodle: Served) -> None:
    moodle.control("DELETE", "requests")
    save(moodle, make(moodle))
    call(moodle, "core_webservice_get_site_info")
    assert moodle.control("GET", "requests") == [
        f"POST {SERVER}/mod_assign_save_grade", f"GET {SERVER}/core_webservice_get_site_info",
    ]  # fmt: skip


# People.


def test_suspended_people_are_in_the_list_unless_only_the_active_are_asked_for(moodle: Served) -> None:
    everybody = call(moodle, "core_enrol_get_enrolled_users", courseid=COURSE)
    active = {"options[0][name]": "onlyactive", "options[0][value]": 1}
    assert len(everybody) - len(call(moodle, "core_enrol_get_enrolled_users", active, courseid=COURSE)) == 1
    page = {"options[0][name]": "limitfrom", "options[0][value]": 30, "options[1][name]": "limitnumber",
            "options[1][value]": 5}  # fmt: skip
    assert len(call(moodle, "core_enrol_get_enrolled_users", page, courseid=COURSE)) == 2
    group = {"options[0][name]": "groupid", "options[0][value]": seed.GROUP}
    assert len(call(moodle, "core_enrol_get_enrolled_users", group, courseid=COURSE)) == 5


def test_a_deleted_user_still_answers_by_id(moodle: Served) -> None:
    simulator(moodle).ui_delete_user(STUDENT)
    [user] = call(moodle, "core_user_get_users_by_field", {"field": "id", "values[0]": STUDENT})
    assert (user["email"], "@" in user["username"]) == ("0" * 32, True)
    gone = {"field": "email", "values[0]": "ada.abbott@district-3d.example"}
    assert call(moodle, "core_user_get_users_by_field", gone) == []


def test_groups_are_listed(moodle: Served) -> None:
    assert [it["id"] for it in call(moodle, "core_group_get_course_groups", courseid=COURSE)] == [seed.GROUP]


# Grades.


def test_assignments_are_listed_only_if_the_courses_of_others_are_asked_for(moodle: Served) -> None:
    assert call(moodle, "mod_assign_get_assignments", {"courseids[0]": COURSE})["courses"] == []
    asked = {"courseids[0]": COURSE, "includenotenrolledcourses": 1}
    assert len(call(moodle, "mod_assign_get_assignments", asked)["courses"][0]["assignments"]) == 8


def test_a_grade_is_a_text_with_five_decimals(moodle: Served) -> None:
    assign = make(moodle)
    assert save(moodle, assign, grade="8.1234567") is None
    assert (stored(moodle, assign), in_gradebook(moodle, assign)["graderaw"]) == (
        {STUDENT: "8.12346"},
        8.12346,
    )
    save(moodle, assign, grade=-1)
    assert (stored(moodle, assign), in_gradebook(moodle, assign)["graderaw"]) == ({STUDENT: "-1.00000"}, None)


@pytest.mark.parametrize("grade", [21, -2])
def test_a_grade_out_of_range_is_ignored(moodle: Served, grade: int) -> None:
    assign = make(moodle)
    assert save(moodle, assign, grade=grade) is None
    assert stored(moodle, assign) == {STUDENT: "-1.00000"}
    save(moodle, assign, grade=8)
    save(moodle, assign, grade=grade)
    assert stored(moodle, assign) == {STUDENT: "8.00000"}


def test_a_grade_is_kept_for_anybody(moodle: Served) -> None:
    assign = make(moodle)
    for user in (999_999, int(seed.person_lms_id("000001")), int(seed.person_lms_id("001999"))):
        save(moodle, assign, userid=user)
    assert len(stored(moodle, assign)) == 3


def test_an_ungraded_or_scale_assignment_keeps_what_the_gradebook_does_not(moodle: Served) -> None:
    assign, scale = make(moodle, grade=0), make(moodle, grade=-2)
    save(moodle, assign, grade=999)
    save(moodle, scale, grade=6)
    assert (stored(moodle, assign), stored(moodle, scale)) == ({STUDENT: "999.00000"}, {STUDENT: "-1.00000"})


@pytest.mark.parametrize("locked", [True, False])
def test_what_the_gradebook_closes_is_not_stored_at_all(moodle: Served, locked: bool) -> None:
    assign = make(moodle)
    save(moodle, assign)
    if locked:
        simulator(moodle).ui_lock_grade(assign)
    else:
        simulator(moodle).ui_override(assign, STUDENT, 11.0)
    assert save(moodle, assign, grade=9) is None
    item = in_gradebook(moodle, assign)
    assert (stored(moodle, assign), item["graderaw"]) == ({STUDENT: "8.00000"}, 8 if locked else 11)
    assert (item["gradeislocked"], item["gradeisoverridden"]) == (locked, not locked)


def test_a_comment_that_is_left_out_fails_or_stays_out(moodle: Served) -> None:
    assign = make(moodle)
    save(moodle, assign)
    save(moodle, assign, **{f"{COMMENT}[text]": "<p>Good<script>x()</script></p>", f"{COMMENT}[format]": 1})
    assert save(moodle, assign)["errorcode"] == "dmlwriteexception"
    status = call(moodle, "mod_assign_get_submission_status", assignid=assign, userid=STUDENT)
    [field] = status["feedback"]["plugins"][0]["editorfields"]
    assert (field["text"], in_gradebook(moodle, assign)["feedback"]) == (
        "<p>Good</p>", "<p>Good<script>x()</script></p>",
    )  # fmt: skip
    moodle.control("PUT", "settings", {"comment_not_null": False})
    assert save(moodle, assign) is None


def test_comments_are_lost_without_a_word_if_they_are_off(moodle: Served) -> None:
    assign = make(moodle, plugins={"comments": False})
    assert save(moodle, assign, **{f"{COMMENT}[text]": "Good", f"{COMMENT}[format]": 1}) is None
    assert in_gradebook(moodle, assign)["feedback"] == ""


def test_only_released_grades_reach_the_gradebook(moodle: Served) -> None:
    assign = make(moodle, markingworkflow=1)
    save(moodle, assign, workflowstate="inmarking")
    assert (stored(moodle, assign), in_gradebook(moodle, assign)["graderaw"]) == ({STUDENT: "8.00000"}, None)
    save(moodle, assign, workflowstate="released")
    assert in_gradebook(moodle, assign)["graderaw"] == 8


def test_a_list_of_grades_that_fails_keeps_what_came_before(moodle: Served) -> None:
    assign = make(moodle)
    save(moodle, assign, userid=OTHER, **{f"{COMMENT}[text]": "Good", f"{COMMENT}[format]": 1})
    rows = {f"grades[{at}][{name}]": it for at, user in enumerate((STUDENT, OTHER, STUDENT + 2))
            for name, it in {**ADA, "userid": user}.items()}  # fmt: skip
    assert (
        code(moodle, "mod_assign_save_grades", rows, assignmentid=assign, applytoall=0) == "dmlwriteexception"
    )
    assert stored(moodle, assign) == {STUDENT: "8.00000", OTHER: "8.00000"}


def test_too_many_variables_are_cut_off(moodle: Served) -> None:
    assign = make(moodle)
    rows = {f"grades[{at}][{name}]": it for at in range(210)
            for name, it in {**ADA, "userid": STUDENT + at}.items()}  # fmt: skip
    assert (
        code(moodle, "mod_assign_save_grades", rows, assignmentid=assign, applytoall=0) == "invalidparameter"
    )
    assert stored(moodle, assign) == {}


def test_a_clash_of_first_grades(moodle: Served) -> None:
    assign = make(moodle)
    moodle.control("PUT", "settings", {"first_grade_clashes": 1})
    assert save(moodle, assign)["errorcode"] == "dmlwriteexception"
    assert save(moodle, assign) is None


def test_a_whole_group_is_graded_only_with_applytoall(moodle: Served) -> None:
    assign = make(moodle, teamsubmission=1)
    save(moodle, assign)
    assert len(stored(moodle, assign)) == 1
    call(moodle, "mod_assign_save_grade", assignmentid=assign, applytoall=1, **ADA)
    assert len(stored(moodle, assign)) == 5


def test_another_attempt_is_opened_where_that_is_manual(moodle: Served) -> None:
    assign, closed = make(moodle, attemptreopenmethod="manual", maxattempts=2), make(moodle)
    for one in (assign, closed):
        simulator(moodle).ui_submit(one, STUDENT, "Work")
        save(moodle, one, addattempt=1)
    rows = [simulator(moodle).latest("submissions", one, STUDENT) for one in (assign, closed)]
    assert [(it["attemptnumber"], it["status"]) for it in rows if it] == [(1, "reopened"), (0, "submitted")]
    assert in_gradebook(moodle, assign)["graderaw"] == 8
    save(moodle, assign, attemptnumber=7, grade=9)
    assert stored(moodle, assign) == {STUDENT: "9.00000"}


def test_extensions_locks_and_drafts(moodle: Served) -> None:
    assign = make(moodle, duedate=NOW // 1000)
    users = {"assignmentid": assign, "userids[0]": STUDENT}
    early = call(moodle, "mod_assign_save_user_extensions", {**users, "dates[0]": NOW // 1000 - 1})
    assert [it["warningcode"] for it in early] == ["couldnotgrantextensions"]
    assert call(moodle, "mod_assign_save_user_extensions", {**users, "dates[0]": NOW // 1000 + 60}) == []
    call(moodle, "mod_assign_lock_submissions", users)
    answer = call(moodle, "mod_assign_get_user_flags", {"assignmentids[0]": assign})
    [flags] = answer["assignments"][0]["userflags"]
    assert (flags["extensionduedate"], flags["locked"]) == (NOW // 1000 + 60, 1)
    assert [it["warningcode"] for it in call(moodle, "mod_assign_revert_submissions_to_draft", users)] == [
        "couldnotrevert"
    ]
    simulator(moodle).ui_submit(assign, STUDENT, "Work")
    assert call(moodle, "mod_assign_revert_submissions_to_draft", users) == []
    answer = call(moodle, "mod_assign_get_submissions", {"assignmentids[0]": assign, "status": "draft"})
    assert [it["userid"] for it in answer["assignments"][0]["submissions"]] == [STUDENT]


def test_the_gradebook_can_be_written_past_the_assignment(moodle: Served) -> None:
    assign = make(moodle)
    row = simulator(moodle).assign(assign)
    assert row is not None
    given = {
        "source": "test", "courseid": COURSE, "component": "mod_assign", "activityid": row["cmid"], "itemnumber": 0,
        "grades[0][studentid]": STUDENT, "grades[0][grade]": 99, "grades[0][str_feedback]": "Lost",
    }  # fmt: skip
    assert call(moodle, "core_grades_update_grades", given) == 0
    item = in_gradebook(moodle, assign)
    assert (item["graderaw"], item["feedback"], stored(moodle, assign)) == (20, "", {})
    simulator(moodle).ui_lock_grade(assign)
    assert call(moodle, "core_grades_update_grades", given) == 4
    column = given | {"itemnumber": 101, "itemdetails[itemname]": "Extra", "itemdetails[grademax]": 10}
    assert call(moodle, "core_grades_update_grades", column) == 0
    assert call(moodle, "core_grades_update_grades", column | {"itemdetails[deleted]": 1}) == 0


# Making, changing and deleting.


def update_course(moodle: Served, action: str, cmid: int) -> Any:
    return call(moodle, "core_courseformat_update_course", {"ids[0]": cmid}, action=action, courseid=COURSE)


def test_a_copy_is_hidden_as_its_template_and_named_after_it(moodle: Served) -> None:
    template = simulator(moodle).assigns_of(COURSE)[1]
    updates = json.loads(update_course(moodle, "cm_duplicate", template["cmid"]))
    copy = simulator(moodle).assigns_of(COURSE)[-1]
    assert {it["fields"]["id"] for it in updates if it["name"] == "cm"} >= {str(copy["cmid"]), "9031"}
    shown = call(moodle, "core_course_get_course_module", cmid=copy["cmid"])["cm"]
    assert (shown["name"], shown["visible"], copy["grade"]) == ("Passback template (copy)", 0, 20)
    update_course(moodle, "cm_show", copy["cmid"])
    modules = call(moodle, "core_course_get_contents", courseid=COURSE)[0]["modules"]
    assert [it["visible"] for it in modules if it["id"] == copy["cmid"]] == [1]


def test_a_name_is_short_and_not_empty(moodle: Served) -> None:
    assign = simulator(moodle).assign(make(moodle))
    assert assign is not None
    given = {"component": "core_course", "itemtype": "activityname", "itemid": assign["cmid"]}
    assert code(moodle, "core_update_inplace_editable", given, value="x" * 256) == "maximumchars"
    call(moodle, "core_update_inplace_editable", given, value="")
    assert assign["name"] == "Essay"
    assert call(moodle, "core_update_inplace_editable", given, value="Other")["value"] == "Other"


def test_a_due_date_moves_by_days_in_the_sites_zone(moodle: Served) -> None:
    moodle.control("PUT", "settings", {"timezone": "America/New_York"})
    assign = make(
        moodle, duedate=1_773_000_000, cutoffdate=1_780_000_000
    )  # 2026-03-08, the day on which clocks change
    asked = {"events[courseids][0]": COURSE, "options[timestart]": 0, "options[timeend]": 2**31 - 1}
    answer = call(moodle, "core_calendar_get_calendar_events", asked)
    [event] = [it for it in answer["events"] if it["instance"] == assign]
    day = 1_773_000_000 - 86_400 + 7200
    moved = call(moodle, "core_calendar_update_event_start_day", eventid=event["id"], daytimestamp=day)
    assert moved["event"]["timestart"] == 1_773_000_000 - 86_400 + 3600
    late = {"eventid": event["id"], "daytimestamp": 1_790_000_000}
    assert code(moodle, "core_calendar_update_event_start_day", late).startswith(
        "The due date cannot be after"
    )


@pytest.mark.parametrize("way", ["delete", "mark"])
def test_what_is_deleted_is_in_no_list(moodle: Served, way: str) -> None:
    assign = make(moodle)
    row = simulator(moodle).assign(assign)
    assert row is not None
    if way == "delete":
        assert call(moodle, "core_course_delete_modules", {"cmids[0]": row["cmid"]}) is None
    else:
        update_course(moodle, "cm_delete", row["cmid"])
    asked = {"courseids[0]": COURSE, "includenotenrolledcourses": 1}
    listed = call(moodle, "mod_assign_get_assignments", asked)["courses"][0]["assignments"]
    assert assign not in [it["id"] for it in listed]
    assert code(moodle, "mod_assign_save_grade", assignmentid=assign, applytoall=0, **ADA) == "invalidrecord"
    assert code(moodle, "core_course_delete_modules", {"cmids[0]": row["cmid"]}) == "invalidcoursemodule"
