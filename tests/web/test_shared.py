"""What holds across processes that share a PostgreSQL database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from torture.world import ASSIGNMENTS, TOKEN, Caller, Process, World, world

from passback.gateway.rate_limit import SHARE_SECONDS
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
    first, second = two.servers
    passed: dict[str, int] = {}

    def used_up(server: Process) -> bool:
        reply = call(server, "GET", "/v3.1/districts")
        minute = reply.headers["x-ratelimit-reset"]
        passed[minute] = passed.get(minute, 0) + (reply.status == 200)
        return reply.status == 429

    while not used_up(first):  # over the end of a minute, should one come
        pass
    while not used_up(second):
        time.sleep(SHARE_SECONDS / 4)
    assert LIMIT <= max(passed.values()) < 2 * LIMIT  # what each had known of alone


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
