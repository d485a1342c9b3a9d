"""The simulated Canvas's assignment groups, rubrics, and assessments by them."""

from __future__ import annotations

from typing import Any

import pytest
from canvasapi.exceptions import BadRequest, Forbidden, ResourceDoesNotExist
from canvasapi.requester import Requester
from canvasapi.rubric import RubricAssociation

from passback.testing.served import Served
from passback_simulators.canvas.seed import ADMIN_TOKEN
from support.canvas_client import (
    ALGEBRA,
    ESSAY,
    OTHER,
    STUDENT,
    TEACHER,
    WARNINGS,
    as_user,
    graded,
)

pytestmark = WARNINGS

CRITERIA = {
    "0": {"id": "ideas", "description": "Ideas",
          "ratings": {"0": {"id": "good", "description": "Good", "points": 10},
                      "1": {"id": "poor", "description": "Poor", "points": 3}}},
    "1": {"id": "style", "description": "Style",
          "ratings": {"0": {"id": "fine", "description": "Fine", "points": 5}, "1": {"points": 0}}},
}  # fmt: skip


def rubric_for(course: Any, assignment: Any, **fields: Any) -> Any:
    """A new rubric for an assignment, and what ties it."""
    association = {
        "association_type": "Assignment",
        "association_id": assignment.id,
        "purpose": "grading",
        **fields,
    }
    made = course.create_rubric(
        rubric={"title": "Essays", "criteria": CRITERIA}, rubric_association=association
    )
    return made["rubric"], made["rubric_association"]


def test_groups_are_made_changed_and_listed_by_position(algebra: Any, served: Served) -> None:
    exams = algebra.create_assignment_group(name="Exams", group_weight=60, rules={"drop_lowest": 1})
    exams.edit(name="Tests", position=0)
    listed = [(it.name, it.group_weight, it.rules) for it in algebra.get_assignment_groups()]
    assert listed == [("Tests", 60, {"drop_lowest": 1}), ("Assignments", 0, {})]
    assert algebra.get_assignment_group(exams.id).name == "Tests"
    with pytest.raises(BadRequest, match="positive number"):
        exams.edit(rules={"drop_lowest": -1})
    with pytest.raises(Forbidden):
        as_user(served, STUDENT).get_course(ALGEBRA).create_assignment_group(name="Mine")


def test_a_groups_assignments_are_those_that_the_caller_may_see(algebra: Any, served: Served) -> None:
    group = algebra.create_assignment_group(name="Exams")
    shown = graded(algebra, {STUDENT: "12"}, assignment_group_id=group.id)
    algebra.create_assignment({"name": "Draft", "assignment_group_id": group.id})
    assert [it.name for it in algebra.get_assignments_for_group(group.id)] == ["Essay", "Draft"]
    theirs = as_user(served, STUDENT).get_course(ALGEBRA)
    (found,) = (
        it for it in theirs.get_assignment_groups(include=["assignments", "submission"]) if it.id == group.id
    )
    assert [(it["id"], it["submission"]["score"]) for it in found.assignments] == [(shown.id, 12)]


def test_the_assignments_of_a_deleted_group_move_or_go(algebra: Any) -> None:
    first, second = (algebra.create_assignment_group(name=it) for it in ("One", "Two"))
    kept = algebra.create_assignment({**ESSAY, "assignment_group_id": first.id})
    first.delete(move_assignments_to=second.id)
    assert algebra.get_assignment(kept.id).assignment_group_id == second.id
    second.delete()
    with pytest.raises(ResourceDoesNotExist):
        algebra.get_assignment(kept.id)
    with pytest.raises(ResourceDoesNotExist):
        algebra.get_assignment_group(second.id)


