"""``lms_capabilities`` of a district: what an application may offer there, and what it gets if it asks for more."""

from __future__ import annotations

from typing import Any

import pytest

from passback.lms.registry import kinds
from passback_simulators.identities import OF_KIND
from support.sandbox import ESSAY, Client, Sandbox

ASKED: dict[str, dict[str, Any]] = {
    "excused": {"flags": ["excused"]},
    "override_due_date": {"override_due_date": "2030-06-08T23:59:00Z"},
    "points_above_maximum": {"grade_points": 25},
}


def district(sandbox: Sandbox, kind: str) -> tuple[Client, str, dict[str, Any]]:
    found = OF_KIND[kind]
    client, begin = sandbox.client(found.token), found.id("")
    data = client.get(f"/v3.1/districts/{begin}000000").data
    assert client.get("/v3.1/districts").json["data"] == [{"data": data}]
    return client, begin, data["lms_capabilities"]


def test_there_is_a_district_for_each_kind_of_lms() -> None:
    assert set(OF_KIND) == {"builtin", *kinds()}


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("what", ASKED)
def test_what_a_district_says_it_can_works_there_and_the_rest_is_refused(
    sandbox: Sandbox, kind: str, what: str
) -> None:
    client, begin, can = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    made = client.post(path, ESSAY).data["id"]
    answer = client.patch(f"{path}/{made}/submissions/{begin}001001", ASKED[what])
    if can[what] != "sometimes":
        assert answer.status == (200 if can[what] == "yes" else 400), answer.body


def test_a_district_without_a_connection_says_nothing(sandbox: Sandbox) -> None:
    sandbox.write(
        lambda conn: conn.execute(
            "UPDATE districts SET lms_type = 'canvas' WHERE id = '4fee004cca2e43cf28000000'"
        )
    )
    client = sandbox.client("DEMO_TOKEN_ELSEWHERE")
    assert "lms_capabilities" not in client.get("/v3.1/districts/4fee004cca2e43cf28000000").data


@pytest.mark.parametrize(
    ("kind", "comments"), [("canvas", "added"), ("moodle", "replaced"), ("google", "none")]
)
def test_it_says_what_becomes_of_comments(sandbox: Sandbox, kind: str, comments: str) -> None:
    assert district(sandbox, kind)[2]["comments"] == comments


ZERO: dict[str, Any] = {
    "attachments": [],
    "extra_attempts": 0,
    "flags": [],
    "grade": "",
    "grade_comment": "",
    "override_due_date": "",
    "state": "",
}
"""What clients send that always send every field: it asks for nothing that is not so already."""


@pytest.mark.parametrize("kind", OF_KIND)
def test_empty_values_beside_points_change_nothing(sandbox: Sandbox, kind: str) -> None:
    client, begin, _ = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    made = client.post(path, ESSAY).data["id"]
    student, many = f"{path}/{made}/submissions/{begin}001001", f"{path}/{made}/submissions"
    answer = client.patch(student, {**ZERO, "grade_points": 7})
    assert (answer.status, answer.headers.get("passback-warnings")) == (200, None), answer.body
    item = {**ZERO, "grade_points": 8, "user_id": f"{begin}001002"}
    assert client.patch(many, {"submissions": [item]}).json["data"][0]["status"] == 200
    for shown, points in ((answer.data, 7), (client.get(f"{many}/{begin}001002").data, 8)):
        assert (shown["grade"], shown["grade_points"]) == (str(points), points)
        assert shown.keys().isdisjoint({"flags", "override_due_date"})


