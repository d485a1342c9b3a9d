"""Whether an account is a person's, by all that is known of both: above all, never a sibling's."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.domain.identity import Numbers, Pair, Shared, judge

SIBLINGS = [
    ("Sam", "Tom"),
    ("Tim", "Tom"),
    ("Juan Carlos", "Juan Pablo"),
    ("Maria Jose", "Jose"),
    ("José", "Josué"),
]
TWINS = [("Sam", "Samantha"), ("Ann", "Anna"), ("S.", "Sue"), ("Ana", "Ana Maria"), ("Jo", "Jo Ann")]
"""Whose names could be short forms of one another's."""
FAMILIES = ["Lee", "De La Cruz", "van der Berg", "Garcia Lopez", "O'Neil", "bin Omar"]
ACROSS = [*SIBLINGS, *((it, other) for other, it in SIBLINGS)]
one = Shared(1, 1)
maybe = st.sampled_from([None, "1", "2"])


@given(
    names=st.sampled_from(ACROSS),
    family=st.sampled_from(FAMILIES),
    split=st.booleans(),
    signs=st.tuples(maybe, maybe, maybe, maybe),
    comma=st.booleans(),
    kinship=st.sampled_from(["same", "different", "unknown"]),
    reliable=st.booleans(),
    was_by=st.sampled_from([None, "sis_id", "email", "name"]),
)
def test_no_sign_makes_a_siblings_account_ones_own(
    *,
    names: tuple[str, str],
    family: str,
    split: bool,
    signs: tuple[str | None, ...],
    comma: bool,
    kinship: str,
    reliable: bool,
    was_by: str | None,
) -> None:
    """Whatever address and number they share, however reliable these are, and even if they were matched before."""
    mine, other = names
    email, their_email, number, their_number = signs
    first, last = f"{mine} {family}".rsplit(" ", 1) if split else (mine, family)
    pair = Pair(
        first=first, last=last, their_name=f"{family.upper()}, {other}" if comma else f"{other} {family}",
        email=f"home{email}@x" if email else None, their_email=f"home{their_email}@x" if their_email else None,
        number=number, their_number=their_number, own_address=reliable, was_by=was_by,  # type: ignore[arg-type]
        with_email=one, with_number=one, with_name_and_email=Shared(1, 0),
    )  # fmt: skip
    assert judge(pair, Numbers(kinship, reliable)).by is None  # type: ignore[arg-type]


def twin(names: tuple[str, str], **known: object) -> Pair:
    return Pair(
        first=names[0], last="Lee", their_name=f"{names[1]} Lee", with_email=one, with_number=one, **known,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("names", [*TWINS, *((it, other) for other, it in TWINS)])
def test_one_sign_and_a_short_form_of_the_name_are_enough_if_the_sign_is_reliable(
    names: tuple[str, str],
) -> None:
    by_number = twin(names, number="1", their_number="1")
    by_address = twin(names, email="a@x", their_email="a@x")
    own_address = twin(names, email="a@x", their_email="a@x", own_address=True)
    both = twin(names, number="1", their_number="1", email="a@x", their_email="a@x")
    found = [
        judge(pair, Numbers("same", reliable)).by
        for pair, reliable in itertools.product((by_number, by_address, own_address, both), (False, True))
    ]
    assert found == [None, "sis_id", None, None, "email", "email", "sis_id", "sis_id"]


def test_the_name_alone_never_counts_if_somebody_else_who_has_it_is_left() -> None:
    alone = Pair(first="Sam", last="Lee", their_name="LEE, SAM", left_with_name=one)
    assert judge(alone, Numbers("unknown")).by == "name"
    for left in (Shared(2, 1), Shared(1, 2)):
        pair = Pair(first="Sam", last="Lee", their_name="LEE, SAM", left_with_name=left)
        verdict = judge(pair, Numbers("unknown"))
        assert (verdict.by, verdict.reason) == (None, "the name agrees, but several have it")


def test_a_match_whose_names_no_longer_agree_is_shown_to_a_person() -> None:
    verdict = judge(Pair(first="Sam", last="Lee", their_name="Zoe Oak", was_by="name"), Numbers("unknown"))
    assert (verdict.by, verdict.reason) == (None, "it was matched until now, but its name is Zoe Oak")
