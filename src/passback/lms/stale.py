"""Changes that may have come out wrong only because of what was remembered of the assignment."""

from __future__ import annotations

from collections.abc import Sequence

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import LmsError, Unavailable


class Stale(Unavailable):
    """What is remembered of the section or the assignment may be what makes this fail: it is to be read again."""

    def __init__(self) -> None:
        super().__init__("what is remembered is no longer so", in_doubt=True, retry_after=1)


def to_repeat(
    changes: Sequence[tuple[str, SubmissionFields]], outcomes: Sequence[Submission | LmsError]
) -> list[int]:
    """Return the positions of the changes that are `Stale`, and of those of the same student that followed them."""
    first: dict[str, int] = {}
    for at, ((student, _), outcome) in enumerate(zip(changes, outcomes, strict=True)):
        if isinstance(outcome, Stale):
            first.setdefault(student, at)
    return [at for at, (student, _) in enumerate(changes) if at >= first.get(student, len(changes))]
