"""Our rules on the values of a request, after its form was found valid and before anything is looked up.

They are the seventh step of the contract's order of checks. Each raises `Refusal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from passback.delivery.assignments import check_date_order
from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.submission import SubmissionFields, unstorable
from passback.wire import errors
from passback.wire.validate import check_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.domain.clock import Instant
    from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest, WireDate

_MOST_UNKNOWN_NAMED = 16  # more would not fit in the headers that clients read
_DATES = ("display_date", "due_date", "end_date", "start_date")


def new_assignment(request: AssignmentRequest, now: Instant) -> AssignmentFields:
    """What a valid request for a new assignment asks for; its assignees are still our own user ids."""
    required = {
        "title": not request.title,
        "description": request.description is None,
        "due_date": _not_given(request.due_date),
    }
    if missing := [name for name, absent in required.items() if absent]:
        raise errors.missing_fields(missing)
    if request.due_date is not None and request.due_date.instant <= now:
        raise errors.due_date_not_in_future()
    return _assignment(request)


def changed_assignment(request: AssignmentRequest, now: Instant) -> AssignmentFields:
    """What a valid request to change an assignment asks for; its assignees are still our own user ids."""
    due = request.due_date
    if due is not None and not _not_given(due) and due.instant <= now:
        raise errors.due_date_moved_to_past(due.sent)
    return _assignment(request)


def changed_submission(request: SubmissionRequest) -> SubmissionFields:
    """What a valid request to change a submission asks for; its grader is still our own user id."""
    check_numbers(request)
    points = _number(request.grade_points)
    fields = SubmissionFields(
        attachments=_attachments(request.attachments, text_allowed=True),
        extra_attempts=request.extra_attempts,
        flags=None if request.flags is None else frozenset(request.flags),
        # Beside points, an empty text says nothing: it is the zero value of clients that send every field.
        grade=None if request.grade == "" and points is not None else request.grade,
        grade_comment=request.grade_comment,
        grade_points=points,
        grader_id=request.grader_id,
        override_due_date=_instant(request.override_due_date),
        state=request.state or None,
    )
    _check_texts(fields)
    return fields


def warnings(request: AssignmentRequest | SubmissionRequest) -> tuple[str, ...]:
    """The codes of what in the request was ignored or changed."""
    codes = unknown_fields(request.unknown_fields)
    if any(not date.zoned for date in _dates(request)):
        return (*codes, "DATETIME_MISSING_TIMEZONE")
    return codes


def unknown_fields(names: tuple[str, ...]) -> tuple[str, ...]:
    """The codes of fields that the API does not have."""
    return tuple(f"UNKNOWN_FIELD:{quote(name[:64], safe='')}" for name in names[:_MOST_UNKNOWN_NAMED])


def _assignment(request: AssignmentRequest) -> AssignmentFields:
    check_numbers(request)
    fields = AssignmentFields(
        title=request.title,
        description=request.description,
        description_plaintext=request.description_plaintext,
        points_possible=_number(request.points_possible),
        grading_type=request.grading_type or None,
        submission_types=request.submission_types,
        due_date=_instant(request.due_date),
        start_date=_instant(request.start_date),
        display_date=_instant(request.display_date),
        end_date=_instant(request.end_date),
        max_attempts=request.max_attempts,
        assignee_mode=request.assignee_mode or None,
        assignee_ids=request.assignee_ids,
        attachments=_attachments(request.attachments, text_allowed=False),
        term_id=request.term_id,
    )
    _check_texts(fields)
    check_date_order(fields.start_date, fields.display_date, fields.due_date, fields.end_date)
    return fields


def _attachments(
    requests: tuple[AttachmentRequest | None, ...] | None, *, text_allowed: bool
) -> tuple[Attachment, ...] | None:
    if requests is None:
        return None
    return tuple(
        _attachment(index, request, text_allowed=text_allowed)
        for index, request in enumerate(requests)
        if request is not None
    )


def _attachment(index: int, request: AttachmentRequest, *, text_allowed: bool) -> Attachment:
    """The attachment that is asked for. Without a type it is a file, or a text if it has only that."""
    kind = request.type or ("text" if request.text is not None and request.url is None else "file")
    if kind == "text":
        if not text_allowed:
            raise _invalid_attachment(index, "a text belongs to a submission, not to an assignment")
        if request.text is None:
            raise _invalid_attachment(index, "a text needs its text")
    elif not _is_web_address(request.url):
        raise _invalid_attachment(index, f"a {kind} needs a url that begins with http:// or https://")
    return Attachment(
        type=kind, url=request.url, text=request.text, title=request.title, description=request.description
    )


def _is_web_address(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _invalid_attachment(index: int, reason: str) -> errors.Refusal:
    return errors.bad_request(f"INVALID_ATTACHMENT: attachments.{index}: {reason}")


def _dates(request: AssignmentRequest | SubmissionRequest) -> Iterable[WireDate]:
    names = ("override_due_date",) if hasattr(request, "override_due_date") else _DATES
    return (date for name in names if (date := getattr(request, name)) is not None and date.sent)


def _check_texts(fields: AssignmentFields | SubmissionFields) -> None:
    if (name := unstorable(fields)) is not None:
        raise errors.bad_request(f"INVALID_TEXT: {name} must not hold the character U+0000")


def _number(given: Decimal | None) -> Decimal | None:
    """A number as it is meant: -0 is 0."""
    return Decimal(0) if given is not None and not given else given


def _instant(date: WireDate | None) -> Instant | None:
    return None if date is None or _not_given(date) else date.instant


def _not_given(date: WireDate | None) -> bool:
    """An empty date counts as not given; the decoder alone would read it as 1970."""
    return date is None or date.sent == ""
