"""The server as tests use it: started, an activity added in Studio, opened by somebody, the gradebook looked at."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from support.lti import form_of
from support.openedx.course import COURSE, Member

TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Platform:
    """An Open edX that runs."""

    url: str
    database: Path
    http: httpx2.Client
    """A browser: it keeps cookies, and goes where it is sent."""

    def add(self, block: str, **fields: Any) -> Mapping[str, Any]:
        """Add an activity to the course, or change it; returns what Studio shows of it."""
        reply = self.http.put(f"{self.url}/studio/blocks/{block}", json=fields)
        assert reply.status_code == 200, reply.text
        shown: Mapping[str, Any] = reply.json()
        return shown

    def delete(self, block: str) -> None:
        """Delete an activity."""
        assert self.http.delete(f"{self.url}/studio/blocks/{block}").status_code == 200

    def share_people(self, enabled: bool) -> None:
        """Let tools know the names and e-mail addresses of the course's people, or not."""
        reply = self.http.put(f"{self.url}/studio/sharing", json={"course": COURSE, "enabled": enabled})
        assert reply.status_code == 200, reply.text

    def open(self, block: str, who: Member, **query: str) -> httpx2.Response:
        """Somebody opens an activity, or chooses one; returns what the tool answers in the end."""
        given = urlencode({"user": who.username, **query})
        action, fields = form_of(self.http.get(f"{self.url}/courseware/{block}?{given}").text)
        return self.http.post(action, data=fields, follow_redirects=False)

    def published(self, block: str, who: Member) -> float | None:
        """What the gradebook has of somebody, as a part of the activity's points."""
        found = self.rows(
            "SELECT earned, possible FROM openedx_grade WHERE block = ? AND username = ?", block, who.username
        )
        return found[0][0] / found[0][1] if found else None

    def scores(self, block: str, who: Member) -> list[Any]:
        """What `lti_consumer` has of somebody's scores: points, maximum and comment."""
        return self.rows(
            "SELECT score_given, s.score_maximum, comment FROM lti_consumer_ltiagsscore s"
            " JOIN lti_consumer_ltiagslineitem i ON i.id = line_item_id"
            " WHERE i.resource_link_id LIKE ? AND user_id = ?",
            f"%@{block}", who.external_id,
        )  # fmt: skip

    def rows(self, query: str, *values: object) -> list[Any]:
        """What a query finds in its database."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, values).fetchall()


@contextlib.contextmanager
def serving_openedx(folder: Path) -> Iterator[Platform]:
    """Open edX with its course, on a new database in a folder."""
    database = folder / "openedx.db"
    with (
        subprocess.Popen(
            # Its libraries' warnings are not ours.
            [sys.executable, "-W", "ignore", "-m", "support.openedx.server", str(database)],
            cwd=TESTS, env={**os.environ, "PYTHONPATH": str(TESTS)}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        ) as process,
        httpx2.Client(follow_redirects=True, timeout=20) as browser,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the server has not started"
            platform = Platform(address, database, browser)
            platform.share_people(True)
            yield platform
        finally:
            process.kill()


@pytest.fixture(scope="session")
def openedx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Open edX's own code; one server for all tests of a process."""
    with serving_openedx(tmp_path_factory.mktemp("openedx")) as platform:
        yield platform
