from __future__ import annotations

from collections.abc import Iterator

import pytest

from passback.store.engine.database import Connection
from support.lti import (
    PUBLIC_URL,
    Platform,
    connect,
    serving_platform,
)
from support.lti_launches import (
    APP,
    DISTRICT,
    SECTION,
    STUDENT,
    TEACHER,
    app,
)
from support.sandbox import Sandbox, serving


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with serving(public_url=PUBLIC_URL) as sandbox:
        yield sandbox


@pytest.fixture
def platform() -> Iterator[Platform]:
    with serving_platform() as platform:
        yield platform


@pytest.fixture
def sandbox(gateway: Sandbox, platform: Platform) -> Sandbox:
    """A district that is connected to the platform, and an application of it that can be started."""
    connect(gateway, platform, DISTRICT)

    def match(conn: Connection) -> None:
        for table, ours, theirs in (
            ("sections", SECTION, "course-1"),
            ("users", STUDENT, "lms-user-1"),
            ("users", TEACHER, "lms-teacher"),
        ):
            conn.execute(
                f"UPDATE {table} SET lms_id = :theirs WHERE id = :ours", {"ours": ours, "theirs": theirs}
            )
        conn.execute("DELETE FROM launch_addresses", {})
        conn.execute("DELETE FROM notes", {})

    gateway.write(match)
    app(gateway).post("/v3.1/launch_address", {"url": APP})
    return gateway
