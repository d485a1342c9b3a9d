"""What the simulated Classroom knows: its settings, and look-ups in its records."""

from __future__ import annotations

from typing import Any

from passback_simulators.clock import Clock
from passback_simulators.google_classroom.seed import ALL_SCOPES
from passback_simulators.records import Record
from passback_simulators.state import Keep, State
from passback_simulators.window import MovingWindow

MINUTE_MS = 60_000


class ClassroomState(State):
    """See `passback_simulators.state.State`."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self.quotas = MovingWindow(MINUTE_MS)
        """The calls of each user and of each Cloud project."""
        self.private_keys: dict[str, tuple[str, str]] = {}
        """The service accounts' keys that this process has made: private and public PEM, by project."""

    def own_settings(self) -> dict[str, Any]:
        return {
            # Whether the administrator has delegated scopes to the service accounts, and which.
            "delegation": True,
            "delegated_scopes": list(ALL_SCOPES),
            # E-mail addresses of users whose administrator has turned the Classroom API off.
            "api_disabled_for": [],
            # How many calls each user, and each Cloud project, may make within a moving minute; 0 means no limit.
            "per_minute_per_user": 1200,
            "per_minute_per_client": 3000,
            # How Google refuses more: "info" (429, the reason in the details), "quota" (429, the quota), "legacy"
            # (403 with a reason of its older APIs), "forbidden" (403, the reason in the details); and how long it asks
            # to wait in the details, such as "3.5s".
            "throttle_form": "info",
            "retry_delay": "",
            # The largest page of a list; a larger pageSize is silently reduced.
            "largest_page": 100,
            # Whether pages have fewer items than were asked for, as the documentation allows.
            "short_pages": False,
            # Whether the school's licence includes grading periods.
            "grading_periods": True,
            # Whether teachers and administrators have the licence that rubrics and student groups need.
            "education_plus": True,
            # How many groups a course, and how many students a group, may have. Google does not say.
            "most_student_groups": 75,
            "most_in_student_group": 100,
            # What changing a rubric that was graded with gets, of the two that Google documents: 403 or 500.
            "rubric_in_use_status": 403,
            # The draft grade that missing work gets by itself, which teachers can change; below 0: none.
            "missing_grade": 0,
            # Whether course work may be due in the past.
            "past_due_dates": False,
            # For how many days teachers can still read deleted course work.
            "deleted_kept_days": 30,
            # Whether returned work can be returned again; otherwise 400.
            "return_again": True,
            # Whether the app's refresh tokens expire after 7 days, as they do while it is in testing.
            "app_in_testing": False,
            # Whether the administrator trusts the app, without which users under 18 cannot consent.
            "app_trusted": True,
            # Whether consent to coursework.students.readonly is granted as student-submissions.students.readonly.
            "readonly_scope_narrowed": False,
            # The addresses that the consent page may redirect to; empty means any.
            "redirect_uris": [],
            # The status with which the faults "error-before" and "error-after" answer: 503 or 500.
            "error_status": 503,
        }

    def find_user(self, identifier: str) -> Record | None:
        """The user with a numeric id or an e-mail address, unless the account is deleted."""
        user = self.records.get("users", identifier)
        if user is None and "@" in identifier:
            email = identifier.lower()
            user = next((one for one in self.records.all("users") if one["email"] == email), None)
        return None if user is None or user["deleted"] else user

    def join(self, course_id: str, user_id: str, role: str) -> None:
        """Make a user a member of a course."""
        row = {"course_id": course_id, "user_id": user_id, "role": role}
        self.records.put("members", f"{course_id}/{user_id}", row)

    def member(self, course_id: str, user_id: str) -> Record | None:
        """A user's membership in a course."""
        return self.records.get("members", f"{course_id}/{user_id}")

    def members(self, course_id: str, role: str) -> list[Record]:
        """The teachers or students of a course whose accounts exist, in the order in which they joined."""
        return [
            one
            for one in self.records.all("members")
            if one["course_id"] == course_id and one["role"] == role and self.find_user(one["user_id"])
        ]
