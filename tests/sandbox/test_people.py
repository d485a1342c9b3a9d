"""The teacher's, the student's and the registrar's hand, by HTTP, in every LMS of the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.identities import ELSEWHERE_UNIFIED, SANDBOX_UNIFIED, SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, NO_SUCH_ASSIGNMENT, Client, Reply, Sandbox, serving


class Class:
    """Algebra of a district: the API's side, and the hands."""

    def __init__(self, sandbox: Sandbox, district: SandboxDistrict) -> None:
        self.kind = district.lms_type
        self.district = district
        self.section = district.id("000007")
        self.student = district.id("001001")
        self.api: Client = sandbox.client(district.token)
        self.anyone: Client = sandbox.client(None)

    def create(self, **more: Any) -> str:
        reply = self.api.post(f"/v3.1/sections/{self.section}/assignments", {**ESSAY, **more})
        assert reply.status == 200, reply
        return str(reply.data["id"])

    def of_api(self, assignment: str, student: str | None = None) -> Reply:
        path = f"/v3.1/sections/{self.section}/assignments/{assignment}"
        return self.api.get(f"{path}/submissions/{student}" if student else path)

    def teacher(self, method: str, path: str = "", content: Any = None) -> Reply:
        return self.anyone.call(method, f"/sandbox/teacher/sections/{self.section}{path}", content)

    def grade(self, assignment: str, **content: Any) -> Reply:
        return self.teacher("PATCH", f"/assignments/{assignment}/submissions/{self.student}", content)

    def registrar(self, method: str, path: str, content: Any = None) -> Reply:
        return self.anyone.call(method, f"/sandbox/registrar/sections/{self.section}{path}", content)

    def grades(self) -> list[Any]:
        found: list[Any] = self.teacher("GET").data["grades"]
        return found


@pytest.fixture(params=(SANDBOX_UNIFIED, *SIMULATED), ids=lambda it: it.lms_type)
def algebra(request: pytest.FixtureRequest, sandbox: Sandbox) -> Class:
    return Class(sandbox, request.param)


def test_the_api_sees_the_teachers_grade_and_that_it_is_taken_away(algebra: Class) -> None:
    assignment = algebra.create()
    assert algebra.grade(assignment, grade_points=17.5).status == 200
    assert algebra.of_api(assignment, algebra.student).data["grade_points"] == 17.5
    assert algebra.grade(assignment, grade_points=None).status == 200
    assert algebra.of_api(assignment, algebra.student).data.get("grade_points") is None


def test_the_teacher_sees_what_the_application_sent(algebra: Class) -> None:
    assignment = algebra.create()
    path = f"/v3.1/sections/{algebra.section}/assignments/{assignment}/submissions/{algebra.student}"
    assert algebra.api.patch(path, {"grade_points": 12}).status == 200
    book = algebra.teacher("GET").data
    assert (book["lms"], len(book["students"])) == (algebra.kind, 30)
    assert {"id": algebra.student, "name": "Ada Abbott"}.items() <= book["students"][0].items()
    shown = next(it for it in book["assignments"] if it["id"] == assignment)
    assert (shown["title"], shown["points_possible"]) == ("Essay 1", 20)
    assert shown["due_date"] == (None if algebra.kind == "lti" else "2030-06-01T23:59:00.000Z")
    (grade,) = [it for it in book["grades"] if it["assignment_id"] == assignment]
    assert (grade["user_id"], grade["points"]) == (algebra.student, 12)


def test_the_api_sees_the_teachers_comment(algebra: Class) -> None:
    assignment = algebra.create()
    algebra.grade(assignment, grade_points=17.5)
    reply = algebra.grade(assignment, grade_comment="Well argued")
    if algebra.kind == "google":
        assert (reply.status, reply.json["message"]) == (
            409, "private comments of Classroom's pages do not reach its API",
        )  # fmt: skip
        return
    found = algebra.of_api(assignment, algebra.student).data
    assert (found["grade_comment"], found["grade_points"]) == ("Well argued", 17.5)
    assert algebra.grades()[0]["comment"] == "Well argued"


def test_the_api_sees_what_the_teacher_changed(algebra: Class) -> None:
    assignment = algebra.create()
    edit = {"title": "Essay 1, second try"}
    if algebra.kind != "lti":
        edit["due_date"] = "2030-06-08T23:59:00Z"
    assert algebra.teacher("PATCH", f"/assignments/{assignment}", edit).status == 200
    found = algebra.of_api(assignment).data
    assert found["title"] == "Essay 1, second try"
    if algebra.kind != "lti":
        assert found["due_date"] == "2030-06-08T23:59:00.000Z"


