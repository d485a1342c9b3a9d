"""Updates of a section with their comments and likes in the simulated Schoology, by schoolopy and an own client."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schoolopy

from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, BIOLOGY_TEACHER, OTHER_STUDENT, STUDENT, TEACHER, Schoology

UPDATES = f"sections/{ALGEBRA}/updates"


def posted(client: Any, path: str, body: dict[str, Any]) -> Any:
    """What a client creates."""
    reply = client("POST", path, body)
    assert reply.status_code == 201, (reply.status_code, reply.text)
    return reply.json()


def update(schoology: Schoology, **fields: Any) -> Any:
    """An update by the teacher."""
    return posted(schoology.teacher, UPDATES, {"body": "Bring a ruler", **fields})


def test_schoolopy_reads_updates_newest_first(schoology: Schoology, schoolopy_client: Any) -> None:
    first = update(schoology)
    schoology.clock.advance(hours=1)
    made = schoolopy_client._post(UPDATES, {"body": "<b>No class</b>"})  # noqa: SLF001 - its own sends no object
    newest, oldest = schoolopy_client.get_section_updates(ALGEBRA)
    assert (newest.id, oldest.id) == (made["id"], first["id"])
    assert newest == schoolopy_client.get_section_update(made["id"], ALGEBRA)
    now = schoology.clock.now // 1000
    assert dict(newest) == {
        "id": made["id"], "body": "<b>No class</b>", "uid": int(seed.ADMIN_UID), "created": now, "last_updated": now,
        "likes": 0, "user_like_action": False, "realm": "section", "section_id": int(ALGEBRA), "num_comments": 0,
    }  # fmt: skip


def test_the_list_has_no_total(schoology: Schoology) -> None:
    update(schoology)
    listed = schoology.teacher.get(f"{UPDATES}?limit=1")
    assert set(listed) == {"update", "links"}


def test_an_update_is_changed_by_put_which_returns_it(schoology: Schoology, schoolopy_client: Any) -> None:
    made = update(schoology)
    schoology.clock.advance(hours=1)
    body = {"body": "Bring a compass", "attachments": [{"type": "link", "url": "https://app.example/a"}]}
    changed = schoolopy_client._put(f"{UPDATES}/{made['id']}", body)  # noqa: SLF001 - as above
    assert (changed["body"], changed["uid"]) == ("Bring a compass", int(TEACHER))
    assert changed["last_updated"] == changed["created"] + 3600
    [link] = changed["attachments"]["links"]["link"]
    assert link["url"] == "https://app.example/a"
    assert "attachments" not in schoology.teacher.get(f"{UPDATES}/{made['id']}")
    [shown] = schoology.teacher.get(f"{UPDATES}?with_attachments=1")["update"]
    assert shown["attachments"] == changed["attachments"]


def test_an_update_is_deleted_with_its_comments(schoology: Schoology, schoolopy_client: Any) -> None:
    made = update(schoology)
    posted(schoology.teacher, f"{UPDATES}/{made['id']}/comments", {"comment": "And a pencil"})
    schoolopy_client.delete_section_update(made["id"], ALGEBRA)
    assert schoolopy_client.get_section_updates(ALGEBRA) == []
    assert schoology.lms.records.all("update_comments") == []
    with pytest.raises(requests.HTTPError, match="404"):
        schoolopy_client.get_section_update(made["id"], ALGEBRA)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"body": ""},
        {"body": "<script>x</script>"},
        {"body": "A link", "attachments": [{"type": "link", "url": "http://[1"}]},
    ],
)
def test_an_update_needs_a_body_and_addresses(schoology: Schoology, body: dict[str, Any]) -> None:
    assert schoology.teacher("POST", UPDATES, body).status_code == 400


def test_members_post_and_change_only_their_own(schoology: Schoology) -> None:
    student, other = schoology.as_user(STUDENT), schoology.as_user(OTHER_STUDENT)
    made = posted(student, UPDATES, {"body": "Is there homework?", "uid": TEACHER})
    path = f"{UPDATES}/{made['id']}"
    assert made["uid"] == int(STUDENT)
    assert student("PUT", path, {"body": "Is there any homework?"}).status_code == 200
    assert [other(method, path, {"body": "No"}).status_code for method in ("PUT", "DELETE")] == [403, 403]
    assert schoology.teacher("DELETE", path).status_code == 204


def test_strangers_neither_read_nor_post(schoology: Schoology) -> None:
    stranger = schoology.as_user(BIOLOGY_TEACHER)
    made = update(schoology)
    assert stranger("GET", UPDATES).status_code == 403
    assert stranger("POST", UPDATES, {"body": "Hello"}).status_code == 403
    assert stranger("POST", f"like/{made['id']}", {"like_action": True}).status_code == 403


def test_a_past_section_takes_none(schoology: Schoology) -> None:
    schoology.lms.ui_end_section(ALGEBRA)
    assert schoology.teacher("POST", UPDATES, {"body": "Late"}).status_code == 403


# Comments.


def test_schoolopy_reads_comments(schoology: Schoology, schoolopy_client: Any) -> None:
    made = update(schoology)
    path = f"{UPDATES}/{made['id']}/comments"
    student = schoology.as_user(STUDENT)
    first = posted(student, path, {"comment": "Which one?", "uid": TEACHER})
    second = posted(schoology.teacher, path, {"comment": "Any"})
    found = schoolopy_client.get_section_update_comments(made["id"], ALGEBRA)
    assert [(one.id, one.uid) for one in found] == [(first["id"], int(STUDENT)), (second["id"], int(TEACHER))]
    one = schoolopy_client.get_section_update_comment(first["id"], made["id"], ALGEBRA)
    assert (one.comment, one.status, one.parent_id, "links" in one) == ("Which one?", 1, 0, False)
    assert schoolopy_client.get_section_update(made["id"], ALGEBRA).num_comments == 2


def test_a_comment_is_deleted_by_its_author_or_a_teacher(schoology: Schoology, schoolopy_client: Any) -> None:
    made = update(schoology)
    student, other = schoology.as_user(STUDENT), schoology.as_user(OTHER_STUDENT)
    path = f"{UPDATES}/{made['id']}/comments"
    first, second = (posted(student, path, {"comment": text})["id"] for text in ("One", "Two"))
    assert other("DELETE", f"{path}/{first}").status_code == 403
    assert student("DELETE", f"{path}/{first}").status_code == 204
    schoolopy_client.delete_section_update_comment(second, made["id"], ALGEBRA)
    assert schoolopy_client.get_section_update_comments(made["id"], ALGEBRA) == []
    assert student("GET", f"{path}/{first}").status_code == 404


# Likes.


def test_schoolopy_likes_and_unlikes(schoology: Schoology, schoolopy_client: Any) -> None:
    id_ = update(schoology)["id"]
    schoology.as_user(STUDENT)("POST", f"like/{id_}", {"like_action": "true"})
    assert schoolopy_client.like(id_) == 2
    assert [one.uid for one in schoolopy_client.get_likes(id_)] == [STUDENT, seed.ADMIN_UID]
    seen = schoolopy_client.get_section_update(id_, ALGEBRA)
    assert (seen.likes, seen.user_like_action) == (2, True)
    assert schoolopy_client.unlike(id_) == 1
    assert schoology.teacher.get(f"{UPDATES}/{id_}")["user_like_action"] is False


def test_schoolopy_is_told_that_nothing_changed(schoology: Schoology, schoolopy_client: Any) -> None:
    id_ = update(schoology)["id"]
    schoolopy_client.like(id_)
    with pytest.raises(schoolopy.NoDifferenceError, match="already liked"):
        schoolopy_client.like(id_)


def test_schoolopy_likes_comments(schoology: Schoology, schoolopy_client: Any) -> None:
    id_ = update(schoology)["id"]
    comment = posted(schoology.teacher, f"{UPDATES}/{id_}/comments", {"comment": "Or two"})["id"]
    assert schoolopy_client.like_comment(id_, comment) == 1
    assert [one.uid for one in schoolopy_client.get_comment_likes(id_, comment)] == [seed.ADMIN_UID]
    assert schoolopy_client.get_section_update_comment(comment, id_, ALGEBRA).likes == 1
    with pytest.raises(requests.HTTPError, match="404"):
        schoolopy_client.like_comment(id_, 1)
