"""Bodies as almost all clients send them, read in one step.

`decode` reads whatever Go would read, and refuses the rest in Go's words. Almost every body is simpler than that: each
key is spelt as documented and comes once, each value is of its type, none is null, and nothing follows. A typed decoder
reads such a body in half of the time. Of any other it says nothing, so that it decides nothing either: a property test
holds the two to the same requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import astuple, fields

from passback.wire import dates
from passback.wire.errors import Refusal
from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest, WireDate

T = TypeVar("T", bound=Struct)


class _Unusual(ValueError):
    """A value that must be read as Go would."""


_is_short_number = re.compile(rb"-?[0-9]{1,20}(?:\.[0-9]{1,20})?").fullmatch


def _number(raw: Raw) -> Decimal:
    if not _is_short_number(raw):
        raise _Unusual
    number = Decimal(bytes(raw).decode())
    return number or Decimal(0).copy_sign(number)


def _attachments(typed: Sequence[Struct]) -> tuple[AttachmentRequest, ...]:
    return tuple(AttachmentRequest(*astuple(it)) for it in typed)


def _typed(request: type[Struct]) -> type[Struct]:
    """`request` as JSON has it, without null and unknown keys."""
    known = [(it.name, _READ[it.type][0], None) for it in fields(request) if it.name != "unknown_fields"]
    return msgspec.defstruct(f"Usual{request.__name__}", known, forbid_unknown_fields=True)


_READ: dict[Any, tuple[Any, Callable[[Any], Any] | None]] = {
    bool | None: (bool, None),
    int | None: (Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)], None),
    str | None: (str, None),
    tuple[str, ...] | None: (tuple[str, ...], None),
    Decimal | None: (Raw, _number),
    WireDate | None: (str, dates.parse),
}
"""By the type of a field: its type in JSON, and how the value is read further, if it is."""
_READ[tuple[AttachmentRequest | None, ...] | None] = tuple[_typed(AttachmentRequest), ...], _attachments  # type: ignore[misc]


class Form(Generic[T]):
    """A request whose usual bodies are read."""

    def __init__(self, make: type[T]) -> None:
        self._make = make
        self._decode = msgspec.json.Decoder(_typed(make)).decode
        self._further = tuple(
            (at, f'"{it.name}"'.encode(), read)
            for at, it in enumerate(fields(make))
            if it.name != "unknown_fields" and (read := _READ[it.type][1]) is not None
        )

    def read(self, body: bytes) -> T | None:
        """The request in `body`; None if it must be read as Go would."""
        if b"\\u" in body:  # a key may be spelt so
            return None
        try:
            values = list(astuple(self._decode(body)))
            for at, key, read in self._further:
                if values[at] is not None:
                    if body.count(key) > 1:  # what is wrong with the first of two would be overlooked
                        return None
                    values[at] = read(values[at])
        except (msgspec.DecodeError, UnicodeDecodeError, Refusal, _Unusual):
            return None
        return self._make(*values)


ASSIGNMENT = Form(AssignmentRequest)
SUBMISSION = Form(SubmissionRequest)
