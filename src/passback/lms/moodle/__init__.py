"""Moodle, by its web services (REST)."""

from __future__ import annotations

from passback.lms.interface import ConnectorKind, Setting
from passback.lms.moodle.connector import CAPABILITIES, MoodleConnector

KIND = ConnectorKind(
    capabilities=CAPABILITIES,
    address=Setting("address", "the site's address, such as https://moodle.example.org/"),
    settings=(
        Setting("token", "a token of the integration user (Web services > Manage tokens)", secret=True),
        Setting(
            "template",
            "the name of the assignments that new ones are copied from, in each course",
            default="Passback template",
        ),
    ),
    open=MoodleConnector,
)
