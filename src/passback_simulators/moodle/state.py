"""What the simulated Moodle knows: its settings, whose token is used, and look-ups that several functions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle.seed import CAPABILITIES
from passback_simulators.state import State

if TYPE_CHECKING:
    from passback_simulators.records import Record

ACTIVE = 0
"""The status of an enrolment that is not suspended."""


class MoodleState(State):
    """See `passback_simulators.state.State`."""

    userid: int = 0
    """The user with whose token the current request is handled."""

    def own_settings(self) -> dict[str, Any]:
        return {
            # What the integration user's role may.
            "capabilities": list(CAPABILITIES),
            # Whether the integration user is enrolled in every course: otherwise `mod_assign_get_assignments` lists
            # nothing without ``includenotenrolledcourses``.
            "enrolled_everywhere": False,
            # PHP's limit of variables in a request: the tail is cut off.
            "max_input_vars": 1000,
            # Whether the site is in maintenance mode: 503 with a page of HTML.
            "maintenance": False,
            # Whether the calendar has the events of hidden activities, if they are asked for.
            "events_of_hidden": True,
            # How many more first grades of a student clash with another first grade at the same moment.
            "first_grade_clashes": 0,
            # Whether a save without comment for a student who has one fails (NOT NULL on PostgreSQL).
            "comment_not_null": True,
            # The zone of dates, in which "the same time of another day" is counted.
            "timezone": "UTC",
            # The version that the site reports.
            "release": "4.5.6 (Build: 20250811)",
        }

    @property
    def seconds(self) -> int:
        """The time, in seconds since 1970."""
        return self.clock() // 1000

    def may(self, capability: str) -> bool:
        """Whether the integration user has a capability, everywhere."""
        return capability in self.settings["capabilities"]

    def cm(self, cmid: int) -> Record | None:
        """A course module that is not being deleted."""
        found = self.records.get("cms", cmid)
        return None if found is None or found["deleting"] else found

    def assign(self, assign: int) -> Record | None:
        """An assignment that is not being deleted."""
        found = self.records.get("assigns", assign)
        return None if found is None or self.cm(found["cmid"]) is None else found

    def assigns_of(self, course: int) -> list[Record]:
        """The assignments of a course, in the order of their making."""
        found = [it for it in self.records.all("assigns") if it["course"] == course]
        return [it for it in found if self.cm(it["cmid"]) is not None]

    def enrolment(self, course: int, user: int) -> Record | None:
        """An enrolment, also one that is suspended."""
        return self.records.get("enrolments", f"{course}/{user}")

    def is_active(self, course: int, user: int) -> bool:
        """Whether someone is enrolled in a course, and not suspended."""
        found = self.enrolment(course, user)
        return found is not None and found["status"] == ACTIVE

    def item_of(self, assign: int) -> Record | None:
        """The assignment's own grade item."""
        found = (it for it in self.records.all("items") if it["assign"] == assign and it["itemnumber"] == 0)
        return next(found, None)

    def latest(self, table: str, assign: int, user: int) -> Record | None:
        """A student's newest attempt, in the table of grades or of submissions."""
        found = [it for it in self.attempts(table, assign) if it["userid"] == user]
        return max(found, key=lambda it: it["attemptnumber"], default=None)

    def attempts(self, table: str, assign: int) -> list[Record]:
        """All rows of an assignment, in the table of grades or of submissions."""
        return [it for it in self.records.all(table) if it["assignment"] == assign]

    def flags(self, assign: int, user: int) -> Record:
        """A student's extension, lock and workflow state."""
        return self.records.get("flags", f"{assign}/{user}") or {
            "id": 0, "assignment": assign, "userid": user, "locked": 0, "mailed": 0, "extensionduedate": 0,
            "workflowstate": "", "allocatedmarker": 0,
        }  # fmt: skip

    def put_flags(self, flags: Record) -> None:
        """Store a student's flags."""
        if not flags["id"]:
            flags["id"] = self.records.next_number("flag", 1)
        self.records.put("flags", f"{flags['assignment']}/{flags['userid']}", flags)
