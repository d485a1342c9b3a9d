"""Schoology's submissions and uploads."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, ASSIGNMENTS, OTHER_STUDENT, STUDENT, Client, Schoology

ESSAY = b"%PDF-1.4 my essay"


def dropbox(item: int) -> str:
    return f"sections/{ALGEBRA}/submissions/{item}"


def hand_in(client: Client, item: int, text: str = "My essay", **given: Any) -> httpx2.Response:
    return client("POST", f"{dropbox(item)}/create", {"body": text, **given})


def upload(client: Client, body: bytes = ESSAY, name: str = "essay.pdf") -> int:
    """A complete upload."""
    md5 = hashlib.md5(body).hexdigest()
    place = client("POST", "upload", {"filename": name, "filesize": len(body), "md5_checksum": md5}).json()
    reply = client("PUT", place["upload_location"], headers={"content-type": "application/pdf"}, content=body)
    assert reply.status_code == 200, reply.text
    return int(place["id"])


# Submissions.


def test_only_those_who_handed_in_are_listed_the_newest_revision_of_each(schoology: Schoology) -> None:
    item = schoology.assignment()
    student = schoology.as_user(STUDENT)
    assert schoology.teacher.get(dropbox(item))["revision"] == []
    for text in ("First", "Second"):
        assert hand_in(student, item, text).status_code == 201
        schoology.clock.now += 1000
    now = schoology.clock.now // 1000 - 1
    assert schoology.teacher.get(dropbox(item)) == {
        "revision": [
            {"revision_id": 2, "uid": int(STUDENT), "created": now, "num_items": 1, "late": 0, "draft": 0}
        ],
        "links": {"self": f"{schoology.url}/v1/{dropbox(item)}?start=0&limit=20"},
    }
    every = schoology.teacher.get(f"{dropbox(item)}?all_revisions=1")["revision"]
    of_one = schoology.teacher.get(f"{dropbox(item)}/{STUDENT}")["revision"]
    assert [[one["revision_id"] for one in found] for found in (every, of_one)] == [[2, 1], [1, 2]]
    assert schoology.teacher.get(f"{dropbox(item)}/{OTHER_STUDENT}")["revision"] == []


def test_text_is_treated_as_html_and_stored_as_a_file(schoology: Schoology) -> None:
    item = schoology.assignment()
    [revision] = hand_in(schoology.as_user(STUDENT), item, "<p>1 &lt; 2</p>").json()["revision"]
    [listed] = schoology.teacher.get(f"{dropbox(item)}?with_attachments=1")["revision"]
    [file] = listed["attachments"]["files"]["file"]
    assert ("body" in revision, file["filename"], file["filemime"]) == (
        False,
        f"dropbox_{STUDENT}_r1.html",
        "text/html",
    )
    assert "<body><p>1 &lt; 2</p></body>" in schoology.teacher("GET", file["download_path"]).text
    assert schoology.http.get(file["download_path"]).status_code == 401  # unsigned


@pytest.mark.parametrize(("due", "late"), [("", 0), ("2026-01-01 00:00:00", 0), ("2025-12-31 18:59:59", 1)])
def test_what_comes_after_the_due_date_is_late(schoology: Schoology, due: str, late: int) -> None:
    item = schoology.assignment(due=due)
    [revision] = hand_in(schoology.as_user(STUDENT), item).json()["revision"]
    assert revision["late"] == late


def test_only_the_student_hands_in(schoology: Schoology) -> None:
    item = schoology.assignment()
    for client in (schoology.admin, schoology.teacher, replace(schoology.admin, run_as=STUDENT)):
        reply = hand_in(client, item)
        assert (reply.status_code, reply.content) == (403, b"")


@pytest.mark.parametrize(
    ("settings", "token", "status"),
    [({}, False, 500), ({}, True, 201), ({"submission_needs_token": False}, False, 201)],
)
def test_a_district_that_lets_administrators_run_as_students(
    schoology: Schoology, settings: dict[str, Any], token: bool, status: int
) -> None:
    schoology.set(student_run_as=True, **settings)
    item = schoology.assignment()
    if token:
        schoology.lms.issue_user_token(STUDENT)
    reply = hand_in(replace(schoology.admin, run_as=STUDENT), item)
    assert (reply.status_code, status != 500 or reply.json() == {"message": "Error updating submission"}) == (
        status,
        True,
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"allow_dropbox": 0}, 403), ({"published": 0}, 404), ({"assignees": [seed.enrollment_lms_id("000007", "001002")]}, 404)],
)  # fmt: skip
def test_not_everything_takes_submissions(schoology: Schoology, fields: dict[str, Any], status: int) -> None:
    assert hand_in(schoology.as_user(STUDENT), schoology.assignment(**fields)).status_code == status


def test_a_locked_dropbox_takes_no_submissions(schoology: Schoology) -> None:
    item = schoology.assignment()
    schoology.lms.ui_change_assignment(item, dropbox_locked=1)
    assert hand_in(schoology.as_user(STUDENT), item).status_code == 403


def test_those_who_left_do_not_hand_in_and_are_not_listed(schoology: Schoology) -> None:
    item = schoology.assignment()
    student = schoology.as_user(STUDENT)
    hand_in(student, item)
    schoology.lms.ui_unenroll(ALGEBRA, STUDENT)
    assert (hand_in(student, item).status_code, schoology.teacher.get(dropbox(item))["revision"]) == (403, [])


def test_an_open_draft_is_in_the_way_of_files_until_it_is_handed_in(schoology: Schoology) -> None:
    item, student = schoology.assignment(), schoology.as_user(STUDENT)
    fid = upload(student)
    files = {"file-attachment": {"id": [str(fid)]}}
    [draft] = hand_in(student, item, "Draft", draft=True).json()["revision"]
    refused = student("POST", f"{dropbox(item)}/file", files).status_code
    [final] = hand_in(student, item, "Final").json()["revision"]
    accepted = student("POST", f"{dropbox(item)}/file", files).json()["revision"][0]
    assert ((draft["revision_id"], draft["draft"]), (final["revision_id"], final["draft"])) == (
        (1, 1),
        (1, 0),
    )
    assert (refused, accepted["revision_id"]) == (409, 2)


def test_a_revision_is_shown_and_deleted(schoology: Schoology) -> None:
    item = schoology.assignment()
    schoology.lms.ui_submit(item, STUDENT, "Mine")
    path = f"{dropbox(item)}/{STUDENT}/revision/1"
    assert schoology.teacher.get(path)["revision"][0]["revision_id"] == 1
    assert [schoology.teacher(method, path).status_code for method in ("DELETE", "GET")] == [204, 404]


def test_students_see_only_their_own(schoology: Schoology) -> None:
    item, student = schoology.assignment(), schoology.as_user(STUDENT)
    paths = [dropbox(item), f"{dropbox(item)}/{OTHER_STUDENT}", f"{dropbox(item)}/{STUDENT}"]
    assert [student("GET", path).status_code for path in paths] == [403, 403, 200]


def test_a_dropbox_has_comments(schoology: Schoology) -> None:
    item = schoology.assignment()
    schoology.lms.ui_submit(item, STUDENT, "Mine")
    schoology.lms.ui_comment(item, STUDENT, seed.person_lms_id("000001"), "Nice work!")
    answer = schoology.teacher.get(f"{dropbox(item)}/{STUDENT}/comments")
    assert [one["comment"] for one in answer["comment"]] == ["Revision 1 submitted", "Nice work!"]
    assert answer["total"] == 2


@pytest.mark.parametrize(("fault", "status", "listed"), [("deleted", 404, None), ("not-enrolled", 403, [])])
def test_faults(schoology: Schoology, fault: str, status: int, listed: list[Any] | None) -> None:
    item = schoology.assignment()
    schoology.lms.ui_submit(item, STUDENT, "Mine")
    schoology.fail(fault, times=2)
    reply = schoology.teacher("GET", dropbox(item))
    assert reply.json()["revision"] == listed if listed is not None else reply.status_code == 404
    assert hand_in(schoology.as_user(STUDENT), item).status_code == status


def test_discussions_have_no_dropbox(schoology: Schoology) -> None:
    made = schoology.teacher("POST", f"sections/{ALGEBRA}/discussions", {"title": "Talk", "graded": 1}).json()
    assert schoology.teacher("GET", dropbox(made["grade_item_id"])).status_code == 404


# Uploads.


def test_a_file_is_uploaded_in_two_steps_and_handed_in(schoology: Schoology) -> None:
    item, student = schoology.assignment(), schoology.as_user(STUDENT)
    reply = student("POST", f"{dropbox(item)}/file", {"file-attachment": {"id": [upload(student)]}})
    [file] = reply.json()["revision"][0]["attachments"]["files"]["file"]
    assert (reply.status_code, file["title"], file["filesize"], file["extension"]) == (
        201,
        "essay.pdf",
        len(ESSAY),
        "pdf",
    )
    content = schoology.teacher("GET", file["download_path"])
    assert (content.content, content.headers["content-type"]) == (ESSAY, "application/pdf")


def test_an_upload_must_be_what_was_announced_by_the_same_user_and_once(schoology: Schoology) -> None:
    student = schoology.as_user(STUDENT)
    announced = {
        "filename": "essay.pdf",
        "filesize": len(ESSAY),
        "md5_checksum": hashlib.md5(ESSAY).hexdigest(),
    }
    reply = student("POST", "upload", announced)
    place = reply.json()["upload_location"]
    assert (reply.status_code, place) == (201, f"{schoology.url}/v1/upload/{reply.json()['id']}")
    attempts = [
        schoology.as_user(OTHER_STUDENT)("PUT", place, content=ESSAY), student("PUT", place, content=ESSAY[1:]),
        student("PUT", place, content=ESSAY[1:] + b"!"), student("PUT", place, content=ESSAY),
        student("PUT", place, content=ESSAY), student("PUT", "upload/1", content=ESSAY),
    ]  # fmt: skip
    assert [attempt.status_code for attempt in attempts] == [403, 400, 400, 200, 403, 404]
    assert attempts[3].json()["filemime"] == "application/pdf"  # by its name


def test_only_ones_own_complete_uploads_can_be_attached(schoology: Schoology) -> None:
    item, student = schoology.assignment(), schoology.as_user(STUDENT)
    others = upload(schoology.as_user(OTHER_STUDENT))
    md5 = hashlib.md5(ESSAY).hexdigest()
    empty = student("POST", "upload", {"filename": "a", "filesize": 17, "md5_checksum": md5}).json()["id"]
    for id_ in (others, empty, 1):
        reply = student("POST", f"{dropbox(item)}/file", {"file-attachment": {"id": [id_]}})
        assert reply.status_code == 400
    assert student("POST", "upload", {"filename": "a"}).status_code == 400


def test_a_teachers_upload_becomes_an_assignments_file(schoology: Schoology) -> None:
    item = schoology.assignment(attachments=[{"fid": upload(schoology.teacher), "title": "Task"}])
    found = schoology.teacher.get(f"{ASSIGNMENTS}/{item}?with_attachments=1")["attachments"]["files"]["file"]
    assert [(file["title"], file["filename"]) for file in found] == [("Task", "essay.pdf")]
