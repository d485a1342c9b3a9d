"""An assignment whose create was lost is made once, whatever was sent, however it is sent again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passback_simulators.identities import SIMULATED
from support.sandbox import ASSIGNMENTS, TOKEN, Client, Reply, Sandbox

PLACES = {
    "builtin": (TOKEN, ASSIGNMENTS),
    **{it.lms_type: (it.token, f"/v3.1/sections/{it.id('000007')}/assignments") for it in SIMULATED},
}
KEPT = {
    "builtin": "SELECT COUNT(*) FROM gradebook_assignments",
    "canvas": "SELECT COUNT(*) FROM simulator_records WHERE simulator = 'canvas' AND kind = 'assignments'",
    "schoology": "SELECT COUNT(*) FROM simulator_records WHERE simulator = 'schoology' AND kind = 'grade_items'",
    "google": "SELECT COUNT(*) FROM simulator_records WHERE simulator = 'google' AND kind = 'course_work'",
    # Besides that of another tool.
    "lti": "SELECT COUNT(*) FROM simulator_records WHERE simulator = 'lti' AND kind = 'items' AND id <> '40'",
    "moodle": "SELECT COUNT(*) FROM simulator_records WHERE simulator = 'moodle' AND kind = 'assigns'"
    " AND record NOT LIKE '%Passback template\"%'",
}
"""How many assignments an LMS has, whether the gateway knows of them or not."""
ASYNC = {"Prefer": "respond-async"}

WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12),
    st.sampled_from(
        [
            " Essay ", "Essay  1\t", "\u00a0Essay\u2003", "Caf\u00e9", "Cafe\u0301", "A", "5 < 6 & 7 > 3", "<b>Bold</b>",
            "\ufb01ne", "&amp; &lt;i&gt;", "100%", "Ma\u0301s_%", "\u05e9\u05dc\u05d5\u05dd", "\U0001f600", "=1+1", "'\"",
            "a\u200bb", "&nbsp;x&#8203;", "so\u00adft", "\U0001f469\u200d\U0001f52c", "\u202etfel", "a\x0bb\u2028c", "x" * 255,
        ]
    ),
)  # fmt: skip
MARKUP = st.one_of(
    WORDS,
    st.builds("<p>{}</p><ul><li>{}</li></ul>".format, WORDS, WORDS),
    st.builds("<p onclick='x()'>{}<br/>{}</p>".format, WORDS, WORDS),
    st.builds("<script>{}</script><style>p {{}}</style><!-- {} --><p>Read</p>".format, WORDS, WORDS),
    st.builds('<a href="https://app.example/{}">{}</a>'.format, st.integers(1, 99), WORDS),
    st.builds("<div><p>{}".format, WORDS),
    st.sampled_from(["", " \n\t ", "\u00a0", "\u200b", "<!-- -->", "<br/>"]),
)
ZONES = st.sampled_from(
    ["UTC", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe"]
)


@st.composite
def dates(draw: st.DrawFn) -> str:
    """A due date: often midnight somewhere, also on the days on which clocks change."""
    days = st.sampled_from([(2031, 3, 9), (2031, 11, 2), (2031, 5, 1), (2032, 2, 29)])
    times = st.sampled_from([(0, 0, 0), (0, 0, 0), (0, 0, 30), (23, 59, 0), (23, 59, 59), (12, 30, 15)])
    local = datetime(*draw(days), *draw(times), tzinfo=ZoneInfo(draw(ZONES)))
    fraction = draw(st.sampled_from(["", ".000", ".123", ".999"]))
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


@st.composite
def bodies(draw: st.DrawFn) -> Mapping[str, Any]:
    """A new assignment, as applications write them; ``students`` is how many of them have it."""
    body: dict[str, Any] = {
        "title": draw(WORDS | st.builds("{} {}".format, WORDS, WORDS)),
        "description": draw(MARKUP),
        "due_date": draw(dates()),
    }
    kinds = st.sampled_from(["points", "percent", "pass_fail", "letter_grade"])
    points = st.sampled_from(
        [0, 1, 10, 100, 0.5, 33.333, 12.345, 0.1 + 0.2, 7.005, 1000, 1e-9, 123456789012345]
    )
    link = {"type": "link", "url": "https://app.example/a?b=1&c=2", "title": "T & \u200b<b>"}
    optional = {
        "grading_type": kinds, "points_possible": points, "description_plaintext": WORDS, "attachments": st.just([link]),
        "submission_types": st.sampled_from([[], ["text"], ["link", "file"], ["discussion"]]),
        "students": st.sampled_from([1, 3, 30]),
    }  # fmt: skip
    body |= draw(st.fixed_dictionaries({}, optional=optional))
    return body


class Place:
    """One district's section, and what its LMS has of it."""

    def __init__(self, sandbox: Sandbox, kind: str) -> None:
        self.sandbox = sandbox
        self.kind = kind
        self.token, self.path = PLACES[kind]
        self.client: Client = sandbox.client(self.token)

    def has(self) -> int:
        """How many assignments its LMS has."""
        found: int = self.sandbox.write(lambda conn: conn.execute(KEPT[self.kind]).fetchone()[0])
        return found

    def with_assignees(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A body with the ids of its students."""
        content = {name: value for name, value in body.items() if name != "students"}
        if "students" not in body:
            return content
        district = self.path.split("/")[3][:-6]
        ids = [f"{district}{1001 + number:06}" for number in range(body["students"])]
        return {**content, "assignee_mode": "individuals", "assignee_ids": ids}

    def post(self, body: Mapping[str, Any], *headers: Mapping[str, str]) -> Reply:
        sent = {name: value for some in headers for name, value in some.items()}
        return self.client.call("POST", self.path, json.dumps(body), sent)

    def ended(self, accepted: Reply) -> str:
        """How a delivery ended."""
        give_up = time.monotonic() + 20
        while True:
            state: str = self.client.get(accepted.headers["location"]).data["state"]
            if state not in ("waiting", "delivering"):
                return state
            assert time.monotonic() < give_up, state
            self.sandbox.clock.now += 1000
            time.sleep(0.005)


LOST = {"Sandbox-Fault": "error-after"}


def in_turn(place: Place, body: Mapping[str, Any]) -> bool:
    """Ask again, and wait for the answer; returns whether it was created."""
    lost = place.post(body, LOST)
    return lost.status == 500 and place.post(body).status == 200


def then_in_the_background(place: Place, body: Mapping[str, Any]) -> bool:
    lost = place.post(body, LOST)
    return lost.status == 500 and place.ended(place.post(body, ASYNC)) == "delivered"


def with_a_key(place: Place, body: Mapping[str, Any]) -> bool:
    key = {"Idempotency-Key": str(uuid4())}
    lost = place.post(body, LOST, key)
    return lost.status == 500 and place.post(body, key).status == 200


def all_in_the_background(place: Place, body: Mapping[str, Any]) -> bool:
    key = {"Idempotency-Key": str(uuid4())}
    accepted = place.post(body, LOST, ASYNC, key)
    if accepted.status != 202 or place.ended(accepted) != "delivered":
        return False
    repeated: bool = place.post(body, ASYNC, key).data["id"] == accepted.data["id"]
    return repeated


@pytest.mark.parametrize("again", [in_turn, then_in_the_background, with_a_key, all_in_the_background])
@pytest.mark.parametrize("kind", PLACES)
def test_a_create_whose_answer_was_lost_makes_one_assignment(
    started: Sandbox, kind: str, again: Callable[[Place, Mapping[str, Any]], bool]
) -> None:
    place = Place(started, kind)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def one_is_made(body: Mapping[str, Any]) -> None:
        before = place.has()
        created = again(place, place.with_assignees(body))
        assert place.has() - before == created, body

    one_is_made()
