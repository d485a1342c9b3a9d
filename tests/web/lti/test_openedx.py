"""The whole way on Open edX's own code: connected by hand, launched, an activity chosen, people matched, graded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support import commands
from support.lti import data_of, query_of
from support.openedx.course import ANN, BEN, CLEO, COURSE, TOM, Member, usage_key
from support.openedx.started import Platform
from support.rosters import CLEVER, zipped
from support.sandbox import Reply, Sandbox, SetClock, serving

APP = "http://localhost:5000/launch"
_NUMBERS = count(1)


class MachinesClock(SetClock):
    """The machine's clock: Open edX has no other. It may be ahead of Open edX's, by milliseconds."""

    ahead: int = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead


@dataclass
class World:
    """A gateway for real districts, and an Open edX that one of them is connected to."""

    gateway: Sandbox
    openedx: Platform
    folder: Path
    shown: Mapping[str, Any]
    """What Studio shows of the first activity."""
    district: str = ""
    token: str = ""
    section: str = ""

    def run(self, *arguments: str) -> str:
        done = commands.run(*arguments, "--data", str(self.folder))
        assert done.returncode == 0, done
        return done.stdout

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Reply:
        reply = self.gateway.client(self.token).call(method, path, body)
        assert reply.status == status, reply
        return reply

    def id_of(self, who: Member) -> str:
        """The roster's id of somebody."""
        found = self.call("GET", "/v3.1/users").data
        return next(str(it["data"]["id"]) for it in found if it["data"]["email"] == who.email)

    def launched(self, response: httpx2.Response) -> tuple[str, dict[str, Any]]:
        """The path of a launch that went on to the application, and what it learns of it."""
        assert response.status_code == 303, response.text
        url = response.headers["location"]
        assert url.startswith(f"{APP}?"), url
        path = f"/v3.1/launches/{query_of(url)['code']}"
        launch: dict[str, Any] = self.call("POST", path, b"").data
        return path, launch

    def add(self, **fields: Any) -> str:
        """Another activity, as if the first one had been duplicated in Studio: it has the same client id."""
        block = f"b{next(_NUMBERS)}"
        passport = self.shown["keyset_url"].rpartition("/")[2]
        self.openedx.add(block, **{**tool(self.gateway), "lti_1p3_passport_id": passport, **fields})
        return block

    def assignment(self, block: str) -> str:
        """The path of the assignment that an activity becomes when the teacher opens it."""
        _, launch = self.launched(self.openedx.open(block, TOM))
        return f"/v3.1/sections/{self.section}/assignments/{launch['assignment_id']}"


