"""Rubrics in the simulated Google Classroom, driven by Google's own client."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY_STUDENT,
    BIOLOGY_TEACHER,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    TEACHER_ID,
    Clients,
    create,
    read,
    refused,
    submission,
    submissions,
)

ARGUMENT: Mapping[str, Any] = {
    "title": "Argument",
    "description": "How well it is argued.",
    "levels": [
        {"title": "Convincing", "points": 20},
        {"title": "Passable", "points": 9.5},
        {"title": "None", "points": 0},
    ],
}
SPELLING: Mapping[str, Any] = {
    "title": "Spelling",
    "levels": [{"title": "Good", "points": 5}, {"title": "Bad", "points": 1}],
}


def rubrics(client: Any) -> Any:
    return client.courses().courseWork().rubrics()


def place(work: Any, id_: str = "") -> dict[str, str]:
    """Where a rubric is."""
    return {"courseId": ALGEBRA, "courseWorkId": work["id"], **({"id": id_} if id_ else {})}


def attach(client: Any, work: Any, *criteria: Mapping[str, Any]) -> Any:
    """Create a rubric."""
    return (
        rubrics(client)
        .create(**place(work), body={"criteria": list(criteria) or [ARGUMENT, SPELLING]})
        .execute()
    )


def patch(client: Any, work: Any, rubric: Any, criteria: Sequence[Any], **body: Any) -> Any:
    """The request that replaces a rubric's criteria."""
    body = {"criteria": list(criteria), **body}
    return rubrics(client).patch(**place(work, rubric["id"]), updateMask="criteria", body=body)


