"""Canvas LMS, by its REST API."""

from __future__ import annotations

from passback.lms.canvas.connector import CAPABILITIES, open_connection
from passback.lms.canvas.sign_in import CanvasSignIn
from passback.lms.connector import ConnectorKind, Setting

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "the district's Canvas, such as https://district.instructure.com"),
    settings=(
        Setting("client_id", "the developer key's number (Admin > Developer Keys)", optional=True),
        Setting("client_secret", "the developer key's secret", secret=True, optional=True),
        Setting(
            "access_token", "a token made by hand, instead of a developer key", secret=True, optional=True
        ),
        Setting("refresh_token", "what a sign-in gave", secret=True, optional=True),
        Setting(
            "masquerade", "yes: grade as the teacher who is named (needs the right 'act as')", default="yes"
        ),
        Setting("sis_mark", "yes: mark assignments by a SIS id (needs the right 'manage SIS')", default="no"),
        Setting(
            "submit_as",
            "student: hand in as the student ('act as'); proxy: on their behalf",
            default="student",
        ),
        Setting("post_grades", "yes: returning work posts the grades that Canvas hides", default="no"),
    ),
    open=open_connection,
    sign_in=CanvasSignIn(),
)
