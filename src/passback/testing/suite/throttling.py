"""An LMS that gets too many requests."""

from __future__ import annotations

import pytest
from uuid_utils import uuid7

from passback.domain.assignment import Assignment
from passback.lms.interface import Unavailable
from passback.testing.lms import ESSAY, Lms

PATIENCE = 25.0
"""For how many seconds a connector tries here, as in the gateway."""


def create_in_time(lms: Lms) -> tuple[Assignment, float]:
    """Create an assignment; how many seconds that took, of the connector's time."""
    assert lms.connection is not None
    timer = lms.connection.timer
    began = timer.seconds()
    with lms.another(patience=PATIENCE) as connector:
        made = lms.run(connector.create_assignment(lms.section, ESSAY, str(uuid7())))
    return made, timer.seconds() - began


def creates_sent(lms: Lms) -> int:
    """How many requests to create something were sent since the requests were last asked for."""
    return sum(call.startswith("POST ") and call.endswith(lms.collection) for call in lms.calls())


class Throttling:
    """How a connector waits if it is too much for the LMS. Needs a simulator that fails on request."""

    def test_a_throttled_create_is_sent_again_after_the_wait(self, lms: Lms) -> None:
        lms.failing.ask_to_wait("7")
        lms.failing.fail("throttled", **lms.creates)
        lms.calls()
        _, took = create_in_time(lms)
        assert 7 <= took < 9
        assert creates_sent(lms) == 2

    def test_a_wait_past_our_patience_is_told_and_nothing_is_in_doubt(self, lms: Lms) -> None:
        lms.failing.ask_to_wait("120")
        lms.failing.fail("throttled", times=None)
        with pytest.raises(Unavailable) as caught:
            create_in_time(lms)
        assert not caught.value.in_doubt
        assert 110 <= (caught.value.retry_after or 0) <= 130
