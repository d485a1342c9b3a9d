"""How a body becomes a request: what Go's decoder does with keys, types, null, duplicates and odd text."""

from __future__ import annotations

import gc
import json
import math
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.wire.decode import assignment_request, submission_request
from passback.wire.errors import Refusal
from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest

TEXTS = ("description", "description_plaintext", "term_id", "title")


def shortened(value: object) -> str:
    """A short id for a test case; some values are very long."""
    return str(value)[:30]


def refused(body: str | bytes, decode: Any = assignment_request) -> str:
    with pytest.raises(Refusal) as caught:
        decode(body if isinstance(body, bytes) else body.encode())
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    "body", [b"null", b"{}", b" {} x", b"\t{}{", b"nullx", b'{"title":null}', b'{"due_date":null}']
)
def test_nothing_given(body: bytes) -> None:
    assert assignment_request(body) == AssignmentRequest()


@pytest.mark.parametrize(
    ("body", "kind"),
    [("[]", "array"), ('"a"', "string"), ("1.5", "number"), ("true", "bool"), ("01", "number")],
)
def test_a_body_that_is_no_object(body: str, kind: str) -> None:
    assert refused(body) == f"json: cannot unmarshal {kind} into Go value of type models.AssignmentRequest"


@given(st.sampled_from(TEXTS), st.data())
def test_keys_match_whatever_their_case(name: str, data: st.DataObject) -> None:
    other = {"s": "sS\u017f", "k": "kK\u212a"}
    letters = [data.draw(st.sampled_from(other.get(letter, letter + letter.upper()))) for letter in name]
    body = json.dumps({"".join(letters): "x"}, ensure_ascii=data.draw(st.booleans())).encode()
    assert getattr(assignment_request(body), name) == "x"


@pytest.mark.parametrize("key", ["tit-le", "due-date", "dueDate", "title ", "\u0131d", "titel", ""])
def test_other_keys_are_unknown_and_kept_in_order(key: str) -> None:
    body = json.dumps({"zzz": 1, key: [{}]}).encode()
    assert assignment_request(body).unknown_fields == ("zzz", key)


@given(st.text(), st.text())
def test_the_last_of_equal_keys_wins(first: str, last: str) -> None:
    body = f'{{"title":{json.dumps(first)},"TITLE":{json.dumps(last)}}}'.encode()
    expected = last.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if last else last
    assert assignment_request(body).title == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"max_attempts":3,"max_attempts":null}', AssignmentRequest(max_attempts=3)),
        ('{"assignee_mode":"all","assignee_mode":null}', AssignmentRequest(assignee_mode="all")),
        ('{"points_possible":3,"points_possible":null}', AssignmentRequest()),
        ('{"title":"a","title":null}', AssignmentRequest()),
        ('{"due_date":"2030-01-01","due_date":null}', AssignmentRequest()),
        (
            '{"submission_types":["file","text"],"submission_types":[null]}',
            AssignmentRequest(submission_types=("file",)),
        ),
        (
            '{"submission_types":["file","text"],"submission_types":["link"],"submission_types":[null,null]}',
            AssignmentRequest(submission_types=("link", "text")),
        ),
        (
            '{"assignee_ids":["a"],"assignee_ids":[],"assignee_ids":[null]}',
            AssignmentRequest(assignee_ids=("",)),
        ),
        (
            '{"assignee_ids":["a"],"assignee_ids":null,"assignee_ids":[null]}',
            AssignmentRequest(assignee_ids=("",)),
        ),
        (
            '{"attachments":[{"title":"a","url":"b"},null],"attachments":[{"url":"c"}]}',
            AssignmentRequest(attachments=(AttachmentRequest(title="a", url="c"),)),
        ),
        ('{"attachments":[{"title":"a"}],"attachments":[null]}', AssignmentRequest(attachments=(None,))),
    ],
)
def test_what_an_earlier_duplicate_leaves_behind(body: str, expected: AssignmentRequest) -> None:
    assert assignment_request(body.encode()) == expected


