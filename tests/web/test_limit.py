"""The rate limit and its headers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.sandbox import ASSIGNMENTS, Sandbox, serving


@pytest.fixture(scope="module")
def strict() -> Iterator[Sandbox]:
    with serving(rate_limit=3) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _next_minute(strict: Sandbox) -> None:
    strict.clock.now = (strict.clock.now // 60_000 + 1) * 60_000 + 10_500


def test_every_answer_counts_down(strict: Sandbox) -> None:
    replies = [strict.get(ASSIGNMENTS), strict.call("PUT", ASSIGNMENTS), strict.post(ASSIGNMENTS, "{")]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["2", "1", "0"]


def test_the_headers_name_bucket_limit_and_reset(strict: Sandbox) -> None:
    headers = strict.get(ASSIGNMENTS).headers
    next_minute = (strict.clock.now // 60_000 + 1) * 60
    assert (headers["x-ratelimit-bucket"], headers["x-ratelimit-limit"], headers["x-ratelimit-reset"]) == (
        "all",
        "3",
        str(next_minute),
    )


def test_one_too_many_is_refused_until_the_next_minute(strict: Sandbox) -> None:
    for _ in range(3):
        strict.get(ASSIGNMENTS)
    refused = strict.get(ASSIGNMENTS)
    assert (refused.status, refused.body) == (429, b'{"message":"Too Many Requests"}')
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-remaining"]) == ("50", "0")
    strict.clock.now += 50_000
    assert strict.get(ASSIGNMENTS).status == 200


def test_each_token_has_its_own(strict: Sandbox) -> None:
    for _ in range(4):
        strict.get(ASSIGNMENTS)
    assert strict.client("DEMO_TOKEN_ELSEWHERE").get("/v3.1/districts").status == 200


def test_what_is_not_authorized_is_not_counted(strict: Sandbox) -> None:
    for token in (None, "WRONG"):
        assert "x-ratelimit-remaining" not in strict.client(token).get(ASSIGNMENTS).headers
    assert strict.get(ASSIGNMENTS).headers["x-ratelimit-remaining"] == "2"