def test_the_api_sees_that_the_teacher_deleted_an_assignment(algebra: Class) -> None:
    assignment = algebra.create()
    assert algebra.teacher("DELETE", f"/assignments/{assignment}").status == 200
    reply = algebra.of_api(assignment)
    assert (reply.status, reply.json["message"]) == (404, "Assignment does not exist")
    assert algebra.teacher("DELETE", f"/assignments/{assignment}").status in (404, 409)


def test_the_api_sees_that_the_student_handed_in(algebra: Class) -> None:
    takes = {} if algebra.kind in ("google", "moodle", "lti") else {"submission_types": ["text"]}
    assignment = algebra.create(**takes)
    path = f"/assignments/{assignment}/submissions/{algebra.student}"
    reply = algebra.teacher("POST", path, {"text": "My essay"})
    if algebra.kind == "lti":
        assert reply.status == 409
        return
    assert reply.status == 200, reply
    assert algebra.of_api(assignment, algebra.student).data["state"] == "submitted"
    assert algebra.grades()[0]["handed_in"]


def test_who_was_unenrolled_is_not_found_until_they_are_enrolled_again(algebra: Class) -> None:
    assignment = algebra.create()
    assert algebra.registrar("DELETE", f"/members/{algebra.student}").status == 200
    reply = algebra.of_api(assignment, algebra.student)
    assert (reply.status, reply.json["message"]) == (404, "User not found")
    assert algebra.student not in {it["id"] for it in algebra.teacher("GET").data["students"]}
    assert algebra.registrar("PUT", f"/members/{algebra.student}").status == 200
    assert algebra.of_api(assignment, algebra.student).status == 200


def test_a_new_student_can_be_graded(algebra: Class) -> None:
    assignment = algebra.create()
    names = {"first_name": "Nell", "last_name": "Ortiz"}
    new = algebra.registrar("POST", "/students", names).data["id"]
    path = f"/v3.1/sections/{algebra.section}/assignments/{assignment}/submissions/{new}"
    assert algebra.api.patch(path, {"grade_points": 3}).status == 200
    assert algebra.api.get(f"/v3.1/users/{new}").data["name"]["first"] == "Nell"
    assert {it["user_id"]: it["points"] for it in algebra.grades()}[new] == 3
    events = [it["data"] for it in algebra.api.get("/v3.1/events?limit=100").data]
    found = [(it["type"], it["data"]["object"]["id"]) for it in events]
    assert found == [("users.created", new), ("sections.updated", algebra.section)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/sandbox/teacher/sections/{elsewhere}", None, 200),
        ("GET", "/sandbox/teacher/sections/nowhere", None, 404),
        ("PUT", "/sandbox/teacher/sections/{section}", "{}", 405),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{none}", '{"title":"x"}', 404),
        ("PATCH", "/sandbox/teacher/sections/{elsewhere}/assignments/{known}", '{"title":"x"}', 404),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}", "{}", 409),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}", "", 400),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}", '{"colour":"red"}', 400),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}", '{"points_possible":-1}', 400),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}/submissions/x", '{"grade_points":1}', 404),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}/submissions/{student}",
         '{"grade_points":"many"}', 400),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}/submissions/{student}",
         '{"grade_points":1e400}', 400),
        ("PATCH", "/sandbox/teacher/sections/{section}/assignments/{known}/submissions/{student}", "{}", 409),
        ("PUT", "/sandbox/registrar/sections/{section}/members/nobody", None, 404),
        ("POST", "/sandbox/registrar/sections/{section}/students", '{"first_name":" ","last_name":"x"}', 409),
        ("POST", "/sandbox/registrar/sections/{section}/students", '{"first_name":"x"}', 400),
        ("GET", "/sandbox/teacher", None, 404),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(
    algebra: Class, method: str, path: str, body: str | None, status: int
) -> None:
    path = path.format(
        section=algebra.section, elsewhere=ELSEWHERE_UNIFIED.id("000007"), none=NO_SUCH_ASSIGNMENT,
        known=algebra.create(), student=algebra.student,
    )  # fmt: skip
    reply = algebra.anyone.call(method, path, body)
    assert reply.status == status, reply
    if status in (400, 404, 409):
        assert reply.json["message"]


def test_production_has_no_such_hands() -> None:
    with serving(kind="production") as gateway:
        for whose in ("teacher", "registrar"):
            assert gateway.client(None).get(f"/sandbox/{whose}/sections/x").status == 404
