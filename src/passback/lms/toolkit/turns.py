"""Changing many students' submissions at once, although one student may come several times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from passback.domain.submission import SubmissionFields


def turns(
    changes: Sequence[tuple[str, SubmissionFields]],
) -> list[list[tuple[int, str, SubmissionFields]]]:
    """Split changes (student and fields) into turns in which no student comes twice.

    Turn after turn, the changes of one student keep their order. Each is given with its position in `changes`.
    """
    found: list[list[tuple[int, str, SubmissionFields]]] = []
    seen: Counter[str] = Counter()
    for position, (student, fields) in enumerate(changes):
        if seen[student] == len(found):
            found.append([])
        found[seen[student]].append((position, student, fields))
        seen[student] += 1
    return found