@pytest.mark.parametrize("kind", OF_KIND)
@pytest.mark.parametrize("words", ["007.50", "7.5"])
def test_zeros_that_change_nothing_are_no_other_grade(sandbox: Sandbox, kind: str, words: str) -> None:
    client, begin, _ = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    made = client.post(path, ESSAY).data["id"]
    answer = client.patch(f"{path}/{made}/submissions/{begin}001001", {"grade": words, "grade_points": 7.5})
    assert (answer.data["grade_points"], answer.headers.get("passback-warnings")) == (7.5, None)
    alone = client.patch(f"{path}/{made}/submissions/{begin}001002", {"grade": words})
    assert (alone.data["grade_points"], alone.headers.get("passback-warnings")) == (7.5, None)
    assert (
        client.patch(f"{path}/{made}/submissions/{begin}001003", {"grade_points": -0.0}).data["grade"] == "0"
    )


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_text_that_cannot_be_stored_is_refused_before_the_lms_is_asked(sandbox: Sandbox, kind: str) -> None:
    client, begin, _ = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    answer = client.post(path, {**ESSAY, "title": "a\0b"})
    assert answer.json == {"message": "INVALID_TEXT: title must not hold the character U+0000"}
    made = client.post(path, ESSAY).data["id"]
    answer = client.patch(
        f"{path}/{made}/submissions/{begin}001001", {"grade_points": 1, "grade_comment": "\0"}
    )
    assert answer.json == {"message": "INVALID_TEXT: grade_comment must not hold the character U+0000"}


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_submission_that_was_read_can_be_sent_back_with_a_grade(sandbox: Sandbox, kind: str) -> None:
    client, begin, can = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    # With one attempt, work that was handed in again would be refused.
    essay = {**ESSAY, "submission_types": ["text", "link"], "max_attempts": 1}
    made = client.post(path, essay).data["id"]
    first, second = (f"{path}/{made}/submissions/{begin}00100{it}" for it in (1, 2))
    works = [{"text": "My essay", "type": "text"}, {"url": "https://app.example/1", "type": "link"}]
    for work in [it for it in works if it["type"] in can["hand_in"]][:1]:
        assert client.patch(second, {"state": "submitted", "attachments": [work]}).status == 200
    for student in (first, second):
        read = client.get(student).data
        for _ in range(2):  # as after a lost answer
            graded = client.patch(student, {**read, "grade_points": 7})
            assert (graded.status, graded.data["grade_points"]) == (200, 7)
        same = client.patch(student, graded.data)
        assert same.data == {**graded.data, "last_modified": same.data["last_modified"]}
        removed = client.patch(student, {**graded.data, "grade": "", "grade_points": None})
        assert (removed.status, "grade_points" in removed.data) == (200, False)


@pytest.mark.parametrize("kind", ["canvas", "schoology"])
def test_what_is_sent_again_is_answered_as_before(sandbox: Sandbox, kind: str) -> None:
    client, begin, _ = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    made = client.post(path, {**ESSAY, "submission_types": ["text"], "max_attempts": 1}).data["id"]
    work = {"state": "created", "attachments": [{"type": "text", "text": "My essay"}]}
    unexcused = {"state": "returned", "flags": []}
    for student, change in ((1, work), (2, {"flags": ["excused"]}), (2, unexcused)):
        for _ in range(2 if change is not unexcused else 1):
            answer = client.patch(f"{path}/{made}/submissions/{begin}00100{student}", change)
            assert answer.status == 200, answer.body


@pytest.mark.parametrize("kind", OF_KIND)
def test_work_that_was_handed_in_after_its_grade_is_returned_or_needs_another(
    sandbox: Sandbox, kind: str
) -> None:
    client, begin, _ = district(sandbox, kind)
    path = f"/v3.1/sections/{begin}000007/assignments"
    made = client.post(path, {**ESSAY, "submission_types": ["text"]}).data["id"]
    student = f"{path}/{made}/submissions/{begin}001001"
    assert client.patch(student, {"grade_points": 5}).status == 200
    sandbox.clock.advance(hours=1)
    hand = f"/sandbox/teacher/sections/{begin}000007/assignments/{made}/submissions/{begin}001001"
    if sandbox.call("POST", hand, {"text": "Again"}).status == 409:
        return  # over LTI work is handed in elsewhere
    returned = client.patch(student, {"state": "returned"})
    if returned.status == 400:
        assert "INVALID_STATE" in returned.json["message"]
        returned = client.patch(student, {"state": "returned", "grade_points": 6})
    assert (returned.status, returned.data["state"]) == (200, "returned")
