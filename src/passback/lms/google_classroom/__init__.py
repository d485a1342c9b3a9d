"""Google Classroom, by its API v1."""

from __future__ import annotations

from passback.lms.google_classroom.connector import CAPABILITIES, ClassroomConnector
from passback.lms.google_classroom.credentials import TOKEN_URI
from passback.lms.google_classroom.sign_in import AUTHORIZE_URI, GoogleSignIn
from passback.lms.interface import ConnectorKind, Setting

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "Google Classroom's API", default="https://classroom.googleapis.com/"),
    settings=(
        Setting(
            "service_account",
            "the key file (JSON) of a service account with domain-wide delegation",
            secret=True,
            optional=True,
        ),
        Setting("admin_email", "the administrator to read courses and people as", optional=True),
        Setting("client_id", "the ID of an OAuth client, instead of a service account", optional=True),
        Setting("client_secret", "that client's secret", secret=True, optional=True),
        Setting("refresh_token", "given by a sign-in", secret=True, optional=True),
        Setting.yes_or_no(
            "publish_grades", "yes: students see a grade at once; no: once it is returned", "yes"
        ),
        Setting("topic", "the name of new assignments' topic, in courses that have it", optional=True),
        Setting("token_uri", "the address that issues tokens", default=TOKEN_URI),
        Setting("authorize_uri", "the address where people sign in", default=AUTHORIZE_URI),
    ),
    open=ClassroomConnector,
    sign_in=GoogleSignIn(),
    one_of=("service_account", "refresh_token"),
)