def unnumbered(criteria: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Criteria without the ids."""
    return [
        {name: one[name] for name in one if name not in ("id", "levels")}
        | {"levels": [{name: level[name] for name in level if name != "id"} for level in one["levels"]]}
        for one in criteria
    ]


def test_a_rubric_is_made_and_read(clients: Clients, teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    student = clients.as_user(STUDENT)
    assert unnumbered(made["criteria"]) == [ARGUMENT, SPELLING]
    assert rubrics(student).get(**place(work, made["id"])).execute() == made
    assert rubrics(teacher).list(**place(work), pageSize=50).execute() == {"rubrics": [made]}


def test_work_without_a_rubric_has_an_empty_list(teacher: Any, work: Any) -> None:
    assert rubrics(teacher).list(**place(work)).execute() == {}
    assert refused(rubrics(teacher).get(**place(work, "717000000001")))[0] == 404


def test_work_has_one_rubric(teacher: Any, work: Any) -> None:
    attach(teacher, work)
    assert refused(rubrics(teacher).create(**place(work), body={"criteria": [SPELLING]}))[0] == 400


def levels(*points: float | None) -> dict[str, Any]:
    titled = [{"title": f"Level {place}", "points": one} for place, one in enumerate(points)]
    return {"title": "Any", "levels": [{k: v for k, v in one.items() if v is not None} for one in titled]}


@pytest.mark.parametrize(
    "criteria",
    [
        [],
        [{"title": "No levels"}],
        [levels(1, 1)],
        [levels(1, 3, 2)],
        [levels(1, None)],
        [levels(1, 2), levels(None)],
        [levels(0)],
        [levels(-1, 2)],
        [levels(*range(11))],
        [levels(1)] * 51,
        [{"title": "Untitled", "levels": [{"description": "only"}]}],
        [{**levels(1), "id": "of another"}],
    ],
)
def test_criteria_must_be_valid(teacher: Any, work: Any, criteria: list[Any]) -> None:
    body = {"criteria": criteria}
    assert refused(rubrics(teacher).create(**place(work), body=body)) == (400, "@RubricCriteriaInvalidFormat")


@pytest.mark.parametrize(
    "criteria", [[levels(None, None)], [levels(1, 2), levels(3)], [levels(0), levels(0)]]
)
def test_unusual_criteria_may_be_valid(teacher: Any, work: Any, criteria: list[Any]) -> None:
    assert unnumbered(attach(teacher, work, *criteria)["criteria"]) == criteria


def test_a_patch_replaces_the_criteria_and_keeps_the_ids_that_it_names(teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    argument = made["criteria"][0]
    argument["levels"].insert(0, {"title": "Profound", "points": 50})
    changed = patch(teacher, work, made, [argument]).execute()
    [now] = changed["criteria"]
    assert [one["title"] for one in now["levels"]] == ["Profound", "Convincing", "Passable", "None"]
    assert (now["id"], now["levels"][1:]) == (argument["id"], argument["levels"][1:])


def test_the_only_rubric_needs_no_id(teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    works = teacher.courses().courseWork()
    changed = works.updateRubric(
        **place(work), updateMask="criteria", body={"criteria": [SPELLING]}
    ).execute()
    other = works.updateRubric(**place(work), id="1", updateMask="criteria", body={"criteria": [SPELLING]})
    assert (changed["id"], unnumbered(changed["criteria"])) == (made["id"], [SPELLING])
    assert refused(other)[0] == 404


@pytest.mark.parametrize("mask", [None, "criteria,title", "id"])
def test_a_patch_needs_a_mask_of_what_can_be_changed(teacher: Any, work: Any, mask: str | None) -> None:
    request = rubrics(teacher).patch(
        **place(work, attach(teacher, work)["id"]), updateMask=mask, body={"criteria": [SPELLING]}
    )
    assert refused(request)[0] == 400


def test_a_rubric_is_deleted(teacher: Any, work: Any) -> None:
    id_ = attach(teacher, work)["id"]
    assert rubrics(teacher).delete(**place(work, id_)).execute() == {}
    assert rubrics(teacher).list(**place(work)).execute() == {}


# Who may.


def test_only_teachers_and_the_works_project_make_rubrics(clients: Clients, work: Any) -> None:
    stranger = clients.as_user(TEACHER, project=seed.OTHER_PROJECT)
    for who, answer in (
        (clients.as_user(STUDENT), (403, "The caller does not have permission")),
        (clients.as_user(BIOLOGY_TEACHER), (403, "The caller does not have permission")),
        (stranger, (403, "@ProjectPermissionDenied")),
    ):
        assert refused(rubrics(who).create(**place(work), body={"criteria": [SPELLING]})) == answer


def test_a_rubric_of_the_web_page_cannot_be_made_here(clients: Clients, teacher: Any) -> None:
    id_ = clients.classroom.lms.ui_create_assignment(ALGEBRA, "By hand")
    request = rubrics(teacher).create(**place({"id": id_}), body={"criteria": [SPELLING]})
    assert refused(request) == (403, "@ProjectPermissionDenied")


def test_rubrics_need_a_licence(clients: Clients, teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    clients.classroom.set(education_plus=False)
    assert refused(patch(teacher, work, made, [SPELLING]))[0] == 403
    assert rubrics(teacher).get(**place(work, made["id"])).execute() == made


def test_students_see_rubrics_of_their_own_work_only(clients: Clients, teacher: Any) -> None:
    individual = {"studentIds": [STUDENT_ID]}
    work = create(teacher, assigneeMode="INDIVIDUAL_STUDENTS", individualStudentsOptions=individual)
    attach(teacher, work)
    other, stranger = clients.as_user("001002"), clients.as_user(BIOLOGY_STUDENT)
    assert refused(rubrics(other).list(**place(work)))[0] == 404
    assert refused(rubrics(stranger).list(**place(work)))[0] == 403


# Spreadsheets.


def test_a_rubric_comes_from_a_spreadsheet(clients: Clients, teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    sheet = clients.classroom.lms.ui_export_rubric(work["id"])
    copied = rubrics(teacher).create(**place(create(teacher)), body={"sourceSpreadsheetId": sheet}).execute()
    assert unnumbered(copied["criteria"]) == [ARGUMENT, SPELLING]
    assert {one["id"] for one in copied["criteria"]}.isdisjoint(one["id"] for one in made["criteria"])


def test_a_spreadsheet_needs_its_own_scope(clients: Clients, teacher: Any, work: Any) -> None:
    attach(teacher, work)
    body = {"sourceSpreadsheetId": clients.classroom.lms.ui_export_rubric(work["id"])}
    without = clients.as_user(TEACHER, "classroom.coursework.students")
    assert refused(rubrics(without).create(**place(create(teacher)), body=body))[0] == 500
    missing = rubrics(teacher).create(**place(create(teacher)), body={"sourceSpreadsheetId": "1none"})
    assert refused(missing) == (400, "@AttachmentNotVisible")
    both = rubrics(teacher).create(**place(create(teacher)), body={**body, "criteria": [SPELLING]})
    assert refused(both)[0] == 400


# Grades.


def grade(clients: Clients, work: Any, *grades: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The teacher grades by the rubric's criteria, in their order; returns it and what the draft must show."""
    rubric = attach(clients.as_user(TEACHER), work)
    chosen, expected = {}, {}
    for criterion, one in zip(rubric["criteria"], grades, strict=False):
        level = criterion["levels"][one["level"]]["id"] if "level" in one else None
        chosen[criterion["id"]] = {**one, "level": level}
        expected[criterion["id"]] = {
            "criterionId": criterion["id"], **({"levelId": level} if level else {}), "points": one["points"],
        }  # fmt: skip
    clients.classroom.lms.ui_grade_with_rubric(work["id"], STUDENT_ID, chosen)
    return rubric, expected


def test_rubric_grades_are_drafts_until_work_is_returned(clients: Clients, teacher: Any, work: Any) -> None:
    _, expected = grade(clients, work, {"level": 2, "points": 0}, {"points": 4})
    draft = submission(teacher, work)
    assert (draft["draftGrade"], draft["draftRubricGrades"]) == (4, expected)
    assert "draftRubricGrades" not in submission(clients.as_user(STUDENT), work)
    clients.classroom.lms.ui_return(work["id"], STUDENT_ID)
    returned = submission(clients.as_user(STUDENT), work)
    assert (returned["assignedGrade"], returned["assignedRubricGrades"]) == (4, expected)


def test_only_graded_criteria_appear(clients: Clients, teacher: Any, work: Any) -> None:
    _, expected = grade(clients, work, {"level": 0, "points": 20})
    assert submission(teacher, work)["draftRubricGrades"] == expected
    assert len(expected) == 1


def test_the_api_cannot_grade_with_a_rubric(clients: Clients, teacher: Any, work: Any) -> None:
    rubric, expected = grade(clients, work, {"level": 0, "points": 20})
    there = submission(teacher, work)
    other = {rubric["criteria"][1]["id"]: {"points": 5}}
    by_mask = submissions(teacher).patch(
        **place(work, there["id"]), updateMask="draftRubricGrades", body={"draftRubricGrades": other}
    )
    assert refused(by_mask)[0] == 400
    body = {"draftGrade": 3, "draftRubricGrades": other}
    graded = submissions(teacher).patch(**place(work, there["id"]), updateMask="draftGrade", body=body)
    assert (graded.execute()["draftGrade"], submission(teacher, work)["draftRubricGrades"]) == (3, expected)


def test_while_grading_only_words_and_the_order_of_levels_change(
    clients: Clients, teacher: Any, work: Any
) -> None:
    rubric, _ = grade(clients, work, {"level": 0, "points": 20})
    allowed = json.loads(json.dumps(rubric["criteria"]))
    allowed[0]["title"] = "Reasoning"
    allowed[0]["levels"].reverse()
    assert patch(teacher, work, rubric, allowed).execute()["criteria"] == allowed
    allowed[1]["levels"][0]["points"] = 6
    assert refused(patch(teacher, work, rubric, allowed))[0] == 403
    clients.classroom.set(rubric_in_use_status=500)
    assert refused(patch(teacher, work, rubric, allowed[:1]))[0] == 500
    assert refused(rubrics(teacher).delete(**place(work, rubric["id"])))[0] == 400


def test_work_itself_says_nothing_of_its_rubric(teacher: Any, work: Any) -> None:
    attach(teacher, work)
    assert read(teacher, work) == work
    assert work["creatorUserId"] == TEACHER_ID
