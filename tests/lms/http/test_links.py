"""``Link`` headers, as servers and proxies write them."""

from __future__ import annotations

import pytest

from passback.lms.http.links import next_page
from passback.lms.http.reply import Reply
from passback.lms.interface import Unavailable


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<https://h/a?page=2>; rel="next"', "https://h/a?page=2"),
        ("<https://h/a?page=2>; rel=next", "https://h/a?page=2"),
        ('<https://h/a?ids=1,2,3&page=2>; rel="next"', "https://h/a?ids=1,2,3&page=2"),
        ('<https://h/a?page=2>; rel="next last"', "https://h/a?page=2"),
        ('<https://h/a?page=2>; rel="last next",<https://h/a>; rel="current first"', "https://h/a?page=2"),
        ('<https://h/a>;rel="current",<https://h/a?page=2>;rel="next"', "https://h/a?page=2"),
        (
            '<https://h/a>; rel="current" , <https://h/b?x=1, 2>; title="more"; REL="NEXT"',
            "https://h/b?x=1, 2",
        ),
        ('<https://h/a?page=2>; title="more"; rel=Next', "https://h/a?page=2"),
        ('<https://h/a;v=1?x=1;page=2>; rel="next"', "https://h/a;v=1?x=1;page=2"),
        ('<https://h/a;rel=prev?page=2>; rel="next"', "https://h/a;rel=prev?page=2"),
        ('<https://h/a?page=2>; title="a;b, <c>; rel=prev"; rel="next"', "https://h/a?page=2"),
        ('<https://h/a?page=2> ; rel = "next"', "https://h/a?page=2"),
        ("<https://h/a?page=2>; rel='next'", "https://h/a?page=2"),
        ('<https://h/a?page=2>; rel="next"; rel="prev"', "https://h/a?page=2"),
        ('<https://h/a?page=2>; rel="next", <https://h/a?page=3>; rel="next"', "https://h/a?page=2"),
        ('<https://h/a>; rel="current",, <?page=2>; rel="next"', "?page=2"),
        ('<https://h/a>; rel="current", <https://h/a>; rel="last"', None),
        ('<https://h/a>; title="; rel=next"; rel="current"', None),
        ('<https://h/a?page=2>; rel="prev"; rel="next"', None),
        ('<https://h/a?rel="next">; rel="prev"', None),
    ],
)
def test_the_next_page_is_found(header: str, address: str | None) -> None:
    assert next_page(Reply(200, {"link": header}, b"[]")) == address


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "<https://h/a?page=2>",
        "garbage",
        '<https://h/a>; rel="current", <https://h/a?page=2',
        '<https://h/a>; rel="current", <https://h/a?q=a>b>; rel="next"',
    ],
)
def test_a_list_that_ends_without_saying_so_is_not_complete(header: str | None) -> None:
    headers = {} if header is None else {"link": header}
    with pytest.raises(Unavailable, match="does not say whether the list goes on"):
        next_page(Reply(200, headers, b"[]"))
