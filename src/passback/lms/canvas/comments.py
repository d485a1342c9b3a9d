"""Which of a submission's comments is which delivery's: Canvas adds one each time, and has no place for a mark.

A submission's note keeps which equal comments were there before a delivery was first tried, and which comment each
delivery turned out to have left. So a comment whose answer was lost is found, and the same words said again are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.toolkit.json_fields import Json, as_objects, instant, integer, text

if TYPE_CHECKING:
    from passback.domain.submission import SubmissionFields
    from passback.lms.notes import Note

_TRIED = "comments_before"
"""By delivery that was tried: the ids of the comments that are not its own."""
_LEFT = "comments_of"
"""By comment: the delivery that left it."""
NOBODY = ""
"""In place of a delivery: its comment came with something that was refused, and is that of who says it next."""
_MOST_TRIED = 20
"""How many deliveries that may have failed for good a note remembers."""


def newest_comment(answer: Json, student: str) -> str | None:
    """The newest comment that is not the student's own."""
    comments = _comments(answer, student)
    newest = max(
        comments, key=lambda it: (text(it, "created_at") or "", integer(it, "id") or 0), default=None
    )
    return None if newest is None else text(newest, "comment")


def has_comment(answer: Json, student: str, fields: SubmissionFields) -> bool:
    """Whether the comment that `fields` give is there already.

    Without a mark, it is if it is the newest, or from an earlier try.
    """
    if fields.comment_others is not None:
        return _own(answer, student, fields) is not None
    if _same_words(newest_comment(answer, student), fields.grade_comment):
        return True
    since = fields.comment_since
    return since is not None and any(
        (instant(it, "created_at") or 0) >= since for it in _equal(answer, student, fields)
    )


def left_comment(answer: Json, student: str, fields: SubmissionFields) -> str | None:
    """The comment that a change has left, though somebody may have said more since; else the newest."""
    others = fields.comment_others or ()
    own = [text(it, "comment") for it in _equal(answer, student, fields) if text(it, "id") not in others]
    return own[-1] if fields.grade_comment and own else newest_comment(answer, student)


def has_more_comments(answer: Json, before: Json) -> bool:
    """Whether there are more comments than before."""
    now, then = (len(as_objects(it.get("submission_comments"))) for it in (answer, before))
    return now > then


def others(note: Note, before: Json, student: str, fields: SubmissionFields) -> frozenset[str]:
    """The comments of equal words that are not what the delivery, or one that it repeats, has left.

    If none of them is noted as tried, none has sent its comment yet, unless that was after the backup that the note is
    of.
    """
    marks = (*(fields.comment_marks or ()), NOBODY)
    left: Note = note.get(_LEFT, {})
    before_tries: Note = note.get(_TRIED, {})
    by_others = frozenset(comment for comment, mark in left.items() if mark not in marks)
    for mark in marks:
        if mark in before_tries:
            return frozenset(it for it in before_tries[mark] if left.get(it) != NOBODY) | by_others
    since = fields.comment_forgotten
    return by_others | {
        text(it, "id") or ""
        for it in _equal(before, student, fields)
        if left.get(text(it, "id") or "") not in marks
        and (since is None or (instant(it, "created_at") or 0) < since)
    }


def tried(note: Note, fields: SubmissionFields) -> Note:
    """The note before a comment is sent: with the comments that are not its own."""
    assert fields.comment_marks
    assert fields.comment_others is not None
    mark = fields.comment_marks[0]
    before = {name: ids for name, ids in note.get(_TRIED, {}).items() if name != mark}
    kept = [*before.items()][1 - _MOST_TRIED :]
    return {**note, _TRIED: {**dict(kept), mark: sorted(fields.comment_others)}}


def settled(note: Note, answer: Json, student: str, fields: SubmissionFields) -> Note:
    """The note once the comment is there: with which one it is.

    It stays that of a delivery that has repeated this one meanwhile, for a process that was only stopped.
    """
    if fields.comment_others is None or (own := _own(answer, student, fields)) is None:
        return note
    marks = fields.comment_marks or ()
    there = {text(it, "id") for it in _comments(answer, student)}
    left = {comment: mark for comment, mark in note.get(_LEFT, {}).items() if comment in there}
    if left.get(own, NOBODY) not in (*marks, NOBODY):
        return note
    waiting = {mark: ids for mark, ids in note.get(_TRIED, {}).items() if mark not in marks}
    rest = {name: value for name, value in note.items() if name != _TRIED}
    return {**rest, _LEFT: {**left, own: marks[0]}, **({_TRIED: waiting} if waiting else {})}


def _own(answer: Json, student: str, fields: SubmissionFields) -> str | None:
    """The comment of the delivery that `fields` are of: the first of equal words that is no other's."""
    ids = [text(it, "id") or "" for it in _equal(answer, student, fields)]
    return next((it for it in ids if it not in (fields.comment_others or ())), None)


def _equal(answer: Json, student: str, fields: SubmissionFields) -> list[Json]:
    """The comments with the words of `fields`."""
    return [it for it in _comments(answer, student) if _same_words(text(it, "comment"), fields.grade_comment)]


def _same_words(one: str | None, other: str | None) -> bool:
    """Whether two comments differ at most in blanks, which are trimmed on the way."""
    return (one or "").split() == (other or "").split()


def _comments(answer: Json, student: str) -> list[Json]:
    return [it for it in as_objects(answer.get("submission_comments")) if text(it, "author_id") != student]
