"""A section's events in the simulated Schoology, driven by schoolopy and an own client."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schoolopy

from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, BIOLOGY, OTHER_STUDENT, STUDENT, TEACHER, Schoology

EVENTS = f"sections/{ALGEBRA}/events"
TRIP = {"title": "Trip", "start": "2026-03-10 08:30:00", "has_end": "1", "end": "2026-03-10 15:00:00"}


def make(client: Any, **fields: Any) -> Any:
    """Create an event with schoolopy, whose own call sends no object."""
    return schoolopy.Event(client._post(EVENTS, {**TRIP, **fields}))  # noqa: SLF001


def test_schoolopy_reads_events_by_their_start(schoolopy_client: Any) -> None:
    later = make(schoolopy_client)
    earlier = make(schoolopy_client, title="Meeting", start="2026-03-09 08:00", has_end=0, rsvp="2")
    assert schoolopy_client.get_section_events(ALGEBRA) == [earlier, later]
    one = schoolopy_client.get_section_event(later.id, ALGEBRA)
    assert one == {name: later[name] for name in later if name != "links"}
    assert dict(one) == {
        "id": later.id, "title": "Trip", "description": "", "start": TRIP["start"], "has_end": 1, "end": TRIP["end"],
        "all_day": 0, "editable": 1, "rsvp": 0, "comments_enabled": 1, "type": "event", "realm": "section",
        "section_id": int(ALGEBRA),
    }  # fmt: skip
    assert (earlier.start, earlier.has_end, earlier.end) == ("2026-03-09 08:00:00", 0, "")


def test_an_event_is_changed_without_an_answer(schoology: Schoology, schoolopy_client: Any) -> None:
    made = make(schoolopy_client)
    reply = schoology.admin("PUT", f"{EVENTS}/{made.id}", {"title": "Day trip", "end": "2026-03-10 16:00:00"})
    changed = schoolopy_client.get_section_event(made.id, ALGEBRA)
    assert (reply.status_code, reply.content) == (204, b"")
    assert (changed.title, changed.start, changed.end) == ("Day trip", TRIP["start"], "2026-03-10 16:00:00")


def test_schoolopy_takes_a_change_without_an_answer_for_a_failure(schoolopy_client: Any) -> None:
    made = make(schoolopy_client)
    # It does not know the error that requests raises if simplejson is installed, too.
    with pytest.raises((schoolopy.NoDataError, requests.JSONDecodeError)):
        schoolopy_client._put(f"{EVENTS}/{made.id}", {"title": "Day trip"})  # noqa: SLF001 - as above
    assert schoolopy_client.get_section_event(made.id, ALGEBRA).title == "Day trip"


def test_schoolopy_deletes_an_event(schoolopy_client: Any) -> None:
    made = make(schoolopy_client)
    schoolopy_client.delete_section_event(made.id, ALGEBRA)
    with pytest.raises(requests.HTTPError, match="404"):
        schoolopy_client.get_section_event(made.id, ALGEBRA)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"start": None},
        {"start": "2026-05-45 16:30:00"},
        {"end": None},
        {"end": "2026-03-10 08:00:00"},
        {"rsvp": 3},
    ],
)
def test_fields_must_be_valid(schoology: Schoology, fields: dict[str, Any]) -> None:
    assert schoology.teacher("POST", EVENTS, {**TRIP, **fields}).status_code == 400


def test_without_has_end_there_is_no_end(schoolopy_client: Any) -> None:
    made = make(schoolopy_client, has_end=None)
    assert (made.has_end, made.end) == (0, "")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("start_date=2026-03-10&end_date=2026-03-10", ["Trip"]),
        ("start_date=20260301&end_date=20260309", ["Meeting"]),
        ("start_date=2026-03-10", ["Meeting", "Trip"]),
    ],
)
def test_both_dates_narrow_the_list(
    schoology: Schoology, schoolopy_client: Any, query: str, found: list[str]
) -> None:
    make(schoolopy_client)
    make(schoolopy_client, title="Meeting", start="2026-03-09 23:59:59", has_end=0)
    listed = schoology.admin.get(f"{EVENTS}?{query}")
    assert ([one["title"] for one in listed["event"]], listed["total"]) == (found, len(found))


def test_what_is_due_can_only_be_seen(schoology: Schoology, schoolopy_client: Any) -> None:
    item = schoology.assignment(due="2026-03-11 19:00:00")
    schoology.assignment(title="Without a date")
    [due] = schoolopy_client.get_section_events(ALGEBRA)
    assert (due.id, due.type, due.start, due.editable) == (item, "assignment", "2026-03-11 19:00:00", 0)
    path = f"{EVENTS}/{item}"
    assert schoology.teacher("PUT", path, {"title": "Mine"}).status_code == 403
    assert schoology.teacher("DELETE", path).status_code == 403


def test_students_see_their_own_dates_and_change_none(schoology: Schoology, schoolopy_client: Any) -> None:
    made = make(schoolopy_client)
    schoology.assignment(due="2026-03-11 19:00:00", assignees=[seed.enrollment_lms_id("000007", "001001")])
    student, other = schoology.as_user(STUDENT), schoology.as_user(OTHER_STUDENT)
    assert [len(one.get(EVENTS)["event"]) for one in (student, other)] == [2, 1]
    assert student.get(f"{EVENTS}/{made.id}")["editable"] == 0
    assert student("POST", EVENTS, TRIP).status_code == 403
    assert student("DELETE", f"{EVENTS}/{made.id}").status_code == 403


def test_schoolopy_reads_a_users_calendar(schoology: Schoology, schoolopy_client: Any) -> None:
    mine = make(schoolopy_client)
    schoolopy_client._post(f"sections/{BIOLOGY}/events", TRIP)  # noqa: SLF001 - as above
    assert schoolopy_client.get_user_events(TEACHER) == [mine]
    assert schoology.as_user(STUDENT)("GET", f"users/{OTHER_STUDENT}/events").status_code == 403
