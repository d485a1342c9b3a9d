"""The client of Moodle's web services that most programs for Node.js use, moodle-client, against the simulated Moodle.

It is sound for reading: what Moodle refuses it gives back as if it were a result, and grades would go by GET.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from passback.testing.served import Served
from passback_simulators.moodle import seed
from support import node

COURSE = int(seed.SECTION_LMS_ID["000007"])
STUDENT = int(seed.person_lms_id("001001"))


@pytest.fixture(scope="module")
def started(served_moodle: Served) -> Iterator[node.Script]:
    with node.running("moodle-client.js", served_moodle.url, seed.TOKEN) as script:
        yield script


@pytest.fixture(params=["GET", "POST"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(started: node.Script, moodle: Served) -> node.Script:
    return started


def test_it_reads_the_roster(client: node.Script, method: str) -> None:
    assert client("core_webservice_get_site_info", method=method)["sitename"] == "Moodle Unified"
    found = client("core_course_get_courses_by_field", method=method, field="idnumber", value="section-7")
    assert [it["id"] for it in found["courses"]] == [COURSE]
    active = [{"name": "onlyactive", "value": 1}, {"name": "limitnumber", "value": 5}]
    people = client("core_enrol_get_enrolled_users", method=method, courseid=COURSE, options=active)
    assert len(people) == 5


def test_it_reads_assignments_and_grades(client: node.Script, method: str) -> None:
    asked = {"courseids": [COURSE], "includenotenrolledcourses": 1}
    [course] = client("mod_assign_get_assignments", method=method, **asked)["courses"]
    ids = [it["id"] for it in course["assignments"]]
    assert len(ids) == 8
    answer = client("mod_assign_get_grades", method=method, assignmentids=ids)
    assert {it["warningcode"] for it in answer["warnings"]} == {"3"}
    report = client("gradereport_user_get_grade_items", method=method, courseid=COURSE, userid=STUDENT)
    assert [it["userid"] for it in report["usergrades"]] == [STUDENT]


def test_it_gives_back_what_moodle_refuses_with_status_200(client: node.Script, method: str) -> None:
    refused = client("core_enrol_get_enrolled_users", method=method, courseid=999)
    assert refused["errorcode"] == "invalidrecord"
