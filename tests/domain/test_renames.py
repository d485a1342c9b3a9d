"""Whether a changed name may be somebody else's."""

from __future__ import annotations

import pytest

from passback.domain.renames import RosterName, renamed_in_lms, renamed_in_roster


def named(text: str) -> RosterName:
    first, _, rest = text.partition(" ")
    middle, _, last = rest.rpartition(" ")
    return RosterName(first, middle or None, last)


@pytest.mark.parametrize(
    ("was", "now", "account", "another"),
    [
        ("Sam Lee", "Tom Lee", "Sam Lee", True),
        ("Sam Lee", "Tom Oak", "LEE, SAM", True),
        ("Sam Lee", "Samantha Lee", "Sam Lee", True),
        ("Sam Lee", "Samantha Oak", "Sam Lee", True),
        ("Mary Ann Lee", "Mary Beth Lee", "Mary Ann Lee", True),
        ("Sam Lee", "Tom Lee", None, True),
        ("Sam Lee", "Tom Lee", "", True),
        ("Bob Lee", "Ben Lee", "Robert Lee", True),
        ("Sam Lee", "Sam Oak", "Sam Lee", False),
        ("Sam Lee", "Sam Oak", None, False),
        ("Samuel Lee", "Samuel Oak", "Sam Lee", False),
        ("Ann Lee", "Ann Lee Oak", "Ann Lee", False),
        ("Ann Marie Lee", "Ann Lee Oak", "Ann Marie Lee", False),
        ("Sam Lee", "SAM LEE", "Sam Lee", False),
        ("Jose Diaz", "José O'Neil-Díaz", "Jose Diaz", False),
        ("Samuel Lee", "Samuel Ed Lee", "Sam Lee", False),
        ("Tom Lee", "Sam Lee", "Sam Lee", False),
        ("Lee Sam", "Sam Lee", "Sam Lee", False),
        ("Bob Lee", "Bob Oak", "Robert Lee", False),
    ],
)
def test_given_names_that_come_to_differ_in_the_roster_are_anothers(
    was: str, now: str, account: str | None, another: bool
) -> None:
    assert renamed_in_roster(named(was), named(now), account) is another


@pytest.mark.parametrize(
    ("ours", "was", "now", "another"),
    [
        ("Sam Lee", "Sam Lee", "Tom Lee", True),
        ("Sam Lee", "Sam Lee", "Samantha Lee", True),
        ("Bob Lee", "Robert Lee", "Tom Lee", True),
        ("Bob Lee", "Lee, Robert", "Lee, Tom", True),
        ("Mary Ann Lee", "Mary Ann Lee", "Mary Beth Lee", True),
        ("Sam Lee", "Sam Lee", "Sam Oak", False),
        ("Bob Lee", "Robert Lee", "Oak, Robert", False),
        ("Bob Lee", "Robert Lee", "Bob Lee", False),
        ("Sam Lee", "Sam Lee", "", False),
    ],
)
def test_given_names_that_come_to_differ_in_the_lms_are_anothers(
    ours: str, was: str, now: str, another: bool
) -> None:
    assert renamed_in_lms(named(ours), was, now) is another
