"""Which texts are dates, what they mean, and the errors for those that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.wire.dates import parse, show
from passback.wire.errors import Refusal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "1970-01-01T00:00:00.000Z"),
        ("2030-01-02", "2030-01-02T00:00:00.000Z"),
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05.000Z"),
        ("2030-01-02T03:04:05.678Z", "2030-01-02T03:04:05.678Z"),
        ("2030-01-02T03:04:05.6789999Z", "2030-01-02T03:04:05.678Z"),
        ("2030-01-02T03:04:05,5Z", "2030-01-02T03:04:05.500Z"),
        ("2030-01-02T7:04:05Z", "2030-01-02T07:04:05.000Z"),
        ("2030-01-02T03:04:05+02:00", "2030-01-02T01:04:05.000Z"),
        ("2030-01-02T03:04:05.123+0200", "2030-01-02T01:04:05.123Z"),
        ("2030-01-02T03:04:05.123456-0530", "2030-01-02T08:34:05.123Z"),
        ("2030-01-02T03:04:05-00:00", "2030-01-02T03:04:05.000Z"),
        ("2030-01-02T03:04:05+24:00", "2030-01-01T03:04:05.000Z"),
        ("2030-01-02T03:04:05+23:60", "2030-01-01T03:04:05.000Z"),
        ("2030-01-02T03:04:05", "2030-01-02T03:04:05.000Z"),
        ("2030-01-02T03:04:05.25", "2030-01-02T03:04:05.250Z"),
        ("2030-01-02T03:04Z", "2030-01-02T03:04:00.000Z"),
        ("2030-01-02T03:04", "2030-01-02T03:04:00.000Z"),
        ("2030-01-02 03:04:05", "2030-01-02T03:04:05.000Z"),
        ("2030-01-02 03:04:05.5", "2030-01-02T03:04:05.500Z"),
        ("2028-02-29", "2028-02-29T00:00:00.000Z"),
        ("0000-01-01", "0000-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_what_is_a_date(text: str, shown: str) -> None:
    assert show(parse(text).instant) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2030-02-30", ": day out of range"),
        ("2030-01-00", ": day out of range"),
        ("2030-01-32", ": day out of range"),
        ("2029-02-29", ": day out of range"),
        ("2030-13-01", ": month out of range"),
        ("2030-00-10T99", ": month out of range"),
        ("2030-13-99", ": month out of range"),
        ("2030-02-30T00:00:00Z", ': extra text: "T00:00:00Z"'),
        ("2030-02-30 00:00:00", ': extra text: " 00:00:00"'),
        ("2030-01-01T25:00:00Z", ': extra text: "T25:00:00Z"'),
        ("2030-01-01T24:00:00Z", ': extra text: "T24:00:00Z"'),
        ("2030-01-01T00:60:00Z", ': extra text: "T00:60:00Z"'),
        ("2030-01-01T00:00:60Z", ': extra text: "T00:00:60Z"'),
        ("2030-01-01t00:00:00z", ': extra text: "t00:00:00z"'),
        ("2030-01-01T00:00:00+0100", ': extra text: "T00:00:00+0100"'),
        ("2030-01-01T00:00+01:00", ': extra text: "T00:00+01:00"'),
        ("2030-01-01 00:00:00Z", ': extra text: " 00:00:00Z"'),
        ("2030-01-01T00:00:00+25:00", ': extra text: "T00:00:00+25:00"'),
        ("2030-01-01T05:36:.98Z", ': extra text: "T05:36:.98Z"'),
        ("2030-01-01 ", ': extra text: " "'),
        ("2030-01-01é", r': extra text: "\xc3\xa9"'),
        ("yesterday", ' as "2006-01-02": cannot parse "yesterday" as "2006"'),
        ("12/31/2030", ' as "2006-01-02": cannot parse "12/31/2030" as "2006"'),
        ("203", ' as "2006-01-02": cannot parse "203" as "2006"'),
        ("2030", ' as "2006-01-02": cannot parse "" as "-"'),
        ("20300101", ' as "2006-01-02": cannot parse "0101" as "-"'),
        ("2030-1-01", ' as "2006-01-02": cannot parse "1-01" as "01"'),
        ("2030-01", ' as "2006-01-02": cannot parse "" as "-"'),
        ("2030-01-1", ' as "2006-01-02": cannot parse "1" as "02"'),
        (" 2030-01-01", ' as "2006-01-02": cannot parse " 2030-01-01" as "2006"'),
        ("٢٠٣٠-01-01", None),
    ],
)
def test_what_is_none(text: str, reason: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        parse(text)
    if reason is not None:
        shown = text.replace("é", r"\xc3\xa9")
        assert caught.value.message == f'parsing time "{shown}"{reason}'


def test_a_fraction_may_have_any_number_of_digits() -> None:
    text = f"2030-01-01T00:00:00.{'9' * 100_000}Z"
    assert show(parse(text).instant) == "2030-01-01T00:00:00.999Z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2030-01-01T00:00:00.+12Z", "2030-01-01T00:00:00.012Z"),
        ("2030-01-01T00:00:00.-00Z", "2030-01-01T00:00:00.000Z"),
        ("2030-01-01T00:00:00,+12345Z", "2030-01-01T00:00:00.012Z"),
        ("2030-01-01  7:00:00", "2030-01-01T07:00:00.000Z"),
    ],
)
def test_what_gos_reader_lets_through(text: str, shown: str) -> None:
    assert show(parse(text).instant) == shown


def test_quotes_backslashes_and_bytes_are_shown_as_go_shows_them() -> None:
    with pytest.raises(Refusal) as caught:
        parse('a"\\\n\x7fé')
    quoted = r'"a\"\\\x0a' + "\x7f" + r'\xc3\xa9"'
    assert caught.value.message == f'parsing time {quoted} as "2006-01-02": cannot parse {quoted} as "2006"'


@pytest.mark.parametrize(
    ("text", "zoned"),
    [
        ("2030-01-01", False),
        ("2030-01-01T00:00", False),
        ("2030-01-01T00:00Z", True),
        ("2030-01-01T00:00:00-05:00", True),
    ],
)
def test_whether_a_zone_was_named(text: str, zoned: bool) -> None:
    assert parse(text).zoned is zoned


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_shown_is_read_back(moment: datetime) -> None:
    instant = (moment - EPOCH) // timedelta(milliseconds=1)
    text = show(instant)
    assert text == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert parse(text).instant == instant


@given(st.datetimes(), st.integers(-1439, 1439))
def test_an_offset_is_taken_off(moment: datetime, minutes: int) -> None:
    sign, rest = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{moment.isoformat(timespec='milliseconds')}{sign}{rest // 60:02}:{rest % 60:02}"
    utc = parse(moment.isoformat(timespec="milliseconds") + "Z").instant
    assert parse(text).instant == utc - minutes * 60_000


@given(st.text(max_size=12) | st.from_regex(r"[0-9:TZ.+ -]{0,30}", fullmatch=True))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        parse(text)
    except Refusal as refusal:
        assert refusal.message.startswith("parsing time ")