@pytest.fixture(scope="module")
def world(openedx: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gateway")
    with serving(folder, "production", clock=MachinesClock()) as gateway:
        made = World(gateway, openedx, folder, openedx.add("first", **tool(gateway)))
        connected = made.run(
            "connect", "lti", "--family", "openedx", "--address", f"{openedx.url}/", "--name", "North",
            "--set", f"client_id={made.shown['client_id']}", "--set", f"deployment_ids={made.shown['deployment_id']}",
            "--set", f"token_url={made.shown['token_url']}", "--set", f"jwks_url={made.shown['keyset_url']}",
            "--set", f"auth_login_url={made.shown['oidc_callback']}",
        )  # fmt: skip
        made.district = _found(r"district ([0-9a-f]{24}) is connected", connected)
        made.run("roster", "import", str(zipped(folder / "r.zip", CLEVER)), "--district", made.district)
        created = made.run("token", "create", "--district", made.district, "--application", "app")
        made.token = _found(r"^  (\S+)$", created)
        made.call("POST", "/v3.1/launch_address", {"url": APP})
        made.launched(openedx.open("first", TOM))
        [section] = made.call("GET", "/v3.1/sections").data
        made.section = section["data"]["id"]
        made.run("match", "set", made.section, COURSE)
        made.run("sync", "run", "--district", made.district)
        yield made


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def tool(gateway: Sandbox) -> dict[str, Any]:
    """What a teacher enters of the gateway in Studio."""
    base = gateway.gateway.base_url
    return {
        "display_name": "Fractions", "lti_version": "lti_1p3", "lti_1p3_launch_url": f"{base}/lti/launch",
        "lti_1p3_oidc_url": f"{base}/lti/login", "lti_1p3_tool_key_mode": "keyset_url",
        "lti_1p3_tool_keyset_url": f"{base}/lti/jwks.json", "lti_1p3_enable_nrps": True, "has_score": True,
        "weight": 20,
    }  # fmt: skip


def test_people_are_matched_by_what_the_class_list_tells(world: World) -> None:
    told = world.run("match", "status", "--all", "--district", world.district)
    for who in (ANN, BEN, TOM):
        assert re.search(rf"{who.name} +{who.external_id} \(by email\)", told), told


def test_a_teacher_and_a_student_arrive_at_the_application(world: World) -> None:
    block = world.add()
    for who, role in ((TOM, "teacher"), (ANN, "student")):
        _, launch = world.launched(world.openedx.open(block, who))
        assert (launch["role"], launch["user_id"], launch["section_id"]) == (
            role,
            world.id_of(who),
            world.section,
        )
        assert (launch["lms_user_id"], launch["lms_section_id"]) == (who.external_id, COURSE)
        assert launch["link_id"] == usage_key(block)


def test_the_connection_is_sound(world: World) -> None:
    told = world.run("connection", "check", "--district", world.district).splitlines()
    assert {it.partition(" ")[0] for it in told} == {"ok"}, told


def test_an_activity_that_is_no_copy_has_another_client_id(world: World) -> None:
    block = world.add(lti_1p3_passport_id="")
    refused = world.openedx.http.get(f"{world.openedx.url}/courseware/{block}?user=tom")
    assert (refused.status_code, "No district is connected to" in refused.text) == (404, True)


def test_an_address_that_names_the_application_is_launched_if_the_bare_one_is_registered(
    world: World,
) -> None:
    launch_url = f"{world.gateway.gateway.base_url}/lti/launch"
    named = {"lti_1p3_launch_url": f"{launch_url}?application=app"}
    page = world.openedx.http.get(f"{world.openedx.url}/courseware/{world.add(**named)}?user=tom")
    assert page.status_code == 400
    _, launch = world.launched(
        world.openedx.open(world.add(**named, lti_1p3_redirect_uris=[launch_url]), TOM)
    )
    assert launch["target"] == named["lti_1p3_launch_url"]


def test_somebody_who_is_not_in_the_roster_arrives_as_a_student(world: World) -> None:
    _, launch = world.launched(world.openedx.open("first", CLEO))
    assert (launch["role"], launch["lms_user_id"], "user_id" in launch) == (
        "student",
        CLEO.external_id,
        False,
    )


def test_an_activity_that_is_opened_becomes_an_assignment(world: World) -> None:
    assignment = world.assignment(world.add(display_name="Decimals", weight=12))
    shown = world.call("GET", assignment).data
    assert (shown["title"], shown["points_possible"]) == ("Decimals", 12)
    listed = world.call("GET", f"/v3.1/sections/{world.section}/assignments").data
    assert shown in listed


@pytest.mark.parametrize(("weight", "points"), [(0.5, 1), (2.5, 2)])
def test_an_activity_of_a_part_of_a_point_is_graded(world: World, weight: float, points: int) -> None:
    block = world.add(weight=weight)
    assignment = world.assignment(block)
    shown = world.call("GET", assignment).data
    assert shown["points_possible"] == points
    assert shown in world.call("GET", f"/v3.1/sections/{world.section}/assignments").data
    graded = world.call("PATCH", f"{assignment}/submissions/{world.id_of(ANN)}", {"grade_points": points / 4})
    assert (graded.data["grade_points"], world.openedx.published(block, ANN)) == (points / 4, 0.25)


def choose(world: World) -> tuple[str, dict[str, Any]]:
    """An activity for which the teacher has chosen something of the application's, and what that is."""
    launch_url = f"{world.gateway.gateway.base_url}/lti/launch"
    block = world.add(
        lti_advantage_deep_linking_enabled=True, lti_advantage_deep_linking_launch_url=launch_url
    )
    path, asked = world.launched(world.openedx.open(block, TOM, choose="1"))
    assert (asked["choosing"], asked["role"]) == (True, "teacher")
    choice = {"title": "Sets", "points_possible": 30, "activity": "sets-3"}
    chosen: dict[str, Any] = world.call("POST", f"{path}/deep_link", choice).data
    page = world.openedx.http.get(chosen["url"])
    told = data_of(Reply(page.status_code, page.headers, page.content))
    taken = world.openedx.http.post(told["url"], data={"JWT": told["token"]})
    assert (taken.status_code, "successfully saved" in taken.text) == (200, True), taken.text
    return block, chosen


def test_an_activity_is_chosen_opened_and_graded(world: World) -> None:
    block, chosen = choose(world)
    _, launch = world.launched(world.openedx.open(block, ANN))
    assert (launch["assignment_id"], launch["custom"]) == (chosen["assignment_id"], {"activity": "sets-3"})
    assignment = f"/v3.1/sections/{world.section}/assignments/{launch['assignment_id']}"
    # The points are those that the teacher gave the activity in Open edX, whatever was chosen.
    assert world.call("GET", assignment).data["points_possible"] == 20
    world.call("PATCH", f"{assignment}/submissions/{world.id_of(ANN)}", {"grade_points": 18})
    assert world.openedx.published(block, ANN) == 0.9


def test_a_clock_that_is_almost_a_minute_ahead_is_no_obstacle(world: World) -> None:
    clock = world.gateway.gateway.clock
    assert isinstance(clock, MachinesClock)
    clock.ahead = 55_000
    try:
        choose(world)
    finally:
        clock.ahead = 0


def test_a_student_cannot_choose_an_activity(world: World) -> None:
    launch_url = f"{world.gateway.gateway.base_url}/lti/launch"
    block = world.add(
        lti_advantage_deep_linking_enabled=True, lti_advantage_deep_linking_launch_url=launch_url
    )
    page = world.openedx.http.get(f"{world.openedx.url}/courseware/{block}?user=ann&choose=1")
    assert page.status_code == 403


def test_a_grade_reaches_the_gradebook(world: World) -> None:
    block = world.add()
    submissions = f"{world.assignment(block)}/submissions"
    given = {"grade_points": 12.5, "grade_comment": "Well argued", "grader_id": world.id_of(TOM)}
    graded = world.call("PATCH", f"{submissions}/{world.id_of(ANN)}", given).data
    assert {name: graded[name] for name in given} == given
    assert (world.openedx.published(block, ANN), world.openedx.scores(block, ANN)) == (
        0.625, [(12.5, 20, "Well argued")],
    )  # fmt: skip
    world.call("PATCH", f"{submissions}/{world.id_of(BEN)}", {"grade_points": 0})
    assert (world.openedx.published(block, BEN), world.openedx.scores(block, BEN)) == (0, [(0, 20, None)])
    listed = {it["user_id"]: it for it in world.call("GET", submissions).data}
    assert {id_: it["grade_points"] for id_, it in listed.items()} == {
        world.id_of(ANN): 12.5,
        world.id_of(BEN): 0,
    }
    assert listed[world.id_of(ANN)] == world.call("GET", f"{submissions}/{world.id_of(ANN)}").data == graded


def test_a_comment_stays_until_it_is_replaced_or_taken_away(world: World) -> None:
    block = world.add()
    submission = f"{world.assignment(block)}/submissions/{world.id_of(ANN)}"
    for change, comment in (
        ({"grade_points": 10, "grade_comment": "Good"}, "Good"),
        ({"grade_points": 11}, "Good"),
        ({"grade_comment": "Better"}, "Better"),
        ({"grade_comment": ""}, None),
    ):
        shown = world.call("PATCH", submission, change).data
        assert (shown.get("grade_comment"), world.openedx.scores(block, ANN)[0][2]) == (comment, comment)
    assert (shown["grade_points"], world.openedx.published(block, ANN)) == (11, 0.55)


def test_more_than_the_maximum_is_capped_in_the_gradebook_and_the_client_is_warned(world: World) -> None:
    block = world.add()
    submission = f"{world.assignment(block)}/submissions/{world.id_of(ANN)}"
    reply = world.call("PATCH", submission, {"grade_points": 25})
    assert (reply.data["grade_points"], world.openedx.published(block, ANN)) == (25, 1)
    assert reply.headers["passback-warnings"] == "SCORE_CHANGED_BY_LMS"


def test_what_open_edx_has_no_way_for_is_refused_and_changes_nothing(world: World) -> None:
    block = world.add()
    assignment = world.assignment(block)
    submission = f"{assignment}/submissions/{world.id_of(ANN)}"
    alone = world.call("PATCH", submission, {"grade_comment": "Good"}, 400)
    assert alone.json["message"].startswith("INVALID_COMMENT: ")
    world.call("PATCH", submission, {"grade_points": 10})
    assert world.call("PATCH", submission, {"grade": ""}, 400).json["message"].startswith("INVALID_GRADE: ")
    assert (world.openedx.published(block, ANN), world.openedx.scores(block, ANN)) == (0.5, [(10, 20, None)])
    items = world.openedx.rows("SELECT count(*) FROM lti_consumer_ltiagslineitem")
    new = {"title": "New", "description": "", "due_date": "2040-01-01T00:00:00Z"}
    made = world.call("POST", f"/v3.1/sections/{world.section}/assignments", new, 400)
    assert made.json["message"].startswith("MADE_IN_LMS: ")
    assert world.openedx.rows("SELECT count(*) FROM lti_consumer_ltiagslineitem") == items


@pytest.mark.parametrize("mode", ["declarative", "programmatic"])
def test_an_activity_is_changed_and_deleted_in_open_edx_only(world: World, mode: str) -> None:
    block = world.add()
    assignment = world.assignment(block)
    world.openedx.add(block, lti_advantage_ags_mode=mode)
    world.assignment(block)
    before = world.openedx.rows("SELECT * FROM lti_consumer_ltiagslineitem")
    for method, body in (
        ("PATCH", {"title": "Other", "description": "Two pages"}), ("PATCH", {"points_possible": 40}), ("DELETE", None),
    ):  # fmt: skip
        refused = world.call(method, assignment, body, 400)
        assert refused.json["message"].startswith("LINKED_IN_LMS: ")
    assert world.openedx.rows("SELECT * FROM lti_consumer_ltiagslineitem") == before
    assert world.call("GET", assignment).data["description"] == ""


def test_an_activity_that_is_deleted_is_gone_and_the_others_go_on(world: World) -> None:
    block, deleted = world.add(), world.add()
    assignment, gone = world.assignment(block), world.assignment(deleted)
    world.openedx.delete(deleted)
    for method, path, body in (
        ("GET", gone, None), ("PATCH", gone, {"title": "Other"}), ("DELETE", gone, None),
        ("PATCH", f"{gone}/submissions/{world.id_of(ANN)}", {"grade_points": 1}),
    ):  # fmt: skip
        assert world.call(method, path, body, 404).json == {"message": "Assignment does not exist"}
    world.run("sync", "run", "--district", world.district)
    graded = world.call("PATCH", f"{assignment}/submissions/{world.id_of(ANN)}", {"grade_points": 5}).data
    assert (graded["grade_points"], world.openedx.published(block, ANN)) == (5, 0.25)


@pytest.mark.parametrize(
    "fields",
    [{"has_score": False}, {"due": "2020-01-01T00:00:00Z", "accept_grades_past_due": False}],
    ids=["not graded", "past due"],
)
def test_what_does_not_reach_the_gradebook_shows_in_nothing_that_is_told(
    world: World, fields: dict[str, Any]
) -> None:
    block = world.add(**fields)
    submission = f"{world.assignment(block)}/submissions/{world.id_of(ANN)}"
    assert world.call("PATCH", submission, {"grade_points": 10}).data["grade_points"] == 10
    assert (world.openedx.scores(block, ANN), world.openedx.published(block, ANN)) == ([(10, 20, None)], None)


def test_what_open_edx_has_no_place_for_is_kept(world: World) -> None:
    assignment = world.assignment(world.add())
    told = {"description": "Two pages", "due_date": "2040-06-01T23:59:00.000Z", "title": "Fractions"}
    changed = world.call("PATCH", assignment, told).data
    assert {name: changed[name] for name in told} == told
    assert world.call("GET", assignment).data == changed
