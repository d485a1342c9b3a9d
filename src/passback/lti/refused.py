"""Why a launch goes no further."""

from __future__ import annotations

from typing import Literal

Why = Literal["untrusted", "other_browser", "declined", "unknown", "no_keys", "unusable"]
"""What was not as it must be: what the LMS says (it is forged, old, or was used before); the browser (it is not the one
that began, or keeps nothing); that the LMS says who comes; that LMS, deployment and application are known; that the
LMS's keys can be read; anything else."""


class Refused(Exception):
    """The launch is refused. The text is for the person who sees it: what is wrong, and what to do; no secret."""

    def __init__(self, text: str, *, status: int = 400, why: Why = "unusable") -> None:
        super().__init__(text)
        self.status = status
        self.why: Why = why