def test_grade_points_are_kept_by_a_null() -> None:
    request = submission_request(b'{"grade_points":3,"grade_points":null}')
    assert request == SubmissionRequest(grade_points=Decimal(3))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"title":1}', "number into Go struct field AssignmentRequest.title of type string"),
        ('{"TITLE":[]}', "array into Go struct field AssignmentRequest.title of type string"),
        ('{"title":1,"title":"a"}', "number into Go struct field AssignmentRequest.title of type string"),
        ('{"max_attempts":"1"}', "string into Go struct field AssignmentRequest.max_attempts of type int64"),
        ('{"max_attempts":1.0}', "number 1.0 into Go struct field AssignmentRequest.max_attempts of type int64"),
        ('{"max_attempts":1e2}', "number 1e2 into Go struct field AssignmentRequest.max_attempts of type int64"),
        (
            '{"max_attempts":9223372036854775808}',
            "number 9223372036854775808 into Go struct field AssignmentRequest.max_attempts of type int64",
        ),
        ('{"points_possible":1e39}', "number 1e39 into Go struct field AssignmentRequest.points_possible of type float32"),
        ('{"points_possible":true}', "bool into Go struct field AssignmentRequest.points_possible of type float32"),
        ('{"assignee_mode":{}}', "object into Go struct field AssignmentRequest.assignee_mode of type models.AssigneeMode"),
        ('{"grading_type":1}', "number into Go struct field AssignmentRequest.grading_type of type models.GradingType"),
        ('{"assignee_ids":"a"}', "string into Go struct field AssignmentRequest.assignee_ids of type []string"),
        ('{"assignee_ids":[[]]}', "array into Go struct field AssignmentRequest.assignee_ids of type string"),
        (
            '{"submission_types":{}}',
            "object into Go struct field AssignmentRequest.submission_types of type []models.SubmissionType",
        ),
        (
            '{"submission_types":[1]}',
            "number into Go struct field AssignmentRequest.submission_types of type models.SubmissionType",
        ),
        (
            '{"attachments":{}}',
            "object into Go struct field AssignmentRequest.attachments of type []*models.AttachmentRequest",
        ),
        (
            '{"attachments":[1]}',
            "number into Go struct field AssignmentRequest.attachments of type models.AttachmentRequest",
        ),
        (
            '{"attachments":[{"type":[]}]}',
            "array into Go struct field AttachmentRequest.attachments.type of type string",
        ),
        ('{"due_date":5}', "number into Go struct field AssignmentRequest.due_date of type string"),
        ('{"title":1,"due_date":true}', "bool into Go struct field AssignmentRequest.due_date of type string"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_type(body: str, message: str) -> None:
    assert refused(body) == "json: cannot unmarshal " + message


def test_a_bad_date_comes_before_an_earlier_wrong_type() -> None:
    message = refused('{"title":1,"start_date":"nope","due_date":"never"}')
    assert message.startswith('parsing time "nope"')


def test_a_syntax_error_comes_before_everything() -> None:
    assert refused('{"title":1,"due_date":"nope" x}') == "invalid character 'x' after object key:value pair"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"title":"\xff\xfe"}', "\ufffd\ufffd"),
        (b'{"title":"\xe2\x82"}', "\ufffd\ufffd"),
        (b'{"title":"\xed\xa0\x80"}', "\ufffd\ufffd\ufffd"),
        (b'{"title":"\xf5\x80"}', "\ufffd\ufffd"),
        (rb'{"title":"\ud800"}', "\ufffd"),
        (rb'{"title":"\udc00\ud800"}', "\ufffd\ufffd"),
        (rb'{"title":"\ud83d\ude00"}', "\U0001f600"),
        (rb'{"title":"\uD83Dx"}', "\ufffdx"),
        (rb'{"title":"\ud83d\u0041"}', "\ufffdA"),
        (rb'{"title":"\\ud800"}', "\\ud800"),
        (rb'{"title":"\\\ud800"}', "\\\ufffd"),
        (b'{"title":"\x7f"}', "\x7f"),
        (rb'{"title":"\u0000\/\b"}', "\0/\b"),
    ],
)
def test_odd_text(body: bytes, title: str) -> None:
    assert assignment_request(body).title == title


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    body = json.dumps({"title": text}, ensure_ascii=False).encode()
    assert assignment_request(body).title == text


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"))
)
def test_numbers_keep_every_digit(number: Decimal) -> None:
    decoded = submission_request(f'{{"grade_points":{number}}}'.encode()).grade_points
    assert decoded is not None
    assert decoded == (number if abs(number) > Decimal("1e-45") else 0)


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_is_refused_just_where_single_precision_ends(number: float) -> None:
    fits = abs(number) < math.ldexp(2 - 2**-24, 127)
    body = f'{{"grade_points":{number!r}}}'
    if fits:
        assert submission_request(body.encode()).grade_points is not None
    else:
        assert refused(body, submission_request).startswith(f"json: cannot unmarshal number {number!r} into")


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("340282356779733661637539395458142568447", Decimal(340282356779733661637539395458142568447)),
        ("0e99999999999999999999", Decimal(0)),
        ("1e-99999999999999999999", Decimal(0)),
        ("-1e-500000", Decimal("-0")),
        ("340282356779733661637539395458142568447.99", Decimal("340282356779733661637539395458142568447.99")),
        ("1e+000000000000000000000000002", Decimal("1e2")),
        ("0." + "0" * 9_990 + "1e9991", Decimal(1)),
        # Go reads only five digits of an exponent: e20000.
        ("0." + "0" * 200_000 + "1e200001", Decimal(0)),
        # A number with absurdly many digits is cut off.
        ("1." + "9" * 200_000, Decimal("1." + "9" * 999)),
    ],
    ids=shortened,
)
def test_numbers_at_the_ends(literal: str, value: Decimal) -> None:
    decoded = submission_request(f'{{"grade_points":{literal}}}'.encode()).grade_points
    assert str(decoded) == str(value)


