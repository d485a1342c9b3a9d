"""From which state of a submission to which it can go (contract: Submissions)."""

from __future__ import annotations

from passback.domain.submission import TRANSITIONS
from passback.lms.interface import Refused


def is_transition(state: str, wanted: str | None) -> bool:
    """Whether `wanted` is another state than the submission is in. Raises `Refused` where it cannot go there."""
    if wanted is None or wanted == state:
        return False
    if wanted not in TRANSITIONS[state]:
        raise Refused("INVALID_STATE", f"a submission cannot go from {state} to {wanted}")
    return True
