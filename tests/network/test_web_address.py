"""Web addresses that get more into their query."""

from __future__ import annotations

import pytest

from passback.network.web_address import with_query


@pytest.mark.parametrize(
    ("address", "joined"),
    [
        ("https://a.example/x", "https://a.example/x?code=1"),
        ("https://a.example", "https://a.example?code=1"),
        ("https://a.example/x?y=2", "https://a.example/x?y=2&code=1"),
        ("https://a.example/x?", "https://a.example/x?code=1"),
        ("https://a.example/x?y=2&", "https://a.example/x?y=2&code=1"),
    ],
)
def test_a_query_is_joined_to_an_address_that_may_have_one(address: str, joined: str) -> None:
    assert with_query(address, "code=1") == joined
