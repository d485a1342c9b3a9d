"""A community's client of Moodle's web services, moodle-ts, against the simulated Moodle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from passback.testing.served import Served
from passback_simulators.moodle import seed
from passback_simulators.moodle.app import MoodleSimulator
from support import node

COURSE = int(seed.SECTION_LMS_ID["000007"])
STUDENT, OTHER = int(seed.person_lms_id("001001")), int(seed.person_lms_id("001002"))


@pytest.fixture(scope="module")
def started(served_moodle: Served) -> Iterator[node.Script]:
    with node.running("moodle-ts.js", served_moodle.url, seed.TOKEN) as script:
        yield script


@pytest.fixture
def client(started: node.Script, moodle: Served) -> node.Script:
    return started


def simulator(moodle: Served) -> MoodleSimulator:
    assert isinstance(moodle.simulator, MoodleSimulator)
    return moodle.simulator


@pytest.fixture
def essay(moodle: Served) -> int:
    """An assignment of 20 points."""
    return simulator(moodle).ui_create_assignment(COURSE, "Essay", grade=20)


def save(client: node.Script, essay: int, grade: float, feedback: str = "") -> Any:
    editor = {"text": feedback, "format": 1}
    return client(
        "mod_assign_save_grade", assignmentid=essay, userid=STUDENT, grade=grade, attemptnumber=-1, addattempt=False,
        workflowstate="", applytoall=False, plugindata={"assignfeedbackcomments_editor": editor},
    )  # fmt: skip


def test_it_reads_the_roster(client: node.Script) -> None:
    site = client("core_webservice_get_site_info")
    assert site["release"].startswith("4.5")
    assert "mod_assign_save_grade" in [it["name"] for it in site["functions"]]
    found = client("core_course_get_courses_by_field", field="idnumber", value="section-7")
    assert [it["id"] for it in found["courses"]] == [COURSE]
    pages = [
        client(
            "core_enrol_get_enrolled_users", courseid=COURSE,
            options=[{"name": "limitfrom", "value": start}, {"name": "limitnumber", "value": 20},
                     {"name": "onlyactive", "value": 1}],
        )
        for start in (0, 20)
    ]  # fmt: skip
    people = [person["id"] for page in pages for person in page]
    assert (len(people), len(set(people)), STUDENT in people) == (31, 31, True)
    [found] = client("core_user_get_users_by_field", field="id", values=[STUDENT, 999_999])
    assert found["id"] == STUDENT


def test_it_grades_and_reads_the_grade(client: node.Script, essay: int) -> None:
    assert save(client, essay, 12.5, "<p>Good</p>") is None
    [assignment] = client("mod_assign_get_grades", assignmentids=[essay])["assignments"]
    assert [(it["userid"], it["grade"]) for it in assignment["grades"]] == [(STUDENT, "12.50000")]
    status = client("mod_assign_get_submission_status", assignid=essay, userid=STUDENT)
    assert status["feedback"]["plugins"][0]["editorfields"][0]["text"] == "<p>Good</p>"
    report = client("gradereport_user_get_grade_items", courseid=COURSE, userid=STUDENT)
    [item] = [it for it in report["usergrades"][0]["gradeitems"] if it["iteminstance"] == essay]
    assert (item["graderaw"], item["feedback"]) == (12.5, "<p>Good</p>")


def test_it_grades_many(client: node.Script, essay: int) -> None:
    rows = [
        {"userid": user, "grade": grade, "attemptnumber": -1, "addattempt": False, "workflowstate": ""}
        for user, grade in ((STUDENT, 8), (OTHER, 9))
    ]
    assert client("mod_assign_save_grades", assignmentid=essay, applytoall=False, grades=rows) is None
    [assignment] = client("mod_assign_get_grades", assignmentids=[essay])["assignments"]
    assert [it["grade"] for it in assignment["grades"]] == ["8.00000", "9.00000"]


def test_it_finds_assignments_and_warnings(client: node.Script, essay: int) -> None:
    asked = client("mod_assign_get_assignments", courseids=[COURSE], includenotenrolledcourses=True)
    assert essay in [it["id"] for it in asked["courses"][0]["assignments"]]
    unasked = client("mod_assign_get_assignments", courseids=[COURSE])
    assert (unasked["courses"], len(unasked["warnings"])) == ([], 1)


def test_it_throws_what_moodle_refuses_with_status_200(client: node.Script, essay: int) -> None:
    with pytest.raises(node.NodeError) as refused:
        client("core_enrol_get_enrolled_users", courseid=999)
    assert refused.value.thrown["type"] == "MoodleApiError"
    assert refused.value.thrown["errorCode"] == "invalidrecord"


def test_it_duplicates_renames_and_deletes(client: node.Script, moodle: Served) -> None:
    template = simulator(moodle).assigns_of(COURSE)[1]
    client("core_courseformat_update_course", action="cm_duplicate", courseid=COURSE, ids=[template["cmid"]])
    copy = simulator(moodle).assigns_of(COURSE)[-1]
    name = {"itemtype": "activityname", "itemid": copy["cmid"], "value": "Essay 2"}
    renamed = client("core_update_inplace_editable", component="core_course", **name)
    assert renamed["value"] == "Essay 2"
    assert client("core_course_delete_modules", cmids=[copy["cmid"]]) is None
    assert copy["id"] not in [it["id"] for it in simulator(moodle).assigns_of(COURSE)]
