"""What the simulated Schoology knows: its settings, and whose request is being handled."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from passback_simulators.clock import Clock
from passback_simulators.records import Record
from passback_simulators.schoology.nonces import Nonces
from passback_simulators.schoology.seed import ADMIN
from passback_simulators.state import Keep, State


class Credentials(Struct, frozen=True):
    """The credentials that signed a request."""

    consumer: Record
    token: Record | None

    @property
    def name(self) -> str:
        """The name by which limits and nonces are counted."""
        return f"{self.consumer['key']}:{self.token['token'] if self.token else ''}"


class Actor(Struct, frozen=True):
    """The user with whose rights a request is handled."""

    user: Record
    personal: bool
    """Whether by a teacher's or student's own key, which since June 2025 may not read about others."""
    impersonated: bool
    """Whether by an administrator, with Run-As."""

    @property
    def uid(self) -> str:
        return str(self.user["uid"])

    @property
    def is_admin(self) -> bool:
        """Whether it is a system administrator."""
        return bool(self.user["role_id"] == ADMIN)


class SchoologyState(State):
    """See `passback_simulators.state.State`."""

    actor: Actor
    """The user with whose rights the current request is handled."""
    credentials: Credentials
    """The credentials that signed it."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self.nonces = Nonces()

    def own_settings(self) -> dict[str, Any]:
        return {
            # Whether administrators may run as others (User Management > Permissions > Impersonation), and which.
            "run_as_allowed": True,
            "run_as_roles": ["School Admin", "Teacher"],
            # Whether they may also run as students.
            "student_run_as": False,
            # Whether a student must have opened the app once (and so have an access token) before an administrator
            # running as the student can submit: otherwise 500.
            "submission_needs_token": True,
            # How many requests each credentials may make in 5 seconds: 15 and 50 have been observed; 0 means no limit.
            "requests_in_5_seconds": 0,
            # What a failure of Schoology's own answers.
            "error_status": 500,
            # The largest page of a list; a larger ``limit`` is silently reduced.
            "largest_page": 200,
            # How many seconds a timestamp may be older than the latest of the same credentials.
            "timestamp_skew_seconds": 600,
            # Whether PLAINTEXT signatures are accepted, and if so, whether only with ``realm="Schoology%20API"``, a
            # literal ``&`` and no ``oauth_token``; otherwise the reply is the one for a used nonce.
            "accept_plaintext": True,
            "plaintext_literal_only": False,
            # Whether the app may make two-legged calls: since June 2025 Schoology must have approved it.
            "app_approved": True,
            # To how many decimals points and grades are kept.
            "decimals": 12,
            # Whether the web pages hide a grade that the API gave while the dropbox is on and the student has not
            # handed in.
            "dropbox_hides_grades": True,
            # Whether the API accepts exception 3, missing, which is not documented.
            "grade_exception_missing": True,
            # Whether the API can create grading categories; in some districts only the web pages can.
            "categories_can_be_created": True,
            # Whether links in replies begin with http even if the API is reached by https.
            "http_links": True,
            # Whether a list with one element is shown as the element itself.
            "single_as_object": False,
            # Whether lists have ``total``, and ``links.next`` if there is another page.
            "total_in_lists": True,
            "next_in_lists": True,
            # The reply to grades: 207 with an item for each, or 200 or 204 without a body.
            "bulk_grades_status": 207,
            # The replies to an update (200 with the object, or 204) and to a creation.
            "update_status": 204,
            "create_returns_body": True,
            # The zone of users who have not chosen one, in which dates without a zone are read and written.
            "due_zone": "America/New_York",
            # Whether sections whose grading periods have ended refuse changes.
            "past_sections_read_only": True,
            # Whether the district takes attendance with PowerSchool's own app: then the API answers 410.
            "sis_attendance_app": False,
            # Whether a user's grades require ``section_id``: 403 without it.
            "user_grades_need_section": False,
            # Whether events are posted after each request. Otherwise only `post_triggers` posts them.
            "triggers_post_themselves": False,
        }
