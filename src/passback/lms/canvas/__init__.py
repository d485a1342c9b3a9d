"""Canvas LMS, by its REST API."""

from __future__ import annotations

from passback.lms.canvas.connector import CAPABILITIES, CanvasConnector
from passback.lms.canvas.sign_in import CanvasSignIn
from passback.lms.interface import ConnectorKind, Setting

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "the district's Canvas, such as https://district.instructure.com"),
    settings=(
        Setting("client_id", "the developer key's ID (Admin > Developer Keys)", optional=True),
        Setting("client_secret", "the developer key's secret", secret=True, optional=True),
        Setting(
            "access_token", "a manually created token, instead of a developer key", secret=True, optional=True
        ),
        Setting("refresh_token", "given by a sign-in", secret=True, optional=True),
        Setting.yes_or_no(
            "masquerade", "yes: grade as the named teacher (needs the permission 'act as')", "yes"
        ),
        Setting.yes_or_no(
            "sis_mark", "yes: mark assignments with a SIS ID (needs the permission 'manage SIS')", "no"
        ),
        Setting(
            "submit_as",
            "student: hand in as the student ('act as'); proxy: on the student's behalf",
            default="student",
            pattern="student|proxy",
        ),
        Setting.yes_or_no("post_grades", "yes: returning work posts the grades that Canvas hides", "no"),
    ),
    open=CanvasConnector,
    sign_in=CanvasSignIn(),
    one_of=("access_token", "refresh_token"),
)
