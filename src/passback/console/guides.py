"""What to make in an LMS before it can be connected: step by step, with what to copy there."""

from __future__ import annotations

from msgspec import Struct


class Copied(Struct, frozen=True):
    """A list that a step names."""

    what: str
    lines: str
    """A part a line."""
    between: str = ", "

    @property
    def text(self) -> str:
        """The list in one line, as the LMS takes it."""
        return self.between.join(self.lines.split("\n")).strip(self.between)


class Guide(Struct, frozen=True):
    """The steps for one kind of LMS, a line each. ``{callback}`` is the address that a browser comes back to."""

    text: str = ""
    copied: tuple[Copied, ...] = ()
    docs: str = ""
    """Which page of the documentation says more."""

    @property
    def steps(self) -> list[str]:
        """The steps, in order."""
        return self.text.strip().splitlines()


_CANVAS_PERMISSIONS = """
Manage Assignments and Quizzes (add, edit, delete)
Grades - edit
Grades - view all grades
Users - view list
SIS Data - read
Users - act as
"""
_GOOGLE_SCOPES = """
https://www.googleapis.com/auth/classroom.courses.readonly
https://www.googleapis.com/auth/classroom.coursework.students
https://www.googleapis.com/auth/classroom.profile.emails
https://www.googleapis.com/auth/classroom.rosters.readonly
https://www.googleapis.com/auth/classroom.topics.readonly
https://www.googleapis.com/auth/classroom.coursework.me
"""
_MOODLE_CAPABILITIES = """
webservice/rest:use
moodle/course:view
moodle/course:update
moodle/course:viewparticipants
moodle/course:viewhiddencourses
moodle/course:viewhiddenactivities
moodle/user:viewdetails
moodle/user:viewalldetails
moodle/site:viewuseridentity
moodle/site:accessallgroups
mod/assign:view
mod/assign:grade
mod/assign:viewgrades
mod/assign:grantextension
gradereport/user:view
moodle/grade:viewall
moodle/grade:edit
moodle/course:manageactivities
moodle/backup:backuptargetimport
moodle/restore:restoretargetimport
moodle/calendar:manageentries
"""
_MOODLE_FUNCTIONS = """
core_webservice_get_site_info
core_course_get_courses_by_field
core_enrol_get_enrolled_users
mod_assign_get_assignments
core_course_get_course_module
core_course_get_contents
gradereport_user_get_grade_items
mod_assign_get_submission_status
mod_assign_get_submissions
mod_assign_get_grades
mod_assign_get_user_flags
mod_assign_save_grade
mod_assign_save_grades
mod_assign_revert_submissions_to_draft
mod_assign_save_user_extensions
core_courseformat_update_course
core_update_inplace_editable
core_calendar_get_calendar_events
core_calendar_update_event_start_day
core_course_delete_modules
"""

GUIDES = {
    "canvas": Guide(
        """
Sign in to Canvas as an account administrator, and open Admin, Developer Keys.
Add an API key. As its redirect URI enter {callback}
Switch the key on, and copy its ID and its secret to this page.
Choose Sign in below, as an administrator with the permissions below. Or paste a token of theirs instead of the key.
""",
        (Copied("The permissions in Canvas", _CANVAS_PERMISSIONS),),
        "canvas",
    ),
    "schoology": Guide(
        """
Sign in to Schoology as a system administrator, and open https://DISTRICT.schoology.com/api
Copy the consumer key and the consumer secret to this page.
So that grades are the teacher's, tick the role of teachers in User Management, Permissions, Impersonation.
""",
        docs="schoology",
    ),
    "google": Guide(
        """
In the Google Cloud console make a project, switch the Classroom API on, and make a service account.
Make a JSON key of the service account, and paste the whole file into Service account below.
In the Admin console, under Domain-wide delegation, let the account's client ID have the scopes below.
Enter the address of an administrator as Admin email.
""",
        (Copied("The scopes, as Google takes them", _GOOGLE_SCOPES, ","),),
        "google_classroom",
    ),
    "moodle": Guide(
        """
In Site administration switch web services and the REST protocol on.
Make an integration user with a role in the system context that has the capabilities below.
Make an external service with the functions below, and a token of that user for it. Copy the token to this page.
In each course make an assignment that is named Passback template, hidden from students, with a due date.
""",
        (
            Copied("The capabilities of the role", _MOODLE_CAPABILITIES),
            Copied("The functions of the service", _MOODLE_FUNCTIONS),
        ),
        "moodle",
    ),
    "lti": Guide(
        """
Where the LMS registers tools, enter the addresses below. If it takes a link instead, make one with the last button.
Copy what the LMS shows, its client ID and its deployment, to this page, and choose the family.
""",
        docs="lti",
    ),
}
"""By the kinds of LMS."""
