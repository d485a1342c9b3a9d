"""What Schoology keeps of an assignment, by which a lost create is found: never two."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import DAY, HOUR
from passback.lms.interface import Unavailable
from passback.lms.schoology.stored import as_stored
from passback.testing.lms import ESSAY, Lms, try_of
from support.sandbox import NOW
from support.schoology import schoology, simulator

TITLES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
).filter(str.strip)
MARKUP = st.one_of(
    st.text(st.sampled_from("<>&;/ \"'pbascript!-=\n\u00e9"), max_size=40),
    st.sampled_from(
        ["<p>Read <b>this</b></p>", "<script>alert(1)</script>ok", "a < b & c", "<form>Fill <input> in</form>",
         "<style>p {}</style><p onclick='x()'>x</p>", "<a href='javascript:x()'>go</a>", "<!-- note -->shown", "",
         "<iframe src='https://video.example'>no frames</iframe>", "&lt;p&gt; &amp;amp; &nbsp;x", "line\none"]
    ),
)  # fmt: skip
BODIES = st.builds(
    AssignmentFields,
    title=st.one_of(
        TITLES, st.sampled_from(["  Essay ", "Two  blanks", "Tab\there", "A & B", "<b>Bold</b>"])
    ),
    description=MARKUP,
    due_date=st.integers(NOW, NOW + 800 * DAY),
    points_possible=st.one_of(
        st.none(), st.decimals(0, 10_000, places=4), st.sampled_from([Decimal(0), Decimal("33.333333333")])
    ),
    grading_type=st.sampled_from([None, "points", "percent", "letter_grade", "pass_fail"]),
    submission_types=st.sampled_from([None, (), ("text",), ("file", "text"), ("discussion",)]),
)


@pytest.fixture(scope="module")
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


def lost(lms: Lms, fields: AssignmentFields) -> tuple[int, str | None]:
    """How many there are after a create whose answer was lost and that was looked for, and which was found."""
    before = count(lms)
    known = [f"assignment/{it['id']}" for it in simulator(lms).records.all("grade_items")] + [
        f"discussion/{it['id']}/{it['grade_item_id']}" for it in simulator(lms).records.all("discussions")
    ]
    lms.served.fail("error-after", method="POST", path="(assignments|discussions)$")
    with pytest.raises(Unavailable) as caught:
        lms.run(lms.connector.create_assignment(lms.section, fields, str(uuid7())))
    assert caught.value.in_doubt
    found = lms.run(lms.connector.find_assignment(lms.section, fields, try_of(str(uuid7()), NOW, known)))
    return count(lms) - before, None if found is None else found.lms_id


def count(lms: Lms) -> int:
    return len(simulator(lms).records.all("grade_items"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=BODIES, decimals=st.sampled_from([12, 2]), zone=st.sampled_from(["", "UTC", "Asia/Kathmandu"]))
def test_a_create_whose_answer_was_lost_is_always_found(
    lms: Lms, fields: AssignmentFields, decimals: int, zone: str
) -> None:
    lms.set(decimals=decimals)
    with lms.another(time_zone=zone) as connector:
        made, found = lost(dataclasses.replace(lms, connector=connector), fields)
    assert (made, found is not None) == (1, True)


def test_the_hour_that_the_users_clock_skips_is_put_forward(lms: Lms) -> None:
    # Written in UTC, but read by Schoology in New York, where there is no 02:30 on that day.
    due = 1_930_789_800_000
    with lms.another(time_zone="UTC") as connector:
        made, found = lost(
            dataclasses.replace(lms, connector=connector), replace(ESSAY, due_date=due, title="Skipped")
        )
    assert (made, found is not None) == (1, True)
    stored = as_stored({"title": "x", "due": "2031-03-09 02:30:00"}, "America/New_York")
    assert stored.due == "2031-03-09 03:30:00"


def test_of_two_that_differ_only_in_points_each_is_found(lms: Lms) -> None:
    for points in (Decimal(10), Decimal(20)):
        made, found = lost(lms, replace(ESSAY, title="Twice", points_possible=points))
        assert found is not None
        assert lms.assignment(found).points_possible == points
        assert made == 1


def test_a_later_change_by_the_teacher_is_not_taken_for_the_lost_one(lms: Lms) -> None:
    fields = replace(ESSAY, title="Renamed", due_date=NOW + 3 * HOUR)
    lms.served.fail("error-before", method="POST", path="assignments$", times=None)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(lms.section, fields, "mark"))
    lms.served.control("DELETE", "faults")
    with lms.another() as fresh:
        lms.run(fresh.create_assignment(lms.section, replace(fields, points_possible=Decimal(3)), "mark"))
        assert lms.run(fresh.find_assignment(lms.section, fields, try_of("mark", NOW, ()))) is None
