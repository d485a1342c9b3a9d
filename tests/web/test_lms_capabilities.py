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
