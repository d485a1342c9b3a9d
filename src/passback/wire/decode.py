r"""Decode a request's body to a request object, as Go's ``encoding/json`` does (wire rule: body decoding).

The standard library's compiled decoder reads the body, keeping objects as pairs and numbers as text, because in Go
keys match in any case and the last of several equal keys wins. Our scanner (`scan`) words the errors. Both accept the
same bodies:

- ``NaN`` and ``Infinity``, which the decoder would accept, are rejected through `parse_constant`.
- Bytes that are not UTF-8 and lone surrogates (``\ud800``) become U+FFFD beforehand, one for each, as in Go.
- The decoder recurses, and Go accepts values 10,000 levels deep: a deep value is cut down to what the binder looks at,
  after the scanner has found it well formed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MIN_EMIN, ROUND_DOWN, Context, Decimal
from itertools import accumulate
from typing import Any, TypeVar

from msgspec import Struct

from passback.wire import dates, usual
from passback.wire.errors import Refusal, bad_request, empty_body, validation_failure
from passback.wire.requests import (
    AssignmentRequest,
    AttachmentRequest,
    DeepLinkRequest,
    LaunchAddressRequest,
    SubmissionItem,
    SubmissionRequest,
    WebhookRequest,
    WireDate,
)
from passback.wire.scan import syntax_error

T = TypeVar("T")

MOST_ITEMS = 500
"""The maximum number of submissions in one body."""


def assignment_request(body: bytes) -> AssignmentRequest:
    """Decode the body of POST and PATCH of an assignment.

    Raises `Refusal`: row 2, the families of rows 4, 6, 7 and 10, values of the wrong type.
    """
    return usual.ASSIGNMENT.read(body) or _bind(
        _read(body), "AssignmentRequest", _ASSIGNMENT, AssignmentRequest
    )


def submission_request(body: bytes) -> SubmissionRequest:
    """Decode the body of PATCH of a submission. Raises the same as `assignment_request`."""
    return usual.SUBMISSION.read(body) or _bind(
        _read(body), "SubmissionRequest", _SUBMISSION, SubmissionRequest
    )


def submission_items(body: bytes) -> tuple[list[SubmissionItem], tuple[str, ...]]:
    """Decode the body of a bulk update (ours): its parts, in order, and the names of unknown fields beside them.

    Raises `Refusal` if the body cannot be read or has no list. An error in one part is reported in that part.
    """
    value = _read(body)
    if value is not None and type(value) is not tuple:
        raise bad_request(
            f"json: cannot unmarshal {_kind(value)} into Go value of type models.SubmissionsRequest"
        )
    items: Any = None
    unknown: dict[str, None] = {}
    for key, item in value or ():
        if _folded(key) == "submissions":
            items = item
        else:
            unknown[key] = None
    if items is None:
        raise validation_failure(["submissions in body is required"])
    if type(items) is not list:
        raise bad_request(_type_error(items, "SubmissionsRequest.submissions", "[]*models.SubmissionRequest"))
    if len(items) > MOST_ITEMS:
        raise validation_failure([f"submissions in body should have at most {MOST_ITEMS} items"])
    return list(map(_submission_item, items)), tuple(unknown)


def webhook_request(body: bytes) -> WebhookRequest:
    """Decode the body of POST and PATCH of a webhook (ours). Raises the same as `assignment_request`."""
    return _bind(_read(body), "WebhookRequest", _WEBHOOK, WebhookRequest)


def launch_address_request(body: bytes) -> LaunchAddressRequest:
    """Decode the body of POST of a launch address (ours). Raises the same as `assignment_request`."""
    return _bind(_read(body), "LaunchAddressRequest", _LAUNCH_ADDRESS, LaunchAddressRequest)


def deep_link_request(body: bytes) -> DeepLinkRequest:
    """Decode the body of POST of a deep link (ours). Raises the same as `assignment_request`."""
    return _bind(_read(body), "DeepLinkRequest", _DEEP_LINK, DeepLinkRequest)


# Reading: JSON to plain values. An object becomes a tuple of pairs, an array a list, a number its text.


class _Number(str):
    """The text of a number."""

    __slots__ = ()


class _NotJson(ValueError):
    """A name that Python accepts as a number, such as NaN."""


def _refuse_constant(name: str) -> None:
    raise _NotJson(name)


_decoder = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
)
_skip_space = re.compile(r"[ \t\r\n]*").match
_has_surrogate = re.compile(r"\\u[dD][89a-fA-F]").search
# Matches every escape, so that an escaped backslash is not mistaken for the start of one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_STRINGS = re.compile(_STRING.encode(), re.DOTALL)
_STRUCTURE = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))
_DEEPEST_DECODED = 200
"""Far less than would exhaust the decoder's stack, in any thread and version of Python."""
_DEEPEST_LOOKED_AT = 4
"""The binder looks no deeper, so that arrays and objects at this depth can be emptied."""


