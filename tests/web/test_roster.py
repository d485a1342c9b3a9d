"""The roster over HTTP, with the fields about the LMS."""

from __future__ import annotations

import pytest

from passback.domain.clock import DAY
from passback.domain.matching import LmsCourse, SectionRef
from passback.store import lms_roster, syncs
from passback.store.engine.database import Connection
from support.sandbox import (
    BIOLOGY_STUDENT,
    DISTRICT,
    NO_SUCH_ID,
    NOW,
    SECTION,
    STUDENT,
    STUDENTS,
    TEACHER,
    Sandbox,
)

ELSEWHERE = {
    "districts": "4fee004cca2e43cf28000000",
    "sections": "4fee004cca2e43cf28000007",
    "users": "4fee004cca2e43cf28001001",
    "schools": "4fee004cca2e43cf28000010",
    "terms": "4fee004cca2e43cf28000020",
    "courses": "4fee004cca2e43cf28000031",
}


def test_a_district_tells_of_its_lms(sandbox: Sandbox) -> None:
    district = sandbox.get(f"/v3.1/districts/{DISTRICT}").data
    assert district.pop("lms_capabilities")["name"] == "The built-in gradebook"
    assert district == {
        "id": DISTRICT,
        "last_lms_sync": "2026-01-01T00:00:00.000Z",
        "lms_matched_percentage": {"sections": 100.0, "students": 100.0, "teachers": 100.0},
        "lms_state": "success",
        "lms_type": "builtin",
        "name": "Sandbox Unified",
    }


def test_a_section_names_its_members(sandbox: Sandbox) -> None:
    section = sandbox.get(f"/v3.1/sections/{SECTION}").data
    assert (section["name"], section["students"], section["teachers"], section["lms_status"]) == (
        "Algebra 1",
        STUDENTS,
        [TEACHER],
        {"synced_in_lms": True},
    )


def test_a_user_has_a_name_and_a_role(sandbox: Sandbox) -> None:
    user = sandbox.get(f"/v3.1/users/{STUDENT}").data
    assert (user["name"], list(user["roles"]), user["district"]) == (
        {"first": "Ada", "last": "Abbott"},
        ["student"],
        DISTRICT,
    )


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_every_object_of_a_list_can_be_read_by_its_id(sandbox: Sandbox, kind: str) -> None:
    listed = [item["data"] for item in sandbox.get(f"/v3.1/{kind}?limit=1000").data]
    assert listed == [sandbox.get(f"/v3.1/{kind}/{item['id']}").data for item in listed]
    assert listed


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("object_id", [NO_SUCH_ID, "x", None])
def test_what_is_not_the_districts_is_unknown(sandbox: Sandbox, kind: str, object_id: str | None) -> None:
    reply = sandbox.get(f"/v3.1/{kind}/{object_id or ELSEWHERE[kind]}")
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_lists_show_only_the_district(sandbox: Sandbox, kind: str) -> None:
    listed = sandbox.get(f"/v3.1/{kind}?limit=1000").data
    assert all(item["data"]["id"].startswith("4fee004cca2e43cf27") for item in listed)


def ids(page: object) -> list[str]:
    assert isinstance(page, dict)
    return [item["data"]["id"] for item in page["data"]]


def link(page: object, rel: str) -> str | None:
    assert isinstance(page, dict)
    return next((link["uri"] for link in page["links"] if link["rel"] == rel), None)


def test_lists_can_be_walked_forwards_and_back(sandbox: Sandbox) -> None:
    everyone = ids(sandbox.get("/v3.1/users?limit=1000").json)
    assert len(everyone) == 42
    forwards, path = [], "/v3.1/users?limit=10"
    while path:
        page = sandbox.get(path).json
        forwards.append(ids(page))
        last, path = path, link(page, "next") or ""
    assert [user for page in forwards for user in page] == everyone
    backwards, path = [], last
    while path:
        page = sandbox.get(path).json
        backwards.append(ids(page))
        path = link(page, "prev") or ""
    assert backwards[::-1] == forwards


def test_the_self_link_is_the_call_itself(sandbox: Sandbox) -> None:
    assert link(sandbox.get("/v3.1/users?limit=3&x=%C3%A9").json, "self") == "/v3.1/users?limit=3&x=%C3%A9"


def test_users_can_be_held_to_a_role_on_every_page(sandbox: Sandbox) -> None:
    first = sandbox.get("/v3.1/users?role=teacher&limit=1").json
    second = sandbox.get(link(first, "next") or "").json
    assert ids(first) + ids(second) == [TEACHER, "4fee004cca2e43cf27000002"]
    assert link(second, "next") is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit in query should be greater than or equal to 1"),
        ("limit=1001", "limit in query should be less than or equal to 1000"),
        ("limit=ten", 'strconv.ParseInt: parsing "ten": invalid syntax'),
        ("role=parent", "role in query should be one of [student teacher]"),
        ("role=", "role in query should be one of [student teacher]"),
    ],
)
def test_bad_parameters_are_named(sandbox: Sandbox, query: str, message: str) -> None:
    reply = sandbox.get(f"/v3.1/users?{query}")
    assert (reply.status, reply.json) == (400, {"message": message})


def test_an_id_that_does_not_exist_is_still_a_place_to_go_on_from(sandbox: Sandbox) -> None:
    page = sandbox.get(f"/v3.1/users?starting_after={BIOLOGY_STUDENT}x").json
    assert ids(page)[0] > BIOLOGY_STUDENT


def test_how_far_a_sync_is_is_shown_with_the_district(sandbox: Sandbox) -> None:
    def begin(conn: Connection) -> None:
        syncs.request(conn, DISTRICT, NOW + DAY)  # the server leaves it alone
        syncs.claim(conn, "worker", NOW, NOW + DAY, DISTRICT)
        syncs.set_phase(conn, DISTRICT, "people", NOW)
        courses = [LmsCourse("1", "Algebra"), LmsCourse("2", "Biology")]
        lms_roster.add_courses(conn, DISTRICT, courses)
        lms_roster.add_sections(
            conn, DISTRICT, courses[0], [SectionRef("7", "Algebra 1"), SectionRef("8", "Algebra 2")]
        )
        lms_roster.add_members(conn, DISTRICT, "7", [])

    path = f"/v3.1/districts/{DISTRICT}"
    before = sandbox.get(path).data
    sandbox.write(begin)
    shown = {
        "began": "2026-01-01T00:00:00.000Z", "courses": 2, "courses_read": 1, "phase": "people", "sections": 2,
        "sections_read": 1,
    }  # fmt: skip
    assert sandbox.get(path).data == {**before, "lms_sync": shown}
    sandbox.write(lambda conn: syncs.release(conn, DISTRICT, "worker"))
    assert sandbox.get(path).data == before