def test_a_rubric_is_made_with_what_it_is_for(algebra: Any) -> None:
    assignment = algebra.create_assignment(ESSAY)
    rubric, association = rubric_for(algebra, assignment, use_for_grading=True)
    assert (rubric.points_possible, [it["points"] for it in rubric.data]) == (15, [10, 5])
    shown = algebra.get_assignment(assignment.id)
    # What is graded by a rubric has the rubric's points.
    assert (shown.points_possible, shown.use_rubric_for_grading, shown.rubric_settings["id"]) == (
        15,
        True,
        rubric.id,
    )
    assert [it["id"] for it in shown.rubric] == ["ideas", "style"]
    found = algebra.get_rubric(rubric.id, include=["assignment_associations"])
    assert [it["id"] for it in found.associations] == [association.id]
    assert [it.id for it in algebra.get_rubrics()] == [rubric.id]
    rubric.delete()
    with pytest.raises(ResourceDoesNotExist):
        algebra.get_rubric(rubric.id)


@pytest.mark.parametrize("asked", [{"style": "full"}, {"include": ["grades"]}, {"style": "none"}])
def test_rubrics_refuse_what_they_cannot_include(algebra: Any, asked: dict[str, Any]) -> None:
    rubric, _ = rubric_for(algebra, algebra.create_assignment(ESSAY))
    with pytest.raises(BadRequest):
        algebra.get_rubric(rubric.id, **asked)


def test_an_assessment_is_the_grade_if_the_rubric_is_for_grading(algebra: Any) -> None:
    assignment = algebra.create_assignment(ESSAY)
    rubric, _ = rubric_for(algebra, assignment, use_for_grading=True)
    rows = {"ideas": {"points": 3, "comments": "Thin"}, "style": {"rating_id": "fine", "points": 5}}
    assert assignment.get_submission(STUDENT).edit(rubric_assessment=rows).score == 8
    seen = assignment.get_submission(STUDENT, include=["rubric_assessment", "full_rubric_assessment"])
    assert seen.rubric_assessment == {
        "ideas": {"rating_id": "poor", "points": 3, "comments": "Thin"},
        "style": {"rating_id": "fine", "points": 5, "comments": None},
    }
    assert (seen.full_rubric_assessment["score"], seen.full_rubric_assessment["assessor_name"]) == (
        8,
        "Robin Admin",
    )
    (made,) = algebra.get_rubric(rubric.id, include=["graded_assessments"], style="comments_only").assessments
    assert (made["score"], made["comments"]) == (8, ["Thin", None])


def test_an_assessment_beside_the_grade_leaves_it_alone(algebra: Any) -> None:
    assignment = algebra.create_assignment(ESSAY)
    rubric_for(algebra, assignment)
    edited = assignment.get_submission(STUDENT).edit(
        submission={"posted_grade": "11"}, rubric_assessment={"ideas": {"points": 10}}
    )
    assert edited.score == 11


def test_a_grade_is_given_even_if_its_rubric_is_refused(algebra: Any) -> None:
    assignment = algebra.create_assignment(ESSAY)
    rubric_for(algebra, assignment)
    with pytest.raises(BadRequest, match="invalid rubric_assessment"):
        assignment.get_submission(STUDENT).edit(
            submission={"posted_grade": "11"}, rubric_assessment={"other": {"points": 10}}
        )
    assert assignment.get_submission(STUDENT).score == 11


def test_students_see_their_assessment_once_it_is_posted(algebra: Any, served: Served) -> None:
    served.control("PUT", "settings", {"manual_post_policy": True})
    hidden = algebra.create_assignment(ESSAY)
    served.control("PUT", "settings", {"manual_post_policy": False})
    posted = algebra.create_assignment(ESSAY)
    theirs, seen = as_user(served, STUDENT).get_course(ALGEBRA), []
    for assignment in (hidden, posted):
        rubric_for(algebra, assignment, use_for_grading=True)
        assignment.get_submission(STUDENT).edit(rubric_assessment={"ideas": {"points": 10}})
        submission = theirs.get_assignment(assignment.id).get_submission(
            STUDENT, include=["rubric_assessment"]
        )
        seen.append(hasattr(submission, "rubric_assessment"))
    assert seen == [False, True]


def test_a_bulk_update_assesses_by_the_rubric(algebra: Any) -> None:
    assignment = algebra.create_assignment(ESSAY)
    rubric_for(algebra, assignment, use_for_grading=True)
    data = {str(STUDENT): {"rubric_assessment": {"ideas": {"points": 10}}}}
    assert assignment.submissions_bulk_update(grade_data=data).query().workflow_state == "completed"
    assert assignment.get_submission(STUDENT).score == 10


