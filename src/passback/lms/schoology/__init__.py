"""Schoology (PowerSchool Schoology Learning), by its REST API v1."""

from __future__ import annotations

from passback.lms.interface import ConnectorKind, Setting
from passback.lms.schoology.connector import CAPABILITIES, SchoologyConnector
from passback.lms.schoology.sign_in import SchoologySignIn

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "Schoology's API; the same for all districts", default="https://api.schoology.com/v1/"),
    settings=(
        Setting("consumer_key", "a system administrator's key (https://<district>.schoology.com/api)"),
        Setting("consumer_secret", "its secret", secret=True),
        Setting("token", "given by a sign-in, to act as that user", secret=True, optional=True),
        Setting("token_secret", "its secret", secret=True, optional=True),
        Setting("app_key", "the key of the district's app, for students' sign-ins", optional=True),
        Setting("app_secret", "its secret", secret=True, optional=True),
        Setting("web_address", "where the district signs in in the browser", default="https://app.schoology.com/"),
        Setting.yes_or_no("run_as", "yes: grade as the named teacher (needs the permission to impersonate)", "yes"),
        Setting.yes_or_no("student_run_as", "yes: hand in as the student by impersonation instead of a sign-in", "no"),
        Setting("time_zone", "the zone of due dates, such as America/Chicago; unset: the user's", optional=True),
        Setting("category", "the title of new assignments' grading category; unset: the first", optional=True),
        Setting.yes_or_no("write_missing", "yes: mark missing work in Schoology, where it counts as zero", "no"),
        Setting.yes_or_no("private_files", "yes: work may be fetched from private network addresses", "no"),
        Setting("signature_method", "HMAC-SHA1, PLAINTEXT or PLAINTEXT-BARE", default="HMAC-SHA1",
                pattern="HMAC-SHA1|PLAINTEXT|PLAINTEXT-BARE"),
        Setting("requests_in_5_seconds", "how many requests the key may make in 5 seconds, at least 1", default="12",
                pattern="[1-9][0-9]{0,4}"),
    ),
    open=SchoologyConnector,
    sign_in=SchoologySignIn(),
    students_sign_in=True,
)  # fmt: skip
