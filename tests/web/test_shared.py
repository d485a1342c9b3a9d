"""What holds across processes that share a PostgreSQL database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from torture.world import ASSIGNMENTS, TOKEN, Caller, World, world

from passback.store import tokens

LIMIT = 20


@pytest.fixture(scope="module")
def two() -> Iterator[World]:
    """Two servers on one database."""
    with world("postgresql", rate_limit=LIMIT) as made:
        made.add("serve")
        made.add("serve")
        yield made


def test_the_rate_limit_is_counted_together(two: World) -> None:
    call = Caller(two)
    passed: dict[str, int] = {}
    limited = 0
    while not limited:  # over the end of a minute, should one come
        for server in two.servers:
            reply = call(server, "GET", "/v3.1/districts")
            minute = reply.headers["x-ratelimit-reset"]
            passed[minute] = passed.get(minute, 0) + (reply.status == 200)
            limited += reply.status == 429
    assert max(passed.values()) == LIMIT


def test_a_revoked_token_opens_nothing_at_any_process(two: World) -> None:
    with two.database() as database:
        found = database.read_now(lambda conn: tokens.find_by_secret(conn, TOKEN.encode()))
    assert found is not None
    call = Caller(two)
    assert {call(server, "GET", ASSIGNMENTS).status for server in two.servers} <= {200, 429}
    subprocess.run(
        [sys.executable, "-m", "passback", "token", "revoke", found.id],
        env={**os.environ, **two.environment},
        check=True,
        timeout=30,
        capture_output=True,
    )
    assert [call(server, "GET", ASSIGNMENTS).status for server in two.servers] == [403, 403]
