"""A community's client of Moodle's web services, pymoodle, against the simulated Moodle.

It is made from Moodle's source, so it also knows what Moodle's functions take and answer. Other clients of PyPI are no
good here: moodlepy needs attrs of 2022, edutools-moodle installs a package called ``tests``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moodle.exceptions import WebserviceException
from moodle.session import MoodleClient

from passback.testing.served import Served
from passback_simulators.moodle import seed
from passback_simulators.moodle.app import FUNCTIONS, MoodleSimulator
from support.moodle_types import differences, misfits

COURSE = int(seed.SECTION_LMS_ID["000007"])
STUDENT, OTHER = int(seed.person_lms_id("001001")), int(seed.person_lms_id("001002"))


class Client(MoodleClient):
    """The client, which looks whether each answer is one that Moodle would give."""

    def webservice(self, wsfunction: str, data: dict[str, Any] | None = None) -> Any:
        answer = super().webservice(wsfunction, data)
        assert misfits(wsfunction, answer) == []
        return answer


@pytest.fixture(scope="module")
def started(served_moodle: Served) -> Iterator[Client]:
    with Client(served_moodle.url, seed.TOKEN) as client:
        yield client


@pytest.fixture
def client(started: Client, moodle: Served) -> Client:
    return started


def simulator(moodle: Served) -> MoodleSimulator:
    assert isinstance(moodle.simulator, MoodleSimulator)
    return moodle.simulator


@pytest.fixture
def essay(moodle: Served) -> int:
    """An assignment of 20 points."""
    return simulator(moodle).ui_create_assignment(COURSE, "Essay", grade=20, duedate=1_800_000_000)


def save(client: Client, essay: int, grade: float, feedback: str = "", user: int = STUDENT) -> None:
    client.mod_assign_save_grade(
        assignmentid=essay, userid=user, grade=grade, attemptnumber=-1, addattempt=False, workflowstate="",
        applytoall=False, plugindata={"assignfeedbackcomments_editor": {"text": feedback, "format": 1}},
    )  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_takes_what_moodles_takes(function: str) -> None:
    assert differences(function, FUNCTIONS[function].spec) == []


def test_it_reads_the_roster(client: Client) -> None:
    assert str(client.core_webservice_get_site_info()["release"]).startswith("4.5")
    found = client.core_course_get_courses_by_field(field="idnumber", value="section-7")["courses"]
    assert [it["id"] for it in found] == [COURSE]
    active = [{"name": "onlyactive", "value": "1"}]
    people = client.core_enrol_get_enrolled_users(courseid=COURSE, options=active)  # type: ignore[arg-type]
    assert STUDENT in [it["id"] for it in people]
    assert [it["id"] for it in client.core_group_get_course_groups(courseid=COURSE)] == [seed.GROUP]
    [user] = client.core_user_get_users_by_field(field="id", values=[str(STUDENT)])
    assert user["id"] == STUDENT


def test_it_reads_courses_and_assignments(client: Client, essay: int) -> None:
    [section] = client.core_course_get_contents(courseid=COURSE)
    cmids = {it["instance"]: it["id"] for it in section["modules"]}
    module = client.core_course_get_course_module(cmid=int(cmids[essay] or 0))["cm"]
    assert (module["name"], module["instance"]) == ("Essay", essay)
    found = client.mod_assign_get_assignments(courseids=[COURSE], includenotenrolledcourses=True)["courses"]
    assert essay in [it["id"] for it in found[0]["assignments"]]


def test_it_grades_and_reads_the_grade(client: Client, essay: int) -> None:
    save(client, essay, 12.5, "<p>Good</p>")
    [assignment] = client.mod_assign_get_grades(assignmentids=[essay])["assignments"]
    assert [(it["userid"], it["grade"]) for it in assignment["grades"]] == [(STUDENT, "12.50000")]
    status: Any = client.mod_assign_get_submission_status(assignid=essay, userid=STUDENT)
    assert status["feedback"]["plugins"][0]["editorfields"][0]["text"] == "<p>Good</p>"
    report: Any = client.gradereport_user_get_grade_items(courseid=COURSE, userid=STUDENT)
    [item] = [it for it in report["usergrades"][0]["gradeitems"] if it["iteminstance"] == essay]
    assert (item["graderaw"], item["feedback"]) == (12.5, "<p>Good</p>")


def test_it_grades_many(client: Client, essay: int) -> None:
    rows: Any = [
        {"userid": user, "grade": grade, "attemptnumber": -1, "addattempt": False, "workflowstate": ""}
        for user, grade in ((STUDENT, 8), (OTHER, 9))
    ]
    client.mod_assign_save_grades(assignmentid=essay, applytoall=False, grades=rows)
    [assignment] = client.mod_assign_get_grades(assignmentids=[essay])["assignments"]
    assert [it["grade"] for it in assignment["grades"]] == ["8.00000", "9.00000"]


def test_points_by_a_rubric_are_ignored_where_there_is_none(client: Client, essay: int) -> None:
    filled: Any = {
        "rubric": {"criteria": [{"criterionid": 1, "fillings": [{"criterionid": 1, "levelid": 2}]}]}
    }
    client.mod_assign_save_grade(
        assignmentid=essay, userid=STUDENT, grade=7, attemptnumber=-1, addattempt=False, workflowstate="",
        applytoall=False, advancedgradingdata=filled,
    )  # fmt: skip
    [assignment] = client.mod_assign_get_grades(assignmentids=[essay])["assignments"]
    assert [it["grade"] for it in assignment["grades"]] == ["7.00000"]


def test_it_extends_locks_and_reads_submissions(client: Client, moodle: Served, essay: int) -> None:
    simulator(moodle).ui_submit(essay, STUDENT, "Work")
    granted = client.mod_assign_save_user_extensions(
        assignmentid=essay, userids=[STUDENT], dates=[1_800_000_060]
    )
    assert granted == []
    client.mod_assign_lock_submissions(assignmentid=essay, userids=[STUDENT])
    [flagged] = client.mod_assign_get_user_flags(assignmentids=[essay])["assignments"]
    assert [(it["extensionduedate"], it["locked"]) for it in flagged["userflags"]] == [(1_800_000_060, 1)]
    [handed] = client.mod_assign_get_submissions(assignmentids=[essay])["assignments"]
    assert [(it["userid"], it["status"]) for it in handed["submissions"]] == [(STUDENT, "submitted")]


def test_it_moves_a_due_date(client: Client, essay: int) -> None:
    found = client.core_calendar_get_calendar_events(events={"courseids": [COURSE]})["events"]
    [event] = [it for it in found if it["instance"] == essay]
    moved = client.core_calendar_update_event_start_day(
        eventid=int(event["id"] or 0), daytimestamp=1_799_900_000
    )
    assert (moved["event"]["timestart"], moved["event"]["name"]) == (1_799_913_600, "Essay is due")


def test_it_duplicates_renames_and_deletes(client: Client, moodle: Served) -> None:
    template = simulator(moodle).assigns_of(COURSE)[1]
    client.core_courseformat_update_course(action="cm_duplicate", courseid=COURSE, ids=[template["cmid"]])
    copy = simulator(moodle).assigns_of(COURSE)[-1]
    renamed = client.core_update_inplace_editable(
        component="core_course", itemtype="activityname", itemid=str(copy["cmid"]), value="Essay 2"
    )
    assert renamed["value"] == "Essay 2"
    client.core_course_delete_modules(cmids=[copy["cmid"]])
    assert copy["id"] not in [it["id"] for it in simulator(moodle).assigns_of(COURSE)]


def test_it_raises_what_moodle_refuses_with_status_200(client: Client) -> None:
    with pytest.raises(WebserviceException) as refused:
        client.core_enrol_get_enrolled_users(courseid=999)
    assert refused.value.errorcode == "invalidrecord"
