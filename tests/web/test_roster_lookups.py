"""Looking up people and sections by what an application knows of them, and through each other."""

from __future__ import annotations

import pytest

from passback.store.engine.database import Connection
from support.sandbox import (
    BIOLOGY,
    BIOLOGY_STUDENT,
    DISTRICT,
    ELSEWHERE_SECTION,
    NO_SUCH_ID,
    NOW,
    SECTION,
    STUDENT,
    STUDENTS,
    TEACHER,
    Reply,
    Sandbox,
)

ELSEWHERE_STUDENT = "4fee004cca2e43cf28001001"
GONE = b'{"message":"Resource not found"}'


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply
    return [it["data"]["id"] for it in reply.data]


def link(reply: Reply, rel: str) -> str | None:
    return next((it["uri"] for it in reply.json["links"] if it["rel"] == rel), None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sis_id=student-001001", [STUDENT]),
        ("email=ada.abbott@district-27.example", [STUDENT]),
        ("email=Ada.Abbott%40District-27.Example", [STUDENT]),
        ("student_number=001001", [STUDENT]),
        ("role=student&sis_id=student-001001", [STUDENT]),
        ("role=teacher&sis_id=student-001001", []),
        ("role=teacher&email=ada.abbott@district-27.example", []),
        ("sis_id=student-001001&student_number=001002", []),
        ("student_number=000001", []),  # a teacher's
        ("sis_id=teacher-000001", [TEACHER]),
        ("sis_id=", []),
        ("email=", []),
        ("email=%25", []),
        ("email=_da.abbott@district-27.example", []),
        ("student_number=%00", []),
        ("student_number=%ff", []),
        ("sis_id=" + "x" * 5000, []),
        ("email=ada.abbott@district-28.example", []),  # another district's
    ],
)
def test_people_are_found_by_what_identifies_them(sandbox: Sandbox, query: str, found: list[str]) -> None:
    assert ids(sandbox.get(f"/v3.1/users?{query}")) == found


@pytest.mark.parametrize(("query", "found"), [("sis_id=section-7", [SECTION]), ("sis_id=section-0", [])])
def test_sections_are_found_by_their_sis_id(sandbox: Sandbox, query: str, found: list[str]) -> None:
    assert ids(sandbox.get(f"/v3.1/sections?{query}")) == found


def test_everyone_who_shares_an_address_is_found_page_by_page(sandbox: Sandbox) -> None:
    given = {"district": DISTRICT, "email": "Home & Family@d.example"}
    sandbox.write(
        lambda conn: conn.execute(
            "UPDATE users SET email = :email WHERE district_id = :district AND role = 'student'", given
        )
    )
    path, seen = "/v3.1/users?email=home+%26+family@d.example&role=student&limit=20", []
    while path:
        reply = sandbox.get(path)
        seen.append(ids(reply))
        last, path = reply, link(reply, "next") or ""
    assert [len(page) for page in seen] == [20, 20]
    assert ids(sandbox.get(link(last, "prev") or "")) == seen[0]


def test_a_section_lists_its_members_page_by_page(sandbox: Sandbox) -> None:
    assert ids(sandbox.get(f"/v3.1/sections/{SECTION}/teachers")) == [TEACHER]
    path, seen = f"/v3.1/sections/{SECTION.upper()}/students?limit=12", []
    while path:
        reply = sandbox.get(path)
        seen += ids(reply)
        last, path = reply, link(reply, "next") or ""
    assert seen == STUDENTS == sandbox.get(f"/v3.1/sections/{SECTION}").data["students"]
    assert ids(sandbox.get(link(last, "prev") or "")) == STUDENTS[12:24]
    first = sandbox.get(f"/v3.1/sections/{SECTION}/students?limit=1").data[0]["data"]
    assert first == sandbox.get(f"/v3.1/users/{STUDENT}").data


def test_a_user_lists_their_sections(sandbox: Sandbox) -> None:
    reply = sandbox.get(f"/v3.1/users/{STUDENT}/sections")
    assert reply.data == [{"data": sandbox.get(f"/v3.1/sections/{SECTION}").data}]
    assert ids(sandbox.get(f"/v3.1/users/{BIOLOGY_STUDENT}/sections")) == [BIOLOGY]
    sandbox.write(
        lambda conn: conn.execute(
            "INSERT INTO enrollments (section_id, role, user_id) VALUES (:section, 'student', :user)",
            {"section": BIOLOGY, "user": STUDENT},
        )
    )
    first = sandbox.get(f"/v3.1/users/{STUDENT}/sections?limit=1")
    assert ids(first) + ids(sandbox.get(link(first, "next") or "")) == [SECTION, BIOLOGY]


@pytest.mark.parametrize(
    "object_id", ["x", NO_SUCH_ID, ELSEWHERE_SECTION, ELSEWHERE_STUDENT, STUDENT, "%ff", "%00"]
)
@pytest.mark.parametrize("path", ["sections/{}/students", "sections/{}/teachers"])
def test_a_section_that_is_not_the_districts_has_no_members(
    sandbox: Sandbox, path: str, object_id: str
) -> None:
    reply = sandbox.get(f"/v3.1/{path.format(object_id)}")
    assert (reply.status, reply.body) == (404, GONE)


@pytest.mark.parametrize("object_id", ["x", NO_SUCH_ID, ELSEWHERE_STUDENT, SECTION])
def test_a_user_who_is_not_the_districts_has_no_sections(sandbox: Sandbox, object_id: str) -> None:
    reply = sandbox.get(f"/v3.1/users/{object_id}/sections")
    assert (reply.status, reply.body) == (404, GONE)


def test_what_was_removed_is_not_found(sandbox: Sandbox) -> None:
    def remove(conn: Connection) -> None:
        conn.execute("UPDATE users SET removed = :now WHERE id = :id", {"now": NOW, "id": STUDENT})
        conn.execute("UPDATE sections SET removed = :now WHERE id = :id", {"now": NOW, "id": BIOLOGY})

    sandbox.write(remove)
    assert ids(sandbox.get("/v3.1/users?sis_id=student-001001")) == []
    assert ids(sandbox.get(f"/v3.1/sections/{SECTION}/students")) == STUDENTS[1:]
    assert ids(sandbox.get(f"/v3.1/users/{BIOLOGY_STUDENT}/sections")) == []
    assert sandbox.get(f"/v3.1/users/{STUDENT}/sections").status == 404
    assert sandbox.get(f"/v3.1/sections/{BIOLOGY}/students").status == 404


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"sections/{SECTION}/students?limit=0", "limit in query should be greater than or equal to 1"),
        (f"sections/{SECTION}/teachers?limit=1001", "limit in query should be less than or equal to 1000"),
        ("users/x/sections?limit=ten", 'strconv.ParseInt: parsing "ten": invalid syntax'),
    ],
)
def test_bad_limits_are_named_before_anything_is_looked_up(sandbox: Sandbox, path: str, message: str) -> None:
    reply = sandbox.get(f"/v3.1/{path}")
    assert (reply.status, reply.json) == (400, {"message": message})
