"""Putting pages together: a list is whole, or an error after few requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from passback.lms.interface import Unavailable
from passback.lms.toolkit.pages import Pages


def page(*ids: int) -> list[dict[str, int]]:
    return [{"id": number} for number in ids]


def read(endless: Callable[[int], tuple[Any, str]], most: int) -> None:
    pages = Pages("people")
    for at in range(most):
        pages.add(*endless(at))


def test_what_moves_while_it_is_read_is_met_once() -> None:
    pages = Pages("people")
    pages.add(page(1, 2, 3), "a")
    pages.add(page(3, 4), None)
    assert pages.items == page(1, 2, 3, 4)


def test_a_page_may_be_empty_though_more_follow() -> None:
    pages = Pages("people")
    for cursor in ("a", "b", "c"):
        pages.add([], cursor)
    pages.add(page(1), None)
    assert pages.items == page(1)


@pytest.mark.parametrize("items", [None, {}, "x", [None], ["x"], [{"id": 1}, 2], [{"name": "x"}]])
def test_a_page_of_anything_else_is_an_error(items: Any) -> None:
    with pytest.raises(Unavailable):
        Pages("people").add(items, None)


@pytest.mark.parametrize(
    "endless",
    [
        lambda at: (page(at), "same"),
        lambda at: (page(1), f"cursor {at}"),
        lambda at: ([], f"cursor {at}"),
        lambda at: (page(at), f"cursor {at % 3}"),
    ],
    ids=["next is itself", "always the same", "always empty", "in a circle"],
)
def test_a_list_without_an_end_is_an_error_after_few_pages(endless: Any) -> None:
    with pytest.raises(Unavailable, match="a list of its people has no end"):
        read(endless, 6)


def test_even_a_list_that_always_brings_something_new_ends() -> None:
    with pytest.raises(Unavailable):
        read(lambda at: (page(at), f"cursor {at}"), 1002)
