"""What a simulated LMS with LTI Advantage knows: its family, its settings, and look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.lti.profiles import PROFILES
from passback_simulators.lti.seed import ALL_SCOPES, LEARNER
from passback_simulators.state import Keep, State

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

    from passback_simulators.clock import Clock
    from passback_simulators.records import Record
    from passback_simulators.request import Request


class LtiState(State):
    """See `passback_simulators.state.State`."""

    def __init__(self, clock: Clock, keep: Keep | None = None, family: str = "other") -> None:
        """`family` is one of `PROFILES`."""
        self.profile = PROFILES[family]
        self.private_keys: dict[str, tuple[str, str]] = {}
        """The keys of tools that this process has made: private and public PEM, by client id."""
        self.own_keys: dict[str, RSAKey] = {}
        """The keys that launches are signed with, by their ``kid``; the last one signs."""
        super().__init__(clock, keep)

    def own_settings(self) -> dict[str, Any]:
        return {
            # The scopes that the administrator allows the tool; a change counts for tokens that are there, too.
            "scopes": list(ALL_SCOPES),
            # How many seconds a token lives.
            "token_life": 3600,
            # Whether a token's assertion is checked as the standard says. Moodle takes a wrong audience and replays.
            "strict_assertions": True,
            # Whether names and e-mail addresses are kept from the tool.
            "private_people": False,
            # Whether the tool has been removed from all courses.
            "tool_removed": False,
            # Whether the gradebook takes more than the maximum, where the LMS lets a teacher choose.
            "can_exceed": False,
            # How old Moodles show a grade of exactly 0: without it.
            "omits_zero": False,
            # What is wrong with launches: wrong-nonce, wrong-audience, wrong-deployment, unknown-key or expired.
            "launch_fault": "",
            # What a failure of the LMS's own answers.
            "error_status": 503,
        }

    def scopes_of(self, client: Record) -> list[str]:
        """What a tool may ask a token for: what it was registered with, if it has registered itself."""
        return [it for it in client.get("scopes", ALL_SCOPES) if it in self.settings["scopes"]]

    def member(self, course: str, user: str) -> Record | None:
        """A user's membership in a course."""
        return self.records.get("members", f"{course}/{user}")

    def members(self, course: str) -> list[Record]:
        """The members of a course."""
        return [it for it in self.records.all("members") if it["course"] == course]

    def is_gradable(self, request: Request | None, course: str, user: str) -> bool:
        """Whether somebody has a place in the gradebook of a course: students do, suspended ones too."""
        if request is not None and request.fault == "not-enrolled":
            return False
        found = self.member(course, user)
        return found is not None and LEARNER in found["roles"]

    def item(self, request: Request | None, course: str, item: str) -> Record | None:
        """A line item of a course. Moodle does not look at the course."""
        found = self.records.get("items", item)
        if found is not None and self.profile.family == "moodle":
            course = found["course"]
        deleted = request is not None and request.fault == "deleted"
        return found if found is not None and found["course"] == course and not deleted else None

    def items_of(self, request: Request, course: str, client: str) -> list[Record]:
        """The line items of a tool in a course."""
        return [
            it
            for it in self.records.all("items")
            if it["client"] == client and self.item(request, course, it["id"])
        ]

    def path(self, template: str, **ids: str) -> str:
        """An address of the services, without its host."""
        found = template.format(**ids)
        return f"{found}?{self.profile.query}" if self.profile.query else found
