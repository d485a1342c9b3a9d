"""Which states of a submission can follow each other (contract: Submissions)."""

from __future__ import annotations

from passback.domain.submission import TRANSITIONS
from passback.lms.interface import RefusedByLms


def is_transition(state: str, wanted: str | None) -> bool:
    """Whether a submission in `state` has to change to be `wanted` (None: no state is asked for).

    Raises `RefusedByLms` if the submission cannot go from the one to the other.
    """
    if wanted is None or wanted == state:
        return False
    if wanted not in TRANSITIONS[state]:
        raise RefusedByLms("INVALID_STATE", f"a submission cannot go from {state} to {wanted}")
    return True
