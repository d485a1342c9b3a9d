"""Checking a connection to Moodle: what works and what is missing, function by function and right by right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.lms.interface import Finding, LmsError, NotAllowed
from passback.lms.moodle.api import SITE_INFO
from passback.lms.moodle.roster import objects_of, only_objects, read_courses
from passback.lms.toolkit.json_fields import Json, as_object, id_of, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from passback.domain.matching import LmsCourse
    from passback.lms.moodle.api import MoodleApi

FUNCTIONS = {
    "read courses": ("core_course_get_courses_by_field",),
    "read who is in a course": ("core_enrol_get_enrolled_users",),
    "read assignments": (
        "mod_assign_get_assignments", "core_course_get_course_module", "core_course_get_contents",
    ),
    "read grades and work": (
        "gradereport_user_get_grade_items", "mod_assign_get_submission_status", "mod_assign_get_submissions",
        "mod_assign_get_grades", "mod_assign_get_user_flags",
    ),
    "grade and comment": ("mod_assign_save_grade", "mod_assign_save_grades"),
    "give work back to students": ("mod_assign_revert_submissions_to_draft",),
    "give students their own due dates": ("mod_assign_save_user_extensions",),
    "make and rename assignments": ("core_courseformat_update_course", "core_update_inplace_editable"),
    "move due dates": ("core_calendar_get_calendar_events", "core_calendar_update_event_start_day"),
    "delete assignments": ("core_course_delete_modules",),
}  # fmt: skip
"""The functions that each purpose needs, besides `SITE_INFO`."""
_MOST_COURSES = 20


async def findings(api: MoodleApi, template: str) -> list[Finding]:
    """Check everything that the connector needs, without changing anything in Moodle."""
    try:
        site = as_object(await api.read(SITE_INFO, "section"))
        allowed = {text(it, "name") for it in objects_of(site, "functions")}
    except NotAllowed as error:
        remedy = "make a new token (Site administration > Server > Web services > Manage tokens), and connect again"
        return [Finding(False, f"Moodle refuses the token: {error}", remedy)]
    except LmsError as error:
        remedy = "check the address (https, without index.php), and that the REST protocol is enabled"
        return [Finding(False, f"Moodle cannot be reached: {error}", remedy)]
    release = text(site, "release") or "of an unknown release"
    found = [Finding(True, f"Moodle {release} accepts the token (user {text(site, 'userid')})")]
    for what, functions in FUNCTIONS.items():
        lacking = sorted({*functions} - allowed)
        if lacking:
            remedy = f"add to the token's service (Web services > External services): {', '.join(lacking)}"
            found.append(Finding(False, f"the token's service lacks what it needs to {what}", remedy))
        else:
            found.append(Finding(True, f"the token's service has what it needs to {what}"))
    return [*found, *await _of_courses(api, template)]


async def _of_courses(api: MoodleApi, template: str) -> list[Finding]:
    try:
        courses = await read_courses(api)
    except LmsError as error:
        return [Finding(False, f"may not read courses: {error}", "give its role moodle/course:view")]
    if not courses:
        remedy = "give its role moodle/course:view in the system context, or create courses"
        return [Finding(False, "there is no course that the token's user may see", remedy)]
    found = [Finding(True, f"may read courses ({len(courses)})")]
    if not any(course.sis_id for course in courses):
        remedy = "fill in the courses' ID numbers, and give its role moodle/course:update"
        found.append(Finding(False, "sees no ID number of a course, by which sections are matched", remedy))
    course = courses[0].id
    rights: tuple[tuple[str, str, Callable[[], Awaitable[Any]]], ...] = (
        (
            "read who is in a course",
            "moodle/course:viewparticipants",
            lambda: _people(api, course),
        ),
        (
            "read the gradebook",
            "moodle/grade:viewall and gradereport/user:view",
            lambda: api.read("gradereport_user_get_grade_items", "section", courseid=course, userid=0),
        ),
    )
    for what, capabilities, ask in rights:
        try:
            await ask()
        except LmsError as error:
            found.append(Finding(False, f"may not {what}: {error}", f"give its role {capabilities}"))
        else:
            found.append(Finding(True, f"may {what}"))
    return [*found, await _templates(api, courses, template)]


async def _people(api: MoodleApi, course: str) -> list[Json]:
    return only_objects(await api.read("core_enrol_get_enrolled_users", "section", courseid=course))


async def _templates(api: MoodleApi, courses: list[LmsCourse], template: str) -> Finding:
    if not template:
        return Finding(True, "makes no assignments, because no template is named")
    ids = [course.id for course in courses[:_MOST_COURSES]]
    try:
        answer = as_object(
            await api.read(
                "mod_assign_get_assignments", "section", courseids=ids, includenotenrolledcourses=True
            )
        )
        having = [
            id_of(course)
            for course in objects_of(answer, "courses")
            if any(text(it, "name") == template for it in objects_of(course, "assignments"))
        ]
    except LmsError as error:
        return Finding(False, f"may not read assignments: {error}", "give its role mod/assign:view")
    if not having:
        remedy = (
            f"make a hidden assignment with the name '{template}' in each course in which applications create "
            "assignments, one for each number of points, and give its role moodle/course:viewhiddenactivities"
        )
        return Finding(False, f"finds no template to copy in {len(ids)} courses", remedy)
    return Finding(True, f"finds templates to copy in {len(having)} of {len(ids)} courses")
