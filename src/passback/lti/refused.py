"""Why a launch goes no further."""

from __future__ import annotations


class Refused(Exception):
    """The launch is refused. The text is for the person who sees it: what is wrong, and what to do; no secret."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status