def test_assessments_are_made_changed_and_deleted_at_their_own_address(algebra: Any, served: Served) -> None:
    assignment = algebra.create_assignment(ESSAY)
    _, tie = rubric_for(algebra, assignment, use_for_grading=True)
    requester = Requester(served.url, ADMIN_TOKEN)
    # The client's own `create_rubric` leaves out the course that this method needs.
    association = RubricAssociation(requester, {"id": tie.id, "course_id": ALGEBRA})
    given = {"user_id": STUDENT, "assessment_type": "grading", "criterion_ideas": {"points": 3}}
    with pytest.raises(ResourceDoesNotExist):
        RubricAssociation(requester, {"id": 999, "course_id": ALGEBRA}).create_rubric_assessment(
            rubric_assessment=given
        )
    path = f"courses/{ALGEBRA}/rubric_associations/{tie.id}/rubric_assessments"
    made = association.create_rubric_assessment(rubric_assessment=given)
    assert (made.score, assignment.get_submission(STUDENT).score) == (3, 3)
    changed = requester.request(
        "PUT", f"{path}/{made.id}", **{"rubric_assessment[criterion_ideas][points]": "10"}
    ).json()
    assert (changed["id"], changed["artifact"]["score"]) == (made.id, 10)
    requester.request("DELETE", f"{path}/{made.id}")
    left = assignment.get_submission(STUDENT, include=["rubric_assessment"])
    assert (left.score, hasattr(left, "rubric_assessment")) == (10, False)
    with pytest.raises(ResourceDoesNotExist):
        association.create_rubric_assessment(rubric_assessment={**given, "user_id": TEACHER})


def test_an_association_is_changed_and_takes_its_rubric_with_it(algebra: Any, served: Served) -> None:
    one, two = algebra.create_assignment(ESSAY), algebra.create_assignment(ESSAY)
    rubric, first = rubric_for(algebra, one)
    tied = {
        "rubric_id": rubric.id,
        "association_type": "Assignment",
        "association_id": two.id,
        "purpose": "grading",
    }
    algebra.create_rubric_association(rubric_association=tied)
    assert algebra.get_assignment(two.id).rubric_settings["id"] == rubric.id
    requester = Requester(served.url, ADMIN_TOKEN)
    association = RubricAssociation(requester, {"id": first.id, "course_id": ALGEBRA})
    association.update(rubric_association={"use_for_grading": True})
    assert algebra.get_assignment(one.id).use_rubric_for_grading is True
    association.delete()
    assert [it.id for it in algebra.get_rubrics()] == [rubric.id]
    assert hasattr(algebra.get_assignment(one.id), "rubric") is False


def test_a_group_is_assessed_together(algebra: Any, served: Served) -> None:
    requester = Requester(served.url, ADMIN_TOKEN)
    group = requester.request("POST", "group_categories/5/groups", course_id=ALGEBRA).json()["id"]
    for user in (STUDENT, OTHER):
        requester.request("POST", f"groups/{group}/memberships", user_id=user)
    assignment = algebra.create_assignment({**ESSAY, "group_category_id": 5})
    rubric_for(algebra, assignment, use_for_grading=True)
    assignment.get_submission(STUDENT).edit(
        rubric_assessment={"ideas": {"points": 10}}, comment={"text_comment": "All", "group_comment": True}
    )
    seen = assignment.get_submission(OTHER, include=["rubric_assessment", "submission_comments"])
    assert (seen.score, seen.rubric_assessment["ideas"]["points"]) == (10, 10)
    assert [it["comment"] for it in seen.submission_comments] == ["All"]


def test_only_who_teaches_handles_rubrics(algebra: Any, served: Served) -> None:
    rubric_for(algebra, algebra.create_assignment(ESSAY))
    with pytest.raises(Forbidden):
        list(as_user(served, STUDENT).get_course(ALGEBRA).get_rubrics())
    assert len(list(as_user(served, TEACHER).get_course(ALGEBRA).get_rubrics())) == 1
    algebra.update(course={"event": "conclude"})
    with pytest.raises(Forbidden):
        algebra.create_rubric(rubric={"title": "Late"})
