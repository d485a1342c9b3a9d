"""A community's library for tools, PyLTI1p3next, in the simulated LMSs with LTI Advantage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import requests
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException, LtiServiceException
from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem

from passback.domain.clock import system_clock
from passback.testing.served import serving
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.lti.profiles import PROFILES
from support.lti import form_of, key, serving_platform
from support.lti_tool import Tool
from support.pylti1p3_adapter import LAUNCH, Launch

STUDENT, OTHER = seed.person_lms_id("001001"), seed.person_lms_id("001002")
TEACHER = seed.person_lms_id("000001")


@pytest.fixture(scope="module", params=PROFILES)
def tools(request: pytest.FixtureRequest) -> Iterator[Tool]:
    simulator = LtiSimulator(system_clock, family=request.param)  # the library looks at the machine's clock
    simulator.own_keys = {"lms": key("lms")}
    simulator.start()
    with (
        serving(simulator) as served,
        serving_platform() as keys,
        httpx2.Client() as browser,
        requests.Session() as connections,
    ):
        yield Tool(served, browser, connections, keys)


@pytest.fixture
def tool(tools: Tool) -> Tool:
    """The tool, in an LMS at its start."""
    tools.served.control("POST", "reset")
    tools.lms.settings = tools.lms.default_settings()
    tools.enter()
    return tools


@pytest.fixture
def launch(tool: Tool) -> Launch:
    """A teacher's launch of an activity."""
    link, _ = tool.add_link()
    return tool.open(TEACHER, link=link)


def grade(points: float, after: int = 0) -> Grade:
    """A score, of some seconds after the first."""
    stamp = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
    made = Grade().set_score_given(points).set_score_maximum(20).set_user_id(STUDENT)
    return made.set_timestamp(stamp).set_activity_progress("Completed").set_grading_progress("FullyGraded")


def essay(label: str = "Essay", tag: str = "t-1") -> LineItem:
    return LineItem({"label": label, "scoreMaximum": 20, "tag": tag, "resourceId": "r-1"})


def test_launches_of_a_teacher_and_a_student_are_valid(tool: Tool) -> None:
    link, _ = tool.add_link()
    teacher, student = (tool.open(user, link=link) for user in (TEACHER, STUDENT))
    assert teacher.is_resource_launch()
    assert (teacher.check_teacher_access(), teacher.check_student_access()) == (True, False)
    assert (student.check_teacher_access(), student.check_student_access()) == (False, True)
    told = student.get_launch_data()
    assert (told["sub"], told["name"]) == (STUDENT, "Ada Abbott")
    assert told["https://purl.imsglobal.org/spec/lti/claim/target_link_uri"] == LAUNCH
    assert told["https://purl.imsglobal.org/spec/lti/claim/lis"]["person_sourcedid"] == "student-001001"
    assert student.has_ags()
    assert student.has_nrps()


@pytest.mark.parametrize("tools", ["moodle"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("wrong-nonce", "Invalid Nonce"), ("wrong-audience", "Client id not registered"),
        ("wrong-deployment", "deployment ID .* is not recognised"), ("unknown-key", "Unable to find public key"),
        ("expired", "expired"),
    ],
)  # fmt: skip
def test_it_refuses_a_launch_that_is_wrong(tool: Tool, fault: str, says: str) -> None:
    tool.served.control("PUT", "settings", {"launch_fault": fault})
    link, _ = tool.add_link()
    with pytest.raises(LtiException, match=says):
        tool.open(STUDENT, link=link)


def test_it_registers_itself(tool: Tool) -> None:
    tool.register()
    assert tool.platform["client_id"] != seed.CLIENT_ID
    link, item = tool.add_link()
    launch = tool.open(TEACHER, link=link)
    launch.get_ags().put_grade(grade(10))
    assert tool.lms.ui_grade_shown(item, STUDENT)["stamp"]


def test_it_gets_what_it_registers_for(tool: Tool) -> None:
    tool.register([seed.SCORE, seed.MEMBERS_READ])
    launch = tool.open(TEACHER, link=tool.add_link()[0])
    service = launch.get_ags()
    assert (service.can_put_grade(), service.can_create_lineitem()) == (True, False)
    assert service.can_read_lineitem() == (tool.lms.profile.family == "moodle")
    assert launch.get_nrps().get_members()
    connector, url = launch.get_service_connector(), tool.items
    with pytest.raises(LtiServiceException):
        connector.make_service_request([seed.LINE_ITEM], url, is_post=True, data=essay().get_value())


def test_a_registration_needs_a_token_that_is_known(tool: Tool) -> None:
    url = tool.served.url + tool.lms.profile.registration
    replies = [tool.browser.post(url, json={}, headers=it) for it in ({}, {"Authorization": "Bearer no"})]
    expected = [401, 404 if tool.lms.profile.family == "moodle" else 401]
    assert [it.status_code for it in replies] == expected


