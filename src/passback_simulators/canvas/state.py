"""What the simulated Canvas knows: its settings, and look-ups in its records."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from passback_simulators.canvas.seed import seed_standards
from passback_simulators.records import Record
from passback_simulators.state import State


class CanvasState(State):
    """See `passback_simulators.state.State`."""

    def own_settings(self) -> dict[str, Any]:
        return {
            # Rights of the administrator's role, and how the developer key is set up.
            "can_masquerade": True, "can_manage_sis": True, "can_read_sis": True, "can_submit_on_behalf": False,
            "lacks_rights": "",  # the names of rights in courses that the role lacks, such as "manage_grades"
            "enforce_scopes": False, "include_allowed": True,
            # Whether a refresh token works once, and comes with the next; the access tokens before end with it. Canvas
            # itself does not do that, servers like it do.
            "rotate_refresh_tokens": False,
            # What the token endpoint says of an access token, instead of its own: a JSON object.
            "token_says": {},
            # How this Canvas answers: older ones say 401 where newer ones say 403, and 403 where newer ones say 429.
            "unauthorized_status": 403, "throttle_status": 429, "update_status": 200, "error_status": 500,
            "throttle_form": "text",  # or "json", or "bare": something before Canvas says it
            "per_page_cap": 100, "bookmark_pages": False, "upload_redirects": False,
            # The limit: whether requests fill the bucket, and by how much each.
            "throttle": False, "cost": 5.0,
            # Whether grades stay hidden until the teacher posts them; whether the grading period is closed.
            "manual_post_policy": False, "closed_grading_period": False,
            # The bulk update: how often its progress must be polled, and whether it fails.
            "bulk_polls": 1, "bulk_fails": False,
        }  # fmt: skip

    def find_user(self, text: str) -> Record | None:
        """A user by id, SIS id or login."""
        kind, separator, value = _plain(text).partition(":")
        if not separator:
            return self.records.get("users", text)
        field = {"sis_user_id": "sis_user_id", "sis_login_id": "login_id"}.get(kind)
        return next((it for it in self.records.all("users") if field and it[field] == value), None)

    def find_course(self, text: str) -> Record | None:
        """A course by id or SIS id."""
        return self._by_sis_id("courses", "sis_course_id", text)

    def standards(self) -> list[Record]:
        """The grading standards of the account and its courses."""
        if not self.records.all("standards"):
            seed_standards(self.records)
        return self.records.all("standards")

    def zone_of(self, course: int) -> ZoneInfo:
        """The time zone of a course, or else of its account."""
        found = self.records.get("courses", course) or {}
        account = self.records.get("accounts", found.get("account_id", 1)) or {}
        return ZoneInfo(found.get("time_zone") or account.get("time_zone") or "UTC")

    def find_section(self, text: str) -> Record | None:
        """A section by id or SIS id."""
        return self._by_sis_id("sections", "sis_section_id", text)

    def _by_sis_id(self, table: str, field: str, text: str) -> Record | None:
        kind, separator, value = _plain(text).partition(":")
        if not separator:
            return self.records.get(table, text)
        return next((it for it in self.records.all(table) if kind == field and it[field] == value), None)

    def enrollments(
        self, course: int, *, user: int | None = None, kinds: Collection[str] | None = None
    ) -> list[Record]:
        """The active enrollments of a course."""
        return [
            it
            for it in self.records.all("enrollments")
            if it["course_id"] == course
            and it["enrollment_state"] in ("active", "invited")
            and (user is None or it["user_id"] == user)
            and (kinds is None or it["type"] in kinds)
        ]

    def observed_by(self, course: int, user: int) -> list[int]:
        """The students of a course whom a user observes."""
        mine = self.enrollments(course, user=user, kinds=("ObserverEnrollment",))
        return [it["associated_user_id"] for it in mine if it.get("associated_user_id") is not None]

    def students(self, course: int, section: int | None = None) -> list[int]:
        """The students of a course or section, including the test student, as Canvas lists them."""
        found = self.enrollments(course, kinds=("StudentEnrollment", "StudentViewEnrollment"))
        return list(
            dict.fromkeys(it["user_id"] for it in found if section in (None, it["course_section_id"]))
        )

    def assignments_of(self, course: int) -> list[Record]:
        """The assignments of a course that are not deleted."""
        return [
            it for it in self.records.all("assignments") if it["course_id"] == course and not it["deleted"]
        ]

    def groups_of(self, course: int) -> list[Record]:
        """The assignment groups of a course, by their position."""
        found = [it for it in self.records.all("groups") if it["course"] == course]
        return sorted(found, key=lambda it: (it["position"], it["id"]))

    def submissions_of(self, assignment: Record) -> list[Record]:
        """The submissions of an assignment to which something has happened."""
        return [it for it in self.records.all("submissions") if it["assignment_id"] == assignment["id"]]


def _plain(text: str) -> str:
    """An id as SIS ids with odd characters are sent: ``hex:sis_user_id:`` and the bytes' digits."""
    encoding, _, rest = text.partition(":")
    kind, _, digits = rest.partition(":")
    if encoding != "hex" or not re.fullmatch("([0-9a-fA-F]{2})*", digits):
        return text
    return f"{kind}:{bytes.fromhex(digits).decode('utf-8', 'replace')}"