@pytest.mark.parametrize(
    "literal",
    [
        "340282356779733661637539395458142568448", "-340282356779733661637539395458142568448.0", "1e9999999",
        "1e99999999999999999999", "9" * 500_000, "9" * 500_000 + "e99999",
    ],
    ids=shortened,
)  # fmt: skip
def test_numbers_beyond_the_end(literal: str) -> None:
    assert refused(f'{{"grade_points":{literal}}}', submission_request).endswith("of type float32")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_an_unknown_field_may_nest_as_deep_as_the_scanner_goes(opening: str) -> None:
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = opening * 9_999 + "1" + closing * 9_999
    body = f'{{"x":{deep},"attachments":[{{"title":"a","y":[{{}}]}}],"title":"T]"}}'
    request = assignment_request(body.encode())
    assert (request.title, request.attachments) == ("T]", (AttachmentRequest(title="a"),))


@pytest.mark.parametrize("depth", [198, 199, 200, 201, 9_999])
@pytest.mark.parametrize("after", ["", "]", "[" * 20_000, '"[', "{} x"], ids=shortened)
def test_what_is_ignored_may_nest_anyhow(depth: int, after: str) -> None:
    deep = "[" * depth + '"]\\"\xff"' + "]" * depth
    body = f' {{"x":{deep},"title":"[\\"{{"}}{after}'.encode("latin-1")
    assert assignment_request(body).title == '["{'


@pytest.mark.parametrize("body", ["null" + "[" * 300, "\n null " + "{" * 20_000], ids=shortened)
def test_what_follows_a_null_may_nest_anyhow(body: str) -> None:
    assert assignment_request(body.encode()) == AssignmentRequest()


@pytest.mark.parametrize("depth", [10, 300, 10_000])
def test_a_deep_value_that_breaks_off_is_a_syntax_error(depth: int) -> None:
    broken = "[" * depth + "1 2"
    assert refused(broken) == "invalid character '2' after array element"


def test_deep_values_are_no_matter_of_the_threads_stack() -> None:
    deep = "[" * 9_999 + "]" * 9_999
    titles: list[str | None] = []
    size = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(
            target=lambda: titles.append(assignment_request(f'{{"x":{deep},"title":"t"}}'.encode()).title)
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert titles == ["t"]


def test_a_known_field_that_nests_deep_is_of_the_wrong_type() -> None:
    deep = "[" * 9_000 + "]" * 9_000
    assert refused(f'{{"title":{deep}}}') == (
        "json: cannot unmarshal array into Go struct field AssignmentRequest.title of type string"
    )


def test_too_deep_is_refused_even_in_an_unknown_field() -> None:
    deep = "[" * 10_000 + "]" * 10_000
    assert refused(f'{{"x":{deep}}}') == "invalid character '[' exceeded max depth"


@given(st.binary(max_size=40))
def test_no_bytes_are_a_fault_of_ours(body: bytes) -> None:
    for decode in (assignment_request, submission_request):
        try:
            decode(body)
        except Refusal as refusal:
            assert refusal.status == 400


@pytest.mark.parametrize(
    "body", [b"{", b'{"title":1}', b'{"due_date":"nope"}', b'{"due_date":5}', b"[]", b"", b'{"x":NaN}']
)
def test_a_refusal_leaves_nothing_to_the_garbage_collector(body: bytes) -> None:
    refused(body)
    # Servers of other tests may be ending in their threads, and leave something now and then.
    assert 0 in [_left_by(body) for _ in range(5)]


def _left_by(body: bytes) -> int:
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(Refusal):
            assignment_request(body)
        return gc.collect()
    finally:
        gc.enable()
