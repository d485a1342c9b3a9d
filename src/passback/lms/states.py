"""The state that a change asks for, apart from that in which its client found the work."""

from __future__ import annotations

from passback.domain.submission import SubmissionFields

NEEDS_GRADE = "returns work only with a grade, and what was handed in since only with another"
"""What is said of work that cannot be returned so, after the LMS's name."""


def asked_state(fields: SubmissionFields, state: str, *, other_work: bool) -> str | None:
    """Return the state to which a change moves work that is in `state`; None if it is to stay.

    Beside a grade, an earlier state than ``returned`` only says where work was, and so does ``created`` beside work,
    unless `other_work` comes with it: clients send back what they have read. If they ask again because an answer was
    lost, the work may have been handed in or returned meanwhile, and must not be handed in again.
    """
    if fields.state == "created":
        stays = fields.gives_grade or bool(fields.attachments)
    else:
        stays = fields.gives_grade and state == "returned" and fields.state in ("submitted", "reclaimed")
    return None if stays and not other_work else fields.state
