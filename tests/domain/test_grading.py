"""How the text of a grade corresponds to points."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passback.domain.assignment import GradingType
from passback.domain.grading import LETTER_SCALE, InvalidGrade, plain, points_of, text_of


@pytest.mark.parametrize(
    ("grade", "grading_type", "possible", "points"),
    [
        ("8.5", "points", "10", "8.5"),
        ("12", "points", "10", "12"),
        ("0", "points", None, "0"),
        ("85%", "percent", "20", "17"),
        ("110%", "percent", "20", "22"),
        ("pass", "pass_fail", "4", "4"),
        ("fail", "pass_fail", "4", "0"),
        ("B+", "letter_grade", "50", "43.5"),
        ("F", "letter_grade", "50", "0"),
    ],
)
def test_text_to_points(grade: str, grading_type: GradingType, possible: str | None, points: str) -> None:
    assert points_of(grade, grading_type, None if possible is None else Decimal(possible)) == Decimal(points)


@pytest.mark.parametrize("grading_type", ["percent", "pass_fail", "letter_grade"])
def test_without_points_possible_the_points_are_unknown(grading_type: GradingType) -> None:
    grade = {"percent": "50%", "pass_fail": "pass", "letter_grade": "A"}[grading_type]
    assert points_of(grade, grading_type, None) is None


@pytest.mark.parametrize(
    ("grade", "grading_type"),
    [
        ("-1", "points"), ("1e3", "points"), ("NaN", "points"), ("A", "points"), (" 8", "points"), ("٣", "points"),
        ("85", "percent"), ("%", "percent"), ("-5%", "percent"), ("Pass", "pass_fail"), ("", "letter_grade"),
        ("b+", "letter_grade"), ("E", "letter_grade"),
    ],
)  # fmt: skip
def test_a_text_of_another_form_is_refused(grade: str, grading_type: GradingType) -> None:
    with pytest.raises(InvalidGrade):
        points_of(grade, grading_type, Decimal(10))


@pytest.mark.parametrize(
    ("points", "grading_type", "possible", "grade"),
    [
        ("8.50", "points", None, "8.5"),
        ("100", "points", None, "100"),
        ("1E+2", "points", None, "100"),
        ("17", "percent", "20", "85%"),
        ("1", "percent", "3", "33.33%"),
        ("0", "pass_fail", "4", "fail"),
        ("0.1", "pass_fail", "4", "pass"),
        ("43.5", "letter_grade", "50", "B+"),
        ("60", "letter_grade", "50", "A"),
        ("1", "percent", None, None),
        ("1", "letter_grade", "0", None),
    ],
)
def test_points_to_text(
    points: str, grading_type: GradingType, possible: str | None, grade: str | None
) -> None:
    possible_points = None if possible is None else Decimal(possible)
    assert text_of(Decimal(points), grading_type, possible_points) == grade


@pytest.mark.parametrize("letter", [letter for letter, _ in LETTER_SCALE])
def test_every_letter_comes_back_from_its_own_points(letter: str) -> None:
    possible = Decimal("37.5")
    points = points_of(letter, "letter_grade", possible)
    assert points is not None
    assert text_of(points, "letter_grade", possible) == letter


# What the contract accepts: 0, and what single precision distinguishes from it, up to its maximum.
NUMBERS = st.just(Decimal(0)) | st.decimals(
    Decimal("1e-45"), Decimal("3.4e38"), allow_nan=False, allow_infinity=False
)


@given(NUMBERS, st.sampled_from(["points", "percent", "pass_fail", "letter_grade"]), st.none() | NUMBERS)
@example(Decimal("3.4e38"), "percent", Decimal("1e-45"))
def test_all_points_have_a_text_or_none(
    points: Decimal, grading_type: GradingType, possible: Decimal | None
) -> None:
    text = text_of(points, grading_type, possible)
    assert text is None or 0 < len(text) < 200


def test_a_message_repeats_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(InvalidGrade) as caught:
        points_of("x" * 1_000_000, "points", None)
    assert len(str(caught.value)) < 100


@given(st.decimals(min_value=0, max_value=10**12, places=6))
def test_points_come_back_from_their_text(points: Decimal) -> None:
    text = text_of(points, "points", None)
    assert text is not None
    assert points_of(text, "points", None) == points


@given(st.decimals(min_value=0, max_value=10**20, allow_nan=False, allow_infinity=False))
def test_plain_has_no_exponent_and_no_superfluous_zero(number: Decimal) -> None:
    text = plain(number)
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith(("0", ".")))
    assert Decimal(text) == number