def _read(body: bytes) -> Any:
    """Read the first value in `body`. Raises `Refusal`."""
    if not body:
        raise empty_body()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        # This gives one surrogate per bad byte; Python's own "replace" merges several into one.
        text = _BAD_BYTE.sub("\ufffd", body.decode("utf-8", "surrogateescape"))
    if _has_surrogate(text):
        text = _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)
    start = 0 if text.startswith("{") else _end_of_space(text)
    if body.count(b"[") + body.count(b"{") > _DEEPEST_DECODED and _depth(body) > _DEEPEST_DECODED:
        _check_syntax(body)
        text, start = _cut_down(text[start:]), 0
    try:
        value, _ = _decoder.raw_decode(text, start)
    except ValueError:
        _check_syntax(body)
        raise AssertionError("the decoder and the scanner disagree") from None
    if type(value) is not tuple and value is not None:
        _check_syntax(body)  # of an incomplete number, the decoder accepts the complete part
    return value


def _check_syntax(body: bytes) -> None:
    error = syntax_error(body)
    try:
        if error is not None:
            raise error
    finally:
        del (
            error
        )  # else it and this frame, to which its traceback refers, would wait for the garbage collector


def _depth(body: bytes) -> int:
    """An upper bound for the depth of the first value in `body`: ignored bytes after it may nest deeper."""
    brackets = _STRINGS.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _cut_down(text: str) -> str:
    """The well-formed first value of `text`, with arrays and objects emptied below the levels that are looked at."""
    if not text.startswith(("[", "{")):
        return text
    parts = []
    depth = at = 0
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth == _DEEPEST_LOOKED_AT:
                parts.append(text[at : match.end()])
        elif mark in "]}":
            if depth == _DEEPEST_LOOKED_AT:
                at = match.start()
            depth -= 1
            if depth == 0:
                parts.append(text[at : match.end()])
                break
    return "".join(parts)


def _end_of_space(text: str) -> int:
    match = _skip_space(text)
    assert match is not None
    return match.end()


# Binding: plain values to fields.


class _Array:
    """A slice as in Go: a second array under the same key reuses the memory of the first."""

    __slots__ = ("length", "memory")

    def __init__(self) -> None:
        self.memory: list[Any] = []
        self.length = 0

    def items(self) -> list[Any]:
        return self.memory[: self.length]


Errors = list[str]
"""Type errors do not stop binding; the first is raised at the end."""

_Reader = Callable[[Any, Any, str, Errors], Any]
"""Takes a JSON value, the field's current value, the field's name in messages, and the errors so far.

Returns the field's new value.
"""

_ONLY_DIGITS = re.compile(r"-?[0-9]+").fullmatch
_INT64 = 2**63
# Half a step above the greatest single-precision number, and half the smallest: beyond, Go rounds to infinity or 0.
_OVERFLOW = Decimal(2**128 - 2**103)
_UNDERFLOW = Decimal(2.0**-150)
# Go reads only the first five digits of an exponent. A number with absurdly many digits is cut off, and one that is 0
# in single precision becomes 0, so that neither is expensive to store or show.
_parts_of_number = re.compile(r"([^eE]*+)[eE]?([+-]?)0*+([0-9]{0,5})").match
_LONGEST_EXACT = 1000
_cut_off = Context(prec=_LONGEST_EXACT, rounding=ROUND_DOWN, Emin=MIN_EMIN, Emax=MAX_EMAX).create_decimal


