"""What the classes of the suite share."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

import pytest

from passback.domain.submission import Submission
from passback.lms.interface import (
    Connector,
    Gone,
    Unsupported,
)
from passback.lms.verified import Verified
from passback.testing.lms import Lms
from passback_simulators.request import Request


def gone(lms: Lms, action: Coroutine[Any, Any, Any]) -> str:
    """Return what is `Gone` when this is done; fail if nothing is."""
    with pytest.raises(Gone) as caught:
        lms.run(action)
    return caught.value.thing


def read(lms: Lms, assignment: str, student: str) -> Submission | None:
    """Return a student's submission; None if they have none."""
    return lms.run(lms.connector.read_submissions(lms.section, assignment, [student])).get(student)


def refused_as_unsupported(lms: Lms, what: str, assignment: str, student: str, **fields: Any) -> bool:
    """Whether this LMS has no way to do it, and says so without doing anything."""
    if what not in lms.unsupported:
        return False
    before = read(lms, assignment, student)
    with pytest.raises(Unsupported):
        lms.grade(assignment, student, **fields)
    assert read(lms, assignment, student) == before
    return True


@contextlib.contextmanager
def verified(lms: Lms) -> Iterator[Connector]:
    """Open another connector, as the registry opens it."""
    assert lms.connection is not None
    with lms.another() as connector:
        yield Verified(connector, lms.connection.timer, lms.clock)


def is_for_token(request: Request) -> bool:
    """Whether it asks for an access token: by the convention that such paths end with ``/token``."""
    return request.path.endswith("/token")


def writes(requests: Iterable[str]) -> list[str]:
    """Return those of some requests, named by method and path, that may change something: no reads, and none for a token."""
    return [it for it in requests if not it.startswith("GET") and "/token" not in it]