def test_its_deep_link_becomes_an_activity_with_a_column(tool: Tool) -> None:
    choosing = tool.open(TEACHER, choose="1")
    assert choosing.is_deep_link_launch()
    chosen = DeepLinkResource().set_title("Fractions").set_url(LAUNCH).set_custom_params({"activity": "3"})
    page = choosing.get_deep_link().output_response_form([chosen.set_lineitem(essay())])
    action, fields = form_of(page)
    taken = tool.browser.post(action, data=fields)
    assert taken.status_code == 200, taken.text
    [link] = tool.lms.records.all("links")
    launch = tool.open(STUDENT, link=link["id"])
    assert launch.get_launch_data()["https://purl.imsglobal.org/spec/lti/claim/custom"] == {"activity": "3"}
    column = launch.get_ags().get_lineitem()
    openedx = tool.lms.profile.family == "openedx"  # it has its own, whatever was chosen
    assert (column.get_label(), column.get_score_maximum(), column.get_tag()) == (
        ("LTI Consumer", 1, "") if openedx else ("Essay", 20, "t-1")
    )
    assert column.get_resource_link_id() == link["id"]


def test_it_reads_all_members(tool: Tool, launch: Launch) -> None:
    members = launch.get_nrps().get_members()
    names = {it["user_id"]: it["name"] for it in members}
    assert len(members) == len(names) == (33 if tool.lms.profile.only_active else 34)
    assert names[STUDENT].startswith("Ada ")


def test_it_follows_the_pages_of_members(tool: Tool, launch: Launch) -> None:
    service, pages = launch.get_nrps(), list[int]()
    url: str | None = f"{tool.members}?limit=15"
    while url:
        members, url = service.get_members_page(url)
        pages.append(len(members))
    assert pages == [15, 15, 3 if tool.lms.profile.only_active else 4]


def test_it_makes_a_line_item_once(launch: Launch) -> None:
    service = launch.get_ags()
    made = service.find_or_create_lineitem(essay())
    again = service.find_or_create_lineitem(essay(label="Other"))
    assert made.get_id() == again.get_id()
    assert again.get_label() == "Essay"
    by_resource = service.find_lineitem_by_resource_id("r-1")
    assert by_resource is not None
    assert by_resource.get_id() == made.get_id()
    read = service.get_lineitem(made.get_id())
    assert (read.get_score_maximum(), read.get_resource_id()) == (20, "r-1")


def test_it_finds_a_line_item_on_a_later_page(launch: Launch) -> None:
    service = launch.get_ags()
    for number in range(12):
        service.create_lineitem(essay(tag=f"t-{number}"))
    assert [it["tag"] for it in service.get_lineitems() if it.get("tag")] == [
        f"t-{number}" for number in range(12)
    ]
    found = service.find_lineitem_by_tag("t-11")
    assert found is not None


def test_it_sends_scores_and_reads_results(tool: Tool, launch: Launch) -> None:
    service = launch.get_ags()
    item = service.create_lineitem(essay())
    service.put_grade(grade(12.5).set_comment("Good"), item)
    [result] = [it for it in service.get_grades(item) if it["userId"] == STUDENT]
    assert (result["resultScore"], result["resultMaximum"]) == (12.5, 20)
    assert result.get("comment") == ("Good" if tool.lms.profile.shows_comments else None)
    service.put_grade(grade(0, after=1), item)
    assert next(it["resultScore"] for it in service.get_grades(item) if it["userId"] == STUDENT) == 0


def test_it_grades_the_activity_that_was_opened(tool: Tool) -> None:
    link, item = tool.add_link()
    launch = tool.open(TEACHER, link=link)
    launch.get_ags().put_grade(grade(10))
    assert tool.lms.ui_grade_shown(item, STUDENT)["published"] == (
        0.5 if tool.lms.profile.family == "openedx" else 50
    )


def test_a_score_that_is_not_newer_raises_in_it(tool: Tool, launch: Launch) -> None:
    service = launch.get_ags()
    item = service.create_lineitem(essay())
    service.put_grade(grade(10, after=5), item)
    with pytest.raises(LtiServiceException) as refused:
        service.put_grade(grade(11), item)
    assert refused.value.response.status_code == tool.lms.profile.stale_status


def test_what_the_administrator_forbids_raises_in_it(tool: Tool, launch: Launch) -> None:
    tool.lms.settings["scopes"] = [seed.LINE_ITEM_READ]
    with pytest.raises(LtiServiceException):
        launch.get_ags().create_lineitem(essay())
    launch = tool.open(TEACHER, link=tool.add_link()[0])
    assert not launch.get_ags().can_create_lineitem()
    with pytest.raises(LtiServiceException):
        launch.get_nrps().get_members()
