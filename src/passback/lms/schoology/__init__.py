"""Schoology (PowerSchool Schoology Learning), by its REST API v1."""

from __future__ import annotations

from passback.lms.interface import ConnectorKind, Setting
from passback.lms.schoology.connector import CAPABILITIES, SchoologyConnector
from passback.lms.schoology.sign_in import SchoologySignIn

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "Schoology's API; the same for all districts", default="https://api.schoology.com/v1/"),
    settings=(
        Setting("consumer_key", "the key of a system administrator (https://<district>.schoology.com/api)"),
        Setting("consumer_secret", "its secret", secret=True),
        Setting("token", "what a sign-in gave, to act as that user", secret=True, optional=True),
        Setting("token_secret", "its secret", secret=True, optional=True),
        Setting("app_key", "the key of the district's app, by which students sign in", optional=True),
        Setting("app_secret", "its secret", secret=True, optional=True),
        Setting("web_address", "where the district signs in with the browser", default="https://app.schoology.com/"),
        Setting.yes_or_no("run_as", "yes: grade as the named teacher (needs the right to impersonate)", "yes"),
        Setting.yes_or_no("student_run_as", "yes: hand in as the student by impersonation, not by a sign-in", "no"),
        Setting("time_zone", "of due dates, such as America/Chicago; unset: that of the key's user", optional=True),
        Setting("category", "the title of the grading category of new assignments; unset: the first", optional=True),
        Setting.yes_or_no("write_missing", "yes: Schoology is told of missing work, which counts as zero", "no"),
        Setting.yes_or_no("private_files", "yes: work may be fetched from addresses of the own network", "no"),
        Setting("signature_method", "HMAC-SHA1, PLAINTEXT or PLAINTEXT-BARE", default="HMAC-SHA1",
                pattern="HMAC-SHA1|PLAINTEXT|PLAINTEXT-BARE"),
        Setting("requests_in_5_seconds", "as many requests as the key may make, from 1", default="12",
                pattern="[1-9][0-9]{0,4}"),
    ),
    open=SchoologyConnector,
    sign_in=SchoologySignIn(),
    students_sign_in=True,
)  # fmt: skip