def _text(value: Any, held: Any, place: str, errors: Errors) -> Any:
    """A pointer to a string."""
    if type(value) is str or value is None:
        return value
    _note(errors, _kind(value), place, "string")
    return held


def _string_of(go_type: str) -> _Reader:
    """A string; null leaves the field unchanged."""

    def read(value: Any, held: Any, place: str, errors: Errors) -> Any:
        if type(value) is str:
            return value
        if value is not None:
            _note(errors, _kind(value), place, go_type)
        return held

    return read


def _bool(value: Any, held: Any, place: str, errors: Errors) -> Any:
    """A pointer to a boolean."""
    if type(value) is bool or value is None:
        return value
    _note(errors, _kind(value), place, "bool")
    return held


def _date(value: Any, _held: Any, place: str, _errors: Errors) -> WireDate | None:
    """A pointer to a date-time. An error in one stops binding."""
    if value is None:
        return None
    if type(value) is not str:
        raise bad_request(_type_error(value, place, "string"))
    return dates.parse(value)


def _int64(value: Any, held: Any, place: str, errors: Errors) -> Any:
    if value is None:
        return held
    if type(value) is not _Number:
        _note(errors, _kind(value), place, "int64")
        return held
    if _ONLY_DIGITS(value) and len(value) <= 20 and -_INT64 <= (number := int(value)) < _INT64:
        return number
    _note(errors, f"number {value}", place, "int64")
    return held


def _float32(value: Any, held: Any, place: str, errors: Errors) -> Any:
    """A number in its full precision, if it is within the range of Go's single precision."""
    if value is None:
        return held
    if type(value) is not _Number:
        _note(errors, _kind(value), place, "float32")
        return held
    number = _decimal(value)
    if number.copy_abs() < _OVERFLOW:
        return number
    _note(errors, f"number {value}", place, "float32")
    return held


def _float32_pointer(value: Any, held: Any, place: str, errors: Errors) -> Any:
    return None if value is None else _float32(value, held, place, errors)


def _decimal(text: str) -> Decimal:
    """Convert `text` to a number."""
    if len(text) > _LONGEST_EXACT or "e" in text or "E" in text:
        parts = _parts_of_number(text)
        assert parts is not None
        number = _cut_off(f"{parts[1]}e{parts[2]}{parts[3] or 0}")
    else:
        number = Decimal(text)
    return Decimal(0).copy_sign(number) if number.copy_abs() <= _UNDERFLOW else number


def _array_of(element_type: str, read: _Reader, zero: Any, *, pointers: bool = False) -> _Reader:
    """A slice. A new element starts as `zero`."""
    go_type = ("[]*" if pointers else "[]") + element_type

    def read_array(value: Any, held: Any, place: str, errors: Errors) -> Any:
        if value is None:
            return None
        if type(value) is not list:
            _note(errors, _kind(value), place, go_type)
            return held
        array = held if held is not None and value else _Array()
        memory = array.memory
        for index, element in enumerate(value):
            if index == len(memory):
                memory.append(zero)
            memory[index] = read(element, memory[index], place, errors)
        array.length = len(value)
        return array

    return read_array


def _attachment(value: Any, held: Any, place: str, errors: Errors) -> Any:
    """A pointer to an attachment, as its values by field. A second object is merged into the first."""
    if value is None:
        return None
    if type(value) is not tuple:
        _note(errors, _kind(value), place, "models.AttachmentRequest")
        return held
    fields = {} if held is None else held
    for key, item in value:
        field = _ATTACHMENT.get(key) or _ATTACHMENT.get(_folded(key))
        if field is not None:
            fields[field.name] = field.read(item, fields.get(field.name), field.place, errors)
    return fields


class _Field(Struct, frozen=True):
    """A field of a struct."""

    name: str
    place: str
    """Its name in messages."""
    read: _Reader


_Fields = Mapping[str, _Field]
"""A struct's fields, by name."""


def _struct(place: str, readers: Mapping[str, _Reader]) -> _Fields:
    return {name: _Field(name, f"{place}.{name}", read) for name, read in readers.items()}


