"""Assignments over HTTP, on the built-in gradebook."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox import (
    ASSIGNMENTS,
    BIOLOGY,
    BIOLOGY_STUDENT,
    ESSAY,
    NO_SUCH_ID,
    SECTION,
    STUDENT,
    STUDENTS,
    Sandbox,
)

FULL = {
    "title": "Essay <1> & more 論文",
    "description": "<p>Two pages</p>",
    "description_plaintext": "Two pages",
    "points_possible": 20.5,
    "grading_type": "percent",
    "submission_types": ["file", "text"],
    "due_date": "2030-06-01T23:59:00Z",
    "start_date": "2030-05-01T08:00:00+02:00",
    "display_date": "2030-04-01",
    "end_date": "2030-06-08T00:00:00.123456Z",
    "max_attempts": 3,
    "assignee_mode": "individuals",
    "assignee_ids": STUDENTS[:2],
    "attachments": [
        {
            "type": "link",
            "url": "https://example.org/a?b=c&d=e",
            "title": "Reading",
            "description": "Chapter 1",
        },
        {"url": "https://example.org/file.pdf"},
    ],
    "term_id": "term-1",
}


def test_everything_that_is_sent_comes_back(sandbox: Sandbox) -> None:
    created = sandbox.post(ASSIGNMENTS, FULL).data
    assert created == {
        "assignee_ids": STUDENTS[:2],
        "assignee_mode": "individuals",
        "attachments": [
            {
                "description": "Chapter 1",
                "title": "Reading",
                "type": "link",
                "url": "https://example.org/a?b=c&d=e",
            },
            {"type": "file", "url": "https://example.org/file.pdf"},
        ],
        "created": "2026-01-01T00:00:00.000Z",
        "description": "<p>Two pages</p>",
        "description_plaintext": "Two pages",
        "display_date": "2030-04-01T00:00:00.000Z",
        "due_date": "2030-06-01T23:59:00.000Z",
        "end_date": "2030-06-08T00:00:00.123Z",
        "grading_type": "percent",
        "id": created["id"],
        "last_modified": "2026-01-01T00:00:00.000Z",
        "max_attempts": 3,
        "points_possible": 20.5,
        "start_date": "2030-05-01T06:00:00.000Z",
        "state": "scheduled",
        "submission_types": ["file", "text"],
        "term_id": "term-1",
        "title": "Essay <1> & more 論文",
    }
    assert sandbox.get(f"{ASSIGNMENTS}/{created['id']}").data == created


def test_the_answer_is_written_as_the_published_service_writes(sandbox: Sandbox) -> None:
    path = sandbox.create(title="<a> & \u2028 é")
    body = sandbox.get(path).body
    assert body.startswith(b'{"data":{"assignee_mode":"all","created":')
    assert '"title":"\\u003ca\\u003e \\u0026 \\u2028 é"'.encode() in body
    assert not body.endswith(b"\n")


def test_what_was_not_given_is_left_out_and_defaults_hold(sandbox: Sandbox) -> None:
    given = {"title": "a", "description": "", "due_date": "2030-01-01"}
    assert sandbox.post(ASSIGNMENTS, given).data.keys() == {
        "assignee_mode", "created", "description", "due_date", "grading_type", "id", "last_modified", "state", "title",
    }  # fmt: skip


def test_zero_and_the_empty_text_are_values(sandbox: Sandbox) -> None:
    data = sandbox.post(ASSIGNMENTS, {**ESSAY, "description": "", "points_possible": 0, "term_id": ""}).data
    assert (data["description"], data["points_possible"], data["term_id"]) == ("", 0, "")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("16777217", "16777217"), ("0.1", "0.1"), ("10.50", "10.5"), ("1e2", "100"), ("1e-7", "1e-7"),
        ("1E21", "1e+21"), ("123456789012345678901", "123456789012345678901"), ("0.30000000000000004",) * 2,
    ],
)  # fmt: skip
def test_numbers_keep_their_precision(sandbox: Sandbox, sent: str, shown: str) -> None:
    body = f'{{"title":"a","description":"b","due_date":"2030-01-01","points_possible":{sent}}}'
    assert f'"points_possible":{shown},'.encode() in sandbox.post(ASSIGNMENTS, body).body


def test_the_id_is_a_uuid_and_works_in_any_case(sandbox: Sandbox) -> None:
    path = sandbox.create()
    assignment_id = path.rsplit("/", 1)[1]
    assert sandbox.get(f"{ASSIGNMENTS}/{assignment_id.upper()}").data["id"] == assignment_id


def test_the_section_id_works_in_any_case(sandbox: Sandbox) -> None:
    path = sandbox.create()
    assert sandbox.get(path.replace(SECTION, SECTION.upper())).status == 200


def test_a_change_touches_only_what_is_given(sandbox: Sandbox) -> None:
    before = sandbox.post(ASSIGNMENTS, FULL).data
    sandbox.clock.advance(hours=1)
    after = sandbox.patch(f"{ASSIGNMENTS}/{before['id']}", {"title": "New", "points_possible": 0}).data
    assert after == {
        **before, "title": "New", "points_possible": 0, "last_modified": "2026-01-01T01:00:00.000Z",
    }  # fmt: skip


@pytest.mark.parametrize("body", ["{}", "null", '{"title":null,"due_date":null}', '{"due_date":""}'])
def test_a_change_of_nothing_changes_nothing(sandbox: Sandbox, body: str) -> None:
    path = sandbox.create()
    before = sandbox.get(path).data
    assert sandbox.patch(path, body).data == before


def test_an_empty_title_is_a_title_on_a_change(sandbox: Sandbox) -> None:
    assert sandbox.patch(sandbox.create(), {"title": ""}).data["title"] == ""


def test_an_empty_list_empties(sandbox: Sandbox) -> None:
    path = sandbox.create(submission_types=["file"], attachments=[{"url": "https://example.org"}])
    data = sandbox.patch(path, {"submission_types": [], "attachments": []}).data
    assert not data.keys() & {"submission_types", "attachments"}


def test_a_deleted_assignment_is_gone_for_every_call(sandbox: Sandbox) -> None:
    path = sandbox.create()
    assert (reply := sandbox.delete(path)).status == 200
    assert (reply.body, reply.headers.get("content-type")) == (b"", None)
    replies = [
        sandbox.get(path),
        sandbox.patch(path, {}),
        sandbox.delete(path),
        sandbox.get(f"{path}/submissions"),
        sandbox.get(f"{path}/submissions/{STUDENT}"),
        sandbox.patch(f"{path}/submissions/{STUDENT}", {}),
    ]
    assert {(reply.status, reply.body) for reply in replies} == {
        (404, b'{"message":"Assignment does not exist"}')
    }


@pytest.mark.parametrize(
    "assignment_id", ["x", "0", "%20", "60d0fe4f5311236168a109cb", "null", "'; DROP TABLE users"]
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_is_no_uuid_is_invalid(sandbox: Sandbox, method: str, assignment_id: str) -> None:
    path = f"{ASSIGNMENTS}/{assignment_id.replace(' ', '%20')}"
    reply = sandbox.call(method, path, "{}" if method == "PATCH" else None)
    assert (reply.status, reply.body) == (400, b'{"message":"INVALID_ID"}')


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        ({"start_date": "2030-06-02"}, "start_date must not be after due_date"),
        ({"display_date": "2030-06-02"}, "display_date must not be after due_date"),
        ({"end_date": "2030-06-01"}, "due_date must not be after end_date"),
    ],
)
def test_dates_out_of_order_are_named(sandbox: Sandbox, dates: dict[str, str], message: str) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, **dates})
    assert (reply.status, reply.json) == (400, {"message": message})


def test_a_change_is_held_against_the_dates_that_stay(sandbox: Sandbox) -> None:
    path = sandbox.create(end_date="2030-07-01")
    reply = sandbox.patch(path, {"due_date": "2030-08-01"})
    assert (reply.status, reply.json["message"]) == (400, "due_date must not be after end_date")


@pytest.mark.parametrize(
    ("given", "failures"),
    [
        ({"points_possible": -0.5}, ["points_possible in body should be greater than or equal to 0"]),
        ({"max_attempts": 0}, ["max_attempts in body should be greater than or equal to 1"]),
        (
            {"max_attempts": -1, "points_possible": -1},
            [
                "max_attempts in body should be greater than or equal to 1",
                "points_possible in body should be greater than or equal to 0",
            ],
        ),
    ],
)
def test_numbers_out_of_their_domain_are_refused(
    sandbox: Sandbox, given: dict[str, Any], failures: list[str]
) -> None:
    expected = (400, {"message": "\n".join(["validation failure list:", *failures])})
    created = sandbox.post(ASSIGNMENTS, {**ESSAY, **given})
    changed = sandbox.patch(sandbox.create(), given)
    assert {(reply.status, str(reply.json)) for reply in (created, changed)} == {
        (expected[0], str(expected[1]))
    }


@pytest.mark.parametrize(
    ("assignee_ids", "reason"),
    [
        (None, "assignee_ids must name at least one student"),
        ([], "assignee_ids must name at least one student"),
        ([STUDENT, BIOLOGY_STUDENT], f"{BIOLOGY_STUDENT} is not a student of this section"),
        ([NO_SUCH_ID, "x"], f"{NO_SUCH_ID} is not a student of this section"),
        ([""], " is not a student of this section"),
    ],
)
def test_individuals_must_be_students_of_the_section(
    sandbox: Sandbox, assignee_ids: list[str] | None, reason: str
) -> None:
    given = {**ESSAY, "assignee_mode": "individuals", "assignee_ids": assignee_ids}
    reply = sandbox.post(ASSIGNMENTS, given)
    assert (reply.status, reply.json) == (400, {"message": f"INVALID_ASSIGNEES: {reason}"})


def test_assignees_without_individuals_are_ignored_with_a_warning(sandbox: Sandbox) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, "assignee_ids": [NO_SUCH_ID]})
    assert reply.headers["passback-warnings"] == "ASSIGNEES_IGNORED"
    assert "assignee_ids" not in reply.data


def test_an_assignment_can_be_narrowed_to_individuals_and_widened_again(sandbox: Sandbox) -> None:
    path = sandbox.create()
    narrowed = sandbox.patch(path, {"assignee_mode": "individuals", "assignee_ids": [STUDENT]}).data
    assert narrowed["assignee_ids"] == [STUDENT]
    assert "assignee_ids" not in sandbox.patch(path, {"assignee_mode": "all"}).data


def test_narrowing_needs_someone(sandbox: Sandbox) -> None:
    reply = sandbox.patch(sandbox.create(), {"assignee_mode": "individuals"})
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_ASSIGNEES")


def test_the_individuals_can_be_changed_without_repeating_the_mode(sandbox: Sandbox) -> None:
    path = sandbox.create(assignee_mode="individuals", assignee_ids=[STUDENT])
    assert sandbox.patch(path, {"assignee_ids": STUDENTS[3:5]}).data["assignee_ids"] == STUDENTS[3:5]


@pytest.mark.parametrize(
    "attachment",
    [
        {"type": "file"}, {"type": "link", "url": ""}, {"url": "javascript:alert(1)"}, {"url": "ftp://example.org/a"},
        {"type": "text", "text": "Hello"}, {"text": "Hello"}, {"url": "https://"}, {"url": "http://[oops"},
    ],
)  # fmt: skip
def test_an_attachment_that_leads_nowhere_is_refused(sandbox: Sandbox, attachment: dict[str, str]) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, "attachments": [attachment]})
    assert (reply.status, reply.json["message"].split(": ")[:2]) == (
        400,
        ["INVALID_ATTACHMENT", "attachments.0"],
    )


def test_unknown_fields_are_ignored_with_a_warning(sandbox: Sandbox) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, "colour": "red", "a, b\r\nc": 1e9})
    assert reply.status == 200
    assert reply.headers["passback-warnings"] == "UNKNOWN_FIELD:colour, UNKNOWN_FIELD:a%2C%20b%0D%0Ac"


def test_not_more_unknown_fields_are_named_than_headers_hold(sandbox: Sandbox) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, **{"é" * 100 + str(number): 1 for number in range(1000)}})
    assert len(reply.headers["passback-warnings"]) < 8000


@pytest.mark.parametrize(
    ("due_date", "warned"),
    [
        ("2030-01-01", True),
        ("2030-01-01T00:00:00", True),
        ("2030-01-01T00:00:00Z", False),
        ("2030-01-01T00:00:00+01:00", False),
    ],
)
def test_a_date_without_a_zone_is_utc_with_a_warning(sandbox: Sandbox, due_date: str, warned: bool) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, "due_date": due_date})
    assert (reply.headers.get("passback-warnings") == "DATETIME_MISSING_TIMEZONE") == warned


def test_an_answer_without_anything_ignored_has_no_warnings(sandbox: Sandbox) -> None:
    assert "passback-warnings" not in sandbox.post(ASSIGNMENTS, ESSAY).headers


def test_state_follows_the_clock(sandbox: Sandbox) -> None:
    path = sandbox.create(due_date="2026-03-01", display_date="2026-02-01", end_date="2026-04-01")
    states = []
    for days in (0, 40, 60):
        sandbox.clock.advance(days=days)
        states.append(sandbox.get(path).data["state"])
    assert states == ["scheduled", "open", "locked"]


def test_letter_grades_come_with_their_scale(sandbox: Sandbox) -> None:
    (scale,) = sandbox.post(ASSIGNMENTS, {**ESSAY, "grading_type": "letter_grade"}).data["grading_scale"]
    assert scale["entries"][0] == {"name": "A", "value": "94"}


def test_a_sections_assignments_can_be_listed_page_by_page(sandbox: Sandbox) -> None:
    created = [sandbox.create(title=f"Essay {number}").rsplit("/", 1)[1] for number in range(7)]
    listed: list[str] = []
    path: str | None = f"{ASSIGNMENTS}?limit=3"
    sizes = []
    while path:
        page = sandbox.get(path).json
        sizes.append(len(page["data"]))
        listed += [assignment["id"] for assignment in page["data"]]
        path = page["links"][0]["uri"] if "links" in page else None
    assert (listed, sizes) == (created, [3, 3, 1])


def test_the_list_is_the_sections_own(sandbox: Sandbox) -> None:
    sandbox.create()
    assert sandbox.get(f"/v3.1/sections/{BIOLOGY}/assignments").json == {"data": []}


def test_the_list_leaves_out_what_was_deleted(sandbox: Sandbox) -> None:
    gone, kept = sandbox.create(), sandbox.create()
    sandbox.delete(gone)
    assert [assignment["id"] for assignment in sandbox.get(ASSIGNMENTS).data] == [kept.rsplit("/", 1)[1]]
