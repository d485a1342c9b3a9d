"""What somebody is in a course, by the roles that LMSs give."""

from __future__ import annotations

import pytest

from passback.domain.lti_roles import role_in_course
from passback.lms.lti.roster import role_of

MEMBER = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([f"{MEMBER}#Learner"], "student"),
        ([f"{MEMBER}#Instructor"], "teacher"),
        ([f"{MEMBER}/Instructor#TeachingAssistant"], "teacher"),
        ([f"{MEMBER}/Learner#GuestLearner"], "student"),
        ([f"{MEMBER}#Mentor"], "mentor"),
        ([f"{MEMBER}#Administrator"], "administrator"),
        ([f"{MEMBER}#ContentDeveloper"], "other"),
        (["Instructor"], "teacher"),
        (["Learner"], "student"),
        ([f"{MEMBER}#Learner", f"{MEMBER}#Instructor"], "teacher"),
        # Whoever is on the staff of the school may be a student in this course.
        ([f"{INSTITUTION}#Instructor", f"{MEMBER}#Learner"], "student"),
        ([f"{INSTITUTION}#Instructor"], "other"),
        ([f"{INSTITUTION}#Student"], "other"),
        ([f"{INSTITUTION}#Administrator", f"{SYSTEM}#SysAdmin"], "administrator"),
        ([f"{SYSTEM}#SysAdmin", f"{MEMBER}#Instructor"], "teacher"),
        ([], "other"),
        # One who learns, although the last word is another role's.
        ([f"{MEMBER}/Learner#Instructor"], "student"),
        ([f"{MEMBER}/Mentor#Instructor"], "mentor"),
        (["Learner/NonCreditLearner"], "student"),
        (["urn:lti:role:ims/lis/Learner"], "student"),
        (["urn:lti:role:ims/lis/Instructor/GuestInstructor"], "teacher"),
        (["urn:lti:instrole:ims/lis/Instructor", "urn:lti:instrole:ims/lis/Student"], "other"),
        (["", "#", "x#y#z"], "other"),
    ],
)
def test_a_role_is_that_in_the_course(roles: list[str], expected: str) -> None:
    assert role_in_course(roles) == expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([f"{MEMBER}#Learner"], "student"),
        ([f"{MEMBER}/Learner#Instructor"], "student"),
        ([f"{MEMBER}/Instructor#Grader"], "teacher"),
        ([f"{MEMBER}#Mentor"], None),
        ([f"{INSTITUTION}#Administrator"], None),
        ([f"{MEMBER}#Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"], None),
    ],
)
def test_a_class_list_has_the_same_roles_as_launches(roles: list[str], expected: str | None) -> None:
    assert role_of({"roles": roles}) == expected