_ATTACHMENT = _struct(
    "AttachmentRequest.attachments",
    {"description": _text, "text": _text, "title": _text, "type": _string_of("string"), "url": _text},
)
_strings = _array_of("string", _string_of("string"), "")
_attachments = _array_of("models.AttachmentRequest", _attachment, None, pointers=True)
_ASSIGNMENT = _struct(
    "AssignmentRequest",
    {
        "assignee_ids": _strings,
        "assignee_mode": _string_of("models.AssigneeMode"),
        "attachments": _attachments,
        "description": _text,
        "description_plaintext": _text,
        "display_date": _date,
        "due_date": _date,
        "end_date": _date,
        "grading_type": _string_of("models.GradingType"),
        "max_attempts": _int64,
        "points_possible": _float32_pointer,
        "start_date": _date,
        "submission_types": _array_of("models.SubmissionType", _string_of("models.SubmissionType"), ""),
        "term_id": _text,
        "title": _text,
    },
)
_SUBMISSION = _struct(
    "SubmissionRequest",
    {
        "attachments": _attachments,
        "extra_attempts": _int64,
        "flags": _array_of("models.SubmissionFlag", _string_of("models.SubmissionFlag"), ""),
        "grade": _text,
        "grade_comment": _text,
        "grade_points": _float32,
        "grader_id": _text,
        "override_due_date": _date,
        "state": _string_of("models.SubmissionState"),
    },
)
_DEEP_LINK = _struct(
    "DeepLinkRequest",
    {"activity": _text, "description": _text, "points_possible": _float32_pointer, "title": _text},
)
_LAUNCH_ADDRESS = _struct("LaunchAddressRequest", {"url": _text})
_WEBHOOK = _struct("WebhookRequest", {"disabled": _bool, "events": _strings, "fetch": _bool, "url": _text})


def _bind(value: Any, struct: str, fields: _Fields, make: Callable[..., T]) -> T:
    if value is None:
        return make()
    if type(value) is not tuple:
        raise bad_request(f"json: cannot unmarshal {_kind(value)} into Go value of type models.{struct}")
    values: dict[str, Any] = {}
    unknown: dict[str, None] = {}
    errors: Errors = []
    for key, item in value:
        field = fields.get(key) or fields.get(_folded(key))
        if field is None:
            unknown[key] = None
        else:
            values[field.name] = field.read(item, values.get(field.name), field.place, errors)
    if errors:
        raise bad_request(errors[0])
    for name, held in values.items():
        if type(held) is _Array:
            values[name] = tuple(
                map(_attachment_request, held.items()) if name == "attachments" else held.items()
            )
    return make(**values, unknown_fields=tuple(unknown))


def _submission_item(value: Any) -> SubmissionItem:
    """Decode one part: a submission with a `user_id`."""
    user_id: Any = ""
    rest = value
    if type(value) is tuple:
        for key, item in value:
            if _folded(key) == "user_id":
                user_id = item
        rest = tuple(pair for pair in value if _folded(pair[0]) != "user_id")
    if type(user_id) is not str:
        wrong = 'user_id in path must be of type mongo-id: ""'
        if user_id is not None:
            wrong = _type_error(user_id, "SubmissionRequest.user_id", "string")
        return SubmissionItem("", None, bad_request(wrong))
    try:
        return SubmissionItem(user_id, _bind(rest, "SubmissionRequest", _SUBMISSION, SubmissionRequest))
    except Refusal as refusal:
        return SubmissionItem(user_id, None, refusal)


def _attachment_request(fields: dict[str, Any] | None) -> AttachmentRequest | None:
    return None if fields is None else AttachmentRequest(**fields)


def _folded(key: str) -> str:
    """`key` in lower case. Two letters outside of ASCII fold into it: the Kelvin sign and the long s."""
    return key.lower().replace("\u017f", "s")


_KINDS = {str: "string", _Number: "number", bool: "bool", list: "array", tuple: "object"}


def _kind(value: Any) -> str:
    return _KINDS[type(value)]


def _type_error(value: Any, place: str, go_type: str) -> str:
    return _unmarshal_error(_kind(value), place, go_type)


def _note(errors: Errors, what: str, place: str, go_type: str) -> None:
    """Note the first error; later ones are never reported."""
    if not errors:
        errors.append(_unmarshal_error(what, place, go_type))


def _unmarshal_error(what: str, place: str, go_type: str) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {place} of type {go_type}"
