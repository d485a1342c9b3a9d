"""Changes that may have come out wrong only because of what was remembered of the assignment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import LmsError, Unavailable


class Stale(Unavailable):
    """What is remembered of the section or the assignment may be what makes this fail: it is to be read again."""

    def __init__(self) -> None:
        super().__init__("what is remembered is no longer so", in_doubt=True, retry_after=1)


async def made_afresh(
    changes: Sequence[tuple[str, SubmissionFields]],
    outcomes: list[Submission | LmsError],
    update: Callable[[Sequence[tuple[str, SubmissionFields]]], Awaitable[Sequence[Submission | LmsError]]],
) -> list[Submission | LmsError]:
    """Return the outcomes after `update`, which reads all again, has made those changes again that are `Stale`.

    And those of the same students that followed them: each student's are made in order.
    """
    first: dict[str, int] = {}
    for at, ((student, _), outcome) in enumerate(zip(changes, outcomes, strict=True)):
        if isinstance(outcome, Stale):
            first.setdefault(student, at)
    again = [at for at, (student, _) in enumerate(changes) if at >= first.get(student, len(changes))]
    if not again:
        return outcomes
    found: Sequence[Submission | LmsError]
    try:
        found = await update([changes[at] for at in again])
    except LmsError as error:
        found = [error] * len(again)
    renewed = dict(zip(again, found, strict=True))
    return [renewed.get(at, outcome) for at, outcome in enumerate(outcomes)]
